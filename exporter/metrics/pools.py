"""What pools of every kind have in common: size, reduction, forecast, pruning, and how long data lives."""

from __future__ import annotations

from exporter.metrics.family import (
    GROUP,
    Subject,
    baseline,
    counter,
    deviation,
    flag,
    gauge,
    gauge_by,
    grouped,
    info,
    newest,
    stateset,
)
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
    gauge("ebbtide_pool_fill_bytes_per_second", "How fast used space grows at present, without steps, season and outliers; negative: it shrinks.", FORECAST, lambda t: t.fill_bytes_per_second),
    gauge("ebbtide_pool_fill_last_day_bytes_per_second", "How fast used space grew in the last whole day (UTC).", FORECAST, lambda t: newest(t.fill)),
    gauge("ebbtide_pool_fill_baseline_bytes_per_second", "How fast used space usually grows on such a day: the median, of its weekday where a week shows.", FORECAST, lambda t: baseline(t.fill)),
    gauge("ebbtide_pool_fill_deviation", "How far the last whole day lies from what is usual, in robust standard deviations; above 0: it filled faster. Absent with under 21 days of history.", FORECAST, lambda t: deviation(t.fill)),
    gauge("ebbtide_pool_forecast_history_seconds", "Length of the history behind the forecast.", FORECAST, lambda t: t.history_seconds),
    gauge_by("ebbtide_pool_forecast_used_bytes", "What will be used so far from now, if growth goes on as it does (median). It may exceed the capacity: that much space is missing then.", FORECAST, "horizon", lambda t: t.used_bytes),
    gauge_by("ebbtide_pool_forecast_used_low_bytes", "Lower end of the 80 % band: one time in ten less than this will be used.", FORECAST, "horizon", lambda t: t.used_low_bytes),
    gauge_by("ebbtide_pool_forecast_used_high_bytes", "Upper end of the 80 % band: one time in ten more than this will be used. Plan for it.", FORECAST, "horizon", lambda t: t.used_high_bytes),
    gauge("ebbtide_pool_forecast_season_seconds", "Length of the cycle in which the pool fills, such as 604800 for weekly fulls; 0: none was found.", FORECAST, lambda t: t.season_seconds),
    gauge("ebbtide_pool_forecast_regime_start_timestamp_seconds", "Since when the pool has grown at its present rate: look there for a new client, plan or retention.", FORECAST, lambda t: t.regime_start_at),
    gauge("ebbtide_pool_forecast_anomalous", "1 if used space has just changed as it does one time in twenty or less: ask what ran last night.", FORECAST, lambda t: t.anomalous),
    gauge("ebbtide_pool_forecast_outliers", "Readings of the history that were left out as bad, such as a 0 amid others.", FORECAST, lambda t: t.outliers),
    gauge("ebbtide_pool_forecast_error_ratio", "How far forecasts of a fortnight made in the past were off, divided by what was used: how much to trust this one.", FORECAST, lambda t: t.error_ratio),
    gauge("ebbtide_pool_forecast_recommended_capacity_bytes", "Capacity to have so that in nine times of ten the pool stays under forecast.target until lead_time and cover are over. What it exceeds the present capacity by is to be bought; below it, nothing.", FORECAST, lambda t: t.recommended_capacity_bytes),
    gauge("ebbtide_pool_forecast_order_by_timestamp_seconds", "When to order at the latest so that it arrives before the pool may pass forecast.target; in the past: overdue; +Inf: not within a year.", FORECAST, lambda t: t.order_by_at),
    info("ebbtide_pool_forecast_info", "Whether there is a forecast: status ok, early (under 14 days of history), bounds_only (under 3) or why there is none; and its method.", FORECAST, ("status", "method"), lambda t: (t.status, t.method)),
    counter("ebbtide_pool_reclaimed_bytes_total", "Falls of used space from poll to poll, summed: what was seen to be freed. A lower bound.", PRUNING, lambda p: p.space and p.space.reclaimed_bytes),
    counter("ebbtide_pool_ingested_bytes_total", "Rises of used space from poll to poll, summed. A lower bound.", PRUNING, lambda p: p.space and p.space.ingested_bytes),
    gauge("ebbtide_pool_last_prune_timestamp_seconds", "Last evidence that space was freed: used space or pending deletes fell, the database or a log says so. Absent: none seen yet.", PRUNING, lambda p: p.last_prune_at),
    gauge("ebbtide_pool_prune_dates_30d", "Dates (UTC) of the last 30 on which used space or pending deletes fell.", PRUNING, lambda p: p.space and p.space.prune_days_30d),
    gauge("ebbtide_pool_observed_dates_30d", "Dates (UTC) of the last 30 on which the pool was seen at least twice.", PRUNING, lambda p: p.space and p.space.observed_days_30d),
    gauge("ebbtide_pool_aged_unpruned_bytes", "Aged data that has not been freed: as the CommServe database says, else the sizes of the aged jobs that are still listed, an upper bound.", PRUNING, lambda p: p.aged_bytes),
    gauge("ebbtide_pool_aged_unpruned_jobs", "Jobs that have aged and are still listed on the copies of the pool.", PRUNING, lambda p: p.aged_jobs),
    gauge_by("ebbtide_pool_reclaimable_bytes", "What would be freed at most if pruning worked (pruning_fixed), if rules had the recommended cycles (cycles_optimised), or both. Blocks shared with younger jobs stay, so deduplicated pools free less.", PRUNING, "scenario", lambda p: p.reclaimable, kept=True),

    gauge_by("ebbtide_retention_effective_seconds", "How old data gets before it may age: bound=latest the full of a cycle, bound=earliest its last job. +Inf: never ages.", RETENTION, "bound", lambda r: {"earliest": r.earliest_seconds, "latest": r.latest_seconds}),
    info("ebbtide_retention_effective_info", "How the effective retention was found.", RETENTION, ("cycle_semantics", "method"), lambda r: (r.semantics, r.method)),
    gauge("ebbtide_retention_configured_seconds", "What the rule says in days; +Inf: for ever. The difference to the effective retention is what its cycles cost.", RETENTION, lambda r: r.configured_seconds),
)  # fmt: skip
