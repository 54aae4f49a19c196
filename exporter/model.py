"""The vocabulary: what sources have, in bytes, seconds, unix seconds and ratios of 0 to 1.

None means unknown, and unknown is no sample. Infinite is math.inf. Moments are unix seconds (float).
Collector and Source are defined here and not in `sources/`, because every source needs the first and
`sources/` needs every source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Group:
    """Whom a pool or source belongs to, by the `groups:` of the configuration."""

    business_unit: str = ""
    application: str = ""
    site: str = ""
    importance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A place that fills up: storage pool, repository or extent, mounted filesystem."""

    kind: str
    name: str
    id: str = ""
    capacity_bytes: float | None = None
    # What a normal writer can still use. None while the pool is offline: its last sizes are stale.
    free_bytes: float | None = None
    status: str = "unknown"
    pool_type: str = ""
    location: str = ""
    worm: bool | None = None
    # Pools on one disk report the same sizes; they carry the same name here and totals count them once.
    shared: str = ""
    group: Group = Group()

    @property
    def free_ratio(self) -> float | None:
        if self.free_bytes is None or not self.capacity_bytes:
            return None
        return min(1.0, max(0.0, self.free_bytes / self.capacity_bytes))


POOL_STATUSES = ("online", "degraded", "offline", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """How much smaller than the protected data the stored data of a pool is; ratios are x:1."""

    kind: str
    pool: str
    pool_id: str = ""
    dedup_ratio: float | None = None
    compression_ratio: float | None = None
    logical_bytes: float | None = None
    stored_bytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DedupStore:
    """A Commvault deduplication database (DDB), its partitions summed."""

    id: str
    name: str
    pool: str = ""
    status: str = "unknown"
    sealed_at: float | None = None
    pruning_enabled: bool | None = None
    pending_deletes: float | None = None
    primary_entries: float | None = None
    # Mean time of a lookup and insert, the slowest partition's.
    lookup_seconds: float | None = None
    last_backup_at: float | None = None


DEDUP_STORE_STATUSES = ("active", "sealed", "offline", "corrupted", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaAgent:
    id: str
    name: str
    online: bool | None = None
    maintenance: bool | None = None
    version: str = ""
    os: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """How long one copy of a plan keeps its jobs: `retention_seconds` and `cycles` both, inf for ever."""

    plan: str
    copy: str
    rule: str
    policy_id: str
    pool: str = ""
    retention_seconds: float | None = None
    cycles: float | None = None
    aging_enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One finished run, as the ledger keeps it."""

    id: int
    operation: str
    result: str
    started_at: float
    ended_at: float
    client: str = ""
    subclient: str = ""
    policy_id: str = ""
    application_bytes: float | None = None
    media_bytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationJobs:
    """What became of the runs of one operation; counts end at the moment of the poll."""

    operation: str
    running: int
    finished_24h: int
    failed_24h: int
    last_success_at: float | None
    last_completion_at: float | None
    last_duration_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFulls:
    """How often the clients of a storage policy really get a full; both are medians over clients."""

    policy_id: str
    full_interval_seconds: float
    # From the last incremental of a cycle to the full that closes it; the interval itself where there are none.
    last_incremental_gap_seconds: float


@dataclass(frozen=True, slots=True)
class JobHistory:
    operations: tuple[OperationJobs, ...]
    policies: tuple[PolicyFulls, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupJob:
    """A Veeam job: the definition, and how its last finished run went."""

    id: str
    name: str
    job_type: str = ""
    repository: str = ""
    enabled: bool | None = None
    running: bool | None = None
    last_result: str = "none"
    last_run_at: float | None = None
    last_success_at: float | None = None
    objects: int | None = None


JOB_RESULTS = ("success", "warning", "failed", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupChain:
    """The files of one Veeam backup, summed; sizes in bytes."""

    backup: str
    # "" for an orphaned or imported backup.
    job: str
    job_id: str = ""
    repository: str
    repository_id: str = ""
    files: int
    data_bytes: float
    stored_bytes: float
    # Data left after deduplication alone; None where no file told.
    deduplicated_bytes: float | None
    # Of the files that no long-term (GFS) rule keeps.
    oldest_at: float | None
    newest_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mounted filesystem: its pool, and what only filesystems have."""

    pool: Pool
    device: str
    fstype: str
    read_only: bool
    # Why it could not be read ("EIO", "stuck"); None when it could.
    error: str | None = None
    files: float | None = None
    files_free: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one walk of a directory tree counted."""

    root: str
    completed_at: float
    duration_seconds: float
    files: int
    directories: int
    apparent_bytes: int
    allocated_bytes: int
    errors: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveRetention:
    """How old data really gets before it may age. earliest: a cycle's last job; latest: its full."""

    kind: str
    plan: str
    copy: str = ""
    rule: str = ""
    earliest_seconds: float | None
    latest_seconds: float | None
    semantics: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolForecast:
    """When a pool will be full; seconds from the newest sample, inf for not within the horizon, None for unknown."""

    kind: str
    pool: str
    status: str
    history_seconds: float
    p10_seconds: float | None = None
    p50_seconds: float | None = None
    p90_seconds: float | None = None
    fill_bytes_per_second: float | None = None


@dataclass(frozen=True)
class Inventory:
    """What one source last said. Each field is filled by the collector of its name; None: never, or expired."""

    pools: tuple[Pool, ...] | None = None
    dedup_savings: tuple[Reduction, ...] | None = None
    dedup_stores: tuple[DedupStore, ...] | None = None
    media_agents: tuple[MediaAgent, ...] | None = None
    retention_rules: tuple[RetentionRule, ...] | None = None
    jobs: JobHistory | None = None
    backup_jobs: tuple[BackupJob, ...] | None = None
    backup_files: tuple[BackupChain, ...] | None = None
    mounts: tuple[Mount, ...] | None = None
    scans: tuple[Scan, ...] | None = None
    forecasts: tuple[PoolForecast, ...] | None = None
    read_at: Mapping[str, float] = field(default_factory=dict)
    expires_at: Mapping[str, float] = field(default_factory=dict)

    def with_answer(self, collector: str, value: Any, read_at: float, expires_at: float) -> Inventory:
        return replace(
            self,
            read_at={**self.read_at, collector: read_at},
            expires_at={**self.expires_at, collector: expires_at},
            **{collector: value},
        )

    def fresh(self, at: float) -> Inventory:
        """Itself, with None in every field that has expired by `at`."""
        expired: dict[str, Any] = {name: None for name, expiry in self.expires_at.items() if expiry <= at}
        return replace(self, **expired)


COLLECTED = tuple(f.name for f in fields(Inventory) if f.name not in ("read_at", "expires_at"))


class State(Protocol):
    """What a collector must remember across restarts; one per source."""

    def get(self, key: str) -> str | None: ...

    def put(self, key: str, value: str) -> None: ...

    def add_jobs(self, jobs: Iterable[Job]) -> int:
        """Store finished runs, each id once; how many were new."""

    def jobs(self, since: float, *, operations: Iterable[str] | None = None) -> Iterator[Job]:
        """Runs that ended at or after `since`, by end."""


@dataclass(frozen=True)
class Poll:
    """What a fetch is given: when it is, when it last succeeded (None: never), and what it may remember."""

    at: float
    since: float | None
    state: State


@dataclass(frozen=True)
class Collector:
    """One thing asked of a source. `name` is the Inventory field it fills; `interval` is the default, in seconds.

    permission: what the account needs, in the vendor's words; it ends the message of a refusal.
    deadline: seconds after which a poll that has not ended counts as failed; None: its interval.
    """

    name: str
    fetch: Callable[[Any, Poll], Any]
    interval: float
    permission: str = ""
    deadline: float | None = None


def scheduled(collectors: Iterable[Collector], intervals: Mapping[str, float | bool | None]) -> tuple[Collector, ...]:
    """The collectors with their configured intervals; None keeps the default, False leaves the collector out."""
    return tuple(
        replace(c, interval=intervals.get(c.name) or c.interval)
        for c in collectors
        if intervals.get(c.name) is not False
    )


class Source(Protocol):
    """One configured system: its name and kind, its collectors with their intervals, and a client for them."""

    name: str
    kind: str
    host: str
    collectors: tuple[Collector, ...]
    client: Any

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorState:
    """How the polls of one collector go; `success` is None before the first has ended."""

    source: str
    kind: str
    collector: str
    interval_seconds: float
    success: bool | None = None
    reason: str = ""
    error: str = ""
    last_poll_at: float | None = None
    last_success_at: float | None = None
    duration_seconds: float | None = None
    objects: int | None = None
    running_since: float | None = None
    next_poll_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """A configured source, and whether its last contact succeeded (None before the first)."""

    name: str
    kind: str
    host: str
    up: bool | None = None
    group: Group = Group()
