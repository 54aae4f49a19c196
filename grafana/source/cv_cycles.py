"""Which plans keep data longer because cycles do not close, and what if days or cycles were others?"""

from __future__ import annotations

from board import dashboard, row, textbox
from commvault import (
    AGE,
    BYTES,
    CYCLES,
    DAYS,
    FAULTS,
    PLAN,
    PLANS,
    RULE,
    SOURCE,
    column,
    configured,
    days,
    each,
    effective,
    faults,
)
from looks import BLUE, GREEN, NEUTRAL, ORANGE, TRANSPARENT, Json, colored, drill, says, steps, unit, width, words
from panels import query, sparse, stat, table, timeseries

BASIC = f'rule="basic", {PLANS}'
INTERVAL = each("source, plan", "ebbtide_commvault_plan_full_backup_interval_seconds", PLANS)

# The vendor's rule: days and cycles must be over for every job of the cycle. What its full lives longer than its last
# job is the same under any days and cycles, so it is read from both bounds of the present effective retention.
TYPED_DAYS = f"((0 * ({configured()} < +Inf) + 86400 * $whatif_days > 0) or {configured()} < +Inf)"
BY_DAYS = f"({TYPED_DAYS} + ({effective('latest')} < +Inf) - {effective('earliest')})"
BY_CYCLES = f"({BY_DAYS} * 0 + on (source, plan) group_left () ($whatif_cycles * {INTERVAL}))"
WHAT_IF = f"({BY_DAYS} >= {BY_CYCLES} or {BY_CYCLES})"
SOONER = f"{effective('latest')} - {WHAT_IF}"
# Of what is kept, older than that; jobs and bytes kept are known of the last 100 days.
OLDER = f"clamp_min(1 - {WHAT_IF} / clamp_max({effective('latest')} > 0, 100 * 86400), 0)"


def build() -> Json:
    return dashboard(
        "ebbtide-cv-cycles",
        "Commvault / Cycles and what if",
        "Which plans keep data longer because cycles do not close, and what if days or cycles were others?",
        [SOURCE, PLAN, textbox("whatif_cycles", "What if: cycles", "1"), textbox("whatif_days", "What if: days (0: as they are)", "0")],
        [
            row("Now", (6, 4, blocked()), (6, 4, overdue()), (6, 4, extended()), (6, 4, sooner())),
            row("Cycles", (24, 9, plans())),
            row("What if", (24, 12, what_if())),
            row("Trends", (12, 8, intervals()), (12, 8, ages())),
        ],
        tags=["commvault"],
    )  # fmt: skip


def blocked() -> Json:
    return faults(
        "Blocked subclients",
        "Their oldest kept full is past its days, yet newer fulls fail or are missing: nothing of them can age. Repair "
        "the fulls of the plan first; the rule is not at fault.",
        f"sum(source_plan:ebbtide_commvault_retention_rule_blocked_subclients:max{{{PLANS}}})",
        "No job history yet",
    )


def overdue() -> Json:
    return faults(
        "Clients without a recent full",
        "No good full within two intervals: their cycles stay open. See the jobs board for why the fulls fail.",
        f"sum({each('source, plan', 'ebbtide_commvault_plan_full_overdue_clients', PLANS)})",
        "No job history yet",
    )


def extended() -> Json:
    issue = "source_plan_copy_rule_issue_finding:ebbtide_commvault_retention_rule_issue:bool"
    return faults(
        "Rules extended by cycles",
        "Rules whose cycles keep data far longer than their days. Fewer cycles, or fulls more often, bring it back.",
        f'sum(max by ({RULE}) ({issue}{{issue="cycle_extended", {PLANS}}}))',
        "No rule could be judged yet",
        (1, ORANGE),
    )


def sooner() -> Json:
    panel = stat(
        "What if: ages sooner by",
        "How much sooner the rule that gains most lets a full go under the days and cycles typed above. Below 0: later. "
        "The table names every rule.",
        [query(f"max({SOONER})")],
        unit="s",
        none="No rule with an age and an interval",
        colors=steps(NEUTRAL, (-1e10, ORANGE), (0, BLUE), (3600, GREEN)),
    )
    panel["fieldConfig"]["defaults"]["mappings"] = says({0: "no sooner"})["value"]
    return panel


