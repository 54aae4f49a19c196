"""Which jobs fail, which fulls hold up aging, and does aging itself run?"""

from __future__ import annotations

from board import dashboard, row, variable
from causes import words as named
from commvault import (
    AGE,
    FAULTS,
    PLAN,
    PLANS,
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
    override,
    prop,
    steps,
    threshold_line,
    unit,
    width,
)
from panels import query, stat, table, timeseries

OPERATION = variable(
    "operation", "Operation", 'label_values(ebbtide_commvault_operation_jobs_30d{source=~"$source"}, operation)'
)
OPERATIONS = 'source=~"$source", operation=~"$operation"'
FULLS = "source_plan:ebbtide_commvault_plan_successful_full_jobs_per_full_jobs"
OPERATION_NAMES = (
    "auxiliary_copy", "backup", "backup_full", "backup_incremental", "backup_synthetic_full", "data_aging", "ddb_backup",
    "ddb_space_reclamation", "ddb_verification", "disaster_recovery_backup",
)  # fmt: skip
DAY = 86400


def build() -> Json:
    return dashboard(
        "ebbtide-cv-jobs",
        "Commvault / Jobs",
        "Which jobs fail, which fulls hold up aging, and does aging itself run?",
        [SOURCE, PLAN, OPERATION],
        [
            row("Now", (5, 4, failed()), (5, 4, plans_below()), (5, 4, aging()), (5, 4, missed()), (4, 4, running())),
            row("Operations", (24, 10, operations())),
            row("Fulls", (24, 9, fulls())),
            row("Trends", (12, 9, results()), (12, 9, success())),
            row("Unusual", (12, 8, deviation("duration", "Jobs took longer than usual")), (12, 8, deviation("failures", "More failed than usual"))),
        ],
        tags=["commvault"],
    )  # fmt: skip


def operation(family: str) -> str:
    return each("source, operation", f"ebbtide_commvault_operation_{family}", OPERATIONS)


def failed() -> Json:
    return faults(
        "Failed in 24 h",
        "Jobs that failed or were killed, of the operations chosen. See in the table which operation it is, and whether it "
        "is more than usual.",
        f"sum({operation('failed_jobs_24h')})",
        "No job history yet",
        (1, ORANGE),
    )


def plans_below() -> Json:
    threshold = f'{FULLS}:threshold{{severity="warning", {PLANS}}}'
    return faults(
        "Plans whose fulls fail",
        "Fewer fulls succeed within 30 days than the threshold wants: cycles stay open and data lives longer. Repair them "
        "before any rule.",
        f"sum({FULLS}:ratio30d{{{PLANS}}} < bool on (source, plan) {threshold})",
        "No full within 30 days",
    )


def aging() -> Json:
    last = each(
        "source", "ebbtide_commvault_operation_last_success_timestamp_seconds", f'operation="data_aging", {SOURCES}'
    )
    return stat(
        "Last good data aging",
        "How long ago, of the source where it is longest. It runs daily by default; beyond that, look for its failed runs "
        "in the job history and at the operation windows.",
        [query(f"max(time() - {last})")],
        unit="s",
        none="No successful run is known",
        colors=steps(NEUTRAL, (0, GREEN), (1.5 * DAY, ORANGE), (3 * DAY, RED)),
    )  # fmt: skip


def missed() -> Json:
    clients = each("source", "ebbtide_commvault_sla_clients", f'status="missed", {SOURCES}')
    return faults(
        "Clients that miss the service level",
        "By the vendor's own reckoning. Each has no good backup within its objective: see its jobs in the Command Center.",
        f"sum({clients})",
        "The service level was not asked",
        (1, ORANGE),
    )


def running() -> Json:
    jobs = each("source, operation", "ebbtide_commvault_jobs_running", OPERATIONS)
    return stat(
        "Running",
        "Jobs that have not ended, of the operations chosen. Far more than usual: streams or a MediaAgent are missing.",
        [query(f"sum({jobs})")],
        unit="none",
        none="Nothing is running",
        colors=steps(BLUE),
    )


def operations() -> Json:
    def unusual(family: str) -> str:
        return each("source, operation", f"ebbtide_operation_{family}", f'kind="commvault", {OPERATIONS}')

    far = [*unit("none", 1), *colored(steps(TRANSPARENT, (3, ORANGE), (5, RED)))]
    return table(
        "Operations",
        "Deviations count robust standard deviations from what is usual on such a day of the week: beyond 5 an alert fires. "
        "Aging or space reclamation without a recent success: nothing is freed.",
        [
            ("Source", "source", [width(90)]),
            ("Operation", "operation", [named({name: name.replace("_", " ").replace("ddb", "DDB") for name in OPERATION_NAMES}), width(220)]),
            ("In 24 h", "Value #day", [*unit("none"), width(80)]),
            ("Failed in 24 h", "Value #failed", FAULTS),
            ("In 30 d", "Value #month", [*unit("none"), width(80)]),
            ("Failed of them", "Value #share", [*unit("percentunit", 1), *colored(steps(TRANSPARENT, (0.05, ORANGE), (0.2, RED)))]),
            ("Last success", "Value #last", AGE),
            ("Median duration", "Value #took", AGE),
            ("Usual", "Value #usual", AGE),
            ("Duration deviates", "Value #longer", far),
            ("Failures deviate", "Value #more", far),
        ],
        [
            column("day", operation("jobs_24h")),
            column("failed", operation("failed_jobs_24h")),
            column("month", f"{operation('jobs_30d')} > 0"),
            column("share", each("source, operation", "source_operation:ebbtide_commvault_operation_failed_jobs_per_jobs:ratio30d", OPERATIONS)),
            column("last", f"time() - {operation('last_success_timestamp_seconds')}"),
            column("took", unusual("duration_last_day_seconds")),
            column("usual", unusual("duration_baseline_seconds")),
            column("longer", unusual("duration_deviation")),
            column("more", unusual("failures_deviation")),
        ],
        none="No job history yet",
        sort=("Failed of them", True),
    )  # fmt: skip


