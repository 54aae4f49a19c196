"""Pools: which of all kinds runs out, how soon, and does it get anything back?"""

from __future__ import annotations

from board import dashboard, row
from estate import (
    BY_POOL,
    FREE,
    POOLS,
    TO_FULL,
    WORST,
    choices,
    duration,
    leaders,
    little,
    nearly_full,
    pool,
    threshold,
    time_to_full,
    to_pool,
    worst,
)
from looks import (
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    Json,
    colored,
    override,
    prop,
    steps,
    threshold_line,
    unit,
    width,
)
from panels import query, stat, table, timeseries

LOWEST = leaders("lowest", "bottomk(8", "source, kind, pool", lambda chosen: f"{BY_POOL} ({FREE}{chosen})")
GROWING = leaders(
    "growing", "topk(8", "source, kind, pool", lambda chosen: f"{BY_POOL} (ebbtide_pool_fill_bytes_per_second{chosen})"
)


def build() -> Json:
    return dashboard(
        "ebbtide-pools",
        "Capacity / Pools",
        "Which pool of all kinds runs out, how soon, and does it get anything back?",
        [*choices(), *LOWEST[0], *GROWING[0]],
        [
            row("Now", (6, 4, by_band()), (6, 4, soon()), (6, 4, estate()), (6, 4, unfreed())),
            row("Pools", (24, 13, pools())),
            row("Trends", (12, 10, free_ratio()), (12, 10, net_fill())),
        ],
        tags=["capacity"],
    )


def by_band() -> Json:
    critical, known = nearly_full("critical"), pool("free_ratio")
    return stat(
        "Pools by free space",
        "Pools below their critical and their warning threshold, and all the others. Find those below in the table, "
        "and see whether anything is freed in them before disks are ordered.",
        [
            query(f"count({critical}) or 0 * count({known})", "critical"),
            query(f"count({nearly_full('warning')} unless on (source, kind, pool) ({critical})) or 0 * count({known})", "warning"),
            query(f"count({known} unless on (source, kind, pool) ({nearly_full('warning')}))", "enough"),
        ],
        unit="none",
        none="No pool is known",
        colors=steps(GREEN),
        named=True,
        overrides=[
            override("critical", prop("thresholds", steps(GREEN, (1, RED)))),
            override("warning", prop("thresholds", steps(GREEN, (1, ORANGE)))),
        ],
    )  # fmt: skip


def soon() -> Json:
    def within(days: int) -> Json:
        return query(f"sum({pool('time_to_full_seconds')} < bool {days * 86400})", f"{days} days")

    return stat(
        "Full within",
        "Pools that are full by then, by the median of their forecast. Those of the first number cannot wait for a delivery: "
        "free space in them, or move what writes to them.",
        [within(30), within(90)],
        unit="none",
        none="No pool has a forecast",
        colors=steps(GREEN, (1, ORANGE)),
        named=True,
        overrides=[override("30 days", prop("thresholds", steps(GREEN, (1, RED))))],
    )


def estate() -> Json:
    def total(what: str) -> str:
        return f'sum(source_kind:ebbtide_pool_{what}_bytes:sum{{source=~"$source", kind=~"$kind"}})'

    return stat(
        "Free, of the capacity",
        "Over all pools of the sources chosen; pools that share a disk are counted once. "
        "Plenty in the sum helps no pool that is full: look at each.",
        [query(total("free"), "free"), query(total("capacity"), "of")],
        unit="bytes",
        none="No pool is known",
        colors=steps(BLUE),
        named=True,
    )


def unfreed() -> Json:
    freed = f"source_kind_pool:ebbtide_pool_freed_bytes:sum1d{{{POOLS}}}"
    return stat(
        "Nothing freed in 24 h",
        "Pools whose used space never fell in a day. Where data ages that is a sign that pruning stands still; "
        "WORM and managed disk space wait on purpose. Sort the table by what was freed.",
        [query(f"sum({freed} == bool 0)")],
        unit="none",
        none="Not watched for a day yet",
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
    )


def pools() -> Json:
    return table(
        "Pools by time to full",
        "Full in is the median of the forecast, earliest and latest its 10th and 90th percentile. Nearly full: below its own threshold. "
        "A pool at the top with nothing freed in 24 hours needs pruning, not disks. Click its name to see why.",
        [
            ("Source", "source", [width(110)]),
            ("Kind", "kind", [width(100)]),
            ("Pool", "pool", [to_pool()]),
            ("Full in", "Value #mid", [*duration(), *colored(little(TO_FULL)), width(120)]),
            ("Earliest", "Value #low", [*duration(), width(120)]),
            ("Latest", "Value #high", [*duration(), width(120)]),
            ("Free", "Value #free", [*unit("percentunit", 1), width(90)]),
            ("Nearly full", "Value #worst", [*WORST, width(110)]),
            ("Capacity", "Value #capacity", [*unit("bytes"), width(110)]),
            ("Growth a day", "Value #growth", [*unit("bytes"), width(120)]),
            ("Freed in 24 h", "Value #freed", [*unit("bytes"), width(120)]),
            ("Dedup ratio", "Value #dedup", [*unit("none", 1), width(110)]),
        ],
        [
            query(time_to_full(), ref="mid", table=True),
            query(pool("time_to_full_low_seconds"), ref="low", table=True),
            query(pool("time_to_full_high_seconds"), ref="high", table=True),
            query(pool("free_ratio"), ref="free", table=True),
            query(worst(), ref="worst", table=True),
            query(pool("capacity_bytes"), ref="capacity", table=True),
            query(f"86400 * {pool('fill_bytes_per_second')}", ref="growth", table=True),
            query(f"{BY_POOL} (source_kind_pool:ebbtide_pool_freed_bytes:sum1d{{{POOLS}}})", ref="freed", table=True),
            query(pool("dedup_ratio"), ref="dedup", table=True),
        ],
        none="No pool is known",
        sort=("Full in", False),
    )  # fmt: skip


def free_ratio() -> Json:
    def line(severity: str) -> Json:
        strictest = f"max by (kind, severity) ({threshold(severity)} @ end())"
        return query(strictest, "{{severity}}, {{kind}}", ref=severity, over_time=True)

    return timeseries(
        "The eight pools with the least free space",
        "Free share of each; the dashed lines are the thresholds (the strictest of each kind that is shown). "
        "A saw that has become a slope has stopped being pruned.",
        [
            query(LOWEST[1], "{{source}} / {{pool}}", over_time=True),
            line("warning"),
            line("critical"),
        ],
        unit="percentunit",
        none="No pool is known",
        overrides=[threshold_line("warning", ORANGE), threshold_line("critical", RED)],
    )


def net_fill() -> Json:
    return timeseries(
        "The eight pools that grow most",
        "Growth of used space a day, without steps, season and outliers; below zero the pool gets emptier. "
        "Where it rises at once, ask which client, plan or retention began then.",
        [query(f"86400 * ({GROWING[1]})", "{{source}} / {{pool}}", over_time=True)],
        unit="bytes",
        none="No pool has a forecast",
        span=(None, None),
    )
