"""Steps of many series at once, from samples and from packed days: the one place that decides between the two.

A series is its samples as far back as it has any, and before them its days, each at the midnight it ends with.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np
import sqlalchemy as sa

from exporter.history import FloatArray, Of, Series, Steps
from exporter.history.days import DAY, DAYS_OF_BLOCK, Days, IntArray, day_of, unpack
from exporter.history.tables import blocks, samples, series

Part = TypeVar("Part")

# Ids in one query, which is how many parameters it has.
_AT_ONCE = 1000
# A series of two weeks may have 4,000 samples, which are large as long as they are Python's.
_SAMPLED_AT_ONCE = 100


def stepped(connection: sa.Connection, groups: Mapping[int, int], steps: Steps, of: Of) -> dict[int, Series]:
    """A Series for each group that has values; groups: the group of each series, by its id."""
    found = [(np.empty(0, np.int64), np.empty(0), np.empty(0))]
    for ids in in_parts(list(groups)):
        found.append(_of_days(connection, ids, steps, of))
        found += [_of_samples(connection, few, steps) for few in in_parts(ids, _SAMPLED_AT_ONCE)]
    of_series, numbers, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    known = np.array(sorted(groups), np.int64)
    group = np.array([groups[int(one)] for one in known], np.int64)[np.searchsorted(known, of_series)]
    return _grouped(group, numbers, values, steps, of)


def in_parts(ids: Sequence[Part], size: int = _AT_ONCE) -> Iterator[Sequence[Part]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def oldest_of(connection: sa.Connection, ids: Sequence[int]) -> dict[int, int]:
    """The moment of the oldest sample of each series that has one."""
    oldest = sa.select(sa.func.min(samples.c.at)).where(samples.c.series_id == series.c.id).scalar_subquery()
    query = sa.select(series.c.id, oldest.label("at")).where(series.c.id.in_(ids))
    return {row.id: row.at for row in connection.execute(query) if row.at is not None}


def days_of(connection: sa.Connection, ids: Sequence[int], first: int, last: int) -> tuple[IntArray, Days]:
    """(ids, days) of the series from day `first` to day `last`, in order; not those that still have samples."""
    of_block = (blocks.c.series_id.in_(ids), blocks.c.block.between(first // DAYS_OF_BLOCK, last // DAYS_OF_BLOCK))
    query = sa.select(blocks.c.series_id, blocks.c.days).where(*of_block).order_by(blocks.c.series_id, blocks.c.block)
    rows = connection.execute(query).all()
    packed = [unpack(row.days) for row in rows]
    if not packed:
        return np.empty(0, np.int64), unpack(b"")
    days = np.concatenate(packed)
    sizes = [part.size for part in packed]
    of_series = np.repeat(np.array([row.series_id for row in rows], np.int64), sizes)
    sampled = {one: day_of(at) for one, at in oldest_of(connection, ids).items()}
    until = np.repeat(np.array([sampled.get(row.series_id, last + 1) for row in rows], np.int64), sizes)
    wanted = (days["day"] >= first) & (days["day"] <= last) & (days["day"] < until)
    return of_series[wanted], days[wanted]


def _of_days(
    connection: sa.Connection, ids: Sequence[int], steps: Steps, of: Of
) -> tuple[IntArray, FloatArray, FloatArray]:
    of_series, days = days_of(connection, ids, day_of(steps.start) + 1, math.floor(steps.end / DAY) - 1)
    midnights = (days["day"] + 1.0) * DAY
    values = days[{"last": "close", "min": "low", "max": "high"}[of]]
    return of_series, (math.floor(steps.end) - midnights) // steps.seconds, values


def _of_samples(connection: sa.Connection, ids: Sequence[int], steps: Steps) -> tuple[IntArray, FloatArray, FloatArray]:
    end = math.floor(steps.end)
    # Not the best of each step by GROUP BY, for which SQLite and PostgreSQL sort.
    inside = (samples.c.series_id.in_(ids), samples.c.at > math.floor(steps.start), samples.c.at <= end)
    query = sa.select(samples).where(*inside).order_by(samples.c.series_id, samples.c.at)
    # The driver's own tuples, of which there may be millions: a Row of each costs as much again.
    rows = connection.execute(query).cursor.fetchall()
    flat = np.fromiter(chain.from_iterable(rows), np.float64, 3 * len(rows)).reshape(-1, 3)
    return flat[:, 0].astype(np.int64), (end - flat[:, 1]) // steps.seconds, flat[:, 2]


def _grouped(group: IntArray, numbers: FloatArray, values: FloatArray, steps: Steps, of: Of) -> dict[int, Series]:
    """One value for each step of each group. What comes later in the arrays is newer within a step."""
    order = np.lexsort((-numbers, group))
    group, numbers, values = group[order], numbers[order], values[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(group) != 0) | (np.diff(numbers) != 0)][: group.size])
    if not starts.size:
        return {}
    if of == "last":
        values = values[np.append(starts[1:], group.size) - 1]
    else:
        values = (np.minimum if of == "min" else np.maximum).reduceat(values, starts)
    moments = steps.moments(numbers[starts])
    of_group, first = np.unique(group[starts], return_index=True)
    cut = zip(np.split(moments, first[1:]), np.split(values, first[1:]), strict=True)
    return {int(one): Series(*both) for one, both in zip(of_group, cut, strict=True)}
