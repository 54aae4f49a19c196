"""Kinds of jobs, and jobs, that last longer or fail more often than they do on such a day, from the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.analysis.anomalies import DAYS, count_anomaly, duration_anomaly
from exporter.model import DAY, BackupJob, JobAnomalies, JobAnomaly, OperationAnomaly, Runs, State
from exporter.model.jobs import FAILED, KILLED, PARTIAL, RESULTS, SUCCESS

_DAYS = DAYS + 1
_DONE = np.isin(np.arange(len(RESULTS)), (SUCCESS, PARTIAL))
_FAILED = np.isin(np.arange(len(RESULTS)), (FAILED, KILLED))


def job_anomalies(kind: str, state: State, at: float, backup_jobs: Sequence[BackupJob] = ()) -> JobAnomalies:
    """kind: of the source; backup_jobs: those that are to be told one by one.

    Days are the 24 hours before `at`, those before them and so on. Durations are of runs that succeeded, with warnings
    or without.
    """
    runs = state.runs(at - _DAYS * DAY, at, clients=bool(backup_jobs))
    day = np.minimum(_DAYS - 1, ((at - runs.ended_at) // DAY).astype(np.int64))
    seconds = np.maximum(0.0, runs.ended_at - runs.started_at)
    done, failed = _DONE[runs.result], _FAILED[runs.result]
    operations = []
    for code, operation in enumerate(runs.operations):
        own = runs.operation_of == code
        counts = np.bincount(day[own & failed], minlength=_DAYS).astype(np.float64)
        # Before its first run it could not fail.
        counts[day[own].max() + 1 :] = np.nan
        operations.append(
            OperationAnomaly(
                kind=kind,
                operation=operation,
                duration=duration_anomaly(_medians(day[own & done], seconds[own & done])),
                failures=count_anomaly(counts[::-1]),
            )
        )
    ids = {job.id for job in backup_jobs}
    jobs = [
        JobAnomaly(job_id=job_id, duration=duration_anomaly(_medians(day[rows], seconds[rows])))
        for job_id, rows in _by_client(runs, done)
        if job_id in ids
    ]
    return JobAnomalies(tuple(sorted(operations, key=lambda o: o.operation)), tuple(jobs))


def _by_client(runs: Runs, wanted: NDArray[np.bool_]) -> list[tuple[str, NDArray[np.int64]]]:
    """(id, row numbers) of the wanted runs."""
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(runs.client_of[rows], kind="stable")]
    codes, first = np.unique(runs.client_of[rows], return_index=True)
    return [(runs.clients[code], part) for code, part in zip(codes, np.split(rows, first[1:]), strict=True)]


def _medians(day: NDArray[np.int64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """(_DAYS,) the median of each day, newest last; NaN for a day without runs."""
    found = np.full(_DAYS, np.nan)
    order = np.lexsort((seconds, day))
    days, first, count = np.unique(day[order], return_index=True, return_counts=True)
    ranked = seconds[order]
    found[days] = (ranked[first + (count - 1) // 2] + ranked[first + count // 2]) / 2
    return found[::-1]
