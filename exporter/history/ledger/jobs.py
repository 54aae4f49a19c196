"""Finished jobs: stored once, counted once, aggregated by the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from exporter.history.database import insert_new, upsert
from exporter.history.ledger.backups import read_backups
from exporter.history.ledger.runs import read_runs
from exporter.history.ledger.store import Store
from exporter.history.ledger.tables import jobs, totals
from exporter.model import DAY, Backups, Job, OperationJobs, Runs

BATCH = 1000
_DELETED_AT_ONCE = 5000
# Runs that ended earlier have been deleted; told again by the source, they must not count again.
_FORGOTTEN = "ledger.forgotten"

_FIELDS = tuple(column.name for column in jobs.c if column.name != "source")
_values = attrgetter(*_FIELDS)
_COLUMNS = tuple(jobs.c[name] for name in _FIELDS)


class JobStore(Store):
    def add_jobs(self, found: Iterable[Job]) -> int:
        """Raises HistoryError; nothing is kept of the batch that could not be written."""
        added = 0
        forgotten = float(self.get(_FORGOTTEN) or "-inf")
        kept = (job for job in found if job.ended_at >= forgotten)
        # What is new is what the database returns, so that two processes may add the same.
        insert = insert_new(self.engine, jobs).returning(jobs.c.operation, jobs.c.result)
        while batch := [self._row(job) for job in islice(kept, BATCH)]:
            with self.writing() as connection:
                new = Counter((operation, result) for operation, result in connection.execute(insert, batch))
                self._count(connection, new)
            added += new.total()
        return added

    def _row(self, job: Job) -> dict[str, Any]:
        row = dict(zip(_FIELDS, _values(job), strict=True), source=self.source)
        # PostgreSQL makes no number of a truth value.
        row["aged"] = None if job.aged is None else int(job.aged)
        return row

    def _count(self, connection: sa.Connection, new: Mapping[tuple[str, str], int]) -> None:
        # In one order everywhere, so that two processes wait for each other and not both.
        rows = [
            {"source": self.source, "operation": operation, "result": result, "jobs": count}
            for (operation, result), count in sorted(new.items())
        ]
        if rows:
            connection.execute(upsert(self.engine, totals, lambda new: {"jobs": totals.c.jobs + new.jobs}), rows)

    def forget_jobs(self, before: float) -> int:
        self.put(_FORGOTTEN, repr(max(before, float(self.get(_FORGOTTEN) or "-inf"))))
        old = sa.select(jobs.c.id).where(jobs.c.source == self.source, jobs.c.ended_at < before)
        batch = sa.delete(jobs).where(jobs.c.source == self.source, jobs.c.id.in_(old.limit(_DELETED_AT_ONCE)))
        deleted = 0
        while True:
            with self.writing() as connection:
                rows = connection.execute(batch).rowcount
            deleted += rows
            if rows < _DELETED_AT_ONCE:
                return deleted

    def note_retained(self, retained: Mapping[int, float | None], aged: Iterable[int]) -> None:
        mine = sa.and_(jobs.c.source == self.source, jobs.c.id == sa.bindparam("job"))
        keep = sa.update(jobs).where(mine).values(aged=0, retained_until=sa.bindparam("until"))
        gone = sa.update(jobs).where(mine).values(aged=1)
        self._each(keep, ({"job": job, "until": until} for job, until in sorted(retained.items())))
        self._each(gone, ({"job": job} for job in sorted(aged)))

    def _each(self, statement: sa.Update, rows: Iterator[dict[str, Any]]) -> None:
        while batch := list(islice(rows, BATCH)):
            with self.writing() as connection:
                connection.execute(statement, batch)

    def jobs(self, since: float, *, operations: Iterable[str] | None = None) -> Iterator[Job]:
        query = self._ended(since)
        if operations is not None:
            query = query.where(jobs.c.operation.in_(list(operations)))
        return self._batches(query.order_by(jobs.c.ended_at, jobs.c.id), lambda last: _place() > last)

    def newest_jobs(self, since: float, *, client: str = "", retained: bool = False) -> Iterator[Job]:
        """Runs that ended at or after `since`, the newest first; client: its name in any case, or its id.

        retained: only those whose data is known not to have been aged.
        """
        query = self._listed(since, client)
        if retained:
            query = query.where(jobs.c.aged == 0)
        order = (jobs.c.ended_at.desc(), jobs.c.id.desc())
        return self._batches(query.order_by(*order), lambda last: _place() < last)

    def count_jobs(self, since: float, *, client: str = "") -> dict[bool | None, int]:
        """How many runs ended at or after `since`, by whether their data was aged."""
        query = self._listed(since, client).with_only_columns(jobs.c.aged, sa.func.count()).group_by(jobs.c.aged)
        with self.reading() as connection:
            return {None if aged is None else bool(aged): count for aged, count in connection.execute(query)}

    def _ended(self, since: float) -> sa.Select[Any]:
        return sa.select(*_COLUMNS).where(jobs.c.source == self.source, jobs.c.ended_at >= since)

    def _listed(self, since: float, client: str) -> sa.Select[Any]:
        query = self._ended(since)
        if client:
            query = query.where(sa.or_(sa.func.lower(jobs.c.client) == client.lower(), jobs.c.client_id == client))
        return query

    def _batches(self, query: sa.Select[Any], behind: Any) -> Iterator[Job]:
        """A batch at a time, so that the ledger can be used while its jobs are gone through."""
        rows = self._rows(query)
        while rows:
            for row in rows:
                fields = row._asdict()
                aged = fields.pop("aged")
                yield Job(**fields, aged=None if aged is None else bool(aged))
            rows = self._rows(query.where(behind((rows[-1].ended_at, rows[-1].id)))) if len(rows) == BATCH else ()

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with self.reading() as connection:
            return connection.execute(query.limit(BATCH)).all()

    def operations(self, at: float) -> list[OperationJobs]:
        this = (jobs.c.source == totals.c.source, jobs.c.operation == totals.c.operation)
        ended = sa.select().where(*this, jobs.c.result == totals.c.result, jobs.c.ended_at <= at)
        count = ended.add_columns(sa.func.count())
        last = ended.add_columns(jobs.c.started_at).order_by(jobs.c.ended_at.desc()).limit(1)
        query = sa.select(
            totals,
            count.where(jobs.c.ended_at >= at - DAY).scalar_subquery().label("day"),
            count.where(jobs.c.ended_at >= at - 30 * DAY).scalar_subquery().label("month"),
            ended.add_columns(sa.func.max(jobs.c.ended_at)).scalar_subquery().label("last_end"),
            last.scalar_subquery().label("last_start"),
        ).where(totals.c.source == self.source)
        outcomes: dict[str, dict[str, sa.Row[Any]]] = defaultdict(dict)
        with self.reading() as connection:
            for row in connection.execute(query):
                outcomes[row.operation][row.result] = row
        return [_operation_jobs(name, outcomes[name]) for name in sorted(outcomes)]

    def backups(self, since: float, until: float) -> Backups:
        with self.reading() as connection:
            return read_backups(connection, self.source, since, until)

    def runs(self, since: float, until: float, *, clients: bool = False) -> Runs:
        with self.reading() as connection:
            return read_runs(connection, self.source, since, until, clients=clients)


def _place() -> sa.Tuple:
    return sa.tuple_(jobs.c.ended_at, jobs.c.id)


def _operation_jobs(operation: str, by_result: Mapping[str, sa.Row[Any]]) -> OperationJobs:
    last = max(
        (row for row in by_result.values() if row.last_end is not None), key=attrgetter("last_end"), default=None
    )
    failed = [row for result, row in by_result.items() if result in ("failed", "killed")]
    return OperationJobs(
        operation=operation,
        running=0,
        finished_24h=sum(row.day for row in by_result.values()),
        failed_24h=sum(row.day for row in failed),
        finished_30d=sum(row.month for row in by_result.values()),
        failed_30d=sum(row.month for row in failed),
        finished_total={result: row.jobs for result, row in sorted(by_result.items())},
        last_success_at=by_result["success"].last_end if "success" in by_result else None,
        last_completion_at=last.last_end if last else None,
        last_duration_seconds=max(0.0, last.last_end - last.last_start) if last else None,
    )
