"""What the finished jobs in the ledger and the running ones come to, per operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from exporter.model import DAY, JobHistory, OperationJobs, State
from exporter.model.jobs import RESULTS
from exporter.sources.commvault.job_fill import Fill
from exporter.sources.commvault.job_words import OPERATIONS

# The longest window that is counted, and how long a job that ended in it may have run before.
_COUNTED = 30 * DAY + 2 * DAY
_NEVER_RAN = OperationJobs(
    operation="", running=0, finished_24h=0, failed_24h=0, finished_total=dict.fromkeys(RESULTS, 0),
    last_success_at=None, last_completion_at=None, last_duration_seconds=None,
)  # fmt: skip


def job_history(at: float, state: State, running: Mapping[str, int], fill: Fill) -> JobHistory:
    """Without operations while the ledger lacks jobs that they would have to count.

    The totals wait for the end of the fill: a counter that grows by the past would look like a burst of jobs.
    """
    if not fill.done and fill.known_from > at - _COUNTED:
        return JobHistory((), fill.ratio)
    known = {found.operation: found for found in state.operations(at)}
    operations = []
    for operation in OPERATIONS:
        found = known.get(operation, _NEVER_RAN)
        totals = {**_NEVER_RAN.finished_total, **found.finished_total} if fill.done else {}
        ran = running.get(operation, 0)
        operations.append(replace(found, operation=operation, running=ran, finished_total=totals))
    return JobHistory(tuple(operations), fill.ratio)
