"""MediaAgents: online or not.

GET /V4/mediaAgent knows maintenance mode; GET /V2/MediaAgents is there on every release and does not. The call
/MediaAgent without V2 lists names alone, and a name is no sign of life.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from exporter.errors import reading
from exporter.http import dig
from exporter.model import MediaAgent, Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, amount, identity, name, number, part, rows, text

V4 = "GET /V4/mediaAgent"
V2 = "GET /V2/MediaAgents"

# (online, maintenance); whether an agent under maintenance is up is not told.
_V4_STATES: dict[str, tuple[bool | None, bool | None]] = {
    "ONLINE": (True, False),
    "OFFLINE": (False, False),
    "MAINTENANCE": (None, True),
}
_ONLINE = 1
_OFFLINE = "media_agents.offline"


def fetch(client: CommvaultClient, poll: Poll) -> tuple[MediaAgent, ...]:
    agents = client.first(
        {
            V4: lambda: parse(client.get("/V4/mediaAgent")),
            V2: lambda: parse_v2(client.get("/V2/MediaAgents")),
        }
    )
    return _dated(agents, poll)


def parse(payload: Any) -> tuple[MediaAgent, ...]:
    listed = rows(payload, "mediaAgents", V4)
    with reading(V4):
        return tuple(_v4(row) for row in listed)


def parse_v2(payload: Any) -> tuple[MediaAgent, ...]:
    listed = rows(payload, "mediaAgentList", V2)
    with reading(V2):
        return tuple(_v2(row) for row in listed)


def _v4(row: Row) -> MediaAgent:
    online, maintenance = _V4_STATES.get(text(row, "status").upper(), (None, None))
    system = row.get("operatingSystem")
    return MediaAgent(
        id=identity(row, "id"),
        name=name(row, "name"),
        online=online,
        maintenance=maintenance,
        offline_reason=amount(row, "offlineReasonValue"),
        version=text(row, "version"),
        # A plain text up to 11.34.
        os=system if isinstance(system, str) else text(part(row, "operatingSystem"), "name"),
    )


def _v2(row: Row) -> MediaAgent:
    agent = dig(row, "mediaAgent", endpoint=V2, expect=dict)
    status = number(row, "status")
    return MediaAgent(
        id=identity(agent, "mediaAgentId"),
        name=name(agent, "mediaAgentName"),
        online=None if status is None else status == _ONLINE,
        offline_reason=amount(row, "offlineReason"),
        version=text(part(part(row, "versionInfo"), "GalaxyRelease"), "ReleaseString"),
        os=text(part(part(row, "osInfo"), "OsDisplayInfo"), "OSName"),
    )


def _dated(agents: tuple[MediaAgent, ...], poll: Poll) -> tuple[MediaAgent, ...]:
    """The agents with the poll that first saw them offline; State remembers it, the CommServe does not say."""
    before: dict[str, float] = json.loads(poll.state.get(_OFFLINE) or "{}")
    # An agent whose state is not told may still be down.
    since = {
        a.id: before.get(a.id, poll.at) for a in agents if a.online is False or (a.online is None and a.id in before)
    }
    if since != before:
        poll.state.put(_OFFLINE, json.dumps(since))
    return tuple(replace(a, offline_since=since.get(a.id) if a.online is False else None) for a in agents)
