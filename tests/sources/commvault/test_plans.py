from __future__ import annotations

from math import inf

import pytest

from exporter.errors import SourceGarbled
from exporter.model import DAY, HOUR
from exporter.sources.commvault.plans import (
    parse,
    parse_destination,
    parse_destinations,
    parse_managed_disk_space,
    parse_policies,
    parse_policy,
)

from .plan_index import by_name, copies_of, rules_of


@pytest.fixture
def rules(payload):
    return rules_of(parse(payload("plan")))


@pytest.fixture
def kinds(payload):
    return parse(payload("plan_kinds"))


def one(**changed):
    rules = {"retainBackupDataForDays": 14, "retainBackupDataForCycles": 2, "retentionFlags": {"enableDataAging": 1}}
    copy = {
        "StoragePolicyCopy": {"copyId": 1, "copyName": "Primary"},
        "extendedFlags": {"overRideGACPRetention": 1},
        "retentionRules": rules,
    } | changed
    storage = {"storagePolicy": {"storagePolicyId": 7}, "copy": [copy]}
    return {"plans": [{"plan": {"planId": 1, "planName": "P"}, "storage": storage}]}


def rule_of(answer):
    [plan] = parse(answer)
    [rule] = plan.copies[0].rules
    return rule


def test_each_copy_of_a_plan_has_a_basic_rule_in_days_and_cycles(rules):
    rule = rules["Gold", "Primary", "basic"]
    assert (rule.retention_seconds, rule.cycles, rule.aging_enabled, rule.kind) == (14 * DAY, 2, True, "basic")


def test_a_plan_knows_its_policy_and_where_its_copies_go(payload):
    plans = parse(payload("plan"))
    gold = by_name(plans)["Gold"]
    assert (gold.id, gold.policy, gold.policy_id) == ("71", "Gold", "1371")
    copies = copies_of(plans)
    assert (copies["Gold", "Primary"].pool, copies["Gold", "Primary"].pool_id) == ("Apex GDP", "301")
    assert copies["Gold", "Secondary"].pool == "North C"
    assert (copies["Off", "Primary"].active, copies["Gold", "Primary"].active) == (False, True)


def test_the_kinds_of_plans_have_words(kinds):
    assert {plan.name: plan.plan_type for plan in kinds} == {
        "Gold": "server",
        "Derived": "server",
        "Mailboxes": "office_365",
        "Laptops": "laptop",
        "Labels": "data_classification",
        "New": "other",
        "Layers": "server",
    }
    assert parse(one())[0].plan_type == ""


def test_a_plan_counts_its_clients_and_says_its_rpo(kinds):
    plans = by_name(kinds)
    assert {name: plan.clients for name, plan in plans.items()} == {
        "Gold": 3, "Derived": 3, "Mailboxes": 3, "Laptops": 0, "Labels": None, "New": None, "Layers": 1
    }  # fmt: skip
    assert (plans["Gold"].company, plans["Layers"].company) == ("North", "")
    assert [plans[name].rpo_seconds for name in ("Gold", "Laptops", "Mailboxes", "New")] == [DAY, 8 * HOUR, None, None]


def test_managed_disk_space_is_unknown_unless_it_is_told(kinds):
    copies = copies_of(kinds)
    assert copies["Gold", "Primary"].managed_disk_space is True
    assert copies["Gold", "Secondary"].managed_disk_space is None


def test_extended_rules_count_when_they_are_enabled(rules):
    assert sorted(rule for plan, copy, rule in rules if (plan, copy) == ("Gold", "Secondary")) == [
        "basic",
        "extended_1",
        "extended_3",
    ]
    extended = rules["Gold", "Secondary", "extended_1"]
    assert (extended.retention_seconds, extended.cycles, extended.aging_enabled) == (365 * DAY, None, True)


def test_up_to_five_extended_rules_say_which_fulls_they_keep(kinds):
    found = {rule: (r.kind, r.retention_seconds) for (plan, _, rule), r in rules_of(kinds).items() if plan == "Layers"}
    assert found == {
        "basic": ("basic", 7 * DAY),
        "extended_1": ("all_fulls", 14 * DAY),
        "extended_2": ("weekly", 30 * DAY),
        # With a bit for the first full of the year.
        "extended_3": ("yearly", 3650 * DAY),
        # Weekly and monthly ones.
        "extended_4": ("other", 90 * DAY),
        "extended_5": ("daily", inf),
    }


def test_more_than_a_century_is_for_ever(rules):
    assert rules["Gold", "Secondary", "extended_3"].retention_seconds == inf
    rule = rule_of(one(retentionRules={"retainBackupDataForDays": 36500, "retainBackupDataForCycles": 1}))
    assert rule.retention_seconds == 36500 * DAY


