"""What follows from an Inventory: the only place that says what is computed from what, each when first read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from exporter.analysis.windows import blocked
from exporter.findings.names import GroupOf, distinct, ungrouped
from exporter.findings.plans import PlanFinding, RuleFinding, commvault_retention, plan_findings, rule_findings
from exporter.findings.storage import (
    MountPathFinding,
    PoolPruning,
    StoreFinding,
    mount_paths,
    pool_agents,
    pool_prunings,
    store_findings,
)
from exporter.findings.veeam import JobReduction, job_reductions, reductions
from exporter.findings.veeam_jobs import JobFinding, RepositoryFinding, job_findings, repository_findings, retention
from exporter.model import (
    AlertCount,
    BackupJob,
    CommCell,
    EffectiveRetention,
    Efficiency,
    GroupForecast,
    Inventory,
    JobAnomaly,
    JobHistory,
    Library,
    LogReading,
    ManagedServer,
    MediaAgent,
    Mount,
    OperationAnomaly,
    OperationJobs,
    Plans,
    Pool,
    PoolForecast,
    Proxy,
    Reduction,
    ReductionFeed,
    Scan,
    ScanState,
    ServiceLevel,
    SessionHistory,
)

__all__ = ["Findings", "GroupOf", "ungrouped"]


@dataclass(frozen=True)
class Findings:
    """Everything that can be said of a source at the moment `at`; fields of an expired Inventory are None."""

    source: str
    inventory: Inventory
    at: float
    group_of: GroupOf = ungrouped

    @cached_property
    def pools(self) -> Sequence[Pool]:
        own = (*(self.inventory.pools or ()), *(mount.pool for mount in self.inventory.mounts or ()))
        grouped = [replace(pool, group=self.group_of(self.source, pool.name)) for pool in own]
        return distinct(grouped, lambda p: p.name, lambda p, name: replace(p, name=name))

    @cached_property
    def pool_names(self) -> Mapping[str, str]:
        """By id."""
        return {pool.id: pool.name for pool in self.pools if pool.id}

    @cached_property
    def forecasts(self) -> Sequence[PoolForecast]:
        """The forecasts of pools whose present size is known: those of a vanished pool say nothing any more."""
        known = {(pool.kind, pool.name) for pool in self.pools}
        return [f for f in self.inventory.forecasts or () if (f.kind, f.pool) in known]

    @cached_property
    def reductions(self) -> Sequence[Reduction]:
        """Of Commvault's pools as the storage says, with the ratio that the Command Center shows."""
        names = self.pool_names
        told = {names.get(r.pool_id, r.pool): r for r in self.inventory.dedup_savings or ()}
        stored = {pool.name: pool.stored_bytes for pool in self.pools if pool.stored_bytes is not None}
        own = [
            replace(
                told.get(pool, Reduction(kind="commvault", pool=pool)), pool=pool, stored_bytes=stored.get(pool)
            )
            for pool in dict.fromkeys((*told, *stored))
        ]  # fmt: skip
        return [*own, *reductions(self.inventory.backups or (), names)]

    @cached_property
    def retention(self) -> Sequence[EffectiveRetention]:
        own = commvault_retention(self.inventory.plans, self.rules)
        return [*own, *retention(self.inventory.backups or (), self.job_findings, self.at)]

    @cached_property
    def operation_anomalies(self) -> Sequence[OperationAnomaly]:
        return self.inventory.anomalies.operations if self.inventory.anomalies else ()

    @cached_property
    def job_anomalies(self) -> Sequence[tuple[str, JobAnomaly]]:
        """(name of the backup job, what is unusual)."""
        names = {job.id: job.name for job in self.backup_jobs}
        found = self.inventory.anomalies
        return [(names[one.job_id], one) for one in found.jobs if one.job_id in names] if found else ()

    # The estate

    @cached_property
    def groups(self) -> Sequence[GroupForecast]:
        return self.inventory.groups or ()

    # Commvault

    @cached_property
    def commcells(self) -> Sequence[CommCell]:
        return self.inventory.commcell or ()

    @cached_property
    def prune_windows(self) -> Sequence[bool]:
        """Whether an operation window of the CommCell forbids pruning at present; empty where that is unknown."""
        windows, cells = self.inventory.operation_windows, self.commcells
        if windows is None or not cells or cells[0].utc_offset_seconds is None:
            return ()
        return (blocked(windows, self.at, cells[0].utc_offset_seconds),)

    @cached_property
    def plans(self) -> Sequence[PlanFinding]:
        return plan_findings(self.inventory)

    @cached_property
    def rules(self) -> Sequence[RuleFinding]:
        return rule_findings(self.plans, self.inventory, self.pool_names)

    @cached_property
    def rule_changes(self) -> Sequence[Plans]:
        return () if self.inventory.plans is None else (self.inventory.plans,)

    @cached_property
    def dedup_stores(self) -> Sequence[StoreFinding]:
        return store_findings(self.inventory, self.pools)

    @cached_property
    def media_agents(self) -> Sequence[MediaAgent]:
        return distinct(self.inventory.media_agents or (), lambda m: m.name, lambda m, name: replace(m, name=name))

    @cached_property
    def libraries(self) -> Sequence[Library]:
        return distinct(self.inventory.libraries or (), lambda b: b.name, lambda b, name: replace(b, name=name))

    @cached_property
    def mount_paths(self) -> Sequence[MountPathFinding]:
        return mount_paths(self.libraries, self.pools)

    @cached_property
    def pool_agents(self) -> Sequence[tuple[str, str]]:
        """(pool, MediaAgent): the agent carries a mount path or a part of a DDB of the pool."""
        return pool_agents(self.mount_paths, self.dedup_stores)

    @cached_property
    def prunings(self) -> Sequence[PoolPruning]:
        pools = [pool for pool in self.pools if pool.kind != "filesystem"]
        return pool_prunings(pools, self.rules, self.dedup_stores, self.inventory)

    @cached_property
    def job_histories(self) -> Sequence[JobHistory]:
        return () if self.inventory.jobs is None else (self.inventory.jobs,)

    @cached_property
    def operations(self) -> Sequence[OperationJobs]:
        return self.inventory.jobs.operations if self.inventory.jobs else ()

    @cached_property
    def service_levels(self) -> Sequence[ServiceLevel]:
        return () if self.inventory.service_level is None else (self.inventory.service_level,)

    @cached_property
    def alerts(self) -> Sequence[AlertCount]:
        return self.inventory.alerts or ()

    @cached_property
    def events(self) -> Sequence[AlertCount]:
        return self.inventory.events or ()

    @cached_property
    def logs(self) -> Sequence[LogReading]:
        return () if self.inventory.media_agent_logs is None else (self.inventory.media_agent_logs,)

    # Veeam

    @cached_property
    def backup_jobs(self) -> Sequence[BackupJob]:
        return distinct(self.inventory.backup_jobs or (), lambda j: j.name, lambda j, name: replace(j, name=name))

    @cached_property
    def job_findings(self) -> Sequence[JobFinding]:
        said = self.inventory
        runs = said.sessions.runs if said.sessions else ()
        return job_findings(self.backup_jobs, runs, said.backups or (), said.repositories or ())

    @cached_property
    def session_histories(self) -> Sequence[SessionHistory]:
        return () if self.inventory.sessions is None else (self.inventory.sessions,)

    @cached_property
    def session_types(self) -> Sequence[OperationJobs]:
        return self.inventory.sessions.types if self.inventory.sessions else ()

    @cached_property
    def repositories(self) -> Sequence[RepositoryFinding]:
        return repository_findings(self.inventory.repositories or (), self.pool_names)

    @cached_property
    def proxies(self) -> Sequence[Proxy]:
        return distinct(self.inventory.proxies or (), lambda p: p.name, lambda p, name: replace(p, name=name))

    @cached_property
    def managed_servers(self) -> Sequence[ManagedServer]:
        return distinct(self.inventory.managed_servers or (), lambda s: s.name, lambda s, name: replace(s, name=name))

    @cached_property
    def drop_files(self) -> Sequence[ReductionFeed]:
        return () if self.inventory.drop_file is None else (self.inventory.drop_file,)

    @cached_property
    def enterprise_managers(self) -> Sequence[ReductionFeed]:
        return () if self.inventory.enterprise_manager is None else (self.inventory.enterprise_manager,)

    @cached_property
    def job_reductions(self) -> Sequence[JobReduction]:
        return job_reductions(self.inventory.backups or (), self.backup_jobs)

    @cached_property
    def job_efficiencies(self) -> Sequence[Efficiency]:
        return [e for e in self.inventory.efficiency or () if e.job]

    @cached_property
    def repository_efficiencies(self) -> Sequence[Efficiency]:
        return [e for e in self.inventory.efficiency or () if not e.job]

    # Filesystems

    @cached_property
    def mounts(self) -> Sequence[Mount]:
        return self.inventory.mounts or ()

    @cached_property
    def scans(self) -> Sequence[Scan]:
        return self.inventory.scans or ()

    @cached_property
    def scan_states(self) -> Sequence[ScanState]:
        return self.inventory.scan_states or ()
