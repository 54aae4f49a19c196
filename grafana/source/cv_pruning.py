"""Is aged data really deleted?"""

from __future__ import annotations

from board import dashboard, row
from commvault import (
    AGE,
    BYTES,
    FAULTS,
    POOL,
    POOLS,
    POOLS_OF_ANY_KIND,
    RATIO,
    SOURCE,
    SOURCES,
    column,
    each,
    faults,
)
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
    steps,
    target,
    threshold_line,
    unit,
    width,
    words,
)
from panels import query, stat, table, timeseries

PENDING = "ebbtide_commvault_ddb_pending_deletes"
DAY = 86400
# Which DDBs belong to the pools chosen.
OF_POOL = f"on (source, ddb) group by (source, ddb) (ebbtide_commvault_ddb_info{{{POOLS}}})"


def build() -> Json:
    return dashboard(
        "ebbtide-cv-pruning",
        "Commvault / Pruning health",
        "Is aged data really deleted?",
        [SOURCE, POOL],
        [
            row("Now", (5, 4, waiting()), (5, 4, nothing_freed()), (4, 4, bad_ddbs()), (5, 4, window()), (5, 4, success())),
            row("The two stages", (12, 9, aged()), (12, 9, reclaimed())),
            row("Pools", (24, 10, pools())),
            row("Deduplication databases", (24, 8, pending()), (24, 10, ddbs())),
        ],
        tags=["commvault"],
    )  # fmt: skip


def pool(family: str, more: str = "") -> str:
    return each("source, pool", f"ebbtide_{family}", POOLS_OF_ANY_KIND + more)


def ddb(family: str) -> str:
    return f"{each('source, ddb', f'ebbtide_commvault_ddb_{family}', SOURCES)} and {OF_POOL}"


def waiting() -> Json:
    return stat(
        "Aged, not freed",
        "Data that no rule keeps any more and that still lies on disk; an upper bound, as younger jobs share blocks. If it "
        "only grows, stage two below does not run: begin with the pools at the top of the table.",
        [query(f"sum({pool('pool_aged_unpruned_bytes')})")],
        unit="bytes",
        none="The copies were not asked yet",
        colors=steps(BLUE),
    )


def nothing_freed() -> Json:
    last = f"time() - {pool('pool_last_prune_timestamp_seconds')}"
    due = f"{pool('pool_aged_unpruned_bytes')} > 0"
    return faults(
        "Pools without pruning for 7 d",
        "They hold aged data, and nothing was freed for a week. In this order: MediaAgent, mount path, state of the DDB, "
        "pruning enabled, operation window.",
        f"sum(({last} > bool {7 * DAY}) and on (source, pool) {due}) or 0 * count({last})",
        "No pool has been seen to prune",
    )


def bad_ddbs() -> Json:
    bad = each("source, ddb", "ebbtide_commvault_ddb_status", f'status=~"offline|corrupted|sealed", {SOURCES}')
    return faults(
        "DDBs not active",
        "Offline, corrupted or sealed. Of a sealed one nothing is freed until its last job has aged; an offline one needs "
        "its MediaAgent.",
        f"sum({bad} and {OF_POOL})",
        "No DDB is known",
    )


def window() -> Json:
    blocked = each("source", "ebbtide_commvault_prune_window_blocked", SOURCES)
    return stat(
        "Pruning forbidden, last 24 h",
        "The share of the last day in which an operation window forbade pruning. Over half of it leaves too little time: "
        "shorten the window in the Command Center.",
        [query(f"max(source:ebbtide_commvault_prune_window_blocked:ratio1d{{{SOURCES}}} or 0 * {blocked})")],
        unit="percentunit",
        none="Operation windows were not asked yet",
        colors=steps(NEUTRAL, (0, GREEN), (0.5, ORANGE), (0.95, RED)),
    )


def success() -> Json:
    dates, seen = pool("pool_prune_dates_30d"), pool("pool_observed_dates_30d")
    return stat(
        "Days with pruning, 30 d",
        "Of the days on which pools were watched, those on which something was freed. WORM pools and managed disk space wait "
        "on purpose and pull it down.",
        [query(f"sum({dates}) / (sum({seen}) > 0)")],
        unit="percentunit",
        none="No pool has been watched for a day",
        colors=steps(NEUTRAL, (0, ORANGE), (target("pruning_success"), GREEN)),
    )


def aged() -> Json:
    writes = f'group by (source, plan, copy, pool) (ebbtide_commvault_retention_rule_info{{rule="basic", {POOLS}}})'
    jobs = f"max by (source, plan, copy) (increase(ebbtide_commvault_plan_aged_bytes_total{{{SOURCES}}}[1d]))"
    return timeseries(
        "Stage 1, aging: let go in the day before",
        "Size on media of the jobs that copies stopped keeping. Flat at 0: aging does not run, or rules keep all; see the "
        "cycles board. It says nothing about disks yet.",
        [query(f"sum by (source, pool) ({writes} * on (source, plan, copy) group_left () {jobs})", "{{source}} / {{pool}}", over_time=True)],
        unit="bytes",
        none="The copies were not compared twice yet",
    )  # fmt: skip


def reclaimed() -> Json:
    return timeseries(
        "Stage 2, pruning: freed in the day before",
        "Falls of used space. It should follow stage 1 within a day or two, smaller by what blocks are shared. Stage 1 "
        "high and this at 0: aged data is not deleted.",
        [
            query(
                f"max by (source, pool) (increase(ebbtide_pool_reclaimed_bytes_total{{{POOLS_OF_ANY_KIND}}}[1d]))",
                "{{source}} / {{pool}}",
                over_time=True,
            )
        ],
        unit="bytes",
        none="No pool has been watched for a day",
    )


