"""Hundreds of thousands of runs as numpy columns: what they were, when, and how they ended."""

from __future__ import annotations

from itertools import repeat

import numpy as np
import sqlalchemy as sa

from exporter.history.ledger.tables import jobs
from exporter.model import Runs
from exporter.model.jobs import OTHER, RESULTS

_CHUNK = 500
_RESULT_CODES = {result: code for code, result in enumerate(RESULTS)}
_TYPES = {
    "operation_of": np.int32, "client_of": np.int32, "result": np.int8, "started_at": np.float64,
    "ended_at": np.float64,
}  # fmt: skip


def read_runs(connection: sa.Connection, source: str, since: float, until: float, *, clients: bool) -> Runs:
    columns = (jobs.c.operation, jobs.c.result, jobs.c.started_at, jobs.c.ended_at)
    query = sa.select(*columns, jobs.c.client_id) if clients else sa.select(*columns)
    query = query.where(jobs.c.source == source, jobs.c.ended_at.between(since, until))
    operations: dict[str, int] = {}
    ids: dict[str, int] = {}
    chunks = [[np.empty(0, dtype) for dtype in _TYPES.values()]]
    for rows in connection.execution_options(stream_results=True).execute(query).partitions(_CHUNK):
        operation, result, started_at, ended_at, *client = zip(*rows, strict=True)
        found = (
            [operations.setdefault(name, len(operations)) for name in operation],
            [ids.setdefault(name, len(ids)) for name in (client[0] if clients else repeat("", len(rows)))],
            [_RESULT_CODES.get(name, OTHER) for name in result],
            started_at,
            ended_at,
        )
        chunks.append([np.array(c, dtype) for c, dtype in zip(found, _TYPES.values(), strict=True)])
    read = dict(zip(_TYPES, map(np.concatenate, zip(*chunks, strict=True)), strict=True))
    return Runs(operations=tuple(operations), clients=tuple(ids), **read)
