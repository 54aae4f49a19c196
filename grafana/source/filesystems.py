"""Which mount of which server runs out of space or inodes, grows, is read-only or does not answer?"""

from __future__ import annotations

import math

from board import dashboard, row, variable
from estate import leaders
from looks import (
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    TRANSPARENT,
    Json,
    colored,
    drill,
    limit,
    override,
    prop,
    says,
    steps,
    threshold_line,
    unit,
    width,
    yes_no,
)
from panels import bargauge, query, stat, table, timeseries

CHOSEN = 'source=~"$source", pool=~"$pool"'
MOUNTS = f'kind="filesystem", {CHOSEN}'
BY_MOUNT = "max by (source, pool)"
# The defaults of filesystems, which may be fuller than other pools.
CRITICAL, WARNING = (limit("ebbtide_pool_free_ratio", severity, "filesystem") for severity in ("critical", "warning"))
FREE, TO_FULL = "ebbtide_pool_free_ratio", "ebbtide_pool_time_to_full_seconds"
READ_ONLY = "unless on (source, pool) (ebbtide_filesystem_readonly == 1)"
INODES = "source_pool:ebbtide_filesystem_files_free_per_files:ratio"
FULLEST = leaders("fullest", "bottomk(8", "source, pool", lambda chosen: f"{BY_MOUNT} ({FREE}{chosen})", MOUNTS)


def build() -> Json:
    return dashboard(
        "ebbtide-filesystems",
        "Ebbtide / Filesystems",
        __doc__,
        [
            variable("source", "Server", "label_values(ebbtide_filesystem_info, source)"),
            variable("pool", "Mount", 'label_values(ebbtide_filesystem_info{source=~"$source"}, pool)'),
            *FULLEST[0],
        ],
        [
            row(
                "Now",
                (4, 4, servers()),
                (5, 4, nearly_full()),
                (5, 4, few_inodes()),
                (5, 4, broken()),
                (5, 4, soonest()),
            ),
            row("Mounts", (24, 10, mounts())),
            row("Fullest and fastest", (12, 9, fullest()), (12, 9, fastest())),
            row("Trend", (24, 9, free_ratio())),
            row("Forecast", (24, 9, forecast())),
        ],
        tags=["filesystems"],
    )


def servers() -> Json:
    return stat(
        "Servers and mounts",
        "Servers that were found, and the mounted filesystems that hold data on them. A server that is missing does not "
        "answer: see the board of the exporter.",
        [
            query(f"count(group by (source) (ebbtide_filesystem_info{{{CHOSEN}}}))", "servers"),
            query(f"count(group by (source, pool) (ebbtide_filesystem_info{{{CHOSEN}}}))", "mounts"),
        ],
        unit="none",
        none="No server is known",
        colors=steps(BLUE),
        named=True,
    )


def _by_severity(title: str, description: str, expr: str, on: str, threshold: str, none: str) -> Json:
    def below(severity: str) -> str:
        return f'({expr}) < on ({on}) {threshold}{{severity="{severity}", {CHOSEN}}}'

    def count(severity: str, but: str = "") -> Json:
        return query(f"count({below(severity)}{but}) or 0 * count({expr})", severity)

    return stat(
        title,
        description,
        [count("critical"), count("warning", f" unless on ({on}) ({below('critical')})")],
        unit="none",
        none=none,
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
        named=True,
        overrides=[override("critical", prop("thresholds", steps(NEUTRAL, (0, GREEN), (1, RED))))],
    )


def nearly_full() -> Json:
    return _by_severity(
        "Nearly full",
        "Mounts with less free space than their own threshold; read-only ones are left out. Find them in the table below, and "
        "what is in them on the board of scans.",
        f"max by (source, kind, pool) ({FREE}{{{MOUNTS}}}) {READ_ONLY}",
        "source, kind, pool",
        f"source_kind_pool:{FREE}:threshold",
        "No mount is known",
    )


def few_inodes() -> Json:
    return _by_severity(
        "Few inodes",
        "Mounts in which hardly a file can be made any more, whatever space is free. Look for the directory with the many "
        "small files: sessions, mail queues, caches.",
        f"{INODES}{{{CHOSEN}}} {READ_ONLY}",
        "source, pool",
        "source_pool:ebbtide_filesystem_files_free_ratio:threshold",
        "No mount counts inodes",
    )


