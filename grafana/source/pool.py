"""One pool: how full is it, is it freed, why not, and what feeds it?"""

from __future__ import annotations

import functools

import estate
from board import dashboard, row
from causes import CHECKS, PROBLEMS, verdicts, words
from estate import BY_POOL, FREE, ONE_POOL, PENDING, SCORE, TO_FULL, choices, duration
from looks import (
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    Json,
    left,
    limit,
    override,
    prop,
    steps,
    threshold_line,
    unit,
    width,
)
from panels import query, sparse, stat, statetimeline, table, timeseries

CHOSEN = 'source=~"$source", pool="$pool"'
DDBS = f"group by (source, ddb) (ebbtide_commvault_ddb_info{{{CHOSEN}}})"

GONE, WELL, SEALED = 0, 1, 3

pool = functools.partial(estate.pool, of=ONE_POOL)


def build() -> Json:
    return dashboard(
        "ebbtide-pool",
        "Capacity / One pool",
        "How full is this pool, is it freed, why not, and what feeds it?",
        choices(single=True),
        [
            row("$pool", (4, 4, free()), (5, 4, full_in()), (4, 4, freed()), (4, 4, last_prune()), (4, 4, pending_now()), (3, 4, unpruned())),
            row("Why?", (12, 9, causes()), (12, 9, states())),
            row("How full", (12, 10, fill()), (12, 10, tides())),
            row("What feeds it, what waits", (12, 9, feeds()), (12, 9, pending())),
        ],
        tags=["capacity"],
        # The menu would hand it the All of the others, which it cannot show; a click on a pool names one.
        in_menu=False,
    )  # fmt: skip


def free() -> Json:
    return stat(
        "Free",
        "Free share of the pool. Orange or red: below the usual thresholds; the lines in the graph are those of this pool. "
        "See first whether anything is freed at all.",
        [query(pool("free_ratio"), over_time=True)],
        unit="percentunit",
        none="Not known: the pool is offline",
        colors=steps(NEUTRAL, (0, RED), (limit(FREE, "critical"), ORANGE), (limit(FREE, "warning"), GREEN)),
    )


def full_in() -> Json:
    return stat(
        "Full in",
        "The median of the forecast and its 10th percentile, the earliest to plan for. "
        "Nearer than an order and a delivery: free space in it, or move what writes to it.",
        [query(pool("time_to_full_seconds"), "median"), query(pool("time_to_full_low_seconds"), "earliest")],
        unit="s",
        none="No forecast yet",
        colors=steps(NEUTRAL, (0, RED), (limit(TO_FULL, "critical"), ORANGE), (limit(TO_FULL, "warning"), GREEN)),
        named=True,
        overrides=[override(name, *duration()) for name in ("median", "earliest")],
    )


def freed() -> Json:
    return stat(
        "Freed in 24 h",
        "All falls of used space within a day, summed. Nothing in a pool whose data ages: pruning stands still. "
        "Look at the causes below.",
        [query(f"{BY_POOL} (source_kind_pool:ebbtide_pool_freed_bytes:sum1d{{{ONE_POOL}}})", over_time=True)],
        unit="bytes",
        none="Not watched for a day yet",
        colors=steps(NEUTRAL, (0, ORANGE), (1, GREEN)),
    )


def last_prune() -> Json:
    return stat(
        "Nothing freed for",
        "How long ago used space or pending deletes last fell. More than a day in a pool with pending deletes means that "
        "pruning does not run.",
        [query(f"time() - {pool('last_prune_timestamp_seconds')}")],
        unit="s",
        none="Never seen",
        colors=steps(NEUTRAL, (0, GREEN), (86400, ORANGE), (7 * 86400, RED)),
    )


def pending_now() -> Json:
    return stat(
        "Pending deletes",
        "Aged records that wait for physical deletion in the DDBs of the pool. If they only climb, pruning does not keep up.",
        [query(f"max by (source, pool) ({PENDING}{{{CHOSEN}}})", over_time=True)],
        unit="short",
        none="It has no DDB",
        colors=steps(BLUE),
    )


