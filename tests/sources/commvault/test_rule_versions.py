from __future__ import annotations

import json
from dataclasses import replace
from math import inf

import pytest

from exporter.history.ledger import Ledger
from exporter.model import DAY, Copy, Plan, Poll, RetentionRule
from exporter.sources.commvault.rule_versions import compare

from .conftest import AT


def basic(days=14.0, cycles=2.0, aging=True):
    seconds = None if days is None else days * DAY
    return RetentionRule(rule="basic", retention_seconds=seconds, cycles=cycles, aging_enabled=aging)


def extended(days=365.0, kind="monthly", rule="extended_1", aging=True):
    return RetentionRule(rule=rule, kind=kind, retention_seconds=days * DAY, aging_enabled=aging)


def plan(*rules, plan_id="71", copy="2101"):
    return Plan(id=plan_id, name="Gold", copies=(Copy(id=copy, name="Primary", rules=rules),))


class Site:
    """Polls a day apart, with one memory."""

    def __init__(self, state):
        self.state = state
        self.at = AT

    def see(self, *plans, tells_extended=True):
        self.at += DAY
        return compare(plans, Poll(self.at, None, self.state), tells_extended=tells_extended)


@pytest.fixture
def site(memory):
    return Site(memory)


def counted(plans):
    return {change: count for change, count in plans.changes.items() if count}


def rule_of(plans, name="basic"):
    return next(r for p in plans.plans for c in p.copies for r in c.rules if r.rule == name)


def test_what_is_there_at_the_first_look_is_not_new(site):
    found = site.see(plan(basic(), extended(inf)))
    assert (found.created_rules, found.created_infinite_rules, counted(found)) == (0, 0, {})
    assert (rule_of(found).first_seen_at, rule_of(found).changed_at) == (site.at, None)


def test_every_kind_of_change_is_counted_from_zero(site):
    fields = ("days", "cycles", "aging", "extended")
    assert site.see(plan(basic())).changes == {(field, to): 0 for field in fields for to in ("longer", "shorter")}


def test_an_answer_without_rules_is_not_the_first_look(site):
    site.see()
    site.see(Plan(id="9", name="Derived"))
    assert site.see(plan(basic())).created_rules == 0
    assert site.see(plan(basic()), plan(basic(), plan_id="72")).created_rules == 1


@pytest.mark.parametrize("terms", [(inf, inf), (14, inf), (inf, 2.0)])
def test_what_appears_later_is_new_once(site, terms):
    site.see(plan(basic()))
    for _ in range(2):
        found = site.see(plan(basic()), plan(basic(*terms), plan_id="72", copy="2102"))
        assert (found.created_rules, found.created_infinite_rules, counted(found)) == (1, 1, {})


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (basic(14), basic(30), ("days", "longer")),
        (basic(30), basic(14), ("days", "shorter")),
        (basic(30), basic(inf), ("days", "longer")),
        (basic(cycles=1.0), basic(cycles=2.0), ("cycles", "longer")),
        (basic(cycles=inf), basic(cycles=2.0), ("cycles", "shorter")),
        (basic(aging=True), basic(aging=False), ("aging", "longer")),
        (basic(aging=False), basic(aging=True), ("aging", "shorter")),
    ],
)
def test_a_change_is_counted_by_field_and_direction(site, before, after, change):
    first = site.see(plan(before))
    found = site.see(plan(after))
    assert counted(found) == {change: 1}
    assert rule_of(found).changed_at == site.at
    assert rule_of(found).first_seen_at == rule_of(first).first_seen_at


def test_the_last_change_stays_known(site):
    site.see(plan(basic(14)))
    changed_at = rule_of(site.see(plan(basic(30)))).changed_at
    found = site.see(plan(basic(30)))
    assert (rule_of(found).changed_at, counted(found)) == (changed_at, {("days", "longer"): 1})


def test_two_fields_that_change_are_two_changes(site):
    site.see(plan(basic(14, 1.0)))
    assert counted(site.see(plan(basic(7, 2.0)))) == {("days", "shorter"): 1, ("cycles", "longer"): 1}


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (extended(365), extended(730), "longer"),
        (extended(365), extended(30), "shorter"),
        (extended(365, "monthly"), extended(365, "weekly"), "longer"),
        (extended(365, "weekly"), extended(365, "other"), "shorter"),
    ],
)
def test_an_extended_rule_changes_as_a_whole(site, before, after, direction):
    site.see(plan(basic(), before))
    found = site.see(plan(basic(), after))
    assert counted(found) == {("extended", direction): 1}
    assert (rule_of(found).changed_at, rule_of(found, "extended_1").changed_at) == (None, site.at)


