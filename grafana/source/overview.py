"""Overview: what needs attention now, which pool is next, and can the numbers be trusted?"""

from __future__ import annotations

import math

from board import dashboard, row, variable
from looks import (
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    TRANSPARENT,
    Json,
    colored,
    limit,
    link,
    override,
    prop,
    says,
    steps,
    threshold_line,
    unit,
    width,
    yes_no,
)
from panels import query, stat, table, timeseries

POOLS = 'source=~"$source", kind=~"$kind", pool=~"$pool"'
BY_POOL = "max by (source, kind, pool)"
BY_RULE = "max by (source, plan, copy, rule)"
BY_COLLECTOR = "max by (source, collector)"

# Stands in for a time to full that nobody knows: sorts behind every known one and before "not within a year".
NO_FORECAST = 1e10

FREE, TO_FULL, AGE = (
    "ebbtide_pool_free_ratio",
    "ebbtide_pool_time_to_full_seconds",
    "ebbtide_collector_age_seconds_per_interval_seconds",
)


def build() -> Json:
    return dashboard(
        "ebbtide-overview",
        "Ebbtide / Overview",
        "What needs attention now, which pool is full next, and can the numbers be trusted?",
        [
            variable("source", "Source", "label_values(ebbtide_source_info, source)"),
            variable("kind", "Kind", 'label_values(ebbtide_source_info{source=~"$source"}, kind)'),
            variable("pool", "Pool", 'label_values(ebbtide_pool_info{source=~"$source", kind=~"$kind"}, pool)'),
        ],
        [
            row("Now", (4, 4, sources_down()), (5, 4, nearly_full()), (5, 4, nothing_freed()), (5, 4, pending_now()), (5, 4, soonest())),
            row("Pools", (24, 10, pools())),
            row("Forecast", (24, 10, forecast())),
            row("Trends", (12, 10, free_ratio()), (12, 10, pending_deletes())),
            row("Retention", (24, 9, retention())),
            row("Collectors", (24, 9, collectors())),
        ],
        tags=["overview"],
    )  # fmt: skip


def sources_down() -> Json:
    return stat(
        "Sources down",
        "Configured systems that do not answer or refuse the exporter. Look at the exporter's status page for the reason; "
        "what such a source shows below is old, and ends after three intervals.",
        [query('sum(max by (source) (ebbtide_source_up{source=~"$source"}) == bool 0)')],
        unit="none",
        none="No source is configured",
        colors=steps(NEUTRAL, (0, GREEN), (1, RED)),
    )


def nearly_full() -> Json:
    def below(severity: str) -> Json:
        free = f"{BY_POOL} ({FREE}{{{POOLS}}}) unless on (source, pool) (ebbtide_filesystem_readonly == 1)"
        threshold = f'source_kind_pool:{FREE}:threshold{{severity="{severity}", {POOLS}}}'
        return query(f"sum(({free}) < bool on (source, kind, pool) {threshold})", severity)

    return stat(
        "Pools nearly full",
        "Pools with less free space than their own threshold; read-only filesystems are left out. "
        "Find them in the table below, and see first whether anything is freed in them at all.",
        [below("warning"), below("critical")],
        unit="none",
        none="No pool is known",
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
        named=True,
        overrides=[override("critical", prop("thresholds", steps(NEUTRAL, (0, GREEN), (1, RED))))],
    )


def nothing_freed() -> Json:
    failing = 'ALERTS{alertname="EbbtideCommvaultAgingSucceedsPruningFails", alertstate="firing", source=~"$source", pool=~"$pool"}'
    known = 'source_pool:ebbtide_commvault_ddb_pending_deletes:sum{source=~"$source", pool=~"$pool"}'
    return stat(
        "Aging succeeds, nothing freed",
        "Commvault pools in which data aging succeeds while pruning has freed nothing for a day and deletes pile up. "
        "No job fails, so nothing else says it. Begin with the MediaAgents of the pool.",
        [query(f"count({failing}) or 0 * count({known})")],
        unit="none",
        none="No deduplication database is known",
        colors=steps(NEUTRAL, (0, GREEN), (1, RED)),
    )