def plans() -> Json:
    def plan(family: str) -> str:
        return each("source, plan", f"ebbtide_commvault_{family}", PLANS)

    slowest = each(
        "source, plan",
        "ebbtide_commvault_plan_full_backup_interval_spread_seconds",
        f'percentile="90", {PLANS}',
    )
    last = plan("plan_last_synthetic_full_timestamp_seconds")
    return table(
        "Time between fulls",
        "A cycle closes with the next good full, so the real interval counts, not the scheduled one. Real above scheduled: "
        "fulls fail or start late. Slowest: one subclient in ten takes longer.",
        [
            ("Source", "source", [width(120)]),
            ("Plan", "plan", [drill("This plan", "ebbtide-cv-plan", source="Source", plan="Plan")]),
            ("Scheduled", "Value #scheduled", AGE),
            ("Real", "Value #real", AGE),
            ("Slowest", "Value #slowest", AGE),
            ("Synthetic fulls", "Value #synthetic", words({"1": ("scheduled", GREEN), "0": ("none", NEUTRAL)})),
            ("Last synthetic full", "Value #last", AGE),
            ("Waiting", "Value #waiting", unit("none")),
            ("Blocked", "Value #blocked", FAULTS),
            ("Overdue clients", "Value #overdue", FAULTS),
        ],
        [
            column("scheduled", plan("plan_full_backup_schedule_interval_seconds")),
            column("real", INTERVAL),
            column("slowest", slowest),
            column("synthetic", plan("plan_synthetic_full_enabled")),
            column("last", f"time() - {last}"),
            column("waiting", plan("retention_rule_waiting_subclients")),
            column(
                "blocked",
                each("source, plan", "source_plan:ebbtide_commvault_retention_rule_blocked_subclients:max", PLANS),
            ),
            column("overdue", plan("plan_full_overdue_clients")),
        ],
        none="No plan has fulls in the job history",
        sort=("Blocked", True),
    )


def what_if() -> Json:
    def older(family: str) -> str:
        return f"{each(RULE, f'ebbtide_commvault_retention_rule_retained_{family}', BASIC)} * {OLDER}"

    def change(family: str) -> str:
        return each(RULE, f"ebbtide_commvault_retention_rule_what_if_{family}", f'change="one_cycle", {BASIC}')

    return table(
        "Each rule as it is, and as it would be",
        "Then: the age of a full under the days and cycles typed above. Estimate: what is older than this of what is "
        "kept of the last 100 days, if they are spread evenly; the columns of one cycle count real jobs. Shared blocks "
        "free less.",
        [
            ("Source", "source", [width(80)]),
            ("Plan", "plan", []),
            ("Copy", "copy", []),
            ("Days", "Value #days", [*DAYS, width(80)]),
            ("Cycles", "Value #cycles", CYCLES),
            ("Effective, days", "Value #effective", [*DAYS, width(125)]),
            ("Then, days", "Value #then", [*DAYS, width(100)]),
            ("Sooner by, days", "Value #sooner", [*DAYS, *colored(steps(TRANSPARENT, (-1e5, ORANGE), (0, TRANSPARENT), (1, GREEN)))]),
            ("Estimate, jobs", "Value #fewer", [*unit("none", 0), width(120)]),
            ("Estimate, bytes", "Value #estimate", [*BYTES, width(125)]),
            ("One cycle: jobs", "Value #jobs", [*unit("none"), width(140)]),
            ("One cycle: bytes", "Value #bytes", [*BYTES, width(150)]),
        ],
        [
            column("days", days(configured())),
            column("cycles", each(RULE, "ebbtide_commvault_retention_rule_retention_cycles", BASIC)),
            column("effective", days(effective("latest"))),
            column("then", days(WHAT_IF)),
            column("sooner", days(SOONER)),
            column("fewer", older("jobs")),
            column("estimate", older("bytes")),
            column("jobs", change("jobs")),
            column("bytes", change("bytes")),
        ],
        none="No retention rule is known",
        sort=("Sooner by, days", True),
    )  # fmt: skip


def intervals() -> Json:
    graph = timeseries(
        "Real time between fulls, in days",
        "Of the median subclient of each plan. A rise means that fulls fail or are skipped: data will age later by the "
        "same time for each cycle of the rule.",
        [query(days(INTERVAL), "{{source}} / {{plan}}", over_time=True)],
        unit="none",
        none="No plan has fulls in the job history",
    )
    return sparse(graph)


def ages() -> Json:
    graph = timeseries(
        "Effective retention, in days",
        "The age that fulls reach before they may age; the oldest copy of each plan that lets data age. It rises where "
        "cycles no longer close, or a rule was made longer.",
        [query(f"max by (source, plan) ({days(effective('latest'))} < +Inf)", "{{source}} / {{plan}}", over_time=True)],
        unit="none",
        none="No rule lets data age",
    )
    return sparse(graph, 100)
