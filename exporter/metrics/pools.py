"""What pools of every kind have in common: size, reduction, forecast, pruning, and how long data lives."""

from __future__ import annotations

from exporter.metrics.family import GROUP, Subject, counter, flag, gauge, gauge_by, grouped, info, stateset
from exporter.model import POOL_STATUSES

POOL = Subject(("kind", "pool"), ("pools", "mounts"), lambda f: f.pools, lambda p: (p.kind, p.name))
REDUCTION = Subject(
    ("kind", "pool"), ("dedup_savings", "backups", "pools"), lambda f: f.reductions, lambda r: (r.kind, r.pool)
)
FORECAST = Subject(
    ("kind", "pool"), ("forecasts", "pools", "mounts"), lambda f: f.forecasts, lambda t: (t.kind, t.pool)
)
PRUNING = Subject(
    ("kind", "pool"),
    ("space", "pools", "cycles", "plans", "retained_jobs", "dedup_stores", "commserve_database", "media_agent_logs"),
    lambda f: f.prunings,
    lambda p: (p.kind, p.pool),
)  # fmt: skip
RETENTION = Subject(
    ("kind", "plan", "copy", "rule"),
    ("plans", "cycles", "backups", "backup_jobs"),
    lambda f: f.retention,
    lambda r: (r.kind, r.plan, r.copy, r.rule),
)

FAMILIES = (
    info("ebbtide_pool_info", "What the pool is and whom it belongs to; join on source and pool.", POOL, ("pool_id", "pool_type", "location", "worm", "shared", *GROUP), lambda p: (p.id, p.pool_type, p.location, flag(p.worm), p.shared, *grouped(p))),
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
    counter("ebbtide_pool_reclaimed_bytes_total", "Falls of used space from poll to poll, summed: what was seen to be freed. A lower bound.", PRUNING, lambda p: p.space and p.space.reclaimed_bytes),
    counter("ebbtide_pool_ingested_bytes_total", "Rises of used space from poll to poll, summed. A lower bound.", PRUNING, lambda p: p.space and p.space.ingested_bytes),
    gauge("ebbtide_pool_last_prune_timestamp_seconds", "Last evidence that space was freed: used space or pending deletes fell, the database or a log says so. Absent: none seen yet.", PRUNING, lambda p: p.last_prune_at),
    gauge("ebbtide_pool_prune_dates_30d", "Dates (UTC) of the last 30 on which used space or pending deletes fell.", PRUNING, lambda p: p.space and p.space.prune_days_30d),
    gauge("ebbtide_pool_observed_dates_30d", "Dates (UTC) of the last 30 on which the pool was seen at least twice.", PRUNING, lambda p: p.space and p.space.observed_days_30d),
    gauge("ebbtide_pool_aged_unpruned_bytes", "Aged data that has not been freed: as the CommServe database says, else the sizes of the aged jobs that are still listed, an upper bound.", PRUNING, lambda p: p.aged_bytes),
    gauge("ebbtide_pool_aged_unpruned_jobs", "Jobs that have aged and are still listed on the copies of the pool.", PRUNING, lambda p: p.aged_jobs),
    gauge_by("ebbtide_pool_reclaimable_bytes", "What would be freed at most if pruning worked (pruning_fixed), if rules had the recommended cycles (cycles_optimised), or both. Blocks shared with younger jobs stay, so deduplicated pools free less.", PRUNING, "scenario", lambda p: p.reclaimable),

    gauge_by("ebbtide_retention_effective_seconds", "How old data gets before it may age: bound=latest the full of a cycle, bound=earliest its last job. +Inf: never ages.", RETENTION, "bound", lambda r: {"earliest": r.earliest_seconds, "latest": r.latest_seconds}),
    info("ebbtide_retention_effective_info", "How the effective retention was found.", RETENTION, ("cycle_semantics", "method"), lambda r: (r.semantics, r.method)),
    gauge("ebbtide_retention_configured_seconds", "What the rule says in days; +Inf: for ever. The difference to the effective retention is what its cycles cost.", RETENTION, lambda r: r.configured_seconds),
)  # fmt: skip
