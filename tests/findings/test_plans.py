"""What follows from plans, their schedules, their jobs and what their copies keep."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from exporter.findings import Findings
from exporter.model import (
    DAY,
    Copy,
    CycleAnalysis,
    Inventory,
    Plan,
    Plans,
    PlanSchedule,
    PolicyFulls,
    Pool,
    RetainedSet,
    RetentionRule,
    RuleReplay,
    WhatIf,
)
from tests.inventories import AT

TWO_WEEKS = RetentionRule(rule="basic", retention_seconds=14 * DAY, cycles=2.0, aging_enabled=True)
PRIMARY = Copy(id="5", name="Primary", pool="Old name", pool_id="1", rules=(TWO_WEEKS,))
GOLD = Plan(id="4", name="Gold", policy="Gold policy", policy_id="3", copies=(PRIMARY,))
WEEKLY = PolicyFulls(policy_id="3", full_interval_seconds=7 * DAY, last_incremental_gap_seconds=DAY)
ONE_CYCLE = WhatIf(retention_seconds=14 * DAY, cycles=1.0, jobs=0, bytes=0.0, full_sooner_seconds=0.0)


def findings(*plans: Plan, semantics: str = "vendor", **fields: Any) -> Findings:
    return Findings("cs01", Inventory(plans=Plans(plans=plans or (GOLD,), cycle_semantics=semantics), **fields), AT)


def test_a_replay_counts_more_than_the_formula_and_says_so() -> None:
    replay = RuleReplay(copy_id="5", earliest_seconds=15 * DAY, latest_seconds=34 * DAY)
    [one] = findings(cycles=CycleAnalysis((WEEKLY,), (replay,))).retention
    assert (one.earliest_seconds, one.latest_seconds, one.method) == (15 * DAY, 34 * DAY, "replay")
    assert one.configured_seconds == 14 * DAY


def test_a_history_too_short_for_a_replay_leaves_the_formula() -> None:
    [one] = findings(cycles=CycleAnalysis((WEEKLY,), (RuleReplay(copy_id="5"),))).retention
    assert (one.latest_seconds, one.method) == (20 * DAY, "formula")


def test_cycles_are_counted_as_the_configuration_says() -> None:
    [one] = findings(semantics="strict", cycles=CycleAnalysis((WEEKLY,), ())).retention
    assert (one.latest_seconds, one.semantics) == (21 * DAY, "strict")


def test_an_extended_rule_is_never_replayed() -> None:
    yearly = replace(TWO_WEEKS, rule="extended_1", kind="yearly", retention_seconds=365 * DAY, cycles=None)
    plan = replace(GOLD, copies=(replace(PRIMARY, rules=(TWO_WEEKS, yearly)),))
    replay = RuleReplay(copy_id="5", earliest_seconds=15 * DAY, latest_seconds=34 * DAY, retained_jobs=9)
    found = findings(plan, cycles=CycleAnalysis((WEEKLY,), (replay,)))
    assert [r.latest_seconds for r in found.retention] == [34 * DAY, 365 * DAY]
    assert [r.replay for r in found.rules] == [replay, None]


def test_a_rule_leads_to_its_pool_by_id_even_when_the_plan_has_an_old_name_for_it() -> None:
    [rule] = findings(pools=(Pool(kind="commvault", name="Apex GDP", id="1"),)).rules
    assert rule.pool == "Apex GDP"
    [alone] = findings().rules
    assert alone.pool == "Old name"


def test_plans_of_one_name_are_told_apart_in_their_rules_too() -> None:
    found = findings(GOLD, replace(GOLD, id="8"))
    assert [r.plan.name for r in found.rules] == ["Gold (#4)", "Gold (#8)"]


def test_monthly_fulls_with_two_cycles_are_told_before_any_job_has_run() -> None:
    monthly = PlanSchedule(plan_id="4", plan="Gold", full_interval_seconds=30 * DAY)
    [rule] = findings(schedules=(monthly,)).rules
    assert rule.scheduled_seconds == 60 * DAY


def test_a_synthetic_full_closes_a_cycle_as_well_as_a_real_one() -> None:
    both = PlanSchedule(
        plan_id="4", plan="Gold", full_interval_seconds=30 * DAY, synthetic_full=True,
        synthetic_full_interval_seconds=7 * DAY,
    )  # fmt: skip
    [rule] = findings(schedules=(both,)).rules
    assert rule.scheduled_seconds == 14 * DAY


def test_fulls_at_no_fixed_times_say_nothing_about_a_rule() -> None:
    automatic = PlanSchedule(plan_id="4", plan="Gold", synthetic_full=True)
    assert [r.scheduled_seconds for r in findings(schedules=(automatic,)).rules] == [None]
    assert [r.scheduled_seconds for r in findings().rules] == [None]


def test_a_rule_that_needs_no_change_is_recommended_as_it_is() -> None:
    plan = replace(GOLD, copies=(replace(PRIMARY, rules=(replace(TWO_WEEKS, cycles=1.0),)),))
    [rule] = findings(plan).rules
    assert (rule.intent, rule.recommended_seconds, rule.recommended_cycles) == ("short", 14 * DAY, 1.0)


def test_two_cycles_are_one_too_many_for_a_short_retention() -> None:
    [rule] = findings().rules
    assert (rule.recommended_seconds, rule.recommended_cycles) == (14 * DAY, 1.0)


def test_nothing_is_recommended_for_what_is_kept_for_ever() -> None:
    endless = replace(TWO_WEEKS, retention_seconds=math.inf, cycles=math.inf)
    [rule] = findings(replace(GOLD, copies=(replace(PRIMARY, rules=(endless,)),))).rules
    assert (rule.recommended_seconds, rule.recommended_cycles) == (math.inf, math.inf)


def test_what_a_copy_keeps_is_told_of_each_copy_alone() -> None:
    plan = replace(GOLD, copies=(PRIMARY, replace(PRIMARY, id="6", name="Second")))
    sets = (
        RetainedSet(copy_id="5", jobs={"basic_days": 3, "infinite": 1}, bytes={"basic_days": 30.0, "infinite": 5.0}),
        RetainedSet(copy_id="6", jobs={"basic_days": 4}, bytes={"basic_days": 40.0}),
        RetainedSet(copy_id="7", jobs={"basic_days": 100}, bytes={"basic_days": 1.0}),
    )
    assert [r.retained for r in findings(plan, retained_jobs=sets[:1]).rules] == [sets[0], None]
    assert [r.retained for r in findings(plan, retained_jobs=sets).rules] == [sets[0], sets[1]]