def test_an_extended_rule_that_is_added_is_new_and_keeps_longer(site):
    site.see(plan(basic()))
    found = site.see(plan(basic(), extended(inf)))
    assert (found.created_rules, found.created_infinite_rules, counted(found)) == (1, 1, {("extended", "longer"): 1})


def test_an_extended_rule_that_is_switched_off_and_on_is_two_changes_and_not_new(site):
    site.see(plan(basic(), extended()))
    assert counted(site.see(plan(basic()))) == {("extended", "shorter"): 1}
    assert counted(site.see(plan(basic()))) == {("extended", "shorter"): 1}
    found = site.see(plan(basic(), extended()))
    assert counted(found) == {("extended", "shorter"): 1, ("extended", "longer"): 1}
    assert found.created_rules == 0


def test_an_answer_that_does_not_tell_extended_rules_switches_none_off(site):
    site.see(plan(basic(), extended()))
    assert counted(site.see(plan(basic()), tells_extended=False)) == {}
    assert counted(site.see(plan(basic(), extended()))) == {}


def test_aging_switched_off_is_one_change_and_not_one_per_rule(site):
    site.see(plan(basic(), extended()))
    found = site.see(plan(basic(aging=False), extended(aging=False)))
    assert counted(found) == {("aging", "longer"): 1}


def test_what_a_coarser_answer_leaves_unknown_has_not_changed(site):
    site.see(plan(basic(14, 2.0)))
    coarse = site.see(plan(basic(14, None, None)))
    assert (counted(coarse), rule_of(coarse).cycles) == ({}, None)
    assert counted(site.see(plan(basic(14, 1.0)))) == {("cycles", "shorter"): 1}


def test_what_becomes_known_has_not_changed(site):
    site.see(plan(basic(None, None, None)))
    found = site.see(plan(basic()))
    assert (counted(found), rule_of(found).changed_at) == ({}, None)


def test_a_rule_that_vanishes_and_returns_is_not_new(site):
    first = site.see(plan(basic()), plan(basic(), plan_id="72"))
    site.see(plan(basic()))
    found = site.see(plan(basic()), plan(basic(30), plan_id="72"))
    assert (found.created_rules, counted(found)) == (0, {("days", "longer"): 1})
    assert found.plans[1].copies[0].rules[0].first_seen_at == first.plans[0].copies[0].rules[0].first_seen_at


def test_counts_go_on_after_a_restart(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    for day, days in enumerate((14, 30, 14, 30)):
        ledger = Ledger(url)
        poll = Poll(AT + day * DAY, None, ledger.state("cs01"))
        more = [plan(basic(), plan_id=str(n)) for n in range(day)]
        found = compare((plan(basic(days)), *more), poll, tells_extended=True)
        ledger.close()
    assert counted(found) == {("days", "longer"): 2, ("days", "shorter"): 1}
    assert found.created_rules == 3


def test_each_version_is_kept_as_canonical_json(site):
    site.see(plan(basic(), extended(inf)))
    seen = {key: json.loads(text) for key, (_, text) in site.state.latest_versions("retention_rule").items()}
    assert seen == {
        "71/2101/basic": {
            "aging": True, "changed": None, "cycles": 2.0, "days": 14.0, "kind": "basic", "since": site.at,
        },
        "71/2101/extended_1": {
            "aging": None, "changed": None, "cycles": None, "days": inf, "kind": "monthly", "since": site.at,
        },
    }  # fmt: skip


def test_only_what_is_new_is_written(site):
    site.see(plan(basic()))
    site.see(plan(basic()))
    assert [at for at, _ in site.state.latest_versions("retention_rule").values()] == [site.at - DAY]


def test_records_keep_all_else_that_they_have(site):
    given = replace(plan(basic()), company="North", clients=3)
    [found] = site.see(given).plans
    assert replace(found, copies=given.copies) == given
