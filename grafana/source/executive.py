"""Executive summary: are we well, what runs out, what could be saved?"""

from __future__ import annotations

from board import dashboard, row, textbox, variable
from estate import TO_FULL, to_plan
from looks import BLUE, GREEN, NEUTRAL, ORANGE, RED, TRANSPARENT, Json, colored, limit, steps, target, unit, width
from panels import bargauge, query, stat, table, timeseries

SOURCE = 'source=~"$source"'
BY_POOL = "max by (source, kind, pool)"
FINDINGS = "source_plan_issue_finding:ebbtide_commvault_retention_rule_issue:sum"


def build() -> Json:
    return dashboard(
        "ebbtide-executive",
        "Ebbtide / Executive summary",
        "Are we well, what will we run out of, what could we save?",
        [
            variable("source", "Source", "label_values(ebbtide_source_info, source)"),
            textbox("cost_per_tb", "Cost of a TB", "100"),
        ],
        [
            row("Are we well?", (8, 4, health()), (8, 4, pruning()), (8, 4, aging())),
            row(
                "What could we save?",
                (12, 4, leads(reclaimable(), "In which pools", "ebbtide-capacity")),
                (12, 4, saving()),
            ),
            row("What runs out?", (12, 9, leads(soonest(), "All pools", "ebbtide-pools")), (12, 9, growth())),
            row("Effect, and what to mend first", (10, 9, effect()), (14, 9, plans())),
        ],
        tags=["overview"],
        since="now-1y",
    )


def figure(title: str, description: str, name: str, worst: str, colors: Json, board: str) -> Json:
    panel = stat(
        f"{title} {100 * target(name):.0f} %)",
        description,
        [query(f'{worst}(source_target:ebbtide_target:ratio{{target="{name}", {SOURCE}}})', over_time=True)],
        unit="percentunit",
        none="No CommCell is known",
        colors=colors,
    )
    return leads(panel, "Why", board)


def leads(panel: Json, title: str, uid: str) -> Json:
    """A click on its value leads to the board that says more."""
    address = f"/d/{uid}?${{ds:queryparam}}&${{source:queryparam}}&${{__url_time_range}}"
    panel["fieldConfig"]["defaults"]["links"] = [{"title": title, "url": address}]
    return panel


def health() -> Json:
    goal = target("retention_health")
    return figure(
        "Retention health (target: above",
        "Share of the retention rules that follow good practice, in the worst CommCell. Below its target: the plans at the foot of "
        "this page keep data longer than anyone decided.",
        "retention_health",
        "min",
        steps(NEUTRAL, (0, RED), (0.75 * goal, ORANGE), (goal, GREEN)),
        "ebbtide-cv-retention",
    )


def pruning() -> Json:
    goal = target("pruning_success")
    return figure(
        "Pruning success (target: above",
        "Share of the watched days on which pools got space back, in the worst CommCell. Below its target, expired data stays on "
        "disk: have the troubleshooting board followed before disks are bought.",
        "pruning_success",
        "min",
        steps(NEUTRAL, (0, RED), (0.75 * goal, ORANGE), (goal, GREEN)),
        "ebbtide-cv-pruning",
    )


def aging() -> Json:
    goal = target("aging_delta")
    return figure(
        "Data lives longer than decided (target: below",
        "How much longer than its configured days data lives in the median, in the worst CommCell. Above its target, cycles hold it "
        "back: fewer cycles, or fulls more often.",
        "aging_delta",
        "max",
        steps(GREEN, (goal, ORANGE), (5 * goal, RED)),
        "ebbtide-cv-cycles",
    )


def back() -> str:
    return f'sum({BY_POOL} (ebbtide_pool_reclaimable_bytes{{{SOURCE}, scenario="both"}}))'


def reclaimable() -> Json:
    return stat(
        "Space to win back",
        "At most, if pruning worked and rules had the recommended cycles; blocks shared with younger jobs stay. "
        "The forecast board says in which pools.",
        [query(back())],
        unit="bytes",
        none="Nothing is known to be freed",
        colors=steps(BLUE),
    )


