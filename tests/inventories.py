"""A source that has one of everything, under a name of the test's choosing."""

from __future__ import annotations

import math

from exporter.board import Board
from exporter.findings import Findings
from exporter.metrics import COLLECTOR, SOURCE, SUBJECTS, Measured, Subject, measure
from exporter.model import (
    DAY,
    AlertCount,
    BackupChain,
    BackupJob,
    BackupObjects,
    BestPractices,
    CollectorState,
    CommCell,
    ConfigurationBackup,
    Copy,
    CycleAnalysis,
    DatabaseReading,
    DedupStore,
    DedupStoreUsage,
    Efficiency,
    Group,
    GroupForecast,
    Inventory,
    JobAnomalies,
    JobAnomaly,
    JobHistory,
    JobRun,
    Library,
    License,
    LogReading,
    MalwareEvents,
    ManagedServer,
    MediaAgent,
    Mount,
    MountPath,
    OperationAnomaly,
    OperationJobs,
    OperationWindow,
    Partition,
    Plan,
    Plans,
    PlanSchedule,
    PolicyFulls,
    Pool,
    PoolForecast,
    PoolSpace,
    Proxy,
    Reduction,
    ReductionFeed,
    Repository,
    RetainedSet,
    RetentionRule,
    RuleReplay,
    Scan,
    ScanState,
    ServiceLevel,
    SessionHistory,
    Share,
    SourceState,
    StoreEvidence,
    Unusual,
    VeeamServer,
    WhatIf,
)

AT = 1_772_442_000.0
# Everything a label may hold that a careless writer breaks on.
NASTY = 'Pool "A" \\ B\nµ {x="y"} %s , ünïcödé 日本 \u2028'
UNUSUAL = Unusual(120.0, 100.0, 2.5)


