"""What keeps the store small: old samples become days, old days go, and series that have neither are dropped.

Done a few series at a time, so that the append that does it is not held up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import sqlalchemy as sa

from exporter.history.database import size_bytes, upsert
from exporter.history.days import BYTES_OF_DAY, DAY, DAYS, DAYS_OF_BLOCK, Days, day_of, merged, pack, unpack
from exporter.history.reading import in_parts, oldest_of
from exporter.history.tables import blocks, dropped, metadata, samples, series

_SERIES_AT_ONCE = 250
# Of a store that was not in use for long, or that schema 1 wrote.
_DAYS_AT_ONCE = 31
_EVERY_S = 3600.0

# (series id, day, close, low, high)
DayRow = tuple[int, int, float, float, float]


@dataclass(frozen=True)
class Retention:
    """In seconds. resolution: closest distance of two samples of a series; raw: how long samples are kept, and
    keep: how long days are, both back from now; keep_of: that of a source, where it has its own."""

    resolution: float = 300.0
    raw: float = 14.0 * DAY
    keep: float = 3 * 365.0 * DAY
    keep_of: Callable[[str], float] | None = None

    def of(self, source: str) -> Retention:
        return replace(self, keep=self.keep_of(source)) if self.keep_of else self

    def first_raw_day(self, now: float) -> int:
        """Samples of the days before this one become days; where days are not kept longer, there are none."""
        return math.floor((now - self.raw) / DAY)

    @property
    def has_days(self) -> bool:
        return self.raw < self.keep


@dataclass(frozen=True)
class Stock:
    """What a store holds. oldest_sample, oldest_day: unix seconds; None where it holds none."""

    size_bytes: int = 0
    series: int = 0
    samples: int = 0
    days: int = 0
    oldest_sample: float | None = None
    oldest_day: float | None = None


@dataclass(frozen=True)
class Sweep:
    """One round through all series. done: the id up to which it has come, None when it is over; stock: until there."""

    started_at: float = -math.inf
    done: int | None = None
    stock: Stock = Stock()

    def is_due(self, now: float) -> bool:
        # abs: a clock that was set back must not end the upkeep.
        return self.done is not None or abs(now - self.started_at) >= _EVERY_S


def advance(connection: sa.Connection, sweep: Sweep, retention: Retention, now: float) -> Sweep:
    """Do the next slice of a round, or begin one."""
    if sweep.done is None:
        sweep = Sweep(now, 0)
    next_ids = sa.select(series.c.id).where(series.c.id > sweep.done).order_by(series.c.id).limit(_SERIES_AT_ONCE)
    ids = connection.scalars(next_ids).all()
    if not ids and not sweep.done:
        # A new store; what it holds is told at the next append, when it holds something.
        return Sweep()
    if any(_fold(connection, some, own, now) for own, some in _by_retention(connection, ids, retention)):
        return sweep
    _drop(connection, ids)
    stock = _sum(sweep.stock, _counted(connection, ids))
    if len(ids) < _SERIES_AT_ONCE:
        return Sweep(sweep.started_at, None, replace(stock, size_bytes=size_bytes(connection, metadata.tables)))
    return Sweep(sweep.started_at, ids[-1], stock)


def taken(connection: sa.Connection) -> Stock:
    """What the store holds now."""
    stock = Stock()
    for ids in in_parts(connection.scalars(sa.select(series.c.id)).all()):
        stock = _sum(stock, _counted(connection, ids))
    return replace(stock, size_bytes=size_bytes(connection, metadata.tables))


def put_days(connection: sa.Connection, rows: Iterable[DayRow]) -> int:
    """Add days, ordered by series and day, to those that are there; how many were new."""
    found: dict[tuple[int, int], Days] = {
        key: np.array([row[1:] for row in of_block], DAYS)
        for key, of_block in groupby(rows, lambda row: (row[0], row[1] // DAYS_OF_BLOCK))
    }
    new = 0
    written = []
    for part in in_parts(list(found)):
        same = sa.tuple_(blocks.c.series_id, blocks.c.block).in_(part)
        known = {
            (row.series_id, row.block): unpack(row.days) for row in connection.execute(sa.select(blocks).where(same))
        }
        for series_id, block in part:
            before = known.get((series_id, block), unpack(b""))
            both = merged(before, found[series_id, block])
            if both.size > before.size:
                new += both.size - before.size
                written.append({"series_id": series_id, "block": block, "days": pack(both)})
    if written:
        connection.execute(upsert(connection.engine, blocks, lambda row: {"days": row.days}), written)
    return new


def _by_retention(
    connection: sa.Connection, ids: Sequence[int], retention: Retention
) -> Iterable[tuple[Retention, list[int]]]:
    if retention.keep_of is None:
        return [(retention, list(ids))]
    found: dict[Retention, list[int]] = {}
    for row in connection.execute(sa.select(series.c.id, series.c.labels).where(series.c.id.in_(ids))):
        found.setdefault(retention.of(json.loads(row.labels).get("source", "")), []).append(row.id)
    return found.items()


def _fold(connection: sa.Connection, ids: Sequence[int], retention: Retention, now: float) -> bool:
    """Make days of old samples and delete what is too old; whether there is more to do for these series."""
    mine = samples.c.series_id.in_(ids)
    if not retention.has_days:
        connection.execute(sa.delete(samples).where(mine, samples.c.at < math.floor(now - retention.keep)))
        return False
    oldest_block = math.floor((now - retention.keep) / DAY) // DAYS_OF_BLOCK
    connection.execute(sa.delete(blocks).where(blocks.c.series_id.in_(ids), blocks.c.block < oldest_block))
    first_raw = retention.first_raw_day(now)
    first = min(map(day_of, oldest_of(connection, ids).values()), default=first_raw)
    if first >= first_raw:
        return False
    until = min(first + _DAYS_AT_ONCE, first_raw)
    old = (mine, samples.c.at <= until * DAY)
    day = (samples.c.at - 1) // sa.literal(DAY, sa.BigInteger)
    of_day = sa.select(
        samples.c.series_id, day.label("day"), sa.func.max(samples.c.at).label("at"),
        sa.func.min(samples.c.value).label("low"), sa.func.max(samples.c.value).label("high"),
    ).where(*old).group_by(samples.c.series_id, sa.text("2")).subquery()  # fmt: skip
    closing = (samples.c.series_id == of_day.c.series_id) & (samples.c.at == of_day.c.at)
    query = sa.select(of_day.c.series_id, of_day.c.day, samples.c.value, of_day.c.low, of_day.c.high)
    rows = connection.execute(query.join(samples, closing).order_by(of_day.c.series_id, of_day.c.day)).all()
    put_days(connection, [(row.series_id, row.day, row.value, row.low, row.high) for row in rows])
    connection.execute(sa.delete(samples).where(*old))
    return until < first_raw


def _drop(connection: sa.Connection, ids: Sequence[int]) -> None:
    empty = [~sa.exists().where(table.c.series_id == series.c.id) for table in (samples, blocks)]
    if connection.execute(sa.delete(series).where(series.c.id.in_(ids), *empty)).rowcount:
        connection.execute(sa.update(dropped).values(times=dropped.c.times + 1))


def _counted(connection: sa.Connection, ids: Sequence[int]) -> Stock:
    def one(what: sa.ColumnElement[int], table: sa.Table) -> int:
        return connection.scalar(sa.select(what).where(table.c.series_id.in_(ids))) or 0

    still = connection.scalar(sa.select(sa.func.count()).where(series.c.id.in_(ids))) or 0
    oldest_day = None
    if (
        first := connection.scalar(sa.select(sa.func.min(blocks.c.block)).where(blocks.c.series_id.in_(ids)))
    ) is not None:
        packed = connection.scalars(
            sa.select(blocks.c.days).where(blocks.c.series_id.in_(ids), blocks.c.block == first)
        )
        oldest_day = float(unpack(b"".join(packed))["day"].min() + 1) * DAY
    return Stock(
        series=still,
        samples=one(sa.func.count(), samples),
        days=one(sa.func.sum(sa.func.length(blocks.c.days)), blocks) // BYTES_OF_DAY,
        oldest_sample=min(map(float, oldest_of(connection, ids).values()), default=None),
        oldest_day=oldest_day,
    )


def _sum(one: Stock, other: Stock) -> Stock:
    def older(*moments: float | None) -> float | None:
        return min((moment for moment in moments if moment is not None), default=None)

    return Stock(
        series=one.series + other.series,
        samples=one.samples + other.samples,
        days=one.days + other.days,
        oldest_sample=older(one.oldest_sample, other.oldest_sample),
        oldest_day=older(one.oldest_day, other.oldest_day),
    )
