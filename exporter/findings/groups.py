"""When what a business unit, an application, a source or a kind has is full: the forecast of sums of pools.

A sum is made of the pools that are there today, all the way back, and a pool counts with its first reading before it
had any: so one that joined or left does not look like growth or a mass delete.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from exporter.findings.config import GROUPINGS, ForecastSettings
from exporter.findings.forecasts import HISTORY_S, HOURLY_S, Asked, Past, forecast_all, pasts
from exporter.findings.names import GroupOf
from exporter.history import FloatArray, History
from exporter.model import DAY, HOUR, GroupForecast, Pool, State

# A pool without a reading for so long has left.
GONE_S = 3 * DAY
# A past begins when the pools that use this part of today's sum were known.
_KNOWN = 0.5
_DISKS = "disks"
# As rules/recording.yaml calls the sums.
_SUM = "group_by_group:ebbtide_pool_{}_bytes:{}"

# group_by, group
Name = tuple[str, str]


@dataclass
class _Sum:
    """A group in the making. used: (n,) bytes on the grid of moments; known: (first reading, newest value) of disks."""

    used: FloatArray
    capacity: float = 0.0
    pools: int = 0
    newest: float = -math.inf
    known: list[tuple[float, float]] = field(default_factory=list)
    disks: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, disk: tuple[str, ...], past: Past, used: FloatArray) -> None:
        self.pools += 1
        if disk in self.disks:
            return
        self.disks.add(disk)
        self.used += used
        self.capacity += past.capacity
        self.newest = max(self.newest, float(past.timestamps[-1]))
        self.known.append((float(past.timestamps[0]), float(past.used[-1])))

    def past(self, grid: FloatArray) -> Past:
        since, used = np.array(sorted(self.known)).T
        first = since[np.searchsorted(np.cumsum(used), _KNOWN * used.sum())]
        inside = (grid >= first) & (grid <= self.newest)
        return Past(grid[inside], self.used[inside], self.capacity, np.full(int(inside.sum()), self.capacity))


def remember_disks(pools: Iterable[Pool], state: State) -> None:
    """Which pools stand on one disk, for those who count later, when the source may not answer."""
    shared = json.dumps(sorted([p.kind, p.name, p.shared] for p in pools if p.shared))
    if shared != state.get(_DISKS):
        state.put(_DISKS, shared)


def forecast_groups(
    sources: Mapping[str, State],
    history: History,
    group_of: GroupOf,
    at: float,
    executor: Executor,
    settings: ForecastSettings,
) -> tuple[GroupForecast, ...]:
    """The groups of all sources, by what they are grouped by; a pool that belongs to none is in none.

    Raises HistoryError and WorkerError.
    """
    grid = _grid(at)
    sums: dict[Name, _Sum] = {}
    for source, state in sources.items():
        disks = {(kind, pool): shared for kind, pool, shared in json.loads(state.get(_DISKS) or "[]")}
        for (_, kind, pool), past in _oldest_first(pasts(history, {"source": source}, at), at):
            used = np.interp(grid, past.timestamps, past.used)
            shared = disks.get((kind, pool))
            disk = (source, kind, "disk", shared) if shared else (source, kind, "pool", pool)
            for name in _names(source, kind, pool, group_of, settings.group_by):
                sums.setdefault(name, _Sum(np.zeros(grid.size))).add(disk, past, used)
    found = {name: one.past(grid) for name, one in sums.items()}
    for name, past in _recorded(history, settings.group_by, at).items():
        if name not in found or past.timestamps[0] < found[name].timestamps[0] - DAY:
            found[name] = past
    names = sorted(found, key=lambda name: (GROUPINGS.index(name[0]), name[1]))
    asked = [_asked(name, found[name]) for name in names]
    forecasts = forecast_all(asked, at, executor, settings)
    return tuple(
        GroupForecast(
            group_by=name[0],
            group=name[1],
            pools=sums[name].pools if name in sums else None,
            used_bytes=float(found[name].used[-1]),
            capacity_bytes=found[name].capacity,
            forecast=forecast,
        )
        for name, forecast in zip(names, forecasts, strict=True)
    )


def _grid(at: float) -> FloatArray:
    """The moments at which `pasts` has values: hours counted back from `at`, and midnights before those."""
    middle = math.floor((at - HOURLY_S) / DAY) * DAY
    midnights = middle - np.arange(int(HISTORY_S // DAY), -1, -1) * DAY
    hours = at - np.arange(int((at - middle) // HOUR), -1, -1) * HOUR
    return np.concatenate([midnights, hours[hours > middle]])


def _oldest_first(
    known: Mapping[tuple[str, str, str], Past], at: float
) -> Iterator[tuple[tuple[str, str, str], Past]]:  # fmt: skip
    """Those that are still there; of pools on one disk the first is the one that counts."""
    there = {
        name: past
        for name, past in known.items()
        if past.timestamps.size and at - past.timestamps[-1] <= GONE_S and past.capacity > 0
    }
    yield from sorted(there.items(), key=lambda item: float(item[1].timestamps[0]))


def _names(source: str, kind: str, pool: str, group_of: GroupOf, group_by: Sequence[str]) -> Iterator[Name]:
    owner = group_of(source, pool)
    of = {"business_unit": owner.business_unit, "application": owner.application, "source": source, "kind": kind}
    yield from ((what, of[what]) for what in group_by if of[what])


def _asked(name: Name, past: Past) -> Asked:
    free = past.capacity - float(past.used[-1])
    return Asked(Pool(kind=name[0], name=name[1], capacity_bytes=past.capacity, free_bytes=free), *past[:2])


def _recorded(history: History, group_by: Sequence[str], at: float) -> dict[Name, Past]:
    """The sums that Prometheus recorded, which may reach further back than what they were made of.

    The newest sum less, day by day, what the disks changed that were there at both ends of the day. A day without
    that number changed by the difference of the sums.
    """
    by, older = ("group_by", "group"), at - HISTORY_S
    sums = history.ranges(_SUM.format("used", "sum"), {}, by, older, at, DAY)
    if not sums:
        return {}
    changes = history.ranges(_SUM.format("used", "delta1d"), {}, by, older, at, DAY)
    capacities = history.ranges(_SUM.format("capacity", "sum"), {}, by, at - GONE_S, at, HOUR)
    found: dict[Name, Past] = {}
    for name, used in sums.items():
        if name[0] not in group_by or name not in capacities or at - used.timestamps[-1] > GONE_S:
            continue
        steps = np.diff(used.values)
        if name in changes:
            told = changes[name]
            _, of_used, of_told = np.intersect1d(used.timestamps[1:], told.timestamps, return_indices=True)
            next_day = np.diff(used.timestamps)[of_used] < 1.5 * DAY
            steps[of_used[next_day]] = told.values[of_told[next_day]]
        level = used.values[-1] - np.append(np.cumsum(steps[::-1])[::-1], 0.0)
        level = np.maximum(level, 0.0)
        thin = np.flatnonzero(used.values < _KNOWN * level)
        begin = int(thin[-1]) + 1 if thin.size else 0
        capacity = float(capacities[name].values[-1])
        moments = used.timestamps[begin:]
        found[(name[0], name[1])] = Past(moments, level[begin:], capacity, np.full(moments.size, capacity))
    return found