def pending_now() -> Json:
    return stat(
        "Pending deletes",
        "Aged records that wait for physical deletion, over all DDBs chosen. A line that only climbs means that pruning "
        "does not keep up: see which DDB it is in the graph below.",
        [
            query(
                'sum(source_pool:ebbtide_commvault_ddb_pending_deletes:sum{source=~"$source", pool=~"$pool"})',
                over_time=True,
            )
        ],
        unit="short",
        none="No deduplication database is known",
        colors=steps(BLUE),
    )


def soonest() -> Json:
    return stat(
        "Soonest full",
        "The pool that is full next, by the median of its forecast. Less than an order and a delivery take is too little.",
        [query(f"bottomk(1, {BY_POOL} ({TO_FULL}{{{POOLS}}}) < +Inf)", "{{source}} / {{pool}}")],
        unit="s",
        none="None within a year, or no forecast yet",
        colors=steps(NEUTRAL, (0, RED), (limit(TO_FULL, "critical"), ORANGE), (limit(TO_FULL, "warning"), GREEN)),
        named=True,
    )


def pools() -> Json:
    def pool(expr: str, ref: str) -> Json:
        return query(expr, ref=ref, table=True)

    duration = [*unit("s", 1), says({math.inf: "> 1 year", NO_FORECAST: "no forecast"})]
    this_pool = link(
        "Only this pool",
        "/d/ebbtide-overview?${ds:queryparam}&var-source=${__data.fields.Source:percentencode}&var-pool=${__value.raw:percentencode}",
    )
    return table(
        "Pools by time to full",
        "Full in is the median of the forecast, earliest and latest its 10th and 90th percentile. "
        "A pool at the top with nothing freed in 24 hours needs pruning, not disks. Click its name to see it alone.",
        [
            ("Source", "source", [width(140)]),
            ("Kind", "kind", [width(110)]),
            ("Pool", "pool", [this_pool]),
            ("Free", "Value #free", [*unit("percentunit", 1), *colored(_little(FREE)), width(100)]),
            ("Capacity", "Value #capacity", [*unit("bytes"), width(120)]),
            ("Freed in 24 h", "Value #freed", unit("bytes")),
            ("Full at the earliest", "Value #low", duration),
            ("Full in", "Value #mid", [*duration, *colored(_little(TO_FULL))]),
            ("Full at the latest", "Value #high", duration),
            ("Dedup ratio", "Value #dedup", [*unit("none", 1), width(120)]),
        ],
        [
            pool(f"{BY_POOL} ({FREE}{{{POOLS}}})", "free"),
            pool(f"{BY_POOL} (ebbtide_pool_capacity_bytes{{{POOLS}}})", "capacity"),
            pool(f"source_kind_pool:ebbtide_pool_freed_bytes:sum1d{{{POOLS}}}", "freed"),
            pool(f"{BY_POOL} (ebbtide_pool_time_to_full_low_seconds{{{POOLS}}})", "low"),
            pool(f"{BY_POOL} ({TO_FULL}{{{POOLS}}}) or 0 * {BY_POOL} ({FREE}{{{POOLS}}}) + {NO_FORECAST:.0f}", "mid"),
            pool(f"{BY_POOL} (ebbtide_pool_time_to_full_high_seconds{{{POOLS}}})", "high"),
            pool(f"{BY_POOL} (ebbtide_pool_dedup_ratio{{{POOLS}}})", "dedup"),
        ],
        none="No pool is known",
        sort=("Full in", False),
    )  # fmt: skip


