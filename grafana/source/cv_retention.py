"""Which retention rules keep data too long, and where?"""

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
    SOURCES,
    column,
    configured,
    days,
    each,
    effective,
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
    override,
    prop,
    says,
    steps,
    target,
    threshold_line,
    unit,
    width,
    words,
)
from panels import query, stat, table, timeseries

FINDING = f"source_plan_copy_rule:ebbtide_commvault_retention_rule_finding:max{{{PLANS}}}"
# Number, name and colour of each finding, the worst first.
FINDINGS = ((4, "critical", RED), (3, "high", ORANGE), (2, "medium", BLUE), (1, "info", NEUTRAL), (0, "ok", GREEN))
ISSUES = (
    ("aging_disabled", "Aging disabled", RED),
    ("cycle_extended", "Extended by cycles", ORANGE),
    ("inefficient_short_term", "Short, yet several cycles", ORANGE),
    ("high_cycles", "Many cycles", BLUE),
    ("infinite", "For ever", NEUTRAL),
    ("optimal", "In order", GREEN),
)


def build() -> Json:
    return dashboard(
        "ebbtide-cv-retention",
        "Commvault / Retention health",
        "Which retention rules keep data too long, and where?",
        [SOURCE, PLAN],
        [
            row("Now", (14, 4, by_finding()), (5, 4, in_order()), (5, 4, factor())),
            row("Where", (24, 11, matrix())),
            row("Rules", (24, 12, rules())),
            row("Trends", (12, 8, findings()), (12, 8, health())),
        ],
        tags=["commvault"],
    )


def by_finding() -> Json:
    return stat(
        "Rules by their worst finding",
        "Every basic rule is counted once. Critical: aging is disabled. High: cycles keep data far past its days. Begin "
        "with these, in the tables below; info and ok need nothing.",
        [query(f"sum({FINDING} == bool {value})", name) for value, name, _ in FINDINGS],
        unit="none",
        none="No rule could be judged yet",
        colors=steps(NEUTRAL),
        named=True,
        overrides=[override(name, prop("thresholds", steps(NEUTRAL, (1, color)))) for _, name, color in FINDINGS],
    )


def in_order() -> Json:
    return stat(
        "Rules in order",
        "The share of rules without a finding that costs space. Green from the target on; below, correct the rules at the "
        "top of the table first.",
        [query(f"1 - sum({FINDING} > bool 1) / (count({FINDING}) > 0)")],
        unit="percentunit",
        none="No rule could be judged yet",
        colors=steps(NEUTRAL, (0, ORANGE), (target("retention_health"), GREEN)),
    )


def factor() -> Json:
    return stat(
        "Effective of configured",
        "The rule in the middle of a source: 100 % means that data ages when its days are over, 150 % that it lives half as long "
        "again. If high, fewer cycles or more frequent fulls free space.",
        [query(f"max(source:ebbtide_retention_effective_seconds_per_configured_seconds:median{{{SOURCES}}})")],
        unit="percentunit",
        none="No rule has both ages",
        colors=steps(NEUTRAL, (0, GREEN), (1 + target("aging_delta"), ORANGE), (2, RED)),
    )


def matrix() -> Json:
    shown = [
        (title, f"Value #{issue}", [*unit("none"), says({0: "-"}), *colored(steps(TRANSPARENT, (1, color))), prop("custom.align", "center")])
        for issue, title, color in ISSUES
    ]  # fmt: skip
    counted = "source_plan_issue_finding:ebbtide_commvault_retention_rule_issue:sum"
    return table(
        "Plans and their issues",
        "How many rules of a plan have an issue. Aging disabled: switch it on. Extended by cycles, or short with several "
        "cycles: one cycle is enough. For ever: ask whether it is meant. Click a plan to see what it touches.",
        [
            ("Source", "source", [width(120)]),
            ("Plan", "plan", [drill("This plan", "ebbtide-cv-plan", source="Source", plan="Plan")]),
            *shown,
        ],
        [column(issue, f'max by (source, plan) ({counted}{{issue="{issue}", {PLANS}}})') for issue, _, _ in ISSUES],
        none="No rule could be judged yet",
        sort=("Extended by cycles", True),
    )


def rules() -> Json:
    def rule(family: str) -> str:
        return each(RULE, f"ebbtide_commvault_retention_rule_{family}", f'rule="basic", {PLANS}')

    return table(
        "Rules, the worst first",
        "Effective is the age that a full really reaches; recommended is what keeps the same days with fewer cycles, and "
        "equals the configured where nothing should change. Kept is the size on media of the last 100 days.",
        [
            ("Source", "source", [width(110)]),
            ("Plan", "plan", [drill("Cycles of this plan", "ebbtide-cv-cycles", source="Source", plan="Plan")]),
            ("Copy", "copy", []),
            ("Finding", "Value #finding", [*words({str(value): (name, color) for value, name, color in FINDINGS}), width(90)]),
            ("Configured, days", "Value #configured", [*DAYS, width(140)]),
            ("Cycles", "Value #cycles", [*CYCLES, width(80)]),
            ("Effective, days", "Value #effective", [*DAYS, width(125)]),
            ("Of configured", "Value #factor", [*EXCESS, width(120)]),
            ("Recommended, days", "Value #days", [*DAYS, width(165)]),
            ("Recommended, cycles", "Value #fewer", [*CYCLES, width(185)]),
            ("Kept", "Value #bytes", [*BYTES, width(100)]),
        ],
        [
            column("finding", f"max by ({RULE}) ({FINDING})"),
            column("configured", days(configured())),
            column("cycles", rule("retention_cycles")),
            column("effective", days(effective("latest"))),
            column("factor", f"({effective('latest')} < +Inf) / ({configured()} > 0 < +Inf)"),
            column("days", days(rule("recommended_retention_seconds"))),
            column("fewer", rule("recommended_cycles")),
            column("bytes", rule("retained_bytes")),
        ],
        none="No retention rule is known",
        sort=("Finding", True),
    )  # fmt: skip


def findings() -> Json:
    counted = f"source_finding:ebbtide_commvault_retention_rule:count{{{SOURCES}}}"
    return timeseries(
        "Findings over time",
        "Rules by their worst finding, over all plans of the sources. A step up is a rule that someone changed: see it on "
        "the timeline board.",
        [query(f"sum by (finding) ({counted})", "{{finding}}", over_time=True)],
        unit="none",
        none="No rule could be judged yet",
        overrides=[
            override(name, prop("color", {"fixedColor": color, "mode": "fixed"})) for _, name, color in FINDINGS
        ],
    )


def health() -> Json:
    return timeseries(
        "Rules in order, against the target",
        "The share of rules without a costly finding; the dashed line is the target. Below it, correct rules from the top "
        "of the table.",
        [
            query(f'source_target:ebbtide_target:ratio{{target="retention_health", {SOURCES}}}', "{{source}}", over_time=True),
            query('max(target:ebbtide_target:threshold{target="retention_health"})', "target", ref="target", over_time=True),
        ],
        unit="percentunit",
        none="No rule could be judged yet",
        span=(0, 1),
        overrides=[threshold_line("target", ORANGE)],
    )  # fmt: skip
