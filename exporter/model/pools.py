"""Whatever fills up, of every kind of source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.model.anomalies import Unusual


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
    # The vendor's size of the backups in it; `used` also holds what others keep on the disk.
    stored_bytes: float | None = None
    library_ids: tuple[str, ...] = ()
    # Pools on one disk report the same sizes; they carry the same name here and totals count them once.
    shared: str = ""
    group: Group = Group()

    @property
    def free_ratio(self) -> float | None:
        if self.free_bytes is None or not self.capacity_bytes:
            return None
        return min(1.0, max(0.0, self.free_bytes / self.capacity_bytes))


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
class PoolForecast:
    """When a pool will be full, what it will need, and why; inf for not within the horizon, None for unknown.

    p10, p50, p90: seconds from now. used, low, high (of the 80 % band): by horizon, 30d, 90d and 365d from now.
    """

    kind: str
    pool: str
    status: str
    history_seconds: float
    p10_seconds: float | None = None
    p50_seconds: float | None = None
    p90_seconds: float | None = None
    fill_bytes_per_second: float | None = None
    method: str = "none"
    used_bytes: Mapping[str, float | None] = field(default_factory=dict)
    used_low_bytes: Mapping[str, float | None] = field(default_factory=dict)
    used_high_bytes: Mapping[str, float | None] = field(default_factory=dict)
    # 0: it has been looked for, and there is none.
    season_seconds: float | None = None
    # Since when it has grown as it grows now.
    regime_start_at: float | None = None
    anomalous: bool | None = None
    outliers: int | None = None
    error_ratio: float | None = None
    recommended_capacity_bytes: float | None = None
    order_by_at: float | None = None
    # Bytes per second of the last whole day.
    fill: Unusual | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupForecast:
    """The forecast of what the pools of a group use together, disks counted once.

    group_by: business_unit, application, source or kind; group: which of them; pools: how many; None
    where only their sum is known.
    """

    group_by: str
    group: str
    pools: int | None
    used_bytes: float
    capacity_bytes: float
    forecast: PoolForecast


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpace:
    """What the used space of a pool did from poll to poll, since ebbtide first looked.

    Totals are lower bounds: what was freed and written again between two polls is seen by nobody.
    """

    kind: str
    pool: str
    reclaimed_bytes: float
    ingested_bytes: float
    # When used space or pending deletes last fell; None: never yet.
    last_prune_at: float | None
    # Of the last 30 days, those on which that happened, and those on which the pool was seen at least twice.
    prune_days_30d: int
    observed_days_30d: int
