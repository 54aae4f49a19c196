"""Troubleshoot: which cause explains the problem I see, what do I do first, and has it helped?"""

from __future__ import annotations

from board import dashboard, row
from causes import ABSENT, CHECKS, SYMPTOM, UNKNOWN, verdicts, words
from estate import BY_POOL, FREE, PENDING, POOLS, SCORE, choices, leaders, threshold, to_pool
from looks import ORANGE, RED, Json, left, prop, threshold_line, width
from panels import query, table, text, timeseries
from remedies import FULL, NOT_AGING, NOT_FREEING, SLOW

CHOSEN = 'source=~"$source", pool=~"$pool"'
STALLED = (
    'alert:ebbtide_pool_freed_bytes_per_capacity_bytes:threshold{alert="EbbtideCommvaultAgingSucceedsPruningFails"}'
)

# What has the problem: the checks look at that and at nothing else.
LOW = f"source_kind_pool:ebbtide_pool_free_ratio:low{{{POOLS}}}"
UNFREED = f'source_kind_pool:ebbtide_pool_freed_bytes_per_capacity_bytes:ratio1d{{{POOLS}, kind!="filesystem"}} <= on () group_left () {STALLED}'
FAILED = 'max by (source) (ebbtide_commvault_operation_failed_jobs_24h{operation="data_aging", source=~"$source"})'
UNAGED = f'{FAILED} > 0 or source:ebbtide_commvault_aging_overdue:bool{{source=~"$source"}} == 1'
DELTA = 'source_target:ebbtide_target:ratio{target="aging_delta", source=~"$source"}'
GOAL = 'target:ebbtide_target:threshold{target="aging_delta"}'
SLOWLY = f"{DELTA} > on () group_left () {GOAL}"

BY_SOURCE = f"max by (source) ({DELTA})"
FULLEST = leaders("fullest", "bottomk(8", "source, kind, pool", lambda chosen: f"{BY_POOL} ({FREE}{chosen})")


def build() -> Json:
    return dashboard(
        "ebbtide-troubleshoot",
        "Ebbtide / Troubleshoot",
        "Which cause explains the problem I see, what do I do first, and has it helped?",
        [*choices(), *FULLEST[0]],
        [
            row("Pools are full", (14, 12, full()), (10, 12, text("Pools are full: steps", FULL)), (24, 7, full_since())),
            row("Pruning frees nothing", (14, 12, pruning()), (10, 12, text("Pruning frees nothing: steps", NOT_FREEING)), (24, 7, pruning_since())),
            row("Aging fails", (14, 6, aging()), (10, 6, text("Aging fails: steps", NOT_AGING)), (24, 5, aging_since())),
            row("Data ages too slowly", (14, 11, slow()), (10, 11, text("Data ages too slowly: steps", SLOW)), (24, 7, slow_since())),
        ],
        tags=["overview"],
    )  # fmt: skip


def checks(title: str, problem: str, symptom: str, has: str, by: str, what: str) -> Json:
    """What is ranked for those that have the problem. has: their series; by: their labels; what: a column's title."""
    chosen = CHOSEN if what == "Pools" else 'source=~"$source"'
    scores = f'({SCORE}{{problem="{problem}", {chosen}}} and on ({by}) ({has}))'
    looked_at = f"max by (cause) ({scores})"
    by_hand = f'0 * max by (cause) (problem_cause:ebbtide_cause_score:threshold{{problem="{problem}"}}) + {UNKNOWN} and on () ({has})'
    verdict = f'label_replace(0 * count({has}) + {SYMPTOM} or on () vector({ABSENT}), "cause", "symptom", "", "")'
    number = f'label_replace(count({has}), "cause", "symptom", "", "")'
    worst = f"max by (cause, source, pool) (topk by (cause) (1, {scores} > 0))"
    columns: list[tuple[str, str, list[Json]]] = [
        (
            "Says",
            "Value #says",
            [verdicts(), prop("custom.cellOptions", {"type": "color-background", "mode": "basic"}), left(), width(130)],
        ),
        ("Check", "cause", [words(CHECKS | {"symptom": symptom}), width(310)]),
        (what, "Value #count", [width(110)]),
        ("Source", "source", [width(90)] if what == "Pools" else []),
        ("Worst pool", "pool", [to_pool()]),
    ]
    return table(
        title,
        "SYMPTOM is the problem itself. LIKELY CAUSE first, CHECK next; PASS is ruled out, CHECK BY HAND could not be looked at. "
        "Follow the steps beside, then see below that it stays so for seven days.",
        columns if what == "Pools" else columns[:-1],
        [
            query(f"{looked_at} or {by_hand} or {verdict}", ref="says", table=True),
            query(f"count by (cause) ({scores} > 0) or {number}", ref="count", table=True),
            query(worst, ref="worst", table=True),
        ],
        none="Nothing is known of it",
        sort=("Says", True),
    )


