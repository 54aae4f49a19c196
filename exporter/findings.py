"""What follows from an Inventory: the only place that says what is computed from what, each when first read."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from exporter.analysis.forecast import Forecast, forecast
from exporter.analysis.retention import VENDOR, effective_retention
from exporter.history import FloatArray, History
from exporter.model import (
    DAY,
    HOUR,
    BackupChain,
    BackupJob,
    DedupStore,
    EffectiveRetention,
    Group,
    Inventory,
    MediaAgent,
    Mount,
    OperationJobs,
    PolicyFulls,
    Pool,
    PoolForecast,
    Reduction,
    RetentionRule,
    Scan,
)

Named = TypeVar("Named")
GroupOf = Callable[[str, str], Group]


def ungrouped(source: str, pool: str) -> Group:  # noqa: ARG001
    return Group()


@dataclass(frozen=True)
class PlanFulls:
    plan: str
    full_interval_seconds: float


@dataclass(frozen=True)
class JobReduction:
    """The backup files of one Veeam job, summed over its backups."""

    job: str
    files: int
    logical_bytes: float
    stored_bytes: float
    dedup_ratio: float | None
    compression_ratio: float | None


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
    def mounts(self) -> Sequence[Mount]:
        return self.inventory.mounts or ()

    @cached_property
    def scans(self) -> Sequence[Scan]:
        return self.inventory.scans or ()

    @cached_property
    def dedup_stores(self) -> Sequence[DedupStore]:
        return distinct(self.inventory.dedup_stores or (), lambda d: d.name, lambda d, name: replace(d, name=name))

    @cached_property
    def media_agents(self) -> Sequence[MediaAgent]:
        return distinct(self.inventory.media_agents or (), lambda m: m.name, lambda m, name: replace(m, name=name))

    @cached_property
    def retention_rules(self) -> Sequence[RetentionRule]:
        return self.inventory.retention_rules or ()

    @cached_property
    def operations(self) -> Sequence[OperationJobs]:
        return self.inventory.jobs.operations if self.inventory.jobs else ()

    @cached_property
    def backup_jobs(self) -> Sequence[BackupJob]:
        return distinct(self.inventory.backup_jobs or (), lambda j: j.name, lambda j, name: replace(j, name=name))

    @cached_property
    def forecasts(self) -> Sequence[PoolForecast]:
        """The forecasts of pools whose present size is known: those of a vanished pool say nothing any more."""
        known = {(pool.kind, pool.name) for pool in self.pools}
        return [f for f in self.inventory.forecasts or () if (f.kind, f.pool) in known]

    @cached_property
    def plan_fulls(self) -> Sequence[PlanFulls]:
        intervals = {p.policy_id: p.full_interval_seconds for p in self._policies.values()}
        plans = {rule.plan: rule.policy_id for rule in self.retention_rules}
        return [PlanFulls(plan, intervals[policy]) for plan, policy in plans.items() if policy in intervals]

    @cached_property
    def retention(self) -> Sequence[EffectiveRetention]:
        return [*self._commvault_retention(), *self._veeam_retention()]

    @cached_property
    def reductions(self) -> Sequence[Reduction]:
        names = {pool.id: pool.name for pool in self.pools if pool.id}
        told = [replace(r, pool=names.get(r.pool_id, r.pool)) for r in self.inventory.dedup_savings or ()]
        by_repository: dict[str, list[BackupChain]] = defaultdict(list)
        for chain in self.inventory.backup_files or ():
            # A scale-out repository is no pool; its extents are, and files do not say on which of them they lie.
            if chain.repository_id in names:
                by_repository[names[chain.repository_id]].append(chain)
        return [*told, *(_reduction(repository, chains) for repository, chains in by_repository.items())]

    @cached_property
    def job_reductions(self) -> Sequence[JobReduction]:
        by_job: dict[str, list[BackupChain]] = defaultdict(list)
        for chain in self.inventory.backup_files or ():
            by_job[self._job_name(chain)].append(chain)
        return [_job_reduction(job, chains) for job, chains in by_job.items() if job]

    @property
    def _policies(self) -> dict[str, PolicyFulls]:
        return {p.policy_id: p for p in self.inventory.jobs.policies} if self.inventory.jobs else {}

    def _job_name(self, chain: BackupChain) -> str:
        return next((j.name for j in self.backup_jobs if j.id and j.id == chain.job_id), chain.job)

    def _commvault_retention(self) -> Iterable[EffectiveRetention]:
        policies = self._policies
        for rule in self.retention_rules:
            # An extended rule keeps single fulls by days; cycles are a matter of the basic rule.
            basic = rule.rule == "basic"
            fulls = policies.get(rule.policy_id) if basic else None
            bounds = effective_retention(
                retention_seconds=rule.retention_seconds,
                cycles=rule.cycles if basic else 0.0,
                aging_enabled=rule.aging_enabled,
                full_interval_seconds=fulls.full_interval_seconds if fulls else None,
                last_incremental_gap_seconds=fulls.last_incremental_gap_seconds if fulls else None,
            )
            if bounds:
                yield EffectiveRetention(
                    kind="commvault", plan=rule.plan, copy=rule.copy, rule=rule.rule,
                    earliest_seconds=bounds[0], latest_seconds=bounds[1], semantics=VENDOR, method="formula",
                )  # fmt: skip

    def _veeam_retention(self) -> Iterable[EffectiveRetention]:
        oldest: dict[str, float] = {}
        for chain in self.inventory.backup_files or ():
            job = self._job_name(chain)
            if job and chain.oldest_at is not None:
                oldest[job] = min(chain.oldest_at, oldest.get(job, chain.oldest_at))
        for job, moment in oldest.items():
            yield EffectiveRetention(
                kind="veeam", plan=job, earliest_seconds=None, latest_seconds=max(0.0, self.at - moment),
                semantics="", method="oldest_file",
            )  # fmt: skip


_FORECAST_HISTORY_S = 60 * DAY
_HORIZON_S = 365 * DAY
_FULL_RATIO = 0.01


def forecast_pools(
    source: str, pools: Iterable[Pool], history: History, at: float, executor: Executor
) -> tuple[PoolForecast, ...]:
    """When each pool of known size will be full, from its own past; HistoryError when that cannot be read."""
    asked = []
    for pool in pools:
        if pool.free_bytes is None or not pool.capacity_bytes:
            continue
        timestamps, used = _used(source, pool, history, at)
        asked.append((pool, timestamps, executor.submit(forecast, timestamps, used, pool.capacity_bytes, _HORIZON_S)))
    return tuple(_pool_forecast(pool, timestamps, future.result(), at) for pool, timestamps, future in asked)


def _used(source: str, pool: Pool, history: History, at: float) -> tuple[FloatArray, FloatArray]:
    """Used bytes over time; the capacity of each moment counts, so an extended pool did not lose data."""
    labels = {"source": source, "kind": pool.kind, "pool": pool.name}
    start = at - _FORECAST_HISTORY_S
    free = history.range("ebbtide_pool_free_bytes", labels, start, at, HOUR)
    capacity = history.range("ebbtide_pool_capacity_bytes", labels, start, at, HOUR)
    moments, of_free, of_capacity = np.intersect1d(free.timestamps, capacity.timestamps, return_indices=True)
    return _while_it_could_grow(moments, free.values[of_free], capacity.values[of_capacity])


def _while_it_could_grow(moments: FloatArray, free: FloatArray, capacity: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(moments, used bytes) without the time a pool sat full before it was extended: jobs failed, it was not calm.

    What lies before moves up to what lies after, so that the standstill is no part of the slope.
    """
    stuck = (free <= _FULL_RATIO * capacity) & (capacity < capacity[-1:])
    waited = np.diff(moments, append=moments[-1:]) * stuck
    moved = moments + np.cumsum(waited[::-1])[::-1]
    return moved[~stuck], (capacity - free)[~stuck]


