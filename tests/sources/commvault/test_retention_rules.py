from __future__ import annotations

from math import inf

import pytest

from exporter.errors import SourceGarbled
from exporter.model import DAY
from exporter.sources.commvault.retention_rules import fetch, parse

from .conftest import URL


@pytest.fixture
def rules(payload):
    return {(rule.plan, rule.copy, rule.rule): rule for rule in parse(payload("plan"))}


def one(**changed):
    rules = {"retainBackupDataForDays": 14, "retainBackupDataForCycles": 2, "retentionFlags": {"enableDataAging": 1}}
    copy = {
        "StoragePolicyCopy": {"copyName": "Primary"},
        "extendedFlags": {"overRideGACPRetention": 1},
        "retentionRules": rules,
    } | changed
    return {
        "plans": [{"plan": {"planName": "P"}, "storage": {"storagePolicy": {"storagePolicyId": 7}, "copy": [copy]}}]
    }


def test_each_copy_of_a_plan_has_a_basic_rule_in_days_and_cycles(rules):
    rule = rules["Gold", "Primary", "basic"]
    assert (rule.retention_seconds, rule.cycles, rule.aging_enabled) == (14 * DAY, 2, True)
    assert (rule.pool, rule.policy_id) == ("Apex GDP", "1371")
    assert rules["Gold", "Secondary", "basic"].pool == "North C"


def test_extended_rules_count_when_they_are_enabled(rules):
    assert sorted(rule for plan, copy, rule in rules if (plan, copy) == ("Gold", "Secondary")) == [
        "basic",
        "extended_1",
        "extended_3",
    ]
    extended = rules["Gold", "Secondary", "extended_1"]
    assert (extended.retention_seconds, extended.cycles, extended.aging_enabled) == (365 * DAY, None, True)


def test_more_than_a_century_is_for_ever(rules):
    assert rules["Gold", "Secondary", "extended_3"].retention_seconds == inf
    [rule] = parse(one(retentionRules={"retainBackupDataForDays": 36500, "retainBackupDataForCycles": 1}))
    assert rule.retention_seconds == 36500 * DAY


def test_minus_one_is_for_ever(rules):
    rule = rules["Archive", "Primary", "basic"]
    assert (rule.retention_seconds, rule.cycles) == (inf, inf)


def test_a_copy_that_does_not_override_its_pool_keeps_as_long_as_the_pool(rules):
    assert rules["Pooled", "Primary", "basic"].retention_seconds == 45 * DAY
    assert rules["Pooled", "Primary", "basic"].cycles == 1


def test_a_pool_without_retention_leaves_it_to_the_copy(rules):
    assert rules["Pooled", "Secondary", "basic"].retention_seconds == 15 * DAY


def test_a_snap_copy_that_keeps_a_number_of_jobs_has_no_days(rules):
    rule = rules["Snaps", "Snap Primary", "basic"]
    assert (rule.retention_seconds, rule.cycles, rule.pool) == (None, None, "")


def test_an_absent_aging_flag_is_unknown_and_not_disabled(rules):
    assert rules["Snaps", "Snap Primary", "basic"].aging_enabled is None
    assert rules["Off", "Primary", "basic"].aging_enabled is False


def test_plans_without_storage_of_their_own_have_no_rules(rules):
    assert {plan for plan, _, _ in rules} == {"Gold", "Archive", "Pooled", "Snaps", "Off"}


def test_a_release_that_lists_no_storage_at_all_is_not_taken_for_one_without_rules():
    plans = [{"plan": {"planName": "A"}, "type": 2}, {"plan": {"planName": "B"}, "type": 6}]
    with pytest.raises(SourceGarbled, match="GET /Plan: this release lists plans without the field storage"):
        parse({"plans": plans})


@pytest.mark.parametrize(
    "plans", [{}, {"plans": []}, {"plans": [{"type": 6}]}, {"plans": [{"type": 2, "parent": {"planId": 1}}]}]
)
def test_no_server_plans_are_no_rules(plans):
    assert parse(plans) == ()


def test_a_policy_without_copies_has_no_rules():
    assert parse({"plans": [{"type": 2, "storage": {"storagePolicy": {"storagePolicyId": 7}}}]}) == ()


def test_days_that_are_not_told_are_unknown():
    [rule] = parse(one(retentionRules={}))
    assert (rule.retention_seconds, rule.cycles, rule.aging_enabled) == (None, None, None)


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"plan": []}, "no field plans"),
        ({"plans": [{"storage": []}]}, "storage is of type list"),
        ({"plans": [{"storage": {"copy": "1 items"}}]}, "copy is of type str"),
        ({"plans": [{"storage": {"copy": [{}]}}]}, "no field plan"),
        ({"plans": [{"plan": {"planName": "P"}, "storage": {"copy": [{}]}}]}, "no field storagePolicy"),
        (one(retentionRules=None), "retentionRules is of type NoneType"),
        (one(StoragePolicyCopy={}), "no field 'copyName'"),
        (one(retentionRules={"retainBackupDataForDays": {"value": 1}}), "retainBackupDataForDays is of type dict"),
        (one(retentionRules={"extendedRetentionRuleOne": {"isEnabled": 1, "endDays": []}}), "endDays is of type list"),
        (one(retentionRules={"retentionFlags": {"enableDataAging": "x"}}), "enableDataAging is not a number"),
        (one(useGlobalPolicy={"storagePolicyName": None}), "storagePolicyName is of type NoneType"),
    ],
)
def test_a_surprise_is_garbled_and_names_endpoint_and_field(answer, field):
    with pytest.raises(SourceGarbled, match=f"GET /Plan: .*{field}"):
        parse(answer)


def test_one_call_reads_all_rules(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/Plan", json=payload("plan"))
    assert len(fetch(client(), poll())) == 9
    assert requests_mock.call_count == 1
