"""History in SQL: SQLite in WAL mode by default, PostgreSQL by URL.

A sample within `resolution` of its series' previous one is not stored, and rows older than `keep` are deleted:
the store's size is a function of the number of series and of nothing else.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import QueuePool

from exporter.errors import HistoryError
from exporter.history import Sample, Series

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
_PRUNE_EVERY_S = 3600.0

metadata = sa.MetaData()
_version = sa.Table("ebbtide_history_version", metadata, sa.Column("version", sa.Integer, primary_key=True))
_series = sa.Table(
    "ebbtide_series",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("labels", sa.Text, nullable=False),
    sa.UniqueConstraint("name", "labels"),
)
_samples = sa.Table(
    "ebbtide_samples",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Double, nullable=False),
    sa.Index("ebbtide_samples_at", "at"),
    sqlite_with_rowid=False,
)


def engine_for(url: str) -> sa.Engine:
    """An engine with the pragmas and pool that a long-running process wants. Raises HistoryError."""
    try:
        parsed = sa.make_url(url)
        if "@" in (parsed.host or ""):
            raise HistoryError("the URL of the store: an @ in a password is written %40")
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(parsed, pool_pre_ping=True)
        if parsed.database in (None, "", ":memory:"):
            # The one connection that is the database, lent to one thread at a time: a reader that gives it back
            # would otherwise roll back what a writer has not yet committed.
            engine = sa.create_engine(
                parsed, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args={"check_same_thread": False}
            )
        else:
            engine = sa.create_engine(parsed, connect_args={"timeout": 30})
    except ValueError:
        # Its message holds what stands where the port should, which may be the password.
        raise HistoryError("the URL of the store: its port is not a number") from None
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise HistoryError(f"{shown(url)}: {type(error).__name__}: {str(error).splitlines()[0]}") from None

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        # WAL with synchronous=NORMAL loses nothing committed when the process is killed.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def shown(url: str) -> str:
    """The URL without its password and its query, where there may be one too."""
    try:
        return sa.make_url(url).set(query={}).render_as_string(hide_password=True)
    except (sa.exc.ArgumentError, ValueError):
        return "the URL of the store"


@contextmanager
def store_errors(what: str) -> Iterator[None]:
    """SQLAlchemy's errors as HistoryError, in one line and without the statement and its parameters."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise HistoryError(f"{what}: {str(error.orig).splitlines()[0]}") from error
    except sa.exc.SQLAlchemyError as error:
        raise HistoryError(f"{what}: {type(error).__name__}") from error
    except (UnicodeError, OverflowError) as error:
        raise HistoryError(f"{what}: a text or number that the database cannot hold") from error


def insert_new(engine: sa.Engine, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """INSERT that leaves a row alone which is there already."""
    return _insert(engine, table).on_conflict_do_nothing()


def upsert(
    engine: sa.Engine, table: sa.Table, changes: Callable[[sa.ColumnCollection[str, Any]], Mapping[str, Any]]
) -> postgresql.Insert | sqlite.Insert:
    """INSERT that makes `changes(new row)` to a row which is there already."""
    insert = _insert(engine, table)
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes(insert.excluded))


def _insert(engine: sa.Engine, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if engine.dialect.name == "postgresql" else sqlite.insert(table)


class SqlHistory:
    """keep: seconds after which a sample is deleted; keep_of: the same by source, where that is not `keep`."""

    def __init__(
        self,
        url: str,
        *,
        resolution: float = 300.0,
        keep: float = 400 * 86400.0,
        keep_of: Callable[[str], float] | None = None,
    ) -> None:
        self._engine = engine_for(url)
        self._resolution = resolution
        self._keep_of = keep_of or (lambda _: keep)
        self._lock = threading.Lock()
        self._ids: dict[tuple[str, str], int] = {}
        self._last: dict[int, float] = {}
        self._pruned_at = 0.0
        with store_errors(f"history {shown(url)}"), self._engine.begin() as connection:
            metadata.create_all(connection)
            version = connection.scalar(sa.select(sa.func.max(_version.c.version)))
            if version is None:
                connection.execute(sa.insert(_version).values(version=SCHEMA_VERSION))
            elif version > SCHEMA_VERSION:
                raise HistoryError(f"history {shown(url)}: written by a newer version of ebbtide (schema {version})")

    def append(self, samples: Iterable[Sample], at: float) -> None:
        with self._lock:
            try:
                with store_errors("history cannot be written"), self._engine.begin() as connection:
                    written = self._insert(connection, samples, at)
            except BaseException:
                # Ids of series that were new in the undone transaction are no longer true.
                self._ids.clear()
                self._last.clear()
                raise
            self._last.update(dict.fromkeys(written, at))

    def _insert(self, connection: sa.Connection, samples: Iterable[Sample], at: float) -> list[int]:
        rows = []
        for name, labels, value in samples:
            series = self._series_id(connection, name, labels)
            if at - self._last_at(connection, series) >= self._resolution:
                rows.append({"series_id": series, "at": int(at), "value": value})
        if rows:
            connection.execute(insert_new(self._engine, _samples), rows)
        if at - self._pruned_at > _PRUNE_EVERY_S:
            self._prune(connection, at)
            self._pruned_at = at
        return [int(row["series_id"]) for row in rows]

    def _prune(self, connection: sa.Connection, at: float) -> None:
        for series, labels in connection.execute(sa.select(_series.c.id, _series.c.labels)).all():
            keep = self._keep_of(json.loads(labels).get("source", ""))
            old = sa.and_(_samples.c.series_id == series, _samples.c.at < int(at - keep))
            connection.execute(sa.delete(_samples).where(old))

    def range(self, name: str, labels: Mapping[str, str], start: float, end: float, step: float) -> Series:
        key = _key(labels)
        query = (
            sa.select(_samples.c.at, _samples.c.value)
            .join(_series, _series.c.id == _samples.c.series_id)
            .where(_series.c.name == name, _series.c.labels == key)
            .where(_samples.c.at.between(int(start), int(end)))
            .order_by(_samples.c.at)
        )
        with store_errors("history cannot be read"), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return Series(np.empty(0), np.empty(0))
        found = np.array([(row.at, row.value) for row in rows], dtype=np.float64)
        last_of_step = np.append(np.diff((found[:, 0] - start) // step) > 0, True)
        return Series(found[last_of_step, 0], found[last_of_step, 1])

    def close(self) -> None:
        self._engine.dispose()

    def _series_id(self, connection: sa.Connection, name: str, labels: Mapping[str, str]) -> int:
        key = (name, _key(labels))
        if key not in self._ids:
            find = sa.select(_series.c.id).where(_series.c.name == name, _series.c.labels == key[1])
            found = connection.scalar(find)
            if found is None:
                connection.execute(insert_new(self._engine, _series), {"name": name, "labels": key[1]})
                found = connection.scalars(find).one()
            self._ids[key] = int(found)
        return self._ids[key]

    def _last_at(self, connection: sa.Connection, series: int) -> float:
        if series not in self._last:
            newest = connection.scalar(sa.select(sa.func.max(_samples.c.at)).where(_samples.c.series_id == series))
            self._last[series] = -np.inf if newest is None else float(newest)
        return self._last[series]


def _key(labels: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(labels.items())), separators=(",", ":"))
