"""What does this plan touch, what does it keep and why, and what if its retention changes?"""

from __future__ import annotations

from board import dashboard, row
from commvault import (
    BYTES,
    CYCLES,
    DAYS,
    EXCESS,
    PLAN,
    PLANS,
    RULE,
    SOURCE,
    TO_FULL,
    column,
    configured,
    days,
    each,
    effective,
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
    override,
    prop,
    steps,
    unit,
    width,
)
from panels import bargauge, query, sparse, stat, table, timeseries

FREE = "ebbtide_pool_free_ratio"
FULLS = "source_plan:ebbtide_commvault_plan_successful_full_jobs_per_full_jobs"


def build() -> Json:
    return dashboard(
        "ebbtide-cv-plan",
        "Commvault / Plan",
        "What does this plan touch, what does it keep and why, and what if its retention changes?",
        [SOURCE, PLAN],
        [
            row("Now", (4, 4, clients()), (5, 4, kept()), (5, 4, oldest()), (5, 4, fulls()), (5, 4, overdue())),
            row("Rules and what if", (24, 9, rules())),
            row("Where it lies", (14, 9, pools()), (10, 9, reasons())),
            row("Trend", (24, 8, aged())),
        ],
        tags=["commvault"],
    )


def clients() -> Json:
    return stat(
        "Clients",
        "What the plan protects. Changing its retention changes it for all of these: ask their owners first.",
        [query(f"sum({each('source, plan', 'ebbtide_commvault_plan_clients', PLANS)})")],
        unit="none",
        none="The plan protects no client",
        colors=steps(BLUE),
    )


def kept() -> Json:
    return stat(
        "Kept on media",
        "Size of the jobs that the copies keep, when they were written. Blocks they share count more than once here.",
        [query(f"sum({each('source, plan, pool', 'ebbtide_commvault_plan_pool_retained_bytes', PLANS)})")],
        unit="bytes",
        none="The copies were not asked yet",
        colors=steps(BLUE),
    )


def oldest() -> Json:
    return stat(
        "Oldest full before it ages",
        "Over all copies that let data age. Compare with the days of the rules below; far more means that cycles hold it.",
        [query(f"max({effective('latest')} < +Inf)")],
        unit="s",
        none="Nothing of it ever ages",
        colors=steps(BLUE),
    )


def fulls() -> Json:
    return stat(
        "Fulls that succeed, 30 d",
        "The least of the plans chosen. Below the threshold cycles stay open, and data lives longer than the rules say: "
        "see the jobs board.",
        [query(f"min({FULLS}:ratio30d{{{PLANS}}})")],
        unit="percentunit",
        none="No full within 30 days",
        colors=steps(NEUTRAL, (0, ORANGE), (limit("ebbtide_commvault_plan_successful_full_jobs_per_full_jobs", "warning"), GREEN)),
    )  # fmt: skip


def overdue() -> Json:
    return faults(
        "Clients without a recent full",
        "No good full within two intervals: nothing of them can age. Repair their fulls before changing any rule.",
        f"sum({each('source, plan', 'ebbtide_commvault_plan_full_overdue_clients', PLANS)})",
        "No job history yet",
    )