def saving() -> Json:
    return stat(
        "Its worth, at $cost_per_tb a TB",
        "The space to win back, times what a TB costs: type that cost above, in your currency. "
        "It is at most as good as the space it is reckoned from.",
        [query(f"{back()} / 1e12 * $cost_per_tb")],
        unit="short",
        none="Nothing is known to be freed",
        colors=steps(GREEN),
    )


def soonest() -> Json:
    return bargauge(
        "The ten pools that are full first",
        "Time until each is full, by the median of its forecast. Red and orange do not wait for an order and its delivery: "
        "ask what pruning would free, and what is ordered.",
        [query(f"sort(bottomk(10, {BY_POOL} ({TO_FULL}{{{SOURCE}}}) < +Inf))", "{{source}} / {{pool}}")],
        unit="s",
        none="No pool fills within a year, or there is no forecast yet",
        colors=steps(RED, (limit(TO_FULL, "critical"), ORANGE), (limit(TO_FULL, "warning"), GREEN)),
    )


def growth() -> Json:
    def total(what: str) -> str:
        return f'sum(group_by_group:ebbtide_pool_{what}_bytes:sum{{group_by="source", group=~"$source"}})'

    return timeseries(
        "Growth",
        "Used space and capacity over all pools; a shared disk is counted once. Where used nears capacity, read the forecast board "
        "before deciding between disks and retention.",
        [
            query(total("used"), "used", over_time=True),
            query(total("capacity"), "capacity", over_time=True),
        ],
        unit="bytes",
        none="No pool is known",
    )


def effect() -> Json:
    return timeseries(
        "What each day gave back",
        "Space freed in the 24 hours before, by kind. It should follow what is written; a fall to zero is pruning that stopped, "
        "long before pools are full.",
        [query(f"sum by (kind) (source_kind:ebbtide_pool_freed_bytes:sum1d{{{SOURCE}}})", "{{kind}}", over_time=True)],
        unit="bytes",
        none="Not watched for a day yet",
    )  # fmt: skip


def plans() -> Json:
    def found(finding: str) -> str:
        return f'sum by (source, plan) ({FINDINGS}{{finding="{finding}", {SOURCE}}})'

    bad = f'sum by (source, plan) ({FINDINGS}{{finding=~"critical|high|medium", {SOURCE}}})'
    first = f"and on (source, plan) topk(10, {bad} > 0)"
    longer = f'max by (source, plan) (source_kind_plan_copy_rule:ebbtide_retention_excess_seconds:delta{{kind="commvault", {SOURCE}}} < +Inf)'
    kept = f"sum by (source, plan) (max by (source, plan, copy, reason) (ebbtide_commvault_plan_retained_bytes{{{SOURCE}}}))"
    cell = colored(steps(TRANSPARENT, (1, ORANGE)))
    return table(
        "The ten plans with most findings",
        "Rules of a plan that keep data beyond what was decided, by weight, and what the plan keeps. "
        "Begin with the largest: one change of its cycles frees most.",
        [
            ("Source", "source", [width(90)]),
            ("Plan", "plan", [to_plan()]),
            ("Critical", "Value #critical", [*colored(steps(TRANSPARENT, (1, RED))), width(90)]),
            ("High", "Value #high", [*cell, width(90)]),
            ("Medium", "Value #medium", [*cell, width(90)]),
            ("Lives longer by", "Value #longer", [*unit("s", 1), width(140)]),
            ("Keeps", "Value #kept", [*unit("bytes"), width(110)]),
        ],
        [
            *(query(f"{found(finding)} {first}", ref=finding, table=True) for finding in ("critical", "high", "medium")),
            query(f"{longer} {first}", ref="longer", table=True),
            query(f"{kept} {first}", ref="kept", table=True),
        ],
        none="No plan has a finding",
        sort=("Keeps", True),
    )  # fmt: skip
