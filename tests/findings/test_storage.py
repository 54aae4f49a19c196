"""What follows from pools, DDBs and mount paths, and what is known of their pruning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from exporter.findings import Findings
from exporter.model import (
    DAY,
    CommCell,
    Copy,
    CycleAnalysis,
    DatabaseReading,
    DedupStore,
    DedupStoreUsage,
    Inventory,
    Library,
    LogReading,
    MountPath,
    OperationWindow,
    Partition,
    Plan,
    Plans,
    Pool,
    PoolSpace,
    RetainedSet,
    RetentionRule,
    RuleReplay,
    StoreEvidence,
    WhatIf,
)
from tests.inventories import AT

APEX = Pool(kind="commvault", name="Apex GDP", id="1", library_ids=("9",), worm=False)
STORE = DedupStore(id="60", name="Apex_60", pool="Apex GDP", pool_id="1", status="active")
PATH = MountPath(id="90", name="[ma1] E:\\CV", media_agents=("ma1", "ma2"))
LIBRARY = Library(id="9", name="L", mount_paths=(PATH,))
RULE = RetentionRule(rule="basic", retention_seconds=14 * DAY, cycles=2.0, aging_enabled=True)
COPY = Copy(id="5", name="Primary", pool="Apex GDP", pool_id="1", rules=(RULE,))
PLANS = Plans(plans=(Plan(id="4", name="Gold", policy="Gold", policy_id="3", copies=(COPY,)),))


def findings(**fields: Any) -> Findings:
    return Findings("cs01", Inventory(**{"pools": (APEX,), **fields}), AT)


def replayed(jobs: int, size: float, retained: float = 0.0) -> CycleAnalysis:
    change = WhatIf(retention_seconds=14 * DAY, cycles=1.0, jobs=jobs, bytes=size, full_sooner_seconds=0.0)
    return CycleAnalysis((), (RuleReplay(copy_id="5", recommended=change, retained_bytes=retained),))


# DDBs


def test_what_rest_does_not_say_of_a_ddb_the_database_says() -> None:
    usage = DedupStoreUsage(store_id="60", pending_deletes=12.0, last_mark_and_sweep_at=AT - DAY)
    [found] = findings(dedup_stores=(STORE,), commserve_database=DatabaseReading(stores=(usage,))).dedup_stores
    assert (found.pending_deletes, found.last_mark_and_sweep_at) == (12.0, AT - DAY)


def test_what_rest_says_of_a_ddb_counts_first() -> None:
    usage = DedupStoreUsage(store_id="60", pending_deletes=12.0)
    store = replace(STORE, pending_deletes=0.0)
    [found] = findings(dedup_stores=(store,), commserve_database=DatabaseReading(stores=(usage,))).dedup_stores
    assert found.pending_deletes == 0.0


def test_a_ddb_that_only_the_database_lists_is_there_in_a_state_unknown() -> None:
    reading = DatabaseReading(stores=(DedupStoreUsage(store_id="61", name="B_61", pending_deletes=1.0),))
    [found] = findings(commserve_database=reading).dedup_stores
    assert (found.store.name, found.store.status, found.pending_deletes) == ("B_61", "unknown", 1.0)


def test_the_newest_evidence_of_physical_pruning_counts_wherever_it_comes_from() -> None:
    reading = DatabaseReading(stores=(), last_pruned_at={"60": AT - 2 * DAY})
    logs = LogReading(stores=(StoreEvidence(store_id="60", physical_pruning_at=AT - DAY),))
    [found] = findings(dedup_stores=(STORE,), commserve_database=reading, media_agent_logs=logs).dedup_stores
    assert found.last_physical_pruning_at == AT - DAY
    [pruning] = findings(dedup_stores=(STORE,), commserve_database=reading, media_agent_logs=logs).prunings
    assert pruning.last_prune_at == AT - DAY


def test_files_that_wait_are_counted_by_what_holds_them_up() -> None:
    reading = DatabaseReading(stores=(), awaiting_pruning={("60", "0"): 5, ("60", "65128"): 7, ("61", "0"): 1})
    [found] = findings(dedup_stores=(STORE,), commserve_database=reading).dedup_stores
    assert found.waiting_files == {"0": 5, "65128": 7}
    [unasked] = findings(dedup_stores=(STORE,)).dedup_stores
    assert unasked.waiting_files is None


def test_a_ddb_on_worm_storage_is_freed_only_as_a_whole() -> None:
    [found] = findings(pools=(replace(APEX, worm=True),), dedup_stores=(STORE,)).dedup_stores
    assert found.macro is True
    [lost] = findings(pools=(), dedup_stores=(STORE,)).dedup_stores
    assert lost.macro is None


# Edges


def test_a_pool_hangs_on_the_agents_of_its_mount_paths_and_of_its_ddb() -> None:
    store = replace(STORE, partitions=(Partition(id="1", media_agent="ma3"), Partition(id="2", media_agent="")))
    found = findings(dedup_stores=(store,), libraries=(LIBRARY,))
    assert found.pool_agents == [("Apex GDP", "ma1"), ("Apex GDP", "ma2"), ("Apex GDP", "ma3")]


def test_a_library_of_no_pool_leads_nowhere() -> None:
    found = findings(libraries=(replace(LIBRARY, id="10"),))
    assert found.pool_agents == []
    assert [m.pool for m in found.mount_paths] == [""]


# Pruning


def test_aged_bytes_come_from_the_database_where_it_is_asked() -> None:
    aged = RetainedSet(copy_id="5", jobs={}, bytes={}, aged_jobs=3, aged_bytes=900.0)
    reading = DatabaseReading(stores=(DedupStoreUsage(store_id="60", bytes_to_prune=100.0),))
    [one] = findings(plans=PLANS, dedup_stores=(STORE,), retained_jobs=(aged,), commserve_database=reading).prunings
    assert (one.aged_jobs, one.aged_bytes) == (3, 100.0)
    [other] = findings(plans=PLANS, dedup_stores=(STORE,), retained_jobs=(aged,)).prunings
    assert (other.aged_jobs, other.aged_bytes) == (3, 900.0)


def test_aged_bytes_are_unknown_when_those_of_one_ddb_are() -> None:
    stores = (STORE, replace(STORE, id="61", name="Apex_61"))
    usages = (DedupStoreUsage(store_id="60", bytes_to_prune=100.0), DedupStoreUsage(store_id="61"))
    [one] = findings(dedup_stores=stores, commserve_database=DatabaseReading(stores=usages)).prunings
    assert one.aged_bytes is None
    assert one.reclaimable == {}
    [unlisted] = findings(dedup_stores=stores, commserve_database=DatabaseReading(stores=usages[:1])).prunings
    assert unlisted.aged_bytes is None


def test_what_has_aged_in_a_pool_is_unknown_while_one_of_its_copies_does_not_tell() -> None:
    plan = replace(PLANS.plans[0], copies=(COPY, replace(COPY, id="6", name="Second")))
    kept = RetainedSet(copy_id="5", jobs={"extended_retention": 4}, bytes={}, aged_jobs=3, aged_bytes=900.0)
    [half] = findings(plans=replace(PLANS, plans=(plan,)), retained_jobs=(kept,)).prunings
    assert (half.aged_jobs, half.aged_bytes, half.extended_jobs) == (None, None, None)
    sets = (kept, replace(kept, copy_id="6"))
    [whole] = findings(plans=replace(PLANS, plans=(plan,)), retained_jobs=sets).prunings
    assert (whole.aged_jobs, whole.aged_bytes, whole.extended_jobs) == (6, 1800.0, 8)


def test_reclaimable_bytes_are_told_per_scenario_and_together_only_when_both_are_known() -> None:
    reading = DatabaseReading(stores=(DedupStoreUsage(store_id="60", bytes_to_prune=100.0),))
    [both] = findings(plans=PLANS, cycles=replayed(2, 40.0), dedup_stores=(STORE,), commserve_database=reading).prunings
    assert both.reclaimable == {"pruning_fixed": 100.0, "cycles_optimised": 40.0, "both": 140.0}
    [one] = findings(plans=PLANS, cycles=replayed(2, 40.0)).prunings
    assert one.reclaimable == {"cycles_optimised": 40.0}
    assert [p.reclaimable for p in findings(plans=PLANS).prunings] == [{}]


def test_what_the_plans_keep_in_a_pool_is_told_apart() -> None:
    [one] = findings(plans=PLANS, cycles=replayed(0, 0.0, retained=70.0)).prunings
    assert one.plan_bytes == {"Gold": 70.0}


def test_managed_disk_space_is_unknown_until_a_copy_says_something() -> None:
    def managed(value: bool | None) -> bool | None:
        plan = replace(PLANS.plans[0], copies=(replace(COPY, managed_disk_space=value),))
        [one] = findings(plans=replace(PLANS, plans=(plan,))).prunings
        return one.managed_disk_space

    assert [managed(value) for value in (None, False, True)] == [None, False, True]


def test_what_was_seen_of_used_space_belongs_to_its_pool() -> None:
    space = PoolSpace(kind="commvault", pool="Apex GDP", reclaimed_bytes=1.0, ingested_bytes=2.0, last_prune_at=AT,
                      prune_days_30d=1, observed_days_30d=2)  # fmt: skip
    [one] = findings(space=(space, replace(space, pool="Gone"))).prunings
    assert (one.space, one.last_prune_at) == (space, AT)


def test_extended_retention_is_counted_where_the_retained_jobs_are_known() -> None:
    kept = RetainedSet(copy_id="5", jobs={"extended_retention": 4, "basic_days": 9}, bytes={})
    assert [p.extended_jobs for p in findings(plans=PLANS, retained_jobs=(kept,)).prunings] == [4]
    assert [p.extended_jobs for p in findings(plans=PLANS).prunings] == [None]


# Windows and reduction


def test_a_window_is_judged_by_the_clock_of_the_commserve() -> None:
    all_day = ((0.0, 86400.0, tuple(range(7)), ()),)
    always = OperationWindow(id="1", name="never prune", blocks_pruning=True, times=all_day)
    known = (CommCell(name="cs01", utc_offset_seconds=3600.0),)
    assert findings(operation_windows=(always,), commcell=known).prune_windows == (True,)
    assert findings(operation_windows=(), commcell=known).prune_windows == (False,)
    assert findings(operation_windows=(always,), commcell=(CommCell(name="cs01"),)).prune_windows == ()
    assert findings(commcell=known).prune_windows == ()


def test_the_size_of_the_backups_is_told_for_pools_without_deduplication_too() -> None:
    [one] = findings(pools=(replace(APEX, stored_bytes=70.0),)).reductions
    assert (one.pool, one.stored_bytes, one.dedup_ratio) == ("Apex GDP", 70.0, None)