def unpruned() -> Json:
    return stat(
        "Aged, not freed",
        "Size of the aged jobs that still lie in the pool: at most this would come back if pruning worked; shared blocks stay.",
        [query(pool("aged_unpruned_bytes"))],
        unit="bytes",
        none="Not known",
        colors=steps(BLUE),
    )


def causes() -> Json:
    return table(
        "Causes, the likeliest first",
        "What may be behind a pool that fills or is not freed: PASS is ruled out, LIKELY CAUSE comes first. "
        "Causes that could not be looked at are not listed; the troubleshooting board has them and the steps.",
        [
            (
                "Says",
                "Value",
                [
                    verdicts(),
                    prop("custom.cellOptions", {"type": "color-background", "mode": "basic"}),
                    left(),
                    width(130),
                ],
            ),
            ("Check", "cause", [words(CHECKS), width(300)]),
            ("Problem", "problem", [words(PROBLEMS)]),
        ],
        [query(f"max by (problem, cause) ({SCORE}{{{ONE_POOL}}})", table=True)],
        none="Nothing is known of this pool's causes",
        sort=("Says", True),
    )


def states() -> Json:
    offline = f"1 - max by (source, mediaagent) (ebbtide_commvault_mediaagent_online) * on (source, mediaagent) group by (source, mediaagent) (ebbtide_commvault_pool_mediaagent_info{{{CHOSEN}}})"
    bad = (
        f'max by (source, ddb) (ebbtide_commvault_ddb_status{{status=~"corrupted|offline"}}) * on (source, ddb) {DDBS}'
    )
    sealed = f'max by (source, ddb) (ebbtide_commvault_ddb_status{{status="sealed"}}) * on (source, ddb) {DDBS}'
    graph = statetimeline(
        "States",
        "The pool, its MediaAgents, its DDBs and whether pruning is switched on, over time. "
        "A red stretch where the trend below stops falling is the cause: mend that first.",
        [
            query(f'1 - {BY_POOL} (ebbtide_pool_status{{{ONE_POOL}, status="offline"}})', "pool", over_time=True),
            query(f"1 - ({offline})", "{{mediaagent}}", over_time=True),
            query(f"1 - ({bad}) + 2 * ({sealed})", "{{ddb}}", over_time=True),
            query(f"max by (source, ddb) (ebbtide_commvault_ddb_pruning_enabled) * on (source, ddb) {DDBS}", "{{ddb}} pruning", over_time=True),
        ],
        states=((GONE, "offline or off", RED), (WELL, "well", GREEN), (SEALED, "sealed", ORANGE)),
        none="Nothing is known of its parts",
    )  # fmt: skip
    return sparse(graph, 500)


def fill() -> Json:
    ahead = ', horizon="30d"'
    low, high = "in 30 days at least", "in 30 days at most"
    return timeseries(
        "Used space, and what was expected then of 30 days later",
        "Where the band passes the red line of the capacity the pool may be full within 30 days. "
        "A rise after which nothing falls back is data that is not pruned.",
        [
            query(estate.used(of=ONE_POOL), "used", over_time=True),
            query(pool("capacity_bytes"), "capacity", ref="capacity", over_time=True),
            query(pool("forecast_used_bytes", ahead), "in 30 days", over_time=True),
            query(pool("forecast_used_low_bytes", ahead), low, over_time=True),
            query(pool("forecast_used_high_bytes", ahead), high, over_time=True),
        ],
        unit="bytes",
        none="Nothing is known of its size",
        overrides=[
            threshold_line("capacity", RED),
            override("used", _fixed(GREEN), prop("custom.lineWidth", 2)),
            override("in 30 days", _fixed(BLUE)),
            override(low, _fixed(BLUE), prop("custom.lineWidth", 0)),
            override(high, _fixed(BLUE), prop("custom.lineWidth", 0), prop("custom.fillBelowTo", low), prop("custom.fillOpacity", 20)),
        ],
    )  # fmt: skip