def forecast() -> Json:
    def pool(family: str, ref: str, more: str = "") -> Json:
        return query(f"{BY_POOL} (ebbtide_pool_{family}{{{POOLS}{more}}})", ref=ref, table=True)

    ahead = ', horizon="{}"'
    capacity = f"{BY_POOL} (ebbtide_pool_capacity_bytes{{{POOLS}}})"
    wanted = f"{BY_POOL} (ebbtide_pool_forecast_recommended_capacity_bytes{{{POOLS}}})"
    order_by = f"1000 * {BY_POOL} (ebbtide_pool_forecast_order_by_timestamp_seconds{{{POOLS}}} < +Inf)"
    date = unit("dateTimeAsIso")
    return table(
        "Forecast of used space",
        "Used space in 30 and 90 days: the median, and the band that holds four of five futures; more than the capacity is "
        "space that will be missing. Growth holds since the day beside it: look there for what began. "
        "Before anything is bought, see what pruning would give back.",
        [
            ("Source", "source", [width(140)]),
            ("Pool", "pool", []),
            ("Capacity", "Value #capacity", [*unit("bytes"), width(110)]),
            ("Growth a day", "Value #growth", unit("bytes")),
            ("Growing so since", "Value #since", date),
            ("In 30 days, low", "Value #low30", unit("bytes")),
            ("In 30 days", "Value #mid30", unit("bytes")),
            ("In 30 days, high", "Value #high30", unit("bytes")),
            ("In 90 days, low", "Value #low90", unit("bytes")),
            ("In 90 days", "Value #mid90", unit("bytes")),
            ("In 90 days, high", "Value #high90", unit("bytes")),
            ("To buy", "Value #buy", unit("bytes")),
            ("Order by", "Value #order", date),
            ("Pruning frees", "Value #freed", unit("bytes")),
        ],
        [
            query(capacity, ref="capacity", table=True),
            query(f"86400 * {BY_POOL} (ebbtide_pool_fill_bytes_per_second{{{POOLS}}})", ref="growth", table=True),
            query(f"1000 * {BY_POOL} (ebbtide_pool_forecast_regime_start_timestamp_seconds{{{POOLS}}})", ref="since", table=True),
            pool("forecast_used_low_bytes", "low30", ahead.format("30d")),
            pool("forecast_used_bytes", "mid30", ahead.format("30d")),
            pool("forecast_used_high_bytes", "high30", ahead.format("30d")),
            pool("forecast_used_low_bytes", "low90", ahead.format("90d")),
            pool("forecast_used_bytes", "mid90", ahead.format("90d")),
            pool("forecast_used_high_bytes", "high90", ahead.format("90d")),
            query(f"clamp_min({wanted} - {capacity}, 0)", ref="buy", table=True),
            query(order_by, ref="order", table=True),
            pool("reclaimable_bytes", "freed", ', scenario="pruning_fixed"'),
        ],
        none="No pool has a forecast",
        sort=("To buy", True),
    )  # fmt: skip


def _little(quantity: str) -> Json:
    """Red below the critical default, orange below that of the warning."""
    return steps(
        TRANSPARENT, (0, RED), (limit(quantity, "critical"), ORANGE), (limit(quantity, "warning"), TRANSPARENT)
    )


def free_ratio() -> Json:
    def threshold(severity: str) -> Json:
        series = f'source_kind_pool:{FREE}:threshold{{severity="{severity}", {POOLS}}}'
        return query(f"max by (kind, severity) ({series})", "{{severity}}, {{kind}}", ref=severity, over_time=True)

    return timeseries(
        "Free space",
        "Free share of each pool; the dashed lines are the thresholds (the strictest of each kind that is shown). "
        "A saw that has become a slope has stopped being pruned.",
        [
            query(f"{BY_POOL} ({FREE}{{{POOLS}}})", "{{source}} / {{pool}}", over_time=True),
            threshold("warning"),
            threshold("critical"),
        ],
        unit="percentunit",
        none="No pool is known",
        span=(0, 1),
        overrides=[threshold_line("warning", ORANGE), threshold_line("critical", RED)],
    )


def pending_deletes() -> Json:
    def threshold(severity: str) -> Json:
        series = (
            f'source_ddb:ebbtide_commvault_ddb_pending_deletes:threshold{{severity="{severity}", source=~"$source"}}'
        )
        return query(f"max by (severity) ({series})", "{{severity}}", ref=severity, over_time=True)

    return timeseries(
        "Pending deletes by DDB",
        "The queue between aging and pruning; the dashed lines are the thresholds. It should fall after every rise. "
        "If it does not: MediaAgent, DDB state, pruning enabled, operation windows.",
        [
            query(
                'max by (source, ddb) (ebbtide_commvault_ddb_pending_deletes{source=~"$source"})'
                ' * on (source, ddb) group_left (pool) group by (source, ddb, pool) (ebbtide_commvault_ddb_info{source=~"$source", pool=~"$pool"})',
                "{{source}} / {{ddb}} ({{pool}})",
                over_time=True,
            ),
            threshold("warning"),
            threshold("critical"),
        ],
        unit="short",
        none="No deduplication database is known",
        overrides=[threshold_line("warning", ORANGE), threshold_line("critical", RED)],
    )


