"""Plans and their retention rules, joined with what schedules, jobs and the retained sets say of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from exporter.analysis.recommendation import intent, recommended
from exporter.analysis.retention import effective_retention
from exporter.findings.names import distinct
from exporter.model import (
    EffectiveRetention,
    Inventory,
    Plan,
    Plans,
    PlanSchedule,
    PolicyFulls,
    RetainedSet,
    RetentionRule,
    RuleReplay,
)

BASIC = "basic"


@dataclass(frozen=True)
class PlanFinding:
    """A plan, its scheduled and its real fulls."""

    plan: Plan
    schedule: PlanSchedule | None
    fulls: PolicyFulls | None


@dataclass(frozen=True)
class RuleFinding:
    """A rule of a copy of a plan. recommended: other days (in seconds) and cycles; None: as configured.

    scheduled_seconds: what the scheduled fulls let a cycle's full live to at least, whatever the jobs do.
    retained: what the copy keeps, by all of its rules.
    """

    plan: Plan
    copy: str
    copy_id: str
    pool: str
    pool_id: str
    managed_disk_space: bool | None
    rule: RetentionRule
    intent: str
    recommended: tuple[float, float] | None
    scheduled_seconds: float | None
    fulls: PolicyFulls | None
    replay: RuleReplay | None
    retained: RetainedSet | None

    @property
    def recommended_seconds(self) -> float | None:
        return self.recommended[0] if self.recommended else self.rule.retention_seconds

    @property
    def recommended_cycles(self) -> float | None:
        return self.recommended[1] if self.recommended else self.rule.cycles


def plan_findings(inventory: Inventory) -> list[PlanFinding]:
    plans = inventory.plans.plans if inventory.plans is not None else ()
    named = distinct(plans, lambda p: p.name, lambda p, name: replace(p, name=name))
    schedules = {s.plan_id: s for s in inventory.schedules or ()}
    fulls = {p.policy_id: p for p in inventory.cycles.policies} if inventory.cycles is not None else {}
    return [PlanFinding(plan, schedules.get(plan.id), fulls.get(plan.policy_id)) for plan in named]


def rule_findings(plans: Sequence[PlanFinding], inventory: Inventory, pools: Mapping[str, str]) -> list[RuleFinding]:
    replays = {r.copy_id: r for r in inventory.cycles.replays} if inventory.cycles is not None else {}
    retained = {r.copy_id: r for r in inventory.retained_jobs or ()}
    semantics = inventory.plans.cycle_semantics if inventory.plans is not None else ""
    return [
        _rule(found, copy_index, rule, pools, replays, retained, semantics)
        for found in plans
        for copy_index, copy in enumerate(found.plan.copies)
        for rule in copy.rules
    ]


def commvault_retention(plans: Plans | None, rules: Iterable[RuleFinding]) -> Iterator[EffectiveRetention]:
    """By replay where the job history allowed one, else by formula, from the real interval of fulls."""
    if plans is None:
        return
    for found in rules:
        basic = found.rule.rule == BASIC
        method = "replay"
        bounds = (found.replay.earliest_seconds, found.replay.latest_seconds) if found.replay and basic else None
        if bounds is None or bounds[1] is None:
            method, bounds = "formula", _by_formula(found.rule, found.fulls, plans.cycle_semantics)
        if bounds is None:
            continue
        yield EffectiveRetention(
            kind="commvault", plan=found.plan.name, copy=found.copy, rule=found.rule.rule,
            configured_seconds=found.rule.retention_seconds, earliest_seconds=bounds[0], latest_seconds=bounds[1],
            semantics=plans.cycle_semantics, method=method,
        )  # fmt: skip


def _rule(
    found: PlanFinding,
    copy_index: int,
    rule: RetentionRule,
    pools: Mapping[str, str],
    replays: Mapping[str, RuleReplay],
    retained: Mapping[str, RetainedSet],
    semantics: str,
) -> RuleFinding:
    plan, copy = found.plan, found.plan.copies[copy_index]
    meant = intent(plan.name, copy.name, plan.plan_type, rule.retention_seconds)
    return RuleFinding(
        plan=plan,
        copy=copy.name,
        copy_id=copy.id,
        pool=pools.get(copy.pool_id, copy.pool),
        pool_id=copy.pool_id,
        managed_disk_space=copy.managed_disk_space,
        rule=rule,
        intent=meant,
        recommended=recommended(meant, rule.retention_seconds, rule.cycles) if rule.rule == BASIC else None,
        scheduled_seconds=_as_scheduled(rule, found.schedule, semantics),
        fulls=found.fulls,
        replay=replays.get(copy.id) if rule.rule == BASIC else None,
        retained=retained.get(copy.id),
    )


def _as_scheduled(rule: RetentionRule, schedule: PlanSchedule | None, semantics: str) -> float | None:
    """The later bound for fulls as they are scheduled, an incremental right before each: the least it can be."""
    if schedule is None or rule.rule != BASIC:
        return None
    told = (schedule.full_interval_seconds, schedule.synthetic_full_interval_seconds)
    intervals = [interval for interval in told if interval]
    if not intervals:
        return None
    bounds = effective_retention(
        retention_seconds=rule.retention_seconds, cycles=rule.cycles, aging_enabled=rule.aging_enabled,
        full_interval_seconds=min(intervals), semantics=semantics,
    )  # fmt: skip
    return bounds[1] if bounds else None


def _by_formula(
    rule: RetentionRule, fulls: PolicyFulls | None, semantics: str
) -> tuple[float | None, float | None] | None:
    # An extended rule keeps single fulls by days; cycles are a matter of the basic rule.
    basic = rule.rule == BASIC
    return effective_retention(
        retention_seconds=rule.retention_seconds,
        cycles=rule.cycles if basic else 0.0,
        aging_enabled=rule.aging_enabled,
        full_interval_seconds=fulls.full_interval_seconds if fulls and basic else None,
        last_incremental_gap_seconds=fulls.last_incremental_gap_seconds if fulls and basic else None,
        semantics=semantics,
    )
