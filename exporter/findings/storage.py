"""Pools, DDBs and mount paths of a CommCell, joined with what the database, the logs and the past say of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from exporter.findings.names import distinct
from exporter.findings.plans import RuleFinding
from exporter.model import (
    DedupStore,
    DedupStoreUsage,
    Inventory,
    Library,
    MountPath,
    Pool,
    PoolSpace,
    RetainedSet,
    StoreEvidence,
)

EXTENDED = "extended_retention"


@dataclass(frozen=True)
class StoreFinding:
    """A DDB. macro: the vendor deletes the whole store once all of it has aged, as on WORM storage.

    waiting_files: aged files that wait for pruning, by failure code; None where the database is not asked.
    """

    store: DedupStore
    usage: DedupStoreUsage | None = None
    evidence: StoreEvidence | None = None
    waiting_files: Mapping[str, int] | None = None
    last_pruned_at: float | None = None
    macro: bool | None = None

    @property
    def pending_deletes(self) -> float | None:
        told = self.store.pending_deletes
        return told if told is not None or self.usage is None else self.usage.pending_deletes

    @property
    def last_mark_and_sweep_at(self) -> float | None:
        return _latest(
            self.usage.last_mark_and_sweep_at if self.usage else None,
            self.evidence.mark_and_sweep_at if self.evidence else None,
        )

    @property
    def last_physical_pruning_at(self) -> float | None:
        return _latest(self.last_pruned_at, self.evidence.physical_pruning_at if self.evidence else None)


@dataclass(frozen=True)
class MountPathFinding:
    library: str
    pool: str
    path: MountPath


@dataclass(frozen=True)
class PoolPruning:
    """What is known of a pool's physical pruning; bytes of a deduplicating pool are upper bounds.

    aged_bytes: aged and not freed. reclaimable: by scenario (pruning_fixed, cycles_optimised, both).
    """

    kind: str
    pool: str
    space: PoolSpace | None = None
    last_prune_at: float | None = None
    aged_jobs: float | None = None
    aged_bytes: float | None = None
    extended_jobs: float | None = None
    managed_disk_space: bool | None = None
    reclaimable: Mapping[str, float] = field(default_factory=dict)
    # Retained bytes by plan.
    plan_bytes: Mapping[str, float] = field(default_factory=dict)


def store_findings(inventory: Inventory, pools: Sequence[Pool]) -> list[StoreFinding]:
    """Every store that REST or the database lists."""
    database = inventory.commserve_database
    usages = {usage.store_id: usage for usage in database.stores} if database is not None else {}
    logs = {e.store_id: e for e in inventory.media_agent_logs.stores} if inventory.media_agent_logs is not None else {}
    listed = {store.id: store for store in inventory.dedup_stores or ()}
    for usage in usages.values():
        listed.setdefault(usage.store_id, DedupStore(id=usage.store_id, name=usage.name or usage.store_id))
    by_id = {pool.id: pool for pool in pools if pool.id}
    by_name = {pool.name: pool for pool in pools}
    waiting: dict[str, dict[str, int]] = defaultdict(dict)
    for (store_id, code), files in (database.awaiting_pruning if database is not None else {}).items():
        waiting[store_id][code] = files
    found = []
    for store in distinct(listed.values(), lambda s: s.name, lambda s, name: replace(s, name=name)):
        pool = by_id.get(store.pool_id) or by_name.get(store.pool)
        found.append(
            StoreFinding(
                store=replace(store, pool=pool.name) if pool else store,
                usage=usages.get(store.id),
                evidence=logs.get(store.id),
                waiting_files=waiting.get(store.id, {}) if database is not None else None,
                last_pruned_at=database.last_pruned_at.get(store.id) if database is not None else None,
                macro=pool.worm if pool else None,
            )
        )
    return found


def mount_paths(libraries: Sequence[Library], pools: Sequence[Pool]) -> list[MountPathFinding]:
    of_library = {library_id: pool.name for pool in pools for library_id in pool.library_ids}
    return [
        MountPathFinding(library.name, of_library.get(library.id, ""), path)
        for library in libraries
        for path in distinct(library.mount_paths, lambda p: p.name, lambda p, name: replace(p, name=name))
    ]


def pool_agents(paths: Iterable[MountPathFinding], stores: Iterable[StoreFinding]) -> list[tuple[str, str]]:
    of_paths = ((found.pool, agent) for found in paths for agent in found.path.media_agents)
    of_stores = ((found.store.pool, part.media_agent) for found in stores for part in found.store.partitions)
    return sorted({(pool, agent) for pool, agent in (*of_paths, *of_stores) if pool and agent})


def pool_prunings(
    pools: Sequence[Pool], rules: Sequence[RuleFinding], stores: Sequence[StoreFinding], inventory: Inventory
) -> list[PoolPruning]:
    space = {(s.kind, s.pool): s for s in inventory.space or ()}
    rules_of: dict[str, list[RuleFinding]] = defaultdict(list)
    for rule in rules:
        rules_of[rule.pool].append(rule)
    stores_of: dict[str, list[StoreFinding]] = defaultdict(list)
    for store in stores:
        stores_of[store.store.pool].append(store)
    return [
        _pruning(pool, space.get((pool.kind, pool.name)), rules_of[pool.name], stores_of[pool.name]) for pool in pools
    ]


def _pruning(
    pool: Pool,
    space: PoolSpace | None,
    rules: Sequence[RuleFinding],
    stores: Sequence[StoreFinding],
) -> PoolPruning:
    copies = list({rule.copy_id: rule.retained for rule in rules}.values())
    aged = _aged_bytes(stores, copies)
    changes = [r.replay.recommended.bytes if r.replay.recommended else 0.0 for r in rules if r.replay]
    optimised = sum(changes) if changes else None
    scenarios = {
        "pruning_fixed": aged,
        "cycles_optimised": optimised,
        "both": None if aged is None or optimised is None else aged + optimised,
    }
    managed = [rule.managed_disk_space for rule in rules if rule.managed_disk_space is not None]
    plan_bytes: dict[str, float] = defaultdict(float)
    for rule in rules:
        if rule.replay:
            plan_bytes[rule.plan.name] += rule.replay.retained_bytes
    return PoolPruning(
        kind=pool.kind,
        pool=pool.name,
        space=space,
        last_prune_at=_latest(space.last_prune_at if space else None, *(s.last_physical_pruning_at for s in stores)),
        aged_jobs=_total(copy.aged_jobs if copy else None for copy in copies),
        aged_bytes=aged,
        extended_jobs=_total(copy.jobs.get(EXTENDED, 0) if copy else None for copy in copies),
        managed_disk_space=any(managed) if managed else None,
        reclaimable={name: value for name, value in scenarios.items() if value is not None},
        plan_bytes=plan_bytes,
    )


def _aged_bytes(stores: Sequence[StoreFinding], copies: Sequence[RetainedSet | None]) -> float | None:
    """The database knows it best; the sizes of the aged jobs that are still listed are an upper bound."""
    to_prune = _total(store.usage.bytes_to_prune if store.usage else None for store in stores)
    return to_prune if to_prune is not None else _total(copy.aged_bytes if copy else None for copy in copies)


def _total(values: Iterable[float | None]) -> float | None:
    """The sum, None when one is unknown, or when there are none: a part of a pool is no statement about it."""
    listed = list(values)
    known = [value for value in listed if value is not None]
    return sum(known) if known and len(known) == len(listed) else None


def _latest(*moments: float | None) -> float | None:
    return max((moment for moment in moments if moment is not None), default=None)
