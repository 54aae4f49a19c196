"""Every family the exporter publishes about its sources, declared once: name, help, subject, value.

From FAMILIES come the exposition, the metric table in the docs and the names that rules and dashboards may use.
A value of None is no sample. The label `source` is put in front of every sample by the Board.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.findings import Findings
from exporter.model import DEDUP_STORE_STATUSES, JOB_RESULTS, POOL_STATUSES

Value = float | int | bool | None
Row = tuple[tuple[str, ...], float]


@dataclass(frozen=True)
class Subject:
    """What a family is about: which records, which labels name one, after whose poll they are read anew."""

    labels: tuple[str, ...]
    fed_by: tuple[str, ...]
    records: Callable[[Findings], Iterable[Any]]
    name: Callable[[Any], tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Family:
    """One metric. `rows` reads (extra label values, value) from a record; kept: History remembers it."""

    name: str
    help: str
    type: str
    subject: Subject
    rows: Callable[[Any], Iterable[tuple[tuple[str, ...], Value]]]
    extra_labels: tuple[str, ...] = ()
    kept: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        return ("source", *self.subject.labels, *self.extra_labels)


@dataclass(frozen=True)
class Measured:
    """The samples of one family for one source: (label values without source, value)."""

    family: Family
    rows: Sequence[Row]


def measure(subject: Subject, records: Iterable[Any]) -> list[Measured]:
    """Every family of the subject, read from the records."""
    named = [(subject.name(record), record) for record in records]
    return [
        Measured(
            family,
            [
                (name + extra, float(value))
                for name, record in named
                for extra, value in family.rows(record)
                if value is not None and not math.isnan(value)
            ],
        )
        for family in BY_SUBJECT[subject]
    ]


def gauge(
    name: str,
    help: str,
    subject: Subject,
    value: Callable[[Any], Value],
    *,
    kept: bool = False,
) -> Family:
    return Family(name, help, "gauge", subject, lambda record: (((), value(record)),), kept=kept)


def gauge_by(
    name: str,
    help: str,
    subject: Subject,
    label: str,
    values: Callable[[Any], Mapping[str, Value]],
) -> Family:
    """A gauge with one more label; `values` maps its values to the samples."""
    return Family(
        name, help, "gauge", subject, lambda record: [((key,), v) for key, v in values(record).items()], (label,)
    )


def info(
    name: str,
    help: str,
    subject: Subject,
    labels: tuple[str, ...],
    values: Callable[[Any], tuple[str, ...]],
) -> Family:
    return Family(name, help, "info", subject, lambda record: ((values(record), 1),), labels)


def stateset(
    name: str,
    help: str,
    subject: Subject,
    label: str,
    states: tuple[str, ...],
    state: Callable[[Any], str],
) -> Family:
    """One series per state, exactly one of them 1; a state we do not know counts as the last one."""

    def rows(record: Any) -> list[tuple[tuple[str, ...], Value]]:
        current = state(record) if state(record) in states else states[-1]
        return [((s,), s == current) for s in states]

    return Family(name, help, "gauge", subject, rows, (label,))


def _none(_: Findings) -> Iterable[Any]:
    return ()


# Read by the poller from its own states, not from what a source said.
SOURCE = Subject((), ("exporter",), _none, lambda _: ())
COLLECTOR = Subject(("collector",), ("exporter",), _none, lambda c: (c.collector,))

POOL = Subject(("kind", "pool"), ("pools", "mounts"), lambda f: f.pools, lambda p: (p.kind, p.name))
REDUCTION = Subject(
    ("kind", "pool"), ("dedup_savings", "backup_files", "pools"), lambda f: f.reductions, lambda r: (r.kind, r.pool)
)
FORECAST = Subject(
    ("kind", "pool"), ("forecasts", "pools", "mounts"), lambda f: f.forecasts, lambda t: (t.kind, t.pool)
)
RETENTION = Subject(
    ("kind", "plan", "copy", "rule"),
    ("retention_rules", "jobs", "backup_files"),
    lambda f: f.retention,
    lambda r: (r.kind, r.plan, r.copy, r.rule),
)
RULE = Subject(
    ("plan", "copy", "rule"), ("retention_rules",), lambda f: f.retention_rules, lambda r: (r.plan, r.copy, r.rule)
)
DDB = Subject(("ddb",), ("dedup_stores",), lambda f: f.dedup_stores, lambda d: (d.name,))
MEDIA_AGENT = Subject(("mediaagent",), ("media_agents",), lambda f: f.media_agents, lambda m: (m.name,))
OPERATION = Subject(("operation",), ("jobs",), lambda f: f.operations, lambda o: (o.operation,))
PLAN = Subject(("plan",), ("retention_rules", "jobs"), lambda f: f.plan_fulls, lambda p: (p.plan,))
BACKUP_JOB = Subject(("backup_job",), ("backup_jobs",), lambda f: f.backup_jobs, lambda j: (j.name,))
BACKUP_FILES = Subject(("backup_job",), ("backup_files",), lambda f: f.job_reductions, lambda r: (r.job,))
MOUNT = Subject(("pool",), ("mounts",), lambda f: f.mounts, lambda m: (m.pool.name,))
SCAN = Subject(("root",), ("scans",), lambda f: f.scans, lambda s: (s.root,))

_GROUP = ("business_unit", "application", "site", "importance")


def _group(record: Any) -> tuple[str, ...]:
    return tuple(getattr(record.group, name) for name in _GROUP)


FAMILIES: tuple[Family, ...] = (
    info("ebbtide_source_info", "A configured source; join on source.", SOURCE, ("kind", "endpoint_host", *_GROUP), lambda s: (s.kind, s.host, *_group(s))),
    gauge("ebbtide_source_up", "1 if the last contact with the source succeeded, login included.", SOURCE, lambda s: s.up),
    gauge("ebbtide_collector_success", "1 if the last poll of the collector ended without error.", COLLECTOR, lambda c: c.success),
    gauge("ebbtide_collector_duration_seconds", "Duration of the last poll.", COLLECTOR, lambda c: c.duration_seconds),
    gauge("ebbtide_collector_interval_seconds", "Configured time between polls; series are withdrawn three of them after the last success.", COLLECTOR, lambda c: c.interval_seconds),
    gauge("ebbtide_collector_last_success_timestamp_seconds", "When the last successful poll began: the age of everything this collector shows.", COLLECTOR, lambda c: c.last_success_at),
    gauge("ebbtide_collector_objects", "Objects read by the last successful poll.", COLLECTOR, lambda c: c.objects),

    info("ebbtide_pool_info", "What the pool is and whom it belongs to; join on source and pool.", POOL, ("pool_id", "pool_type", "location", "worm", "shared", *_GROUP), lambda p: (p.id, p.pool_type, p.location, _flag(p.worm), p.shared, *_group(p))),
    stateset("ebbtide_pool_status", "1 for the state the pool is in.", POOL, "status", POOL_STATUSES, lambda p: p.status),
    gauge("ebbtide_pool_capacity_bytes", "Usable size of the pool.", POOL, lambda p: p.capacity_bytes, kept=True),
    gauge("ebbtide_pool_free_bytes", "Space a normal writer can still use; absent while the pool is offline.", POOL, lambda p: p.free_bytes, kept=True),
    gauge("ebbtide_pool_free_ratio", "Free space divided by capacity, 0 to 1.", POOL, lambda p: p.free_ratio),
    gauge("ebbtide_pool_dedup_ratio", "Logical bytes divided by deduplicated bytes: 8.5 means 8.5:1. Commvault's savings include compression.", REDUCTION, lambda r: r.dedup_ratio),
    gauge("ebbtide_pool_compression_ratio", "Deduplicated bytes divided by stored bytes, where the vendor tells it apart.", REDUCTION, lambda r: r.compression_ratio),
    gauge("ebbtide_pool_logical_bytes", "Protected data in the pool before deduplication and compression.", REDUCTION, lambda r: r.logical_bytes),
    gauge("ebbtide_pool_stored_bytes", "Size of the backups in the pool after deduplication and compression.", REDUCTION, lambda r: r.stored_bytes),
    gauge("ebbtide_pool_time_to_full_seconds", "Time until the pool is full (median); +Inf: not within a year; absent: no statement.", FORECAST, lambda t: t.p50_seconds),
    gauge("ebbtide_pool_time_to_full_low_seconds", "Time until the pool is full at the earliest (10th percentile).", FORECAST, lambda t: t.p10_seconds),
    gauge("ebbtide_pool_time_to_full_high_seconds", "Time until the pool is full at the latest (90th percentile).", FORECAST, lambda t: t.p90_seconds),
    gauge("ebbtide_pool_fill_bytes_per_second", "Net growth of used space over the last 30 days, robust against outliers.", FORECAST, lambda t: t.fill_bytes_per_second),
    gauge("ebbtide_pool_forecast_history_seconds", "Length of the history behind the forecast.", FORECAST, lambda t: t.history_seconds),
    info("ebbtide_pool_forecast_info", "Whether there is a forecast, and why not.", FORECAST, ("status",), lambda t: (t.status,)),

    gauge_by("ebbtide_retention_effective_seconds", "How old data gets before it may age: bound=latest the full of a cycle, bound=earliest its last job. +Inf: never ages.", RETENTION, "bound", lambda r: {"earliest": r.earliest_seconds, "latest": r.latest_seconds}),
    info("ebbtide_retention_effective_info", "How the effective retention was found.", RETENTION, ("cycle_semantics", "method"), lambda r: (r.semantics, r.method)),

    info("ebbtide_commvault_retention_rule_info", "A retention rule of a copy of a plan; rule=basic or extended_1 to extended_3.", RULE, ("pool", "policy_id"), lambda r: (r.pool, r.policy_id)),
    gauge("ebbtide_commvault_retention_rule_aging_enabled", "1 if data aging is enabled on the copy.", RULE, lambda r: r.aging_enabled),
    gauge("ebbtide_commvault_retention_rule_retention_seconds", "Configured days of retention; +Inf: for ever.", RULE, lambda r: r.retention_seconds),
    gauge("ebbtide_commvault_retention_rule_retention_cycles", "Configured cycles of retention; +Inf: for ever.", RULE, lambda r: r.cycles),
    gauge("ebbtide_commvault_plan_full_backup_interval_seconds", "Median time between successful fulls (real or synthetic) of a client of the plan.", PLAN, lambda p: p.full_interval_seconds),

    info("ebbtide_commvault_ddb_info", "A deduplication database (DDB); join on source and ddb.", DDB, ("ddb_id", "pool"), lambda d: (d.id, d.pool)),
    stateset("ebbtide_commvault_ddb_status", "1 for the state the DDB is in.", DDB, "status", DEDUP_STORE_STATUSES, lambda d: d.status),
    gauge("ebbtide_commvault_ddb_pending_deletes", "Aged records that wait for physical deletion, over all partitions.", DDB, lambda d: d.pending_deletes, kept=True),
    gauge("ebbtide_commvault_ddb_primary_entries", "Unique blocks in the DDB.", DDB, lambda d: d.primary_entries),
    gauge("ebbtide_commvault_ddb_sealed_timestamp_seconds", "When the DDB was sealed; absent while it is active.", DDB, lambda d: d.sealed_at),
    gauge("ebbtide_commvault_ddb_pruning_enabled", "1 if pruning is enabled on the DDB.", DDB, lambda d: d.pruning_enabled),
    gauge("ebbtide_commvault_ddb_query_insert_duration_seconds", "Mean time of a query and insert (Q&I), slowest partition; the vendor warns from 0.002.", DDB, lambda d: d.lookup_seconds),
    gauge("ebbtide_commvault_ddb_last_backup_timestamp_seconds", "When the DDB was last backed up.", DDB, lambda d: d.last_backup_at),
    info("ebbtide_commvault_mediaagent_info", "A MediaAgent; join on source and mediaagent.", MEDIA_AGENT, ("mediaagent_id", "version", "os"), lambda m: (m.id, m.version, m.os)),
    gauge("ebbtide_commvault_mediaagent_online", "1 online, 0 offline; absent while the CommServe does not say.", MEDIA_AGENT, lambda m: m.online),
    gauge("ebbtide_commvault_mediaagent_maintenance", "1 in maintenance mode.", MEDIA_AGENT, lambda m: m.maintenance),
    gauge("ebbtide_commvault_jobs_running", "Jobs that have not ended.", OPERATION, lambda o: o.running),
    gauge("ebbtide_commvault_operation_jobs_24h", "Jobs that ended in the 24 hours before the poll.", OPERATION, lambda o: o.finished_24h),
    gauge("ebbtide_commvault_operation_failed_jobs_24h", "Jobs that failed or were killed in the 24 hours before the poll.", OPERATION, lambda o: o.failed_24h),
    gauge("ebbtide_commvault_operation_last_success_timestamp_seconds", "End of the last successful job; absent when there is none in the look-back.", OPERATION, lambda o: o.last_success_at),
    gauge("ebbtide_commvault_operation_last_completion_timestamp_seconds", "End of the last job of any result.", OPERATION, lambda o: o.last_completion_at),
    gauge("ebbtide_commvault_operation_last_duration_seconds", "Duration of the last job of any result.", OPERATION, lambda o: o.last_duration_seconds),

    info("ebbtide_veeam_job_info", "A backup job; join on source and backup_job.", BACKUP_JOB, ("job_id", "job_type", "repository"), lambda j: (j.id, j.job_type, j.repository)),
    gauge("ebbtide_veeam_job_enabled", "0 if the job is disabled.", BACKUP_JOB, lambda j: j.enabled),
    gauge("ebbtide_veeam_job_running", "1 while a session of the job runs.", BACKUP_JOB, lambda j: j.running),
    stateset("ebbtide_veeam_job_last_result", "1 for the result of the last finished session.", BACKUP_JOB, "result", JOB_RESULTS, lambda j: j.last_result),
    gauge("ebbtide_veeam_job_last_run_timestamp_seconds", "Start of the last session.", BACKUP_JOB, lambda j: j.last_run_at),
    gauge("ebbtide_veeam_job_last_success_timestamp_seconds", "End of the last successful session.", BACKUP_JOB, lambda j: j.last_success_at),
    gauge("ebbtide_veeam_job_objects", "Objects in the job.", BACKUP_JOB, lambda j: j.objects),
    gauge("ebbtide_veeam_job_dedup_ratio", "Logical bytes divided by deduplicated bytes of the job's backup files: 1 means nothing was saved.", BACKUP_FILES, lambda r: r.dedup_ratio),
    gauge("ebbtide_veeam_job_compression_ratio", "Deduplicated bytes divided by stored bytes of the job's backup files.", BACKUP_FILES, lambda r: r.compression_ratio),
    gauge("ebbtide_veeam_job_logical_bytes", "Data in the job's backup files before deduplication and compression.", BACKUP_FILES, lambda r: r.logical_bytes),
    gauge("ebbtide_veeam_job_stored_bytes", "Size of the job's backup files.", BACKUP_FILES, lambda r: r.stored_bytes),
    gauge("ebbtide_veeam_job_backup_files", "Backup files of the job.", BACKUP_FILES, lambda r: r.files),

    info("ebbtide_filesystem_info", "A mounted filesystem.", MOUNT, ("device", "fstype"), lambda m: (m.device, m.fstype)),
    gauge("ebbtide_filesystem_readonly", "1 if mounted read-only.", MOUNT, lambda m: m.read_only),
    gauge("ebbtide_filesystem_device_error", "1 if the filesystem could not be read or did not answer in time.", MOUNT, lambda m: m.error is not None),
    gauge("ebbtide_filesystem_files", "Inodes in total; absent where the filesystem does not limit them.", MOUNT, lambda m: m.files),
    gauge("ebbtide_filesystem_files_free", "Inodes a normal user can still take.", MOUNT, lambda m: m.files_free),
    gauge("ebbtide_scan_last_success_timestamp_seconds", "End of the last complete scan of the directory tree.", SCAN, lambda s: s.completed_at),
    gauge("ebbtide_scan_duration_seconds", "Duration of the last complete scan.", SCAN, lambda s: s.duration_seconds),
    gauge("ebbtide_scan_files", "Files below the root, hard links counted once.", SCAN, lambda s: s.files),
    gauge("ebbtide_scan_directories", "Directories below the root.", SCAN, lambda s: s.directories),
    gauge("ebbtide_scan_apparent_bytes", "Sum of the file sizes below the root.", SCAN, lambda s: s.apparent_bytes),
    gauge("ebbtide_scan_allocated_bytes", "Disk space taken by the files below the root.", SCAN, lambda s: s.allocated_bytes),
    gauge_by("ebbtide_scan_errors", "Entries the last scan could not read, by error name.", SCAN, "error", lambda s: s.errors),
)  # fmt: skip


def _flag(value: bool | None) -> str:
    return "" if value is None else str(value).lower()


SUBJECTS: tuple[Subject, ...] = tuple(dict.fromkeys(family.subject for family in FAMILIES))
BY_SUBJECT: Mapping[Subject, tuple[Family, ...]] = {
    subject: tuple(family for family in FAMILIES if family.subject is subject) for subject in SUBJECTS
}
