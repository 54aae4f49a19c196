"""What a Veeam Backup & Replication server has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from exporter.model.jobs import OperationJobs


@dataclass(frozen=True, slots=True, kw_only=True)
class VeeamServer:
    """version: the build, "" where the role may not read it; utc_offset_seconds: what its times without zone mean."""

    name: str = ""
    version: str = ""
    api_revision: str
    platform: str = ""
    utc_offset_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository or an extent of a scale-out repository, beside the Pool of the same id."""

    id: str
    name: str
    # The vendor's size of the backups: logical where blocks are shared by fast clone, so it may exceed the capacity.
    used_bytes: float | None = None
    out_of_date: bool | None = None
    # The scale-out repository that it is an extent of, and as what: performance, capacity, archive; "" for none.
    scale_out: str = ""
    tier: str = ""
    # Such as normal, sealed, maintenance, evacuate; empty where unknown.
    extent_statuses: tuple[str, ...] = ()
    # How long its newest backups cannot be deleted by anyone; 0 without immutability, None where unknown.
    immutable_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupJob:
    """A Veeam job as it is defined, and what it does at present; how its runs went is in SessionHistory."""

    id: str
    name: str
    job_type: str = ""
    repository: str = ""
    repository_id: str = ""
    enabled: bool | None = None
    running: bool | None = None
    # What the state says; "none" while a session runs, and before the first.
    last_result: str = "none"
    last_run_at: float | None = None
    next_run_at: float | None = None
    objects: int | None = None
    # Configured retention: seconds, or a number of restore points; None: the other one, or not told.
    retention_seconds: float | None = None
    retention_points: int | None = None
    # Of weekly, monthly, yearly: how many are kept, for those that are switched on; None where not told.
    gfs: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """The newest finished session of a job; bytes and duration where the server tells.

    processed: logical size handled; read: from the source; transferred: sent after deduplication and compression.
    """

    job_id: str
    result: str
    ended_at: float
    duration_seconds: float | None = None
    processed_bytes: float | None = None
    read_bytes: float | None = None
    transferred_bytes: float | None = None
    last_success_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHistory:
    """Finished sessions by type (SESSION_TYPES), each counted once, and the newest run of every job.

    fill_ratio: how much of the look-back has been read; below 1 the counts are absent.
    """

    types: tuple[OperationJobs, ...]
    runs: tuple[JobRun, ...]
    fill_ratio: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupChain:
    """One Veeam backup: its files and restore points, summed; sizes in bytes, None where the revision has no files."""

    backup: str
    # "" for an orphaned or imported backup.
    job: str
    job_id: str = ""
    repository: str
    repository_id: str = ""
    files: int | None
    data_bytes: float | None
    stored_bytes: float | None
    # Data left after deduplication alone; None where no file told.
    deduplicated_bytes: float | None
    restore_points: int | None = None
    # Of the files, else of the restore points, that no long-term (GFS) rule keeps.
    oldest_at: float | None
    newest_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    id: str
    name: str
    proxy_type: str = ""
    online: bool | None = None
    enabled: bool | None = None
    out_of_date: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedServer:
    id: str
    name: str
    server_type: str = ""
    available: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """expires_at: the earliest date of any of its parts; None: perpetual.

    used, licensed: by unit (instances, sockets), those that are licensed; capacity in bytes, None where it is not.
    """

    status: str
    license_type: str = ""
    edition: str = ""
    expires_at: float | None = None
    support_expires_at: float | None = None
    used: Mapping[str, float] = field(default_factory=dict)
    licensed: Mapping[str, float] = field(default_factory=dict)
    used_bytes: float | None = None
    licensed_bytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationBackup:
    """last_success_at: None when it never succeeded."""

    enabled: bool | None
    encrypted: bool | None = None
    last_success_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MalwareEvents:
    """Detections that nobody has marked as false; by severity (infected, suspicious, other), and the newest."""

    total: Mapping[str, int]
    last_24h: Mapping[str, int]
    newest_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BestPractices:
    """How many of the security analyzer's best practices are in which state: ok, violation, suppressed, unknown."""

    by_status: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupObjects:
    """Machines and shares that Veeam knows: all, those without a restore point, those whose last run failed."""

    total: int
    unprotected: int
    last_run_failed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReduction:
    """What one finished session of a job stored; ratios are x:1, and bytes before and after both reductions."""

    session_id: str
    job_id: str
    job: str
    repository: str = ""
    at: float
    is_full: bool | None = None
    data_bytes: float
    stored_bytes: float
    dedup_ratio: float
    compression_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reductions:
    """SessionReductions as columns of n, ordered by job, then time; job_of indexes `jobs` of (job id, job, repository).

    is_full: 1 full, 0 incremental, -1 unknown.
    """

    jobs: tuple[tuple[str, str, str], ...]
    job_of: NDArray[np.int32]
    at: NDArray[np.float64]
    is_full: NDArray[np.int8]
    data_bytes: NDArray[np.float64]
    stored_bytes: NDArray[np.float64]
    dedup_ratio: NDArray[np.float64]
    compression_ratio: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReductionFeed:
    """A drop file or an Enterprise Manager: what it gave. rejected: records left out, by reason.

    modified_at: of the file; generated_at: as it says itself; both None for an Enterprise Manager.
    """

    sessions: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    modified_at: float | None = None
    generated_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiency:
    """How well a job (or, summed, a repository) reduces its data: the five components and what they come to.

    status: ok, or why there is no score (then score, components and the like are None or empty):
    insufficient_sessions. Ratios are x:1 and of the combined series unless named; moments of sessions oldest first.
    """

    job_id: str
    job: str
    repository: str
    sessions: int
    status: str
    components: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None
    grade: str = "none"
    trend: str = "none"
    # Relative change of the later half against the earlier: -0.05 is 5 % worse.
    dedup_trend_ratio: float | None = None
    dedup_trend_pvalue: float | None = None
    compression_trend_ratio: float | None = None
    dedup_mean: float | None = None
    compression_mean: float | None = None
    combined_mean: float | None = None
    combined_stddev: float | None = None
    # The newest session's combined ratio divided by the mean.
    last_to_mean_ratio: float | None = None
    anomalous_sessions: int | None = None
    # Whether the newest session is beyond three sigma and more than 20 % under the mean.
    last_is_critical: bool | None = None
    flags: Mapping[str, bool] = field(default_factory=dict)
    potential_bytes_per_day: float | None = None
    # The newest session that counts.
    newest_at: float | None = None
