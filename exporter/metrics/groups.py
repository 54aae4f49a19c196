"""Growth of groups: what the pools of a business unit, an application, a source or a kind need together."""

from __future__ import annotations

from exporter.metrics.family import Subject, gauge, gauge_by, info

GROUPS = Subject(
    ("group_by", "group"), ("groups",), lambda f: f.groups, lambda g: (g.group_by, g.group), of_source=False
)

FAMILIES = (
    gauge("ebbtide_group_pools", "Pools of the group: of a business_unit, an application, a source or a kind, as group_by says.", GROUPS, lambda g: g.pools),
    gauge("ebbtide_group_used_bytes", "What the pools of the group use together, disks counted once.", GROUPS, lambda g: g.used_bytes),
    gauge("ebbtide_group_capacity_bytes", "What fits into the pools of the group together, disks counted once.", GROUPS, lambda g: g.capacity_bytes),
    gauge("ebbtide_group_time_to_full_seconds", "Time until the space of the group is used up (median), wherever in it: single pools are full before. +Inf: not within a year; absent: no statement.", GROUPS, lambda g: g.forecast.p50_seconds),
    gauge("ebbtide_group_time_to_full_low_seconds", "Time until the space of the group is used up at the earliest (10th percentile).", GROUPS, lambda g: g.forecast.p10_seconds),
    gauge("ebbtide_group_time_to_full_high_seconds", "Time until the space of the group is used up at the latest (90th percentile).", GROUPS, lambda g: g.forecast.p90_seconds),
    gauge("ebbtide_group_fill_bytes_per_second", "How fast the used space of the group grows at present; pools that joined or left are no growth.", GROUPS, lambda g: g.forecast.fill_bytes_per_second),
    gauge("ebbtide_group_forecast_history_seconds", "Length of the history behind the forecast: since the pools of half of what is used were known.", GROUPS, lambda g: g.forecast.history_seconds),
    gauge_by("ebbtide_group_forecast_used_bytes", "What the group will use so far from now, if growth goes on as it does (median).", GROUPS, "horizon", lambda g: g.forecast.used_bytes),
    gauge_by("ebbtide_group_forecast_used_low_bytes", "Lower end of the 80 % band: one time in ten the group will use less.", GROUPS, "horizon", lambda g: g.forecast.used_low_bytes),
    gauge_by("ebbtide_group_forecast_used_high_bytes", "Upper end of the 80 % band: one time in ten the group will use more. Plan for it.", GROUPS, "horizon", lambda g: g.forecast.used_high_bytes),
    gauge("ebbtide_group_forecast_recommended_capacity_bytes", "Capacity the group is to have so that in nine times of ten it stays under forecast.target until lead_time and cover are over.", GROUPS, lambda g: g.forecast.recommended_capacity_bytes),
    gauge("ebbtide_group_forecast_order_by_timestamp_seconds", "When to order at the latest for the group; in the past: overdue; +Inf: not within a year.", GROUPS, lambda g: g.forecast.order_by_at),
    info("ebbtide_group_forecast_info", "Whether there is a forecast of the group, as for a pool, and its method.", GROUPS, ("status", "method"), lambda g: (g.forecast.status, g.forecast.method)),
)  # fmt: skip
