"""History in SQL: SQLite in WAL mode by default, PostgreSQL by URL.

A sample within `resolution` of its series' previous one is not stored, samples older than `raw` become days, and
days older than `keep` are deleted: the store's size is a function of the number of series and of nothing else.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import sqlalchemy as sa

from exporter.history import NOTHING, Of, Sample, Series, Steps
from exporter.history.database import alone, engine_for, insert_new, shown, snapshot, store_errors
from exporter.history.reading import in_parts, stepped
from exporter.history.tables import dropped, prepare, samples, series
from exporter.history.upkeep import Retention, Stock, Sweep, advance, taken

# (name, labels as `key_of` writes them)
Key = tuple[str, str]


class SqlHistory:
    """keep_of: how long a source is kept, where that is not `keep`; tell: called with what the store holds, about
    once an hour."""

    def __init__(
        self,
        url: str,
        *,
        resolution: float = Retention.resolution,
        raw: float = Retention.raw,
        keep: float = Retention.keep,
        keep_of: Callable[[str], float] | None = None,
        tell: Callable[[Stock], None] | None = None,
    ) -> None:
        self.shown = shown(url)
        self.engine = engine_for(url)
        self.retention = Retention(resolution, raw, keep, keep_of)
        self._tell = tell
        self._lock = threading.Lock()
        self._last: dict[int, float] = {}
        self._ids = SeriesIds(self.engine)
        self._sweep = Sweep()
        with store_errors(f"history {self.shown}"), alone(self.engine) as connection:
            prepare(connection, self.shown)

    def append(self, samples: Iterable[Sample], at: float) -> None:
        with self._lock:
            sweep = self._sweep
            try:
                with store_errors("history cannot be written"), alone(self.engine) as connection:
                    if sweep.is_due(at):
                        sweep = advance(connection, sweep, self.retention, at)
                    written = self._insert(connection, samples, at)
            except BaseException:
                # Ids of series that were new in the undone transaction are no longer true.
                self._ids.clear()
                self._last.clear()
                raise
            self._last.update(dict.fromkeys(written, at))
            told, self._sweep = self._sweep, sweep
        if self._tell and sweep != told and sweep.done is None:
            self._tell(sweep.stock)

    def _insert(self, connection: sa.Connection, found: Iterable[Sample], at: float) -> list[int]:
        values = {(name, key_of(labels)): value for name, labels, value in reversed(list(found))}
        if not self._ids.are_true(connection):
            self._last.clear()
        ids = self._ids.of(connection, values)
        self._read_last(connection, [one for one in ids.values() if one not in self._last])
        due = {
            ids[key]: value for key, value in values.items() if at - self._last[ids[key]] >= self.retention.resolution
        }
        if due:
            rows = [{"series_id": one, "at": int(at), "value": value} for one, value in due.items()]
            connection.execute(insert_new(self.engine, samples), rows)
        return list(due)

    def _read_last(self, connection: sa.Connection, ids: Sequence[int]) -> None:
        newest = sa.select(sa.func.max(samples.c.at)).where(samples.c.series_id == series.c.id).scalar_subquery()
        for part in in_parts(ids):
            rows = connection.execute(sa.select(series.c.id, newest.label("at")).where(series.c.id.in_(part)))
            self._last |= {row.id: -math.inf if row.at is None else float(row.at) for row in rows}

    def range(
        self, name: str, labels: Mapping[str, str], start: float, end: float, step: float, of: Of = "last"
    ) -> Series:
        one = sa.select(series.c.id).where(series.c.name == name, series.c.labels == key_of(labels))
        with store_errors("history cannot be read"), snapshot(self.engine) as connection:
            ids = connection.scalars(one).all()
            found = stepped(connection, dict.fromkeys(ids, 0), Steps.between(start, end, step), of)
        return found.get(0, NOTHING)

    def ranges(
        self,
        name: str,
        matching: Mapping[str, str],
        by: Sequence[str],
        start: float,
        end: float,
        step: float,
        of: Of = "last",
    ) -> dict[tuple[str, ...], Series]:
        numbers: dict[tuple[str, ...], int] = {}
        groups = {}
        with store_errors("history cannot be read"), snapshot(self.engine) as connection:
            for row in connection.execute(sa.select(series.c.id, series.c.labels).where(series.c.name == name)):
                labels = json.loads(row.labels)
                if matching.items() <= labels.items():
                    key = tuple(labels.get(label, "") for label in by)
                    groups[row.id] = numbers.setdefault(key, len(numbers))
            found = stepped(connection, groups, Steps.between(start, end, step), of)
        return {key: found[number] for key, number in numbers.items() if number in found}

    def stock(self) -> Stock:
        """What the store holds now; counting reads all of it."""
        with store_errors("history cannot be read"), snapshot(self.engine) as connection:
            return taken(connection)

    def close(self) -> None:
        self.engine.dispose()


class SeriesIds:
    """The ids of series, remembered; to be asked within a transaction that is `alone`."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._known: dict[Key, int] = {}
        self._dropped = 0

    def are_true(self, connection: sa.Connection) -> bool:
        """Whether what is remembered holds: it is forgotten when series were dropped, whoever did it."""
        times = connection.scalars(sa.select(dropped.c.times)).one()
        if times == self._dropped:
            return True
        self.clear()
        self._dropped = times
        return False

    def clear(self) -> None:
        self._known.clear()

    def of(self, connection: sa.Connection, keys: Iterable[Key]) -> dict[Key, int]:
        """The id of each; a series that is not there is made."""
        keys = list(keys)
        if unknown := [key for key in keys if key not in self._known]:
            self._read(connection, {name for name, _ in unknown})
        if new := [key for key in unknown if key not in self._known]:
            rows = [{"name": name, "labels": labels} for name, labels in new]
            connection.execute(insert_new(self._engine, series), rows)
            self._read(connection, {name for name, _ in new})
        return {key: self._known[key] for key in keys}

    def _read(self, connection: sa.Connection, names: Iterable[str]) -> None:
        for name in names:
            rows = connection.execute(sa.select(series.c.id, series.c.labels).where(series.c.name == name))
            self._known |= {(name, row.labels): row.id for row in rows}


def key_of(labels: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(labels.items())), separators=(",", ":"))
