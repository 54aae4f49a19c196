"""MediaAgents: online or not.

GET /V4/mediaAgent knows maintenance mode; GET /V2/MediaAgents is there on every release and does not. The call
/MediaAgent without V2 lists names alone, and a name is no sign of life.
"""

from __future__ import annotations

from typing import Any

from exporter.errors import reading
from exporter.http import dig
from exporter.model import MediaAgent, Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, identity, name, number, part, rows, text

V4 = "GET /V4/mediaAgent"
V2 = "GET /V2/MediaAgents"

# (online, maintenance); whether an agent under maintenance is up is not told.
_V4_STATES: dict[str, tuple[bool | None, bool | None]] = {
    "ONLINE": (True, False),
    "OFFLINE": (False, False),
    "MAINTENANCE": (None, True),
}
_ONLINE = 1


def fetch(client: CommvaultClient, poll: Poll) -> tuple[MediaAgent, ...]:  # noqa: ARG001
    return client.first(
        {
            V4: lambda: parse(client.get("/V4/mediaAgent")),
            V2: lambda: parse_v2(client.get("/V2/MediaAgents")),
        }
    )


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
        version=text(part(part(row, "versionInfo"), "GalaxyRelease"), "ReleaseString"),
        os=text(part(part(row, "osInfo"), "OsDisplayInfo"), "OSName"),
    )