def _pool_forecast(pool: Pool, timestamps: FloatArray, result: Forecast, at: float) -> PoolForecast:
    age = max(0.0, at - float(timestamps[-1])) if timestamps.size else 0.0

    def seconds(value: float) -> float | None:
        return None if math.isnan(value) else max(0.0, value - age)

    growth = result["growth_bytes_per_day"]
    return PoolForecast(
        kind=pool.kind, pool=pool.name, status=result["status"], history_seconds=result["history_s"],
        p10_seconds=seconds(result["ttf_p10_s"]), p50_seconds=seconds(result["ttf_p50_s"]),
        p90_seconds=seconds(result["ttf_p90_s"]),
        fill_bytes_per_second=None if math.isnan(growth) else growth / DAY,
    )  # fmt: skip


def distinct(
    records: Iterable[Named], name: Callable[[Named], str], renamed: Callable[[Named, str], Named]
) -> list[Named]:
    """The records, with " (#id)" appended to the names of those that share one; they must have an `id`."""
    records = list(records)
    count = Counter(map(name, records))
    return [
        renamed(record, f"{name(record)} (#{identity})") if count[name(record)] > 1 and identity else record
        for record in records
        for identity in (getattr(record, "id", ""),)
    ]


def _ratios(chains: Sequence[BackupChain]) -> tuple[float | None, float | None]:
    """(dedup, compression) as x:1, weighted by size: combined = data / stored is exact, dedup splits it."""
    stored = sum(c.stored_bytes for c in chains)
    told = [c for c in chains if c.deduplicated_bytes]
    deduplicated = sum(c.deduplicated_bytes or 0.0 for c in told)
    if not deduplicated or not stored:
        return None, None
    return (
        sum(c.data_bytes for c in told) / deduplicated,
        deduplicated / sum(c.stored_bytes for c in told) if sum(c.stored_bytes for c in told) else None,
    )


def _reduction(repository: str, chains: Sequence[BackupChain]) -> Reduction:
    dedup, compression = _ratios(chains)
    return Reduction(
        kind="veeam", pool=repository, dedup_ratio=dedup, compression_ratio=compression,
        logical_bytes=sum(c.data_bytes for c in chains), stored_bytes=sum(c.stored_bytes for c in chains),
    )  # fmt: skip


def _job_reduction(job: str, chains: Sequence[BackupChain]) -> JobReduction:
    dedup, compression = _ratios(chains)
    return JobReduction(
        job, sum(c.files for c in chains), sum(c.data_bytes for c in chains), sum(c.stored_bytes for c in chains),
        dedup, compression,
    )  # fmt: skip