def broken() -> Json:
    return stat(
        "Read-only and not answering",
        "Mounts nobody can write to, and mounts that gave an error or no answer in time. A disk that turned read-only by itself "
        "has had an error: the kernel log says which.",
        [
            query(f"sum({BY_MOUNT} (ebbtide_filesystem_readonly{{{CHOSEN}}}))", "read-only"),
            query(f"sum({BY_MOUNT} (ebbtide_filesystem_device_error{{{CHOSEN}}}))", "error"),
        ],
        unit="none",
        none="No mount is known",
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
        named=True,
        overrides=[override("error", prop("thresholds", steps(NEUTRAL, (0, GREEN), (1, RED))))],
    )


def soonest() -> Json:
    return stat(
        "Soonest full",
        "The mount that is full next, by the median of its forecast. Less time than it takes to clear it or to add a disk is "
        "too little.",
        [query(f"bottomk(1, {BY_MOUNT} ({TO_FULL}{{{MOUNTS}}}) < +Inf)", "{{source}} {{pool}}")],
        unit="s",
        none="None within a year, or no forecast yet",
        colors=steps(NEUTRAL, (0, RED), (limit(TO_FULL, "critical"), ORANGE), (limit(TO_FULL, "warning"), GREEN)),
        named=True,
    )


def mounts() -> Json:
    def pool(family: str, ref: str) -> Json:
        return query(f"{BY_MOUNT} (ebbtide_pool_{family}{{{MOUNTS}}})", ref=ref, table=True)

    few = "ebbtide_filesystem_files_free_ratio"
    return table(
        "Mounts",
        "Every mounted filesystem, the fullest first. Free is what a normal user can use. Stuck or an error: what shows of it is "
        "old. Click a mount to see it alone, a server for what is in its scanned trees.",
        [
            ("Server", "source", [drill("What is in it", "ebbtide-scans", source="Server"), width(100)]),
            ("Mount", "pool", [drill("Only this mount", "ebbtide-filesystems", source="Server", pool="Mount")]),
            ("Device", "device", [width(245)]),
            ("Type", "fstype", [width(70)]),
            ("Free", "Value #free", [*unit("percentunit", 1), *colored(_little(CRITICAL, WARNING)), width(90)]),
            ("Free space", "Value #bytes", [*unit("bytes"), width(105)]),
            ("Capacity", "Value #capacity", [*unit("bytes"), width(100)]),
            ("Free inodes", "Value #inodes", [*unit("percentunit", 1), *colored(_little(*_limits(few))), width(110)]),
            ("Growth a day", "Value #growth", [*unit("bytes"), width(120)]),
            ("Full in", "Value #full", [*unit("s", 1), says({math.inf: "> 1 year"}), *colored(_little(*_limits(TO_FULL))), width(110)]),
            ("Read-only", "Value #readonly", [*yes_no("yes", "no", good=0), width(100)]),
            ("Error", "error", [prop("custom.cellOptions", {"type": "color-text"}), prop("color", {"mode": "fixed", "fixedColor": RED}), width(90)]),
        ],
        [
            query(f"max by (source, pool, device, fstype) (ebbtide_filesystem_info{{{CHOSEN}}})", ref="info", table=True),
            pool("free_ratio", "free"),
            pool("free_bytes", "bytes"),
            pool("capacity_bytes", "capacity"),
            query(f"{BY_MOUNT} ({INODES}{{{CHOSEN}}})", ref="inodes", table=True),
            query(f"86400 * {BY_MOUNT} (ebbtide_pool_fill_bytes_per_second{{{MOUNTS}}})", ref="growth", table=True),
            pool("time_to_full_seconds", "full"),
            query(f"{BY_MOUNT} (ebbtide_filesystem_readonly{{{CHOSEN}}})", ref="readonly", table=True),
            query(f"max by (source, pool, error) (ebbtide_filesystem_error_info{{{CHOSEN}}})", ref="error", table=True),
        ],
        none="No mount is known",
        sort=("Free", False),
    )  # fmt: skip


