"""Samples of any age and order into the store, beside an exporter that writes to it; what is there already stays.

So what is brought in twice is there once, and a run that was broken off is simply done again.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa

from exporter.history.database import alone, insert_new, store_errors
from exporter.history.days import DAY, day_of
from exporter.history.sql import Key, SeriesIds, SqlHistory, key_of
from exporter.history.tables import samples
from exporter.history.upkeep import DayRow, put_days

# As many records as are written in one transaction, which the exporter may have to wait for.
_AT_ONCE = 50_000


class Point(NamedTuple):
    """A sample, or a day of one: then value is its close, and low and high are its lowest and highest value."""

    name: str
    labels: Mapping[str, str]
    at: float
    value: float
    low: float | None = None
    high: float | None = None


@dataclass
class Taken:
    """What became of the points. The rest was there, or is closer to another sample than the resolution."""

    points: int = 0
    samples: int = 0
    days: int = 0
    too_old: int = 0
    valueless: int = 0


class Backfill:
    def __init__(self, history: SqlHistory, now: float) -> None:
        self._history = history
        self._now = now
        self._first_raw_day = history.retention.first_raw_day(now)
        self._samples: defaultdict[Key, dict[int, float]] = defaultdict(dict)
        # Of each day: when it closed so far, and then close, low, high.
        self._days: defaultdict[Key, dict[int, tuple[float, float, float, float]]] = defaultdict(dict)
        self._waiting = 0
        self._day = 0
        self.taken = Taken()

    def add(self, point: Point) -> None:
        """Raises ValueError for a moment that lies in the future, and HistoryError when the store cannot be written."""
        if point.at > self._now + DAY:
            raise ValueError("the time lies in the future")
        self.taken.points += 1
        if math.isnan(point.value):
            self.taken.valueless += 1
            return
        retention = self._history.retention
        if point.at < self._now - retention.keep:
            self.taken.too_old += 1
            return
        key = (point.name, key_of(point.labels))
        self._day = day_of(point.at)
        if self._day >= self._first_raw_day or not retention.has_days:
            self._waiting += 1
            self._samples[key][int(point.at)] = point.value
        else:
            self._add_to_day(key, point)
        if self._waiting >= _AT_ONCE:
            # Of a file in the order of time, or of series after series, only this day may go on.
            self._write(unfinished=self._day)

    def end(self) -> Taken:
        self._write(unfinished=None)
        return self.taken

    def _add_to_day(self, key: Key, point: Point) -> None:
        low = point.value if point.low is None else min(point.low, point.value)
        high = point.value if point.high is None else max(point.high, point.value)
        if (known := self._days[key].get(self._day)) is None:
            self._waiting += 1
            self._days[key][self._day] = (point.at, point.value, low, high)
            return
        at, close, lowest, highest = known
        if point.at >= at:
            at, close = point.at, point.value
        self._days[key][self._day] = (at, close, min(low, lowest), max(high, highest))

    def _write(self, unfinished: int | None) -> None:
        history = self._history
        held: dict[Key, dict[int, tuple[float, float, float, float]]] = {}
        for key, days in self._days.items():
            if unfinished in days:
                held[key] = {unfinished: days.pop(unfinished)}
        with store_errors("history cannot be written"), alone(history.engine) as connection:
            ids = SeriesIds(history.engine).of(connection, self._samples.keys() | self._days.keys())
            rows: list[DayRow] = [
                (ids[key], day, *record[1:]) for key, days in self._days.items() for day, record in days.items()
            ]
            self.taken.days += put_days(connection, sorted(rows))
            new = [
                {"series_id": ids[key], "at": at, "value": points[at]}
                for key, points in self._samples.items()
                for at in self._spaced(connection, ids[key], sorted(points))
            ]
            if new:
                connection.execute(insert_new(history.engine, samples), new)
            self.taken.samples += len(new)
        self._samples.clear()
        self._days.clear()
        self._days.update(held)
        self._waiting = len(held)

    def _spaced(self, connection: sa.Connection, series_id: int, moments: Sequence[int]) -> list[int]:
        """Those that are as far from each other, and from the samples that are there, as the store wants it."""
        distance = self._history.retention.resolution
        nearby = samples.c.at.between(moments[0] - math.ceil(distance), moments[-1] + math.ceil(distance))
        query = sa.select(samples.c.at).where(samples.c.series_id == series_id, nearby).order_by(samples.c.at)
        there = connection.scalars(query).all()
        kept: list[int] = []
        for at in moments:
            place = bisect_left(there, at)
            neighbours = [*there[max(0, place - 1) : place + 1], *kept[-1:]]
            if all(abs(at - other) >= distance for other in neighbours):
                kept.append(at)
        return kept
