"""What a CommCell has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CommCell:
    name: str
    id: str = ""
    version: str = ""
    # Of the CommServe's clock against UTC; operation windows are in its time.
    utc_offset_seconds: float | None = None
    license_expires_at: float | None = None
    license_edition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One part of a deduplication database, on one MediaAgent."""

    id: str
    media_agent: str = ""
    status: str = "unknown"
    # Mean time of a lookup and insert.
    lookup_seconds: float | None = None
    primary_entries: float | None = None
    # Of the volume that the partition lies on.
    volume_capacity_bytes: float | None = None
    volume_free_bytes: float | None = None
    last_backup_at: float | None = None
    pending_deletes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DedupStore:
    """A deduplication database (DDB), its partitions summed."""

    id: str
    name: str
    pool: str = ""
    pool_id: str = ""
    status: str = "unknown"
    sealed_at: float | None = None
    pruning_enabled: bool | None = None
    under_maintenance: bool | None = None
    needs_resync: bool | None = None
    pending_deletes: float | None = None
    primary_entries: float | None = None
    # The slowest partition's.
    lookup_seconds: float | None = None
    last_backup_at: float | None = None
    partitions: tuple[Partition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaAgent:
    id: str
    name: str
    online: bool | None = None
    maintenance: bool | None = None
    # A number whose meanings the vendor does not publish; 0 is none.
    offline_reason: float | None = None
    version: str = ""
    os: str = ""
    offline_since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MountPath:
    """A directory or bucket of a library. Sizes are None while it is offline: its last ones are stale."""

    id: str
    name: str
    media_agents: tuple[str, ...] = ()
    online: bool | None = None
    enabled: bool | None = None
    writable: bool | None = None
    capacity_bytes: float | None = None
    free_bytes: float | None = None
    logical_bytes: float | None = None
    stored_bytes: float | None = None
    # Means over the vendor's own look-back.
    written_bytes_per_day: float | None = None
    freed_bytes_per_day: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    id: str
    name: str
    library_type: str = ""
    online: bool | None = None
    mount_paths: tuple[MountPath, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """How long a copy keeps its jobs: `retention_seconds` and `cycles` both, inf for ever.

    rule: basic, or extended_1 to extended_5; kind: basic, or which fulls an extended rule keeps (all_fulls, weekly,
    monthly, quarterly, half_yearly, yearly, hourly, daily, other).
    """

    rule: str
    kind: str = "basic"
    retention_seconds: float | None = None
    cycles: float | None = None
    aging_enabled: bool | None = None
    # When it was first seen, and last seen to change (None: never).
    first_seen_at: float | None = None
    changed_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy of a plan's backups in one pool."""

    id: str
    name: str
    pool: str = ""
    pool_id: str = ""
    active: bool | None = None
    # Whether pruning waits until the disk is nearly full.
    managed_disk_space: bool | None = None
    rules: tuple[RetentionRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    id: str
    name: str
    plan_type: str = ""
    company: str = ""
    policy: str = ""
    policy_id: str = ""
    clients: int | None = None
    rpo_seconds: float | None = None
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """All plans, and how often their retention rules have been seen to change since ebbtide first looked.

    changes: counts by (field, direction): field days, cycles, aging or extended; direction longer, shorter.
    """

    plans: tuple[Plan, ...]
    changes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    created_rules: int = 0
    # Of those, the ones that keep for ever.
    created_infinite_rules: int = 0
    # By which their cycles are to be counted: vendor, inclusive or strict; see analysis.retention.
    cycle_semantics: str = "vendor"

    def __len__(self) -> int:
        return len(self.plans)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSchedule:
    """When a plan is told to make fulls; intervals in seconds, None: not scheduled, or not at fixed times."""

    plan_id: str
    plan: str
    full_interval_seconds: float | None = None
    synthetic_full: bool | None = None
    synthetic_full_interval_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationWindow:
    """A time in which something must not run.

    times: (first second, last second of the day, days of the week with 0 Sunday, weeks of the month, 1 to 4
    and 5 the last; empty for all), in the CommServe's time; starts_at, ends_at: days outside which it does not count.
    """

    id: str
    name: str
    blocks_pruning: bool
    times: tuple[tuple[float, float, tuple[int, ...], tuple[int, ...]], ...] = ()
    starts_at: float | None = None
    ends_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevel:
    """Clients that met and missed the vendor's SLA."""

    met: int
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCount:
    """Alerts raised at present (`alerts`), or events since ebbtide first looked (`events`), by their kind."""

    severity: str
    criterion: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedSet:
    """What one copy still keeps, and what it no longer keeps but has not freed.

    jobs, bytes: by reason (basic_days, basic_cycles, extended_retention, not_copied, infinite, job_running, manual,
    other). aged_total_*: what the copy was seen to let go of since it was first asked.
    """

    copy_id: str
    jobs: Mapping[str, int]
    bytes: Mapping[str, float]
    aged_jobs: int | None = None
    aged_bytes: float | None = None
    aged_total_jobs: int = 0
    aged_total_bytes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DedupStoreUsage:
    """A DDB as the CommServe database has it, its partitions summed."""

    store_id: str
    name: str = ""
    pending_deletes: float | None = None
    bytes_to_prune: float | None = None
    primary_entries: float | None = None
    secondary_entries: float | None = None
    size_bytes: float | None = None
    lookup_seconds: float | None = None
    # The partition's that lags most.
    last_mark_and_sweep_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseReading:
    """What only the CommServe database says.

    awaiting_pruning: aged files that wait, by (store id, failure code as text, "0" for none); store "0" is data
    without deduplication. last_pruned_at: newest entry of the pruning log, by store id.
    """

    stores: tuple[DedupStoreUsage, ...]
    awaiting_pruning: Mapping[tuple[str, str], int] = field(default_factory=dict)
    last_pruned_at: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.stores)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreEvidence:
    """What the logs of the MediaAgents last said about a DDB; moments, None: nothing was said."""

    store_id: str
    logical_pruning_at: float | None = None
    physical_pruning_at: float | None = None
    mark_and_sweep_at: float | None = None
    pruning_disabled_at: float | None = None
    corrupted_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReading:
    """What was read from the MediaAgents' logs; counts since ebbtide first looked, by log name."""

    stores: tuple[StoreEvidence, ...]
    lines: Mapping[str, int] = field(default_factory=dict)
    bad_lines: Mapping[str, int] = field(default_factory=dict)
    # Chunks deleted from disk, and drilled holes into, by the physical deletion log.
    deleted_chunks: int = 0

    def __len__(self) -> int:
        return len(self.lines)