def test_minus_one_is_for_ever(rules):
    rule = rules["Archive", "Primary", "basic"]
    assert (rule.retention_seconds, rule.cycles) == (inf, inf)


def test_a_copy_that_does_not_override_its_pool_keeps_as_long_as_the_pool(rules):
    assert rules["Pooled", "Primary", "basic"].retention_seconds == 45 * DAY
    assert rules["Pooled", "Primary", "basic"].cycles == 1


def test_a_pool_without_retention_leaves_it_to_the_copy(rules):
    assert rules["Pooled", "Secondary", "basic"].retention_seconds == 15 * DAY


def test_a_snap_copy_that_keeps_a_number_of_jobs_has_no_days(rules, payload):
    rule = rules["Snaps", "Snap Primary", "basic"]
    assert (rule.retention_seconds, rule.cycles) == (None, None)
    assert copies_of(parse(payload("plan")))["Snaps", "Snap Primary"].pool == ""


def test_an_absent_aging_flag_is_unknown_and_not_disabled(rules):
    assert rules["Snaps", "Snap Primary", "basic"].aging_enabled is None
    assert rules["Off", "Primary", "basic"].aging_enabled is False


def test_plans_without_storage_of_their_own_are_there_without_rules(rules, payload):
    assert {plan for plan, _, _ in rules} == {"Gold", "Archive", "Pooled", "Snaps", "Off"}
    assert {"Derived", "Mailboxes"} < set(by_name(parse(payload("plan"))))


def test_no_plans_are_none():
    assert parse({}) == parse({"plans": []}) == ()


def test_a_policy_without_copies_has_no_rules():
    [plan] = parse({"plans": [{"plan": {"planId": 1, "planName": "P"}, "storage": {"storagePolicy": {}}}]})
    assert (plan.copies, plan.policy_id) == ((), "")


def test_days_that_are_not_told_are_unknown():
    rule = rule_of(one(retentionRules={}))
    assert (rule.retention_seconds, rule.cycles, rule.aging_enabled) == (None, None, None)


PLAN = {"planId": 1, "planName": "P"}


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"plan": []}, "no field plans"),
        ({"plans": [{"plan": PLAN, "storage": []}]}, "storage is of type list"),
        ({"plans": [{"plan": PLAN, "storage": {"copy": "1 items"}}]}, "copy is of type str"),
        ({"plans": [{"storage": {"copy": [{}]}}]}, "no field plan"),
        ({"plans": [{"plan": PLAN, "storage": {"copy": [{}]}}]}, "no field storagePolicy"),
        ({"plans": [{"plan": PLAN, "rpoInMinutes": "daily"}]}, "rpoInMinutes is not a number"),
        (one(retentionRules=None), "retentionRules is of type NoneType"),
        (one(StoragePolicyCopy={"copyId": 1}), "no field 'copyName'"),
        (one(retentionRules={"retainBackupDataForDays": {"value": 1}}), "retainBackupDataForDays is of type dict"),
        (one(retentionRules={"extendedRetentionRuleOne": {"isEnabled": 1, "endDays": []}}), "endDays is of type list"),
        (one(retentionRules={"retentionFlags": {"enableDataAging": "x"}}), "enableDataAging is not a number"),
        (one(useGlobalPolicy={"storagePolicyId": None}), "storagePolicyId is of type NoneType"),
    ],
)
def test_a_surprise_is_garbled_and_names_endpoint_and_field(answer, field):
    with pytest.raises(SourceGarbled, match=f"GET /Plan: .*{field}"):
        parse(answer)


@pytest.mark.parametrize(
    ("parser", "endpoint"),
    [
        (parse_policies, r"GET /V2/StoragePolicy: "),
        (parse_policy, r"GET /V2/StoragePolicy/\{id\}: "),
        (parse_destinations, r"GET /V4/ServerPlan/\{id\}/BackupDestinations: "),
        (parse_destination, r"GET /V5/ServerPlan/\{id\}/BackupDestination/\{id\}: "),
        (parse_managed_disk_space, r"GET /V2/StoragePolicy/\{id\}/Copy/\{id\}: "),
    ],
)
@pytest.mark.parametrize(
    "answer",
    [
        {"policies": [{"name": "A"}], "backupdestinations": [{}]},
        {"policies": 1, "backupdestinations": [7], "planBackupDestination": {"id": []}, "copy": "none"},
        {"surprise": 1},
    ],
)
def test_the_other_calls_name_themselves_too(parser, endpoint, answer):
    with pytest.raises(SourceGarbled, match=f"^{endpoint}"):
        parser(answer)
