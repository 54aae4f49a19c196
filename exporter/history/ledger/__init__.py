"""What must be remembered and is no number over time: finished jobs, what sessions stored, rules, tokens."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import sqlalchemy as sa

from exporter.history.database import engine_for, shown, store_errors, upsert
from exporter.history.ledger.jobs import JobStore
from exporter.history.ledger.reductions import ReductionStore
from exporter.history.ledger.tables import prepare, versions


class Ledger:
    def __init__(self, url: str) -> None:
        self._engine = engine_for(url)
        self._lock = threading.Lock()
        with store_errors(f"ledger {shown(url)}"), self._engine.begin() as connection:
            prepare(connection)

    def state(self, source: str) -> SourceState:
        return SourceState(self._engine, self._lock, source)

    def close(self) -> None:
        self._engine.dispose()


class SourceState(JobStore, ReductionStore):
    """The State (see model) of one source."""

    def latest_versions(self, kind: str) -> dict[str, tuple[float, str | None]]:
        mine = (versions.c.source == self.source, versions.c.kind == kind)
        last = sa.select(versions.c.key, sa.func.max(versions.c.seen_at)).where(*mine).group_by(versions.c.key)
        query = sa.select(versions.c.key, versions.c.seen_at, versions.c.value)
        query = query.where(*mine, sa.tuple_(versions.c.key, versions.c.seen_at).in_(last))
        with self.reading() as connection:
            return {row.key: (row.seen_at, row.value) for row in connection.execute(query)}

    def add_versions(self, kind: str, at: float, found: Mapping[str, str | None]) -> None:
        known = self.latest_versions(kind)
        rows = []
        for key, value in found.items():
            seen_at, newest = known.get(key, (None, None))
            if value != newest:
                # A clock that was set back must not hide the newest version behind an older one.
                moment = at if seen_at is None else max(at, seen_at + 1.0)
                rows.append({"source": self.source, "kind": kind, "key": key, "seen_at": moment, "value": value})
        if rows:
            with self.writing() as connection:
                connection.execute(upsert(self.engine, versions, lambda new: {"value": new.value}), rows)
