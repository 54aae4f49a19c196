"""What a report shows: columns with a kind each, and rows that may be many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from exporter.model import Job, Pool

Record = TypeVar("Record")
# text; whole number; number with two decimals; bytes; ratio of 0 to 1; seconds; a moment in unix seconds; true or false
Kind = Literal["text", "number", "decimal", "bytes", "ratio", "seconds", "moment", "flag"]
Value = str | float | bool | None


@dataclass(frozen=True)
class Column(Generic[Record]):
    """`name` is its key in JSON and its head in files, `title` its head on a terminal, where "" leaves it out."""

    name: str
    title: str
    kind: Kind
    value: Callable[[Record], Value]


@dataclass(frozen=True)
class Table(Generic[Record]):
    title: str
    columns: tuple[Column[Record], ...]
    records: Iterable[Record]

    def rows(self) -> Iterator[list[Value]]:
        for record in self.records:
            yield [column.value(record) for column in self.columns]


JOB_COLUMNS: tuple[Column[Job], ...] = (
    Column("job_id", "JOB", "number", lambda j: j.id),
    Column("client", "CLIENT", "text", lambda j: j.client),
    Column("client_id", "", "text", lambda j: j.client_id),
    Column("subclient", "SUBCLIENT", "text", lambda j: j.subclient),
    Column("operation", "OPERATION", "text", lambda j: j.operation),
    Column("result", "RESULT", "text", lambda j: j.result),
    Column("started_at", "STARTED", "moment", lambda j: j.started_at),
    Column("ended_at", "ENDED", "moment", lambda j: j.ended_at),
    Column("duration_seconds", "", "seconds", lambda j: max(0.0, j.ended_at - j.started_at)),
    Column("application_bytes", "SIZE", "bytes", lambda j: j.application_bytes),
    Column("media_bytes", "WRITTEN", "bytes", lambda j: j.media_bytes),
    Column("policy_id", "", "text", lambda j: j.policy_id),
    Column("aged", "AGED", "flag", lambda j: j.aged),
    Column("retained_until", "KEPT UNTIL", "moment", lambda j: j.retained_until),
)
POOL_COLUMNS: tuple[Column[Pool], ...] = (
    Column("id", "ID", "text", lambda p: p.id),
    Column("name", "POOL", "text", lambda p: p.name),
    Column("status", "STATUS", "text", lambda p: p.status),
    Column("pool_type", "TYPE", "text", lambda p: p.pool_type),
    Column("capacity_bytes", "CAPACITY", "bytes", lambda p: p.capacity_bytes),
    Column("free_bytes", "FREE", "bytes", lambda p: p.free_bytes),
    Column("free_ratio", "FREE %", "ratio", lambda p: p.free_ratio),
    Column("stored_bytes", "", "bytes", lambda p: p.stored_bytes),
    Column("worm", "", "flag", lambda p: p.worm),
    Column("shared", "SAME DISK AS", "text", lambda p: p.shared if p.shared != p.name else ""),
)


def jobs_table(jobs: Iterable[Job]) -> Table[Job]:
    return Table("Jobs", JOB_COLUMNS, jobs)


def pools_table(pools: Iterable[Pool]) -> Table[Pool]:
    return Table("Storage pools", POOL_COLUMNS, pools)