def rules() -> Json:
    def rule(family: str, more: str = "") -> str:
        return each(RULE, f"ebbtide_commvault_retention_rule_{family}", f'rule="basic", {PLANS}{more}')

    recommended = ', change="recommended"'
    return table(
        "Rules, and what the recommended ones would change",
        "Effective is the age a full reaches. Could age: jobs of the last 100 days that would go at once under the "
        "recommended rule. For other days and cycles click a copy.",
        [
            ("Source", "source", [width(110)]),
            ("Plan", "plan", []),
            ("Copy", "copy", [drill("Other days and cycles", "ebbtide-cv-cycles", source="Source", plan="Plan")]),
            ("Pool", "pool", []),
            ("Days", "Value #days", [*DAYS, width(80)]),
            ("Cycles", "Value #cycles", CYCLES),
            ("Effective, days", "Value #effective", DAYS),
            ("Of configured", "Value #factor", EXCESS),
            ("Sooner by, days", "Value #sooner", DAYS),
            ("Could age, jobs", "Value #jobs", unit("none")),
            ("Could age, bytes", "Value #bytes", BYTES),
        ],
        [
            column("info", f'group by ({RULE}, pool) (ebbtide_commvault_retention_rule_info{{rule="basic", {PLANS}}})'),
            column("days", days(configured())),
            column("cycles", rule("retention_cycles")),
            column("effective", days(effective("latest"))),
            column("factor", f"({effective('latest')} < +Inf) / ({configured()} > 0 < +Inf)"),
            column("sooner", days(rule("what_if_sooner_seconds", recommended))),
            column("jobs", rule("what_if_jobs", recommended)),
            column("bytes", rule("what_if_bytes", recommended)),
        ],
        none="The plan has no rule",
        sort=("Of configured", True),
    )  # fmt: skip


def pools() -> Json:
    kept = each("source, pool, plan", "ebbtide_commvault_plan_pool_retained_bytes", PLANS)

    def of_pool(family: str) -> str:
        pool = each("source, pool", family, 'kind="commvault", source=~"$source"')
        return f"0 * {kept} + on (source, pool) group_left () {pool}"

    little = steps(TRANSPARENT, (0, RED), (limit(FREE, "critical"), ORANGE), (limit(FREE, "warning"), TRANSPARENT))
    return table(
        "Pools it writes to",
        "A pool that is nearly full and holds much of this plan gains most from its retention. Click a pool for what "
        "is pruned there: without pruning no rule frees anything.",
        [
            ("Source", "source", [width(110)]),
            ("Plan", "plan", []),
            ("Pool", "pool", [drill("Pruning of this pool", "ebbtide-cv-pruning", source="Source", pool="Pool")]),
            ("Kept", "Value #kept", BYTES),
            ("Free", "Value #free", [*unit("percentunit", 1), *colored(little)]),
            ("Full in", "Value #full", TO_FULL),
        ],
        [
            column("kept", kept),
            column("free", of_pool(FREE)),
            column("full", of_pool("ebbtide_pool_time_to_full_seconds")),
        ],
        none="The copies were not asked yet",
        sort=("Kept", True),
    )


REASONS = {
    "basic_days": "its days are not over",
    "basic_cycles": "its cycles are not over",
    "extended_retention": "an extended rule",
    "not_copied": "not copied yet",
    "not_verified": "not verified yet",
    "infinite": "kept for ever",
    "manual": "pinned by somebody",
    "job_running": "still running",
}


def reasons() -> Json:
    counted = each("source, plan, copy, reason", "ebbtide_commvault_plan_retained_jobs", PLANS)
    return bargauge(
        "Why jobs are kept",
        "Jobs by the vendor's reason. Days and infinite are what the rules say; cycles means that newer fulls are awaited, "
        "a copy or a verification means that another job must run first.",
        [query(f"sort_desc(sum by (reason) ({counted}))", "{{reason}}")],
        unit="none",
        none="The copies were not asked yet",
        colors=steps(BLUE),
        overrides=[override(reason, prop("displayName", text)) for reason, text in REASONS.items()],
    )


def aged() -> Json:
    graph = timeseries(
        "Let go in the day before",
        "Size on media of the jobs that each copy stopped keeping. Flat at 0 for longer than a time between fulls: nothing "
        "ages, so see whether fulls fail or the rule keeps for ever.",
        [
            query(
                f"source_plan_copy:ebbtide_commvault_plan_aged_bytes:increase1d{{{PLANS}}}",
                "{{source}} / {{plan}} / {{copy}}",
                over_time=True,
            )
        ],
        unit="bytes",
        none="The copies were not compared twice yet",
    )
    return sparse(graph)
