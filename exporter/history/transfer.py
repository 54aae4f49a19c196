"""Points out of the SQL store, and out of a Prometheus that scraped this exporter or another one of its kind."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import sqlalchemy as sa

from exporter.history.backfill import Point
from exporter.history.database import snapshot, store_errors
from exporter.history.days import DAY, day_of
from exporter.history.promql import PromqlHistory
from exporter.history.reading import days_of
from exporter.history.sql import SqlHistory
from exporter.history.tables import samples, series
from exporter.history.upkeep import Retention

_SERIES_AT_ONCE = 50
# Of days one value each is asked for, of samples one every few minutes.
_DAYS_AT_ONCE = 90

# Told what is done next, and how much of the whole is done.
Progress = Callable[[str, float], None]


def names_and_labels(history: SqlHistory) -> dict[str, list[str]]:
    """The metrics that the store knows, with their labels in the order of the alphabet."""
    with store_errors("history cannot be read"), snapshot(history.engine) as connection:
        rows = connection.execute(sa.select(series.c.name, series.c.labels).order_by(series.c.name)).all()
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.name, set()).update(json.loads(row.labels))
    return {name: sorted(labels) for name, labels in found.items()}


def stored(history: SqlHistory, names: Sequence[str], start: float, end: float, progress: Progress) -> Iterator[Point]:
    """Metric by metric, series by series, in the order of time. Raises HistoryError."""
    for done, name in enumerate(names):
        with store_errors("history cannot be read"), snapshot(history.engine) as connection:
            of_name = sa.select(series.c.id, series.c.labels).where(series.c.name == name).order_by(series.c.labels)
            known = {row.id: json.loads(row.labels) for row in connection.execute(of_name)}
        ids = list(known)
        for first in range(0, len(ids), _SERIES_AT_ONCE):
            progress(name, (done + first / len(ids)) / len(names))
            yield from _of_series(
                history, name, {one: known[one] for one in ids[first : first + _SERIES_AT_ONCE]}, start, end
            )


def _of_series(
    history: SqlHistory, name: str, known: Mapping[int, Mapping[str, str]], start: float, end: float
) -> Iterator[Point]:
    ids = list(known)
    found: dict[int, list[Point]] = {one: [] for one in ids}
    query = sa.select(samples).where(
        samples.c.series_id.in_(ids), samples.c.at.between(math.ceil(start), math.floor(end))
    )
    with store_errors("history cannot be read"), snapshot(history.engine) as connection:
        of_series, days = days_of(connection, ids, day_of(start), math.floor(end / DAY) - 1)
        rows = connection.execute(query.order_by(samples.c.series_id, samples.c.at)).all()
    for one, day in zip(of_series.tolist(), days.tolist(), strict=True):
        number, close, low, high = day
        found[one].append(Point(name, known[one], (number + 1.0) * DAY, close, low, high))
    for row in rows:
        found[row.series_id].append(Point(name, known[row.series_id], float(row.at), row.value))
    for points in found.values():
        yield from points


def scraped(
    server: PromqlHistory,
    families: Mapping[str, Sequence[str]],
    since: float,
    now: float,
    retention: Retention,
    progress: Progress,
) -> Iterator[Point]:
    """What a server knows of the families, as the store would have kept it: days, and samples for the newest time.

    families: the labels of each metric. Raises HistoryError.
    """
    first_raw = retention.first_raw_day(now)
    first = max(day_of(since), day_of(now - retention.keep) + 1)
    old = [(day, min(day + _DAYS_AT_ONCE, first_raw)) for day in range(first, first_raw, _DAYS_AT_ONCE)]
    new = range(max(first, first_raw), day_of(now) + 1)
    whole, done = len(families) * (len(old) + len(new)), 0
    for name, labels in families.items():
        for begin, end in old:
            progress(name, done / whole)
            done += 1
            yield from _days(server, name, labels, begin * DAY, end * DAY)
        for day in new:
            progress(name, done / whole)
            done += 1
            until = min((day + 1.0) * DAY, now)
            yield from _samples(server, name, labels, day * DAY, until, retention.resolution)


def _days(server: PromqlHistory, name: str, labels: Sequence[str], start: float, end: float) -> Iterator[Point]:
    last, low, high = (server.ranges(name, {}, labels, start, end, DAY, of) for of in ("last", "min", "max"))
    for key, closes in last.items():
        of_series = dict(zip(labels, key, strict=True))
        columns = (closes.timestamps, closes.values, low[key].values, high[key].values)
        for at, *values in zip(*(column.tolist() for column in columns), strict=True):
            yield Point(name, of_series, at, *values)


def _samples(
    server: PromqlHistory, name: str, labels: Sequence[str], start: float, end: float, step: float
) -> Iterator[Point]:
    for key, found in server.ranges(name, {}, labels, start, end, step).items():
        of_series = dict(zip(labels, key, strict=True))
        for at, value in zip(found.timestamps.tolist(), found.values.tolist(), strict=True):
            yield Point(name, of_series, at, value)
