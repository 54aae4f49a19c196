"""What the finished jobs in the ledger and the running ones come to, per operation."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.fill import Fill, operations
from exporter.model import JobHistory, State
from exporter.sources.commvault.job_words import OPERATIONS


def job_history(at: float, state: State, running: Mapping[str, int], fill: Fill) -> JobHistory:
    return JobHistory(operations(at, state, OPERATIONS, running, fill), fill.ratio)
