"""What sessions stored: each told once, whoever tells it, and read as columns."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np
import sqlalchemy as sa

from exporter.history.database import insert_new
from exporter.history.ledger.store import Store
from exporter.history.ledger.tables import reductions
from exporter.model import Reductions, SessionReduction

_BATCH = 1000
_CHUNK = 20_000
_TYPES = {
    "at": np.float64, "is_full": np.int8, "data_bytes": np.float64, "stored_bytes": np.float64,
    "dedup_ratio": np.float64, "compression_ratio": np.float64,
}  # fmt: skip


class ReductionStore(Store):
    def add_reductions(self, sessions: Iterable[SessionReduction]) -> int:
        """Raises HistoryError; nothing is kept of the batch that could not be written."""
        added = 0
        sessions = iter(sessions)
        insert = insert_new(self.engine, reductions).returning(reductions.c.session_id)
        while batch := [self._reduction(session) for session in islice(sessions, _BATCH)]:
            with self.writing() as connection:
                added += len(connection.execute(insert, batch).all())
        return added

    def reductions(self, since: float) -> Reductions:
        names = (reductions.c.job_id, reductions.c.job, reductions.c.repository)
        query = sa.select(*names, *(reductions.c[name] for name in _TYPES)).where(
            reductions.c.source == self.source, reductions.c.at >= since
        )
        codes: dict[tuple[str, str, str], int] = {}
        chunks = [[np.empty(0, np.int32), *(np.empty(0, dtype) for dtype in _TYPES.values())]]
        with self.reading() as connection:
            for rows in connection.execution_options(stream_results=True).execute(query).partitions(_CHUNK):
                ids, jobs, repositories, *values = zip(*rows, strict=True)
                job_of = [codes.setdefault(key, len(codes)) for key in zip(ids, jobs, repositories, strict=True)]
                columns = (np.array(c, dtype) for c, dtype in zip(values, _TYPES.values(), strict=True))
                chunks.append([np.array(job_of, np.int32), *columns])
        first, *others = map(np.concatenate, zip(*chunks, strict=True))
        order = np.lexsort((others[0], first))
        found = {name: column[order] for name, column in zip(_TYPES, others, strict=True)}
        return Reductions(jobs=tuple(codes), job_of=first[order], **found)

    def forget_reductions(self, before: float) -> int:
        old = sa.delete(reductions).where(reductions.c.source == self.source, reductions.c.at < before)
        with self.writing() as connection:
            return connection.execute(old).rowcount

    def _reduction(self, session: SessionReduction) -> dict[str, str | float]:
        return {
            "source": self.source, "job_key": session.job_id or session.job, "session_id": session.session_id,
            "job_id": session.job_id, "job": session.job, "repository": session.repository, "at": session.at,
            "is_full": -1 if session.is_full is None else int(session.is_full), "data_bytes": session.data_bytes,
            "stored_bytes": session.stored_bytes, "dedup_ratio": session.dedup_ratio,
            "compression_ratio": session.compression_ratio,
        }  # fmt: skip