def full() -> Json:
    return checks("Why pools are full", "pool_full", "pools nearly full", LOW, "source, kind, pool", "Pools")


def pruning() -> Json:
    return checks("Why pruning frees nothing", "pruning_frees_nothing", "pools that got nothing back for a day", UNFREED, "source, kind, pool", "Pools")  # fmt: skip


def aging() -> Json:
    return checks("Why aging fails", "aging_fails", "data aging of today", UNAGED, "source", "CommCells")


def slow() -> Json:
    return checks("Why data ages too slowly", "ages_too_slowly", "data lives longer than decided", SLOWLY, "source", "CommCells")  # fmt: skip


def full_since() -> Json:
    def line(severity: str) -> Json:
        return query(f"max by (severity) ({threshold(severity)} @ end())", "{{severity}}", ref=severity, over_time=True)

    return timeseries(
        "Has it helped? Free space of the fullest eight",
        "It has if each stays above the dashed thresholds for seven days, and falls back after every rise of use. "
        "If it only jumped once, space was added and the cause is still there.",
        [
            query(FULLEST[1], "{{source}} / {{pool}}", over_time=True),
            line("warning"),
            line("critical"),
        ],
        unit="percentunit",
        none="No pool is known",
        overrides=[threshold_line("warning", ORANGE), threshold_line("critical", RED)],
    )  # fmt: skip


def pruning_since() -> Json:
    queue = f"max by (source, pool) ({PENDING}{{{CHOSEN}}}"
    return timeseries(
        "Has it helped? Pending deletes of the longest eight queues",
        "It has if the queues fall day by day until they go up and down with aging. A queue that only climbs is still not pruned: "
        "go back to the first check that does not pass.",
        [query(f"{queue}) and on (source, pool) topk(8, {queue} @ end()))", "{{source}} / {{pool}}", over_time=True)],
        unit="short",
        none="No deduplication database is known",
    )


def aging_since() -> Json:
    panel = timeseries(
        "Has it helped? Data aging jobs that failed in 24 hours",
        "It has if it stays at zero for seven days. One failure now and then is made good by the next run; "
        "a line that stays up means nothing is marked as expired.",
        [query(FAILED, "{{source}}", over_time=True)],
        unit="none",
        none="No data aging job is known",
    )
    # Without it a line at zero has an axis up to 100.
    panel["fieldConfig"]["defaults"]["custom"]["axisSoftMax"] = 1
    return panel


def slow_since() -> Json:
    return timeseries(
        "Has it helped? How much longer than decided data lives",
        "In the median of the rules; the dashed line is the target. A change of cycles shows at the next data aging, one of schedules "
        "after the next fulls.",
        [query(BY_SOURCE, "{{source}}", over_time=True), query(f"max({GOAL})", "target", ref="target", over_time=True)],
        unit="percentunit",
        none="No retention is known",
        overrides=[threshold_line("target", RED)],
    )
