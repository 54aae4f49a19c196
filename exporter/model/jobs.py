"""Finished and running jobs of a backup system, as the ledger keeps them and as analysis wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One finished run, as the ledger keeps it."""

    id: int
    operation: str
    result: str
    started_at: float
    ended_at: float
    client: str = ""
    client_id: str = ""
    subclient: str = ""
    policy_id: str = ""
    application_bytes: float | None = None
    media_bytes: float | None = None
    # Whether its data has been aged, and until when it is kept, as far as the vendor said when it was last asked.
    aged: bool | None = None
    retained_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationJobs:
    """What became of the runs of one operation; counts end at the moment of the poll."""

    operation: str
    running: int
    finished_24h: int
    failed_24h: int
    finished_30d: int = 0
    failed_30d: int = 0
    # Finished runs by result since the ledger began, each once.
    finished_total: Mapping[str, int] = field(default_factory=dict)
    last_success_at: float | None
    last_completion_at: float | None
    last_duration_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFulls:
    """How often the clients of a storage policy really get a full.

    Intervals and gaps are medians over subclients of each one's own median; p10 and p90 over subclients.
    """

    policy_id: str
    full_interval_seconds: float | None
    # From the last incremental of a cycle to the full that closes it; the interval itself where there are none.
    last_incremental_gap_seconds: float | None
    full_interval_p10_seconds: float | None = None
    full_interval_p90_seconds: float | None = None
    # Of the last 30 days: fulls that ended, that failed or were killed, that completed with errors.
    fulls_30d: int = 0
    failed_fulls_30d: int = 0
    partial_fulls_30d: int = 0
    last_synthetic_full_at: float | None = None
    # Clients of which no subclient has been backed up at all, and those without a good full within two intervals.
    clients: int = 0
    overdue_clients: int = 0


@dataclass(frozen=True, slots=True)
class JobHistory:
    """operations: none before the history that their counts need is known; fill_ratio: how much of it has been read.

    While fill_ratio is below 1, runs of the past may be missing from what State tells.
    """

    operations: tuple[OperationJobs, ...]
    fill_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Series:
    """What has cycles of its own: one subclient of one client under one policy."""

    policy_id: str
    client: str
    subclient: str


FULL, SYNTHETIC_FULL, INCREMENTAL = "backup_full", "backup_synthetic_full", "backup_incremental"
SUCCESS, PARTIAL, FAILED, KILLED, OTHER = range(5)
RESULTS = ("success", "partial", "failed", "killed", "other")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backups:
    """Finished backups as columns of n, ordered by series, then start.

    series_of indexes `series`; result is an index into RESULTS; is_full is true for synthetic fulls, too; aged is
    1 aged, 0 retained, -1 unknown; bytes are nan where unknown.
    """

    series: tuple[Series, ...]
    series_of: NDArray[np.int32]
    job_id: NDArray[np.int64]
    started_at: NDArray[np.float64]
    ended_at: NDArray[np.float64]
    is_full: NDArray[np.bool_]
    is_synthetic: NDArray[np.bool_]
    result: NDArray[np.int8]
    media_bytes: NDArray[np.float64]
    aged: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.job_id)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs:
    """Finished runs as columns of n, in no order.

    operation_of indexes `operations`, client_of indexes `clients` (ids, where they were asked for); result is an
    index into RESULTS.
    """

    operations: tuple[str, ...]
    operation_of: NDArray[np.int32]
    clients: tuple[str, ...]
    client_of: NDArray[np.int32]
    started_at: NDArray[np.float64]
    ended_at: NDArray[np.float64]
    result: NDArray[np.int8]