def retention() -> Json:
    configured = f'{BY_RULE} (ebbtide_commvault_retention_rule_retention_seconds{{source=~"$source"}})'

    def effective(bound: str) -> str:
        return f'{BY_RULE} (ebbtide_retention_effective_seconds{{bound="{bound}", source=~"$source", kind=~"$kind"}})'

    duration = [*unit("s", 1), says({math.inf: "for ever"})]
    return table(
        "Effective and configured retention",
        "How old data really gets before it may age, against the days that were configured: both days and cycles must be "
        "over, and all jobs of a cycle age together. Far above 100 %: fewer cycles, or fulls more often, free space.",
        [
            ("Source", "source", []),
            ("Plan", "plan", []),
            ("Copy", "copy", []),
            ("Rule", "rule", []),
            ("Configured", "Value #configured", duration),
            ("Cycles", "Value #cycles", [*unit("none"), says({math.inf: "for ever"})]),
            ("Effective, last job", "Value #earliest", duration),
            ("Effective, full", "Value #latest", duration),
            ("Of configured", "Value #factor", [*unit("percentunit", 0), prop("color", {"mode": "continuous-GrYlRd"}), prop("custom.cellOptions", {"type": "color-text"}), prop("min", 1), prop("max", 3)]),
            ("Found by", "method", []),
        ],
        [
            query(configured, ref="configured", table=True),
            query(f'{BY_RULE} (ebbtide_commvault_retention_rule_retention_cycles{{source=~"$source"}})', ref="cycles", table=True),
            query(effective("earliest"), ref="earliest", table=True),
            query(effective("latest"), ref="latest", table=True),
            query(f"{effective('latest')} / on (source, plan, copy, rule) ({configured} < +Inf > 0)", ref="factor", table=True),
            query('max by (source, plan, copy, rule, method) (ebbtide_retention_effective_info{source=~"$source", kind=~"$kind"})', ref="method", table=True),
        ],
        none="No retention is known",
        sort=("Of configured", True),
    )  # fmt: skip


def collectors() -> Json:
    def collector(metric: str) -> str:
        return f'{BY_COLLECTOR} ({metric}{{source=~"$source"}})'

    oldest = limit(AGE, "warning")
    return table(
        "Collectors",
        "Whether each question asked of a source is answered, and how old the answer is. From three intervals on its values "
        "are withdrawn. Failed: the exporter's log names endpoint and missing permission.",
        [
            ("Source", "source", []),
            ("Collector", "collector", []),
            ("Last poll", "Value #success", yes_no("succeeded", "failed")),
            ("Age", "Value #age", unit("s", 0)),
            ("Interval", "Value #interval", unit("s", 0)),
            ("Age / interval", "Value #intervals", [*unit("none", 1), says({math.inf: "never"}, RED), *colored(steps(TRANSPARENT, (oldest, RED)))]),
            ("Duration", "Value #duration", unit("s", 1)),
            ("Objects", "Value #objects", unit("short")),
        ],
        [
            query(collector("ebbtide_collector_success"), ref="success", table=True),
            query(f"time() - {collector('ebbtide_collector_last_success_timestamp_seconds')}", ref="age", table=True),
            query(collector("ebbtide_collector_interval_seconds"), ref="interval", table=True),
            query(f'source_collector:{AGE}:ratio{{source=~"$source"}}', ref="intervals", table=True),
            query(collector("ebbtide_collector_duration_seconds"), ref="duration", table=True),
            query(collector("ebbtide_collector_objects"), ref="objects", table=True),
        ],
        none="No collector is known",
        sort=("Age / interval", True),
    )  # fmt: skip
