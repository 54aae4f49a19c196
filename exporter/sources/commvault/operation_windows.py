"""Times in which the CommCell must not do something, pruning above all.

GET /OperationWindow/OpWindowList?clientId=0, one call; that client 0 is the CommCell is inferred. Windows of single
MediaAgents, which stop pruning there too, would cost a call each and are not asked for.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from exporter.errors import SourceGarbled, reading
from exporter.model import OperationWindow, Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, amount, identity, name, number, rows

ENDPOINT = "GET /OperationWindow/OpWindowList"

_PRUNING = {131072, 1048576}
# First to fourth and last are the bits 0 to 4.
_WEEKS = range(5)
_ALL_WEEKS = 32


def fetch(client: CommvaultClient, poll: Poll) -> tuple[OperationWindow, ...]:  # noqa: ARG001
    return parse(client.get("/OperationWindow/OpWindowList", params={"clientId": 0}))


def parse(payload: Any) -> tuple[OperationWindow, ...]:
    with reading(ENDPOINT):
        return tuple(map(_window, rows(payload, "operationWindow", ENDPOINT)))


def _window(row: Row) -> OperationWindow:
    times = rows(row, "dayTime", ENDPOINT) if row.get("dayTime") else []
    return OperationWindow(
        id=identity(row, "ruleId"),
        name=name(row, "name"),
        blocks_pruning=not _PRUNING.isdisjoint(_numbers(row, "operations")),
        times=tuple(map(_time, times)),
        # 0 is no limit.
        starts_at=amount(row, "startDate") or None,
        ends_at=amount(row, "endDate") or None,
    )


def _time(row: Row) -> tuple[float, float, tuple[int, ...], tuple[int, ...]]:
    """Seconds of the day, days of the week with 0 Sunday (by the vendor's own client), and weeks of the month."""
    start, end = number(row, "startTime"), number(row, "endTime")
    if start is None or end is None:
        raise ValueError("startTime or endTime is missing")
    bits = reduce(or_, _numbers(row, "weekOfTheMonth"), 0)
    weeks = () if bits & _ALL_WEEKS else tuple(week + 1 for week in _WEEKS if bits >> week & 1)
    return start, end, _numbers(row, "dayOfWeek"), weeks


def _numbers(row: Row, field: str) -> tuple[int, ...]:
    listed = row.get(field)
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise SourceGarbled(f"{ENDPOINT}: {field} is of type {type(listed).__name__}")
    return tuple(int(number({field: each}, field) or 0) for each in listed)