def one_of_everything(name: str) -> Inventory:
    pool = Pool(
        kind="commvault",
        name=name,
        id="1",
        capacity_bytes=100.0,
        free_bytes=25.0,
        status="online",
        worm=True,
        stored_bytes=70.0,
        library_ids=("9",),
    )
    mount = Pool(kind="filesystem", name=f"/{name}", capacity_bytes=10.0, free_bytes=0.5, status="online")
    return Inventory(
        pools=(pool,),
        dedup_savings=(
            Reduction(kind="commvault", pool=name, dedup_ratio=8.5, compression_ratio=1.5,
                      logical_bytes=1e15, stored_bytes=1e14),
        ),
        dedup_stores=(
            DedupStore(
                id="7", name=name, pool=name, pool_id="1", status="sealed", sealed_at=AT - DAY, pruning_enabled=True,
                under_maintenance=False, needs_resync=False, pending_deletes=1e6,
                primary_entries=1e9, lookup_seconds=0.0015, last_backup_at=AT,
                partitions=(
                    Partition(id="70", media_agent=name, status="active", volume_capacity_bytes=8.0,
                              volume_free_bytes=2.0),
                ),
            ),
        ),
        commcell=(
            CommCell(name=name, id="2", version="11.36", utc_offset_seconds=3600.0, license_expires_at=AT + DAY,
                     license_edition="x"),
        ),
        media_agents=(
            MediaAgent(id="2", name=name, online=False, maintenance=False, offline_reason=1.0, version="11", os="Linux",
                       offline_since=AT - DAY),
        ),
        libraries=(
            Library(
                id="9", name=name, library_type="disk", online=True,
                mount_paths=(
                    MountPath(id="90", name=name, media_agents=(name, "ma2"), online=True, enabled=True, writable=False,
                              capacity_bytes=100.0, free_bytes=50.0, logical_bytes=400.0, stored_bytes=40.0,
                              written_bytes_per_day=86400.0, freed_bytes_per_day=43200.0),
                ),
            ),
        ),
        plans=Plans(
            plans=(
                Plan(
                    id="4", name=name, plan_type="server", company="c", policy=name, policy_id="3", clients=5,
                    rpo_seconds=DAY,
                    copies=(
                        Copy(
                            id="5", name="Primary", pool=name, pool_id="1", active=True, managed_disk_space=True,
                            rules=(
                                RetentionRule(rule="basic", retention_seconds=14 * DAY, cycles=2.0, aging_enabled=True,
                                              first_seen_at=AT - DAY, changed_at=AT),
                            ),
                        ),
                        Copy(
                            id="6", name="Archive",
                            rules=(
                                RetentionRule(rule="basic", retention_seconds=math.inf, cycles=math.inf,
                                              aging_enabled=False),
                            ),
                        ),
                    ),
                ),
            ),
            changes={("cycles", "longer"): 1},
            created_rules=2,
            created_infinite_rules=1,
        ),
        schedules=(
            PlanSchedule(plan_id="4", plan=name, full_interval_seconds=7 * DAY, synthetic_full=True,
                         synthetic_full_interval_seconds=30 * DAY),
        ),
        operation_windows=(OperationWindow(id="1", name=name, blocks_pruning=True),),
        jobs=JobHistory(
            operations=(
                OperationJobs(operation=name, running=1, finished_24h=10, failed_24h=2, finished_30d=300, failed_30d=7,
                              finished_total={"success": 293}, last_success_at=AT - 60, last_completion_at=AT - 30,
                              last_duration_seconds=12.5),
            ),
        ),
        service_level=ServiceLevel(met=9, missed=1),
        alerts=(AlertCount(severity="critical", criterion="Disk Space Low", count=2),),
        events=(AlertCount(severity="major", criterion="", count=12),),
        retained_jobs=(
            RetainedSet(copy_id="5", jobs={"basic_days": 3, "extended_retention": 1}, bytes={"basic_days": 30.0},
                        aged_jobs=2, aged_bytes=20.0, aged_total_jobs=1, aged_total_bytes=10.0),
        ),
        commserve_database=DatabaseReading(
            stores=(
                DedupStoreUsage(store_id="7", name=name, pending_deletes=1e6, bytes_to_prune=5e9, primary_entries=1e9,
                                secondary_entries=9e9, size_bytes=1e10, lookup_seconds=0.001,
                                last_mark_and_sweep_at=AT - DAY),
            ),
            awaiting_pruning={("7", "65128"): 12},
            last_pruned_at={"7": AT - 2 * DAY},
        ),
        media_agent_logs=LogReading(
            stores=(StoreEvidence(store_id="7", logical_pruning_at=AT - 60, physical_pruning_at=AT - 50,
                                 pruning_disabled_at=AT - 40, corrupted_at=AT - 30),),
            lines={"SIDBPrune.log": 100},
            bad_lines={"SIDBPrune.log": 1},
            deleted_chunks=4,
        ),
        backup_jobs=(
            BackupJob(id="j1", name=name, job_type="VSphereBackup", repository=name, repository_id="1", enabled=True,
                      running=True, last_result="none", last_run_at=AT - 90, next_run_at=AT + DAY, objects=3,
                      retention_seconds=14 * DAY, retention_points=14, gfs={"weekly": 4}),
        ),
        sessions=SessionHistory(
            types=(
                OperationJobs(operation="retention", running=1, finished_24h=4, failed_24h=1, finished_30d=90,
                              failed_30d=2, finished_total={"success": 80, "partial": 10}, last_success_at=AT - 100,
                              last_completion_at=AT - 50, last_duration_seconds=9.0),
            ),
            runs=(
                JobRun(job_id="j1", result="success", ended_at=AT - 60, duration_seconds=30.0, processed_bytes=3e9,
                       read_bytes=2e9, transferred_bytes=1e9, last_success_at=AT - 60),
            ),
        ),
        repositories=(
            Repository(id="1", name=name, used_bytes=5e9, out_of_date=False, scale_out=name, tier="performance",
                       extent_statuses=("sealed", "maintenance"), immutable_seconds=7 * DAY),
        ),
        backups=(
            BackupChain(backup="b1", job=name, job_id="j1", repository=name, repository_id="1", files=4,
                        data_bytes=400.0, stored_bytes=100.0, deduplicated_bytes=200.0, restore_points=12,
                        oldest_at=AT - 9 * DAY, newest_at=AT),
        ),
        drop_file=ReductionFeed(sessions=5, rejected={"no_sizes": 1}, modified_at=AT - 60, generated_at=AT - 61),
        enterprise_manager=ReductionFeed(sessions=7, rejected={"no_session": 2}),
        veeam_server=VeeamServer(name="vbr01.example.com", version="13.0.1.180", api_revision="1.3-rev1",
                                 platform="Linux", utc_offset_seconds=3600.0),
        license=License(status="valid", license_type="Subscription", edition="EnterprisePlus", expires_at=AT + 90 * DAY,
                        support_expires_at=AT + 80 * DAY, used={"instances": 87.5}, licensed={"instances": 100.0},
                        used_bytes=1e12, licensed_bytes=5e12),
        configuration_backup=ConfigurationBackup(enabled=True, encrypted=False, last_success_at=AT - DAY),
        malware_events=MalwareEvents(total={"infected": 1}, last_24h={"infected": 0}, newest_at=AT - 2 * DAY),
        best_practices=BestPractices(by_status={"ok": 9, "violation": 1}),
        backup_objects=BackupObjects(total=9, unprotected=1, last_run_failed=2),
        proxies=(Proxy(id="p1", name=name, proxy_type="ViProxy", online=True, enabled=True, out_of_date=False),),
        managed_servers=(ManagedServer(id="s1", name=name, server_type="LinuxHost", available=True),),
        efficiency=(
            Efficiency(job_id="j1", job=name, repository=name, sessions=90, status="ok", components={"dedup": 62.5},
                       score=79.5, grade="B", trend="stable", dedup_trend_ratio=-0.025, dedup_trend_pvalue=0.25,
                       compression_trend_ratio=0.5, dedup_mean=2.0, compression_mean=2.0, combined_mean=4.0,
                       combined_stddev=0.25, last_to_mean_ratio=0.5, anomalous_sessions=1, last_is_critical=True,
                       flags={"CRITICAL_ANOMALIES": True}, potential_bytes_per_day=1e9, newest_at=AT - DAY),
            Efficiency(job_id="", job="", repository=name, sessions=90, status="ok", components={"dedup": 62.5},
                       score=79.5, grade="B", potential_bytes_per_day=1e9),
        ),
        anomalies=JobAnomalies(
            (OperationAnomaly(kind="commvault", operation=name, duration=UNUSUAL, failures=UNUSUAL),),
            (JobAnomaly(job_id="j1", duration=UNUSUAL),),
        ),
        groups=(
            GroupForecast(
                group_by="business_unit", group=name, pools=2, used_bytes=50.0, capacity_bytes=100.0,
                forecast=PoolForecast(
                    kind="business_unit", pool=name, status="ok", history_seconds=30 * DAY, p10_seconds=DAY,
                    p50_seconds=2 * DAY, p90_seconds=math.inf, fill_bytes_per_second=1e-3, method="simulation",
                    used_bytes={"30d": 50.0}, used_low_bytes={"30d": 40.0}, used_high_bytes={"30d": 60.0},
                    recommended_capacity_bytes=120.0, order_by_at=AT + 30 * DAY,
                ),
            ),
        ),
        mounts=(
            Mount(pool=mount, device="/dev/sda1", fstype="ext4", read_only=False, error="EIO", files=100.0,
                  files_free=1.0),
        ),
        scans=(
            Scan(root=f"/{name}", completed_at=AT - 5, duration_seconds=0.25, files=10, directories=2,
                 apparent_bytes=1000, allocated_bytes=4096, errors={"EACCES": 1}, symlinks=1, vanished=2,
                 trusted_directories=1, oldest_trusted_at=AT - DAY, kept_directories=1, mountpoint=name,
                 atime="relatime", incomplete=(name,),
                 **{field: {name: Share(9, 900, 4096)} for field in
                    ("sizes", "modified", "accessed", "categories", "owners", "rollup")}),
        ),
        scan_states=(
            ScanState(root=f"/{name}", due_at=AT + DAY, success=False, started_at=AT - 9, entries=7, errors=1),
        ),
        forecasts=(
            PoolForecast(kind="commvault", pool=name, status="ok", history_seconds=30 * DAY, p10_seconds=DAY,
                         p50_seconds=2 * DAY, p90_seconds=math.inf, fill_bytes_per_second=1e-3,
                         method="simulation", used_bytes={"30d": 50.0}, used_low_bytes={"30d": 40.0},
                         used_high_bytes={"30d": 60.0}, season_seconds=7 * DAY, regime_start_at=AT - 9 * DAY,
                         anomalous=False, outliers=2, error_ratio=0.02, recommended_capacity_bytes=120.0,
                         order_by_at=AT + 30 * DAY, fill=UNUSUAL),
        ),
        space=(
            PoolSpace(kind="commvault", pool=name, reclaimed_bytes=5.0, ingested_bytes=9.0, last_prune_at=AT - DAY,
                      prune_days_30d=3, observed_days_30d=9),
        ),
        cycles=CycleAnalysis(
            (
                PolicyFulls(policy_id="3", full_interval_seconds=7 * DAY, last_incremental_gap_seconds=DAY,
                            full_interval_p10_seconds=6 * DAY, full_interval_p90_seconds=8 * DAY, fulls_30d=20,
                            failed_fulls_30d=2, partial_fulls_30d=1, last_synthetic_full_at=AT - DAY, clients=5,
                            overdue_clients=1),
            ),
            (
                RuleReplay(copy_id="5", earliest_seconds=14 * DAY, latest_seconds=20 * DAY, retained_jobs=20,
                           retained_bytes=2e12, waiting_for_cycles=2, blocked_by_missing_fulls=1,
                           one_cycle=WhatIf(retention_seconds=14 * DAY, cycles=1, jobs=3, bytes=1e12,
                                            full_sooner_seconds=0.0),
                           recommended=WhatIf(retention_seconds=14 * DAY, cycles=1, jobs=3, bytes=1e12,
                                              full_sooner_seconds=0.0)),
            ),
        ),
    )  # fmt: skip


def everything(source: str, name: str = NASTY) -> dict[Subject, list[Measured]]:
    """Every family there is, each with a sample."""
    findings = Findings(source, one_of_everything(name), AT)
    collector = CollectorState(
        source=source, kind="commvault", collector="pools", interval_seconds=3600.0, success=True, last_poll_at=AT,
        last_success_at=AT, duration_seconds=0.125, objects=2,
    )  # fmt: skip
    itself = SourceState(name=source, kind="commvault", host="cs01.example.com", up=True, group=Group("Finance"))
    measured = {subject: measure(subject, subject.records(findings)) for subject in SUBJECTS}
    return measured | {COLLECTOR: measure(COLLECTOR, [collector]), SOURCE: measure(SOURCE, [itself])}


def publish_everything(board: Board, source: str, name: str = NASTY, good_until: float = math.inf) -> None:
    for subject, measured in everything(source, name).items():
        assert board.publish(source, "commvault", subject, measured, good_until) == 0