def _limits(quantity: str) -> tuple[float, float]:
    return limit(quantity, "critical"), limit(quantity, "warning")


def _little(critical: float, warning: float) -> Json:
    """Red below the one, orange below the other."""
    return steps(TRANSPARENT, (0, RED), (critical, ORANGE), (warning, TRANSPARENT))


def fullest() -> Json:
    return bargauge(
        "Fullest mounts",
        "Used share of the ten fullest mounts. Archives and images may be full for ever; what grows is in the panel beside.",
        [query(f"topk(10, 1 - {BY_MOUNT} ({FREE}{{{MOUNTS}}}))", "{{source}} {{pool}}")],
        unit="percentunit",
        none="No mount is known",
        colors=steps(GREEN, (1 - WARNING, ORANGE), (1 - CRITICAL, RED)),
        span=(0, 1),
    )


def fastest() -> Json:
    return bargauge(
        "Fastest growing mounts",
        "What the ten fastest growing mounts gain a day at present, without single steps. Ask who writes there: the owners and "
        "the largest directories are on the board of scans.",
        [query(f"topk(10, 86400 * {BY_MOUNT} (ebbtide_pool_fill_bytes_per_second{{{MOUNTS}}}) > 0)", "{{source}} {{pool}}")],
        unit="bytes",
        none="Nothing grows, or no forecast yet",
        colors=steps(BLUE),
    )  # fmt: skip


def free_ratio() -> Json:
    def threshold(severity: str) -> Json:
        series = f'source_kind_pool:{FREE}:threshold{{severity="{severity}", {MOUNTS}}}'
        return query(f"max by (severity) ({series} @ end())", "{{severity}}", ref=severity, over_time=True)

    return timeseries(
        "Free space",
        "Free share of the eight mounts that have least; the dashed lines are the strictest thresholds of those chosen. A "
        "line that falls straight has no clean-up.",
        [
            query(FULLEST[1], "{{source}} {{pool}}", over_time=True),
            threshold("warning"),
            threshold("critical"),
        ],
        unit="percentunit",
        none="No mount is known",
        overrides=[threshold_line("warning", ORANGE), threshold_line("critical", RED)],
    )


def forecast() -> Json:
    def ahead(what: str, days: int, ref: str) -> Json:
        series = f'ebbtide_pool_forecast_{what}_bytes{{{MOUNTS}, horizon="{days}d"}}'
        return query(f"{BY_MOUNT} ({series})", ref=ref, table=True)

    duration = [*unit("s", 1), says({math.inf: "> 1 year"})]
    capacity = f"{BY_MOUNT} (ebbtide_pool_capacity_bytes{{{MOUNTS}}})"
    return table(
        "Forecast of used space",
        "The median, and the band that holds four of five futures. More than the capacity is space that will be missing. "
        "A status that is not ok says why there is no forecast, or how short its history is.",
        [
            ("Server", "source", []),
            ("Mount", "pool", []),
            ("Status", "status", []),
            ("Capacity", "Value #capacity", unit("bytes")),
            ("In 30 days, low", "Value #low30", unit("bytes")),
            ("In 30 days", "Value #mid30", unit("bytes")),
            ("In 30 days, high", "Value #high30", unit("bytes")),
            ("In 90 days", "Value #mid90", unit("bytes")),
            ("Full at the earliest", "Value #earliest", duration),
            ("Full in", "Value #full", duration),
        ],
        [
            query(f"max by (source, pool, status) (ebbtide_pool_forecast_info{{{MOUNTS}}})", ref="status", table=True),
            query(capacity, ref="capacity", table=True),
            ahead("used_low", 30, "low30"),
            ahead("used", 30, "mid30"),
            ahead("used_high", 30, "high30"),
            ahead("used", 90, "mid90"),
            query(f"{BY_MOUNT} (ebbtide_pool_time_to_full_low_seconds{{{MOUNTS}}})", ref="earliest", table=True),
            query(f"{BY_MOUNT} ({TO_FULL}{{{MOUNTS}}})", ref="full", table=True),
        ],
        none="No mount has a forecast",
        sort=("Full in", False),
    )  # fmt: skip
