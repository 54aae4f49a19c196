"""Events of the CommCell, counted once each since ebbtide first looked, across restarts.

GET /Events between the last poll and now. The span overlaps a little, because events are stored after their time; those
seen in the overlap are remembered by their ids, and those without a time as long as they are listed. What the first
poll finds happened before it and is not counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from exporter.errors import reading
from exporter.model import DAY, MINUTE, AlertCount, Poll, State
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, amount, identity, number, rows, text

ENDPOINT = "GET /Events"

SEVERITIES = {0: "info", 3: "minor", 6: "major", 9: "critical"}
OTHER = "other"
PRUNING_BACKLOG = "pruning_backlog"
_OVERLAP = 10 * MINUTE
# A longer outage loses events rather than ask for a month of them.
_LONGEST = 7 * DAY
_KEY = "events"


@dataclass
class _Memory:
    """until: unix seconds of the last poll; recent: ids of the events that the next one may list again."""

    until: float
    counts: dict[str, int] = field(default_factory=dict)
    recent: list[str] = field(default_factory=list)


def fetch(client: CommvaultClient, poll: Poll) -> tuple[AlertCount, ...]:
    before = _remembered(poll.state)
    memory = before or _Memory(poll.at)
    # The API counts in whole seconds; what is asked for and what is remembered must end at the same one.
    since = int(max(memory.until - _OVERLAP, poll.at - _LONGEST))
    payload = client.get("/Events", params={"fromTime": since, "toTime": int(poll.at)})
    found = parse(payload, client.pruning_backlog_event_codes)
    if before:
        known = set(memory.recent)
        new = Counter(
            "/".join(kind) for i, (at, kind) in found.items() if i not in known and (at is None or at >= since)
        )
        memory.counts = dict(Counter(memory.counts) + new)
    overlap = int(poll.at - _OVERLAP)
    memory.recent = [event_id for event_id, (at, _) in found.items() if at is None or at >= overlap]
    memory.until = poll.at
    poll.state.put(_KEY, json.dumps(asdict(memory)))
    return _counted(memory.counts)


def parse(payload: Any, backlog_codes: tuple[str, ...] = ()) -> dict[str, tuple[float | None, tuple[str, str]]]:
    """(time or None, (severity, criterion)) by event id; criterion is "" but for the codes of a pruning backlog."""
    with reading(ENDPOINT):
        return {
            identity(row, "id"): (amount(row, "timeSource") or None, _kind(row, backlog_codes))
            for row in rows(payload, "commservEvents", ENDPOINT)
        }


def _kind(row: Row, backlog_codes: tuple[str, ...]) -> tuple[str, str]:
    severity = number(row, "severity")
    word = SEVERITIES.get(int(severity), OTHER) if severity is not None else OTHER
    return word, PRUNING_BACKLOG if text(row, "eventCodeString") in backlog_codes else ""


def _counted(counts: Mapping[str, int]) -> tuple[AlertCount, ...]:
    """Every severity from the start, since a counter that begins above 0 hides its first increase."""
    known = {f"{severity}/": 0 for severity in (*SEVERITIES.values(), OTHER)} | dict(counts)
    kinds = ((*key.partition("/")[::2], n) for key, n in sorted(known.items()))
    return tuple(AlertCount(severity=severity, criterion=criterion, count=n) for severity, criterion, n in kinds)


def _remembered(state: State) -> _Memory | None:
    remembered = state.get(_KEY)
    return _Memory(**json.loads(remembered)) if remembered else None