def pools() -> Json:
    def freed(scenario: str) -> str:
        return pool("pool_reclaimable_bytes", f', scenario="{scenario}"')

    late = steps(TRANSPARENT, (2 * DAY, ORANGE), (7 * DAY, RED))
    return table(
        "Pools, aged against freed",
        "Aged, not freed with pruning long ago: repair pruning. Much deduplication or extended jobs: blocks are shared with "
        "what is kept, less comes back. The last columns are what each repair frees at most.",
        [
            ("Source", "source", [width(80)]),
            ("Pool", "pool", [drill("This pool", "ebbtide-pool", source="Source", pool="Pool")]),
            ("Aged, not freed", "Value #aged", [*BYTES, width(130)]),
            ("Last pruned", "Value #last", [*AGE, *colored(late), width(110)]),
            ("Days with pruning", "Value #dates", [*RATIO, width(150)]),
            ("Freed in 24 h", "Value #freed", [*BYTES, width(115)]),
            ("Dedup", "Value #dedup", [*unit("none", 1), width(70)]),
            ("Extended jobs", "Value #extended", [*unit("none"), width(125)]),
            ("Managed space", "Value #managed", [*words({"1": ("on", ORANGE), "0": ("off", NEUTRAL)}), width(135)]),
            ("Pruning fixed", "Value #pruning", [*BYTES, width(115)]),
            ("Fewer cycles", "Value #cycles", [*BYTES, width(115)]),
            ("Both", "Value #both", [*BYTES, width(115)]),
        ],
        [
            column("aged", pool("pool_aged_unpruned_bytes")),
            column("last", f"time() - {pool('pool_last_prune_timestamp_seconds')}"),
            column("dates", f"{pool('pool_prune_dates_30d')} / ({pool('pool_observed_dates_30d')} > 0)"),
            column("freed", f"max by (source, pool) (source_kind_pool:ebbtide_pool_freed_bytes:sum1d{{{POOLS_OF_ANY_KIND}}})"),
            column("dedup", pool("pool_dedup_ratio")),
            column("extended", each("source, pool", "ebbtide_commvault_pool_extended_retention_jobs", POOLS)),
            column("managed", each("source, pool", "ebbtide_commvault_pool_managed_disk_space_enabled", POOLS)),
            column("pruning", freed("pruning_fixed")),
            column("cycles", freed("cycles_optimised")),
            column("both", freed("both")),
        ],
        none="No pool is known",
        sort=("Aged, not freed", True),
    )  # fmt: skip


def pending() -> Json:
    def threshold(severity: str) -> Json:
        lines = f'source_ddb:{PENDING}:threshold{{severity="{severity}", {SOURCES}}}'
        return query(f"max by (severity) ({lines} and {OF_POOL})", "{{severity}}", ref=severity, over_time=True)

    return timeseries(
        "Pending deletes",
        "The queue between the stages, for each DDB; the dashed lines are the thresholds. It should fall after every rise. "
        "If it only climbs, read the row of that DDB below from left to right.",
        [query(ddb("pending_deletes"), "{{source}} / {{ddb}}", over_time=True), threshold("warning"), threshold("critical")],
        unit="short",
        none="No DDB is known",
        overrides=[threshold_line("warning", ORANGE), threshold_line("critical", RED)],
    )  # fmt: skip


def ddbs() -> Json:
    def ago(event: str) -> str:
        return f"time() - ({ddb(f'last_{event}_timestamp_seconds')})"

    queue = steps(TRANSPARENT, (limit(PENDING, "warning"), ORANGE), (limit(PENDING, "critical"), RED))
    return table(
        "DDBs by their queue",
        "What stops a queue: a state other than active, pruning off, a partition that is not active, a slow query and insert "
        "(the vendor warns from 2 ms), no mark and sweep for weeks. A dash: nobody says.",
        [
            ("Source", "source", [width(100)]),
            ("DDB", "ddb", []),
            ("Pool", "pool", [drill("Only this pool", "ebbtide-cv-pruning", source="Source", pool="Pool")]),
            ("State", "status", [width(90)]),
            ("Pending", "Value #pending", [*unit("short"), *colored(queue)]),
            ("Pruning", "Value #enabled", words({"1": ("on", GREEN), "0": ("off", RED)})),
            ("Partitions out", "Value #partitions", FAULTS),
            ("Query and insert", "Value #insert", [*unit("s", 1), *colored(steps(TRANSPARENT, (0.002, ORANGE)))]),
            ("Mark and sweep", "Value #sweep", AGE),
            ("Physical pruning", "Value #physical", AGE),
            ("DDB backup", "Value #backup", AGE),
        ],
        [
            column("pending", ddb("pending_deletes")),
            column("info", f"group by (source, ddb, pool) (ebbtide_commvault_ddb_info{{{POOLS}}})"),
            column("state", f"group by (source, ddb, status) (ebbtide_commvault_ddb_status{{{SOURCES}}} == 1) and {OF_POOL}"),
            column("enabled", ddb("pruning_enabled")),
            column("partitions", ddb("partitions_not_active")),
            column("insert", ddb("query_insert_duration_seconds")),
            column("sweep", ago("mark_and_sweep")),
            column("physical", ago("physical_prune")),
            column("backup", ago("backup")),
        ],
        none="No DDB is known",
        sort=("Pending", True),
    )  # fmt: skip
