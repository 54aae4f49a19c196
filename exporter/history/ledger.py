"""What must be remembered and is no number over time: finished jobs, tokens, the last result of a scan."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import sqlalchemy as sa

from exporter.history.sql import engine_for, insert_new, shown, store_errors
from exporter.model import Job

_BATCH = 1000

metadata = sa.MetaData()
_memory = sa.Table(
    "ebbtide_memory",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
_jobs = sa.Table(
    "ebbtide_jobs",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("subclient", sa.Text, nullable=False),
    sa.Column("policy_id", sa.Text, nullable=False),
    sa.Column("application_bytes", sa.Double),
    sa.Column("media_bytes", sa.Double),
    sa.Index("ebbtide_jobs_ended", "source", "ended_at"),
    sqlite_with_rowid=False,
)


class Ledger:
    def __init__(self, url: str) -> None:
        self._engine = engine_for(url)
        self._lock = threading.Lock()
        with store_errors(f"ledger {shown(url)}"), self._engine.begin() as connection:
            metadata.create_all(connection)

    def state(self, source: str) -> SourceState:
        return SourceState(self._engine, self._lock, source)

    def close(self) -> None:
        self._engine.dispose()


class SourceState:
    """The State (see model) of one source."""

    def __init__(self, engine: sa.Engine, lock: threading.Lock, source: str) -> None:
        self._engine = engine
        self._lock = lock
        self._source = source

    def get(self, key: str) -> str | None:
        query = sa.select(_memory.c.value).where(_memory.c.source == self._source, _memory.c.key == key)
        with store_errors("ledger cannot be read"), self._engine.connect() as connection:
            value: str | None = connection.scalar(query)
        return value

    def put(self, key: str, value: str) -> None:
        row = {"source": self._source, "key": key, "value": value}
        with self._lock, store_errors("ledger cannot be written"), self._engine.begin() as connection:
            connection.execute(sa.delete(_memory).where(_memory.c.source == self._source, _memory.c.key == key))
            connection.execute(sa.insert(_memory), row)

    def add_jobs(self, jobs: Iterable[Job]) -> int:
        added = 0
        rows = iter(jobs)
        while batch := [{"source": self._source, **asdict(job)} for job in islice(rows, _BATCH)]:
            with self._lock, store_errors("ledger cannot be written"), self._engine.begin() as connection:
                counting = connection.execution_options(preserve_rowcount=True)
                added += counting.execute(insert_new(self._engine, _jobs), batch).rowcount
        return added

    def jobs(self, since: float, *, operations: Iterable[str] | None = None) -> Iterator[Job]:
        columns = [column for column in _jobs.c if column.name != "source"]
        query = sa.select(*columns).where(_jobs.c.source == self._source, _jobs.c.ended_at >= since)
        if operations is not None:
            query = query.where(_jobs.c.operation.in_(list(operations)))
        query = query.order_by(_jobs.c.ended_at, _jobs.c.id).limit(_BATCH)
        rows = self._read(query)
        while rows:
            yield from (Job(**row._mapping) for row in rows)
            behind = sa.tuple_(_jobs.c.ended_at, _jobs.c.id) > (rows[-1].ended_at, rows[-1].id)
            rows = self._read(query.where(behind))

    def _read(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with store_errors("ledger cannot be read"), self._engine.connect() as connection:
            return connection.execute(query).all()
