"""A source that has one of everything, under a name of the test's choosing."""

from __future__ import annotations

import math

from exporter.board import Board
from exporter.findings import Findings
from exporter.metrics import COLLECTOR, SOURCE, SUBJECTS, Measured, Subject, measure
from exporter.model import (
    DAY,
    BackupChain,
    BackupJob,
    CollectorState,
    DedupStore,
    Group,
    Inventory,
    JobHistory,
    MediaAgent,
    Mount,
    OperationJobs,
    PolicyFulls,
    Pool,
    PoolForecast,
    Reduction,
    RetentionRule,
    Scan,
    SourceState,
)

AT = 1_772_442_000.0
# Everything a label may hold that a careless writer breaks on.
NASTY = 'Pool "A" \\ B\nµ {x="y"} %s , ünïcödé 日本 \u2028'


def one_of_everything(name: str) -> Inventory:
    pool = Pool(kind="commvault", name=name, id="1", capacity_bytes=100.0, free_bytes=25.0, status="online", worm=True)
    mount = Pool(kind="filesystem", name=f"/{name}", capacity_bytes=10.0, free_bytes=0.5, status="online")
    return Inventory(
        pools=(pool,),
        dedup_savings=(
            Reduction(kind="commvault", pool=name, dedup_ratio=8.5, compression_ratio=1.5,
                      logical_bytes=1e15, stored_bytes=1e14),
        ),
        dedup_stores=(
            DedupStore(id="7", name=name, pool=name, status="sealed", sealed_at=AT - DAY, pruning_enabled=True,
                       pending_deletes=1e6, primary_entries=1e9, lookup_seconds=0.0015, last_backup_at=AT),
        ),
        media_agents=(MediaAgent(id="2", name=name, online=True, maintenance=False, version="11", os="Linux"),),
        retention_rules=(
            RetentionRule(plan=name, copy="Primary", rule="basic", policy_id="3", pool=name,
                          retention_seconds=14 * DAY, cycles=2.0, aging_enabled=True),
            RetentionRule(plan=name, copy="Archive", rule="basic", policy_id="3", retention_seconds=math.inf,
                          cycles=math.inf, aging_enabled=False),
        ),
        jobs=JobHistory(
            operations=(
                OperationJobs(operation=name, running=1, finished_24h=10, failed_24h=2, last_success_at=AT - 60,
                              last_completion_at=AT - 30, last_duration_seconds=12.5),
            ),
            policies=(
                PolicyFulls(policy_id="3", full_interval_seconds=7 * DAY, last_incremental_gap_seconds=DAY),
            ),
        ),
        backup_jobs=(
            BackupJob(id="j1", name=name, job_type="Backup", repository=name, enabled=True, running=False,
                      last_result="success", last_run_at=AT - 90, last_success_at=AT - 60, objects=3),
        ),
        backup_files=(
            BackupChain(backup="b1", job=name, job_id="j1", repository=name, repository_id="1", files=4,
                        data_bytes=400.0, stored_bytes=100.0, deduplicated_bytes=200.0, oldest_at=AT - 9 * DAY,
                        newest_at=AT),
        ),
        mounts=(
            Mount(pool=mount, device="/dev/sda1", fstype="ext4", read_only=False, error="EIO", files=100.0,
                  files_free=1.0),
        ),
        scans=(
            Scan(root=f"/{name}", completed_at=AT - 5, duration_seconds=0.25, files=10, directories=2,
                 apparent_bytes=1000, allocated_bytes=4096, errors={"EACCES": 1}),
        ),
        forecasts=(
            PoolForecast(kind="commvault", pool=name, status="ok", history_seconds=30 * DAY, p10_seconds=DAY,
                         p50_seconds=2 * DAY, p90_seconds=math.inf, fill_bytes_per_second=1e-3),
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
