"""What one source last said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from exporter.model.anomalies import JobAnomalies
from exporter.model.commvault import (
    AlertCount,
    CommCell,
    DatabaseReading,
    DedupStore,
    Library,
    LogReading,
    MediaAgent,
    OperationWindow,
    Plans,
    PlanSchedule,
    RetainedSet,
    ServiceLevel,
)
from exporter.model.filesystem import Mount, Scan, ScanState
from exporter.model.jobs import JobHistory
from exporter.model.pools import GroupForecast, Pool, PoolForecast, PoolSpace, Reduction
from exporter.model.retention import CycleAnalysis
from exporter.model.veeam import (
    BackupChain,
    BackupJob,
    BackupObjects,
    BestPractices,
    ConfigurationBackup,
    Efficiency,
    License,
    MalwareEvents,
    ManagedServer,
    Proxy,
    ReductionFeed,
    Repository,
    SessionHistory,
    VeeamServer,
)


@dataclass(frozen=True)
class Inventory:
    """What one source last said. Each field is filled by the collector of its name; None: never, or expired."""

    commcell: tuple[CommCell, ...] | None = None
    pools: tuple[Pool, ...] | None = None
    dedup_savings: tuple[Reduction, ...] | None = None
    dedup_stores: tuple[DedupStore, ...] | None = None
    media_agents: tuple[MediaAgent, ...] | None = None
    libraries: tuple[Library, ...] | None = None
    plans: Plans | None = None
    schedules: tuple[PlanSchedule, ...] | None = None
    operation_windows: tuple[OperationWindow, ...] | None = None
    jobs: JobHistory | None = None
    service_level: ServiceLevel | None = None
    alerts: tuple[AlertCount, ...] | None = None
    events: tuple[AlertCount, ...] | None = None
    retained_jobs: tuple[RetainedSet, ...] | None = None
    commserve_database: DatabaseReading | None = None
    media_agent_logs: LogReading | None = None
    backup_jobs: tuple[BackupJob, ...] | None = None
    backups: tuple[BackupChain, ...] | None = None
    sessions: SessionHistory | None = None
    repositories: tuple[Repository, ...] | None = None
    veeam_server: VeeamServer | None = None
    proxies: tuple[Proxy, ...] | None = None
    managed_servers: tuple[ManagedServer, ...] | None = None
    backup_objects: BackupObjects | None = None
    malware_events: MalwareEvents | None = None
    license: License | None = None
    configuration_backup: ConfigurationBackup | None = None
    best_practices: BestPractices | None = None
    drop_file: ReductionFeed | None = None
    enterprise_manager: ReductionFeed | None = None
    mounts: tuple[Mount, ...] | None = None
    scans: tuple[Scan, ...] | None = None
    scan_states: tuple[ScanState, ...] | None = None
    # Computed from the others, from History and from the ledger, on a schedule of their own.
    forecasts: tuple[PoolForecast, ...] | None = None
    space: tuple[PoolSpace, ...] | None = None
    cycles: CycleAnalysis | None = None
    efficiency: tuple[Efficiency, ...] | None = None
    anomalies: JobAnomalies | None = None
    groups: tuple[GroupForecast, ...] | None = None
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
