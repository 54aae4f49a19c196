"""Hundreds of thousands of backups as numpy columns, without an object for each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import sqlalchemy as sa

from exporter.history.ledger.tables import jobs
from exporter.model import Backups, Series
from exporter.model.jobs import FULL, INCREMENTAL, OTHER, RESULTS, SYNTHETIC_FULL

# Fewer than the 700 objects after which Python looks for garbage: 20,000 rows at once took half as long again.
_CHUNK = 500
_KINDS = {INCREMENTAL: 0, FULL: 1, SYNTHETIC_FULL: 2}
_RESULT_CODES = {result: code for code, result in enumerate(RESULTS)}
_TYPES = {
    "series_of": np.int32, "job_id": np.int64, "started_at": np.float64, "ended_at": np.float64, "kind": np.int8,
    "result": np.int8, "media_bytes": np.float64, "aged": np.int8,
}  # fmt: skip


def read_backups(connection: sa.Connection, source: str, since: float, until: float) -> Backups:
    query = sa.select(
        jobs.c.policy_id, jobs.c.client, jobs.c.subclient,
        jobs.c.id, jobs.c.started_at, jobs.c.ended_at, _code(jobs.c.operation, _KINDS, 0),
        _code(jobs.c.result, _RESULT_CODES, OTHER), jobs.c.media_bytes, sa.func.coalesce(jobs.c.aged, -1),
    ).where(
        jobs.c.source == source, jobs.c.operation.in_(list(_KINDS)), jobs.c.started_at.between(since, until),
        # Follows from the start, and has an index.
        jobs.c.ended_at >= since,
    )  # fmt: skip
    codes: dict[tuple[str, str, str], int] = {}
    chunks = [[np.empty(0, dtype) for dtype in _TYPES.values()]]
    for rows in connection.execution_options(stream_results=True).execute(query).partitions(_CHUNK):
        policies, clients, subclients, *values = zip(*rows, strict=True)
        series = [codes.setdefault(key, len(codes)) for key in zip(policies, clients, subclients, strict=True)]
        chunks.append([np.array(c, dtype) for c, dtype in zip((series, *values), _TYPES.values(), strict=True)])
    columns = dict(zip(_TYPES, map(np.concatenate, zip(*chunks, strict=True)), strict=True))

    names = sorted(codes)
    rank = np.empty(len(names), np.int32)
    rank[[codes[name] for name in names]] = np.arange(len(names))
    columns["series_of"] = rank[columns["series_of"]]
    order = np.lexsort((columns["job_id"], columns["started_at"], columns["series_of"]))
    columns = {name: column[order] for name, column in columns.items()}
    kind = columns.pop("kind")
    return Backups(
        series=tuple(Series(*name) for name in names),
        is_full=kind > 0,
        is_synthetic=kind == _KINDS[SYNTHETIC_FULL],
        **columns,
    )


def _code(column: sa.Column[str], codes: Mapping[str, int], other: int) -> sa.Case[int]:
    return sa.case(codes, value=column, else_=other)