def fulls() -> Json:
    def plan(family: str) -> str:
        return each("source, plan", f"ebbtide_commvault_plan_{family}", PLANS)

    below = limit("ebbtide_commvault_plan_successful_full_jobs_per_full_jobs", "warning")
    return table(
        "Fulls of each plan, 30 days",
        "A full that fails closes no cycle; one with errors does. Plans at the top keep data longer than their rules: see "
        "the failed jobs of their clients first. Click a plan for its cycles.",
        [
            ("Source", "source", [width(110)]),
            ("Plan", "plan", [drill("Cycles of this plan", "ebbtide-cv-cycles", source="Source", plan="Plan")]),
            ("Succeeded", "Value #ratio", [*unit("percentunit", 1), *colored(steps(TRANSPARENT, (0, ORANGE), (below, TRANSPARENT)))]),
            ("Fulls", "Value #fulls", unit("none")),
            ("Failed", "Value #failed", unit("none")),
            ("With errors", "Value #partial", unit("none")),
            ("Clients without a full", "Value #overdue", FAULTS),
            ("Blocked subclients", "Value #blocked", FAULTS),
            ("A full every", "Value #interval", AGE),
        ],
        [
            column("ratio", f"max by (source, plan) ({FULLS}:ratio30d{{{PLANS}}})"),
            column("fulls", plan("full_jobs_30d")),
            column("failed", plan("failed_full_jobs_30d")),
            column("partial", plan("partial_full_jobs_30d")),
            column("overdue", plan("full_overdue_clients")),
            column("blocked", each("source, plan", "source_plan:ebbtide_commvault_retention_rule_blocked_subclients:max", PLANS)),
            column("interval", plan("full_backup_interval_seconds")),
        ],
        none="No full within 30 days",
        sort=("Succeeded", False),
    )  # fmt: skip


def results() -> Json:
    ended = f"increase(ebbtide_commvault_jobs_completed_total{{{OPERATIONS}}}[1d])"
    colors = {"failed": RED, "killed": ORANGE, "partial": BLUE, "success": GREEN, "other": NEUTRAL}
    return timeseries(
        "Jobs that ended in the day before, by result",
        "Of the operations chosen. Failures that rise for several days are a matter of infrastructure; a single peak is "
        "mostly one client or a window.",
        [query(f"sum by (result) (max by (source, operation, result) ({ended}))", "{{result}}", over_time=True)],
        unit="none",
        none="No job ended yet",
        overrides=[override(name, prop("color", {"fixedColor": c, "mode": "fixed"})) for name, c in colors.items()],
    )


def success() -> Json:
    threshold = f'{FULLS}:threshold{{severity="warning", {PLANS}}}'
    return timeseries(
        "Fulls that succeed",
        "Of the eight worst plans, over 30 days; the dashed line is the threshold. A plan below it keeps data longer than its rules say.",
        [
            query(
                f"{FULLS}:ratio30d{{{PLANS}}} and on (source, plan) bottomk(8, {FULLS}:ratio30d{{{PLANS}}} @ end())",
                "{{source}} / {{plan}}",
                over_time=True,
            ),
            query(f"max by (severity) ({threshold})", "{{severity}}", ref="warning", over_time=True),
        ],
        unit="percentunit",
        none="No full within 30 days",
        span=(None, 1),
        overrides=[threshold_line("warning", ORANGE)],
    )


def deviation(family: str, title: str) -> Json:
    series = each("source, operation", f"ebbtide_operation_{family}_deviation", f'kind="commvault", {OPERATIONS}')
    at_end = each(
        "source, operation", f"ebbtide_operation_{family}_deviation", f'kind="commvault", {OPERATIONS}', " @ end()"
    )
    alert = f"max(alert:ebbtide_operation_{family}_deviation:threshold)"
    return timeseries(
        title,
        "Robust standard deviations from what is usual on such a day of the week; the dashed line is where the alert "
        "fires. Ask what changed that night: a new client, a window, a slow MediaAgent.",
        [
            query(
                f"{series} and on (source, operation) topk(6, {at_end})", "{{source}} / {{operation}}", over_time=True
            ),
            query(alert, "alert", ref="alert", over_time=True),
        ],
        unit="none",
        none="Under 21 days of history",
        span=(None, None),
        overrides=[threshold_line("alert", RED)],
    )