def _fixed(color: str) -> Json:
    return prop("color", {"fixedColor": color, "mode": "fixed"})


def tides() -> Json:
    def day(what: str) -> str:
        return f"{BY_POOL} (increase(ebbtide_pool_{what}_bytes_total{{{ONE_POOL}}}[1d]))"

    return timeseries(
        "What came in and what went, in 24 hours",
        "Rises and falls of used space in the day before. Both should be there: ingest without reclaim for days fills any pool, "
        "and disks only put that off.",
        [
            query(day("ingested"), "comes in", over_time=True),
            query(f"-{day('reclaimed')}", "is freed", over_time=True),
        ],
        unit="bytes",
        none="Not watched yet",
        span=(None, None),
        overrides=[
            override("comes in", _fixed(ORANGE), prop("custom.fillOpacity", 20)),
            override("is freed", _fixed(GREEN), prop("custom.fillOpacity", 20)),
        ],
    )


def feeds() -> Json:
    by_plan = "max by (source, plan)"
    kept = f"{by_plan} (ebbtide_commvault_plan_pool_retained_bytes{{{CHOSEN}}})"
    job = 'label_replace(label_replace(ebbtide_veeam_job_info{source=~"$source", repository="$pool"}, "plan", "$1", "backup_job", "(.+)"), "pool", "$1", "repository", "(.+)")'
    stored = 'label_replace(ebbtide_veeam_job_stored_bytes{source=~"$source"}, "plan", "$1", "backup_job", "(.+)")'
    rule = f'ebbtide_commvault_retention_rule_info{{{CHOSEN}, rule="basic"}}'
    both = f"{kept} or {by_plan} ({stored}) and on (source, plan) ({job})"

    def lives(family: str, more: str = "") -> str:
        kinds = (f'{family}{{kind="{kind}", source=~"$source"{more}}}' for kind in ("commvault", "veeam"))
        return f"{by_plan} ({next(kinds)} and on (source, plan, copy, rule) {rule} or {next(kinds)} and on (source, plan) ({job}))"

    return table(
        "Plans and jobs that write to it",
        "What each keeps in the pool (its size when written), and how long: configured, and really. Take the largest that lives "
        "much longer than its days: fewer cycles, or fulls more often, free space.",
        [
            ("Source", "source", [width(100)]),
            ("Plan or job", "plan", []),
            ("Keeps", "Value #kept", [*unit("bytes"), width(110)]),
            ("Configured", "Value #days", [*duration(), width(110)]),
            ("Really", "Value #worst", [*duration(), width(110)]),
        ],
        [
            query(both, ref="kept", table=True),
            query(lives("ebbtide_retention_configured_seconds"), ref="days", table=True),
            query(lives("ebbtide_retention_effective_seconds", ', bound="latest"'), ref="worst", table=True),
        ],
        none="No plan and no job is known to write to it",
        sort=("Keeps", True),
    )


def pending() -> Json:
    def line(severity: str) -> Json:
        series = (
            f'source_ddb:ebbtide_commvault_ddb_pending_deletes:threshold{{severity="{severity}", source=~"$source"}}'
        )
        return query(
            f"max by (severity) ({series} and on (source, ddb) {DDBS})", "{{severity}}", ref=severity, over_time=True
        )

    return timeseries(
        "Pending deletes by DDB",
        "The queue between aging and pruning; the dashed lines are the thresholds. It should fall after every rise. "
        "If it does not: MediaAgent, DDB state, pruning enabled, operation windows.",
        [
            query(
                f'max by (source, ddb) (ebbtide_commvault_ddb_pending_deletes{{source=~"$source"}}) * on (source, ddb) {DDBS}',
                "{{ddb}}",
                over_time=True,
            ),
            line("warning"),
            line("critical"),
        ],
        unit="short",
        none="It has no deduplication database",
        overrides=[threshold_line("warning", ORANGE), threshold_line("critical", RED)],
    )  # fmt: skip
