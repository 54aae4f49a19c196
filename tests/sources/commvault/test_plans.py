from __future__ import annotations

from math import inf

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.http import UnexpectedStatus
from exporter.model import DAY, HOUR
from exporter.sources.commvault.plans import (
    fetch,
    parse,
    parse_destination,
    parse_destinations,
    parse_managed_disk_space,
    parse_policies,
    parse_policy,
)

from .conftest import URL

DENIED = {"errorMessage": "Access denied", "errorCode": 5}


def by_name(plans):
    return {plan.name: plan for plan in plans}


def rules_of(plans):
    return {(p.name, c.name, r.rule): r for p in plans for c in p.copies for r in c.rules}


def copies_of(plans):
    return {(p.name, c.name): c for p in plans for c in p.copies}


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
    assert (copies["Snaps", "Snap Primary"].snapshot, copies["Gold", "Primary"].snapshot) == (True, False)


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


def test_one_call_reads_all_plans(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/Plan", json=payload("plan"))
    found = fetch(client(), poll())
    assert (len(found), found.created_rules) == (7, 0)
    assert requests_mock.call_count == 1


def test_policies_without_a_name_are_looked_up(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/Plan", json=payload("plan_kinds"))
    names = requests_mock.get(f"{URL}/V2/StoragePolicy", json=payload("v2_storagepolicy"))
    plans = by_name(fetch(client(), poll()).plans)
    assert {name: plan.policy for name, plan in plans.items() if plan.policy} == {
        "Gold": "Gold",
        "Layers": "Layers policy",
    }
    assert names.call_count == 1


@pytest.mark.parametrize("answer", [{"json": DENIED}, {"status_code": 404}, {"status_code": 403}, {"json": {}}])
def test_policies_whose_names_are_refused_go_by_their_ids(client, poll, requests_mock, payload, answer):
    requests_mock.get(f"{URL}/Plan", json=payload("plan_kinds"))
    requests_mock.get(f"{URL}/V2/StoragePolicy", **answer)
    assert by_name(fetch(client(), poll()).plans)["Layers"].policy == "1381"


def test_an_old_release_lists_plans_under_another_name(client, poll, requests_mock, payload):
    first = requests_mock.get(f"{URL}/Plan", status_code=404)
    requests_mock.get(f"{URL}/V2/Plan", json=payload("plan"))
    one_client = client()
    assert len(fetch(one_client, poll())) == len(fetch(one_client, poll())) == 7
    assert first.call_count == 1


@pytest.fixture
def without_storage(requests_mock, payload):
    requests_mock.get(f"{URL}/Plan", json=payload("plan_without_storage"))
    return requests_mock


@pytest.fixture
def policies(without_storage, payload):
    without_storage.get(f"{URL}/V2/StoragePolicy?propertyLevel=20", json=payload("v2_storagepolicy"))
    for policy in (1371, 1372):
        answer = payload(f"v2_storagepolicy_{policy}")
        without_storage.get(f"{URL}/V2/StoragePolicy/{policy}?propertyLevel=10", json=answer)
    return without_storage


@pytest.fixture
def destinations(without_storage, payload):
    """Those of Gold; the other plans have been deleted."""
    without_storage.get(f"{URL}/V2/StoragePolicy", status_code=404)
    for plan in (72, 76, 78):
        without_storage.get(f"{URL}/V4/ServerPlan/{plan}/BackupDestinations", status_code=404)
    without_storage.get(f"{URL}/V4/ServerPlan/71/BackupDestinations", json=payload("v4_backupdestinations"))
    for copy in (2101, 2102):
        answer = payload(f"v5_backupdestination_{copy}")
        without_storage.get(f"{URL}/V5/ServerPlan/71/BackupDestination/{copy}", json=answer)
    return without_storage


def test_where_plans_carry_no_storage_their_policies_know_days_and_cycles_and_no_flags(client, poll, policies):
    plans = fetch(client(), poll()).plans
    rules = rules_of(plans)
    assert set(rules) == {("Gold", "Primary", "basic"), ("Gold", "Secondary", "basic"), ("Archive", "Primary", "basic")}
    rule = rules["Gold", "Primary", "basic"]
    assert (rule.retention_seconds, rule.cycles, rule.aging_enabled) == (14 * DAY, 2, None)
    assert rules["Gold", "Secondary", "basic"].cycles == inf
    assert rules["Archive", "Primary", "basic"].retention_seconds == 30 * DAY
    copy = copies_of(plans)["Gold", "Primary"]
    assert (copy.pool, copy.pool_id, copy.active, copy.managed_disk_space) == ("Apex GDP", "301", None, None)


def test_a_policy_belongs_to_the_plan_that_it_names_or_whose_name_it_has(client, poll, policies):
    plans = by_name(fetch(client(), poll()).plans)
    assert {name: (plan.policy, plan.policy_id) for name, plan in plans.items() if plan.policy} == {
        "Gold": ("Gold policy", "1371"),
        "Archive": ("Archive", "1372"),
    }
    assert (plans["Gold"].company, plans["Gold"].clients) == ("North", 3)


def test_a_policy_deleted_meanwhile_is_left_out(client, poll, policies):
    policies.get(f"{URL}/V2/StoragePolicy/1371?propertyLevel=10", status_code=404)
    assert {plan for plan, _, _ in rules_of(fetch(client(), poll()).plans)} == {"Archive"}


def test_policies_of_which_none_belongs_to_a_plan_are_not_taken_for_no_rules(client, poll, policies):
    stray = {"policies": [{"storagePolicy": {"storagePolicyId": 12, "storagePolicyName": "CommServeDR"}}]}
    policies.get(f"{URL}/V2/StoragePolicy?propertyLevel=20", json=stray)
    with pytest.raises(SourceGarbled, match="GET /V2/StoragePolicy: none of the policies belongs to a plan"):
        fetch(client(), poll())


def test_where_no_policy_is_known_destinations_know_days_and_no_cycles(client, poll, destinations):
    one_client = client()
    plans = fetch(one_client, poll()).plans
    rules = rules_of(plans)
    rule = rules["Gold", "Primary", "basic"]
    assert (rule.retention_seconds, rule.cycles, rule.aging_enabled) == (14 * DAY, None, True)
    assert {key[2]: (r.kind, r.retention_seconds) for key, r in rules.items() if r.rule != "basic"} == {
        "extended_1": ("monthly", 365 * DAY),
        "extended_2": ("all_fulls", inf),
        "extended_3": ("other", 30 * DAY),
    }
    primary, secondary = copies_of(plans)["Gold", "Primary"], copies_of(plans)["Gold", "Secondary"]
    assert (primary.pool_id, primary.active, primary.snapshot) == ("301", True, False)
    assert (secondary.pool, secondary.active, secondary.snapshot) == ("North C", False, True)
    # The way that worked is remembered.
    fetch(one_client, poll())
    assert [call.path for call in destinations.request_history].count("/webconsole/api/v2/storagepolicy") == 1


def test_a_destination_that_does_not_override_its_pool_keeps_as_long_as_the_pool(payload):
    [rule] = parse_destination(payload("v5_backupdestination_2102")).rules
    assert (rule.retention_seconds, rule.aging_enabled) == (45 * DAY, False)


def test_a_snap_destination_that_keeps_recovery_points_has_no_days(payload):
    answer = payload("v5_backupdestination_2101")
    answer["retentionRules"] = {"retentionRuleType": "SNAP_RECOVERY_POINTS", "snapRecoveryPoints": 8}
    [rule] = parse_destination(answer).rules
    assert (rule.retention_seconds, rule.cycles, rule.aging_enabled) == (None, None, None)


def test_destinations_are_listed_under_either_spelling(payload):
    answer = payload("v4_backupdestinations")
    assert parse_destinations(answer) == parse_destinations({"backupDestinations": answer["backupdestinations"]})


def test_a_release_where_nothing_tells_retention_is_not_taken_for_one_without_rules(client, poll, without_storage):
    without_storage.get(f"{URL}/V2/StoragePolicy", status_code=404)
    for plan in (71, 72, 76, 78):
        without_storage.get(f"{URL}/V4/ServerPlan/{plan}/BackupDestinations", status_code=404)
    with pytest.raises(UnexpectedStatus, match="404"):
        fetch(client(), poll())


def test_an_account_that_may_see_neither_plans_nor_policies_is_refused(client, poll, without_storage):
    without_storage.get(f"{URL}/V2/StoragePolicy", json=DENIED)
    without_storage.get(f"{URL}/V4/ServerPlan/71/BackupDestinations", json=DENIED)
    with pytest.raises(SourceRefused, match="GET /V2/StoragePolicy"):
        fetch(client(), poll())


@pytest.mark.parametrize("payload_name", ["plan_derived", "plan_office"])
def test_plans_that_need_no_storage_are_no_reason_to_ask_further(client, poll, requests_mock, payload_name):
    entity = {"plan": {"planId": 1, "planName": "P"}}
    row = {"plan_derived": {"type": 2, "parent": {"planId": 9}}, "plan_office": {"type": 6}}[payload_name]
    requests_mock.get(f"{URL}/Plan", json={"plans": [entity | row]})
    assert len(fetch(client(), poll())) == 1
    assert requests_mock.call_count == 1


def test_a_setting_asks_copies_for_what_the_plans_leave_out(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/Plan", json=payload("plan"))
    copies = requests_mock.get(f"{URL}/V2/StoragePolicy/1371/Copy/2102", json=payload("v2_storagepolicy_copy"))
    for policy, copy in ((1371, 2101), (1372, 2103), (1373, 2104), (1373, 2105), (1374, 2106), (1375, 2107)):
        requests_mock.get(f"{URL}/V2/StoragePolicy/{policy}/Copy/{copy}", status_code=404)
    # The first of the seven are deleted, one is there.
    requests_mock.get(f"{URL}/V2/StoragePolicy/1371/Copy/2101", json={"copy": {"retentionRules": {}}})
    found = copies_of(fetch(client(copy_details=True), poll()).plans)
    assert {key: copy.managed_disk_space for key, copy in found.items() if copy.managed_disk_space is not None} == {
        ("Gold", "Secondary"): True
    }
    assert copies.call_count == 1


@pytest.mark.parametrize(
    "answer", [{"json": DENIED}, {"json": {"errorCode": 2}}, {"status_code": 403}, {"status_code": 404}]
)
def test_copies_that_are_refused_cost_the_plans_nothing(client, poll, requests_mock, payload, answer):
    requests_mock.get(f"{URL}/Plan", json=payload("plan"))
    requests_mock.get(f"{URL}/V2/StoragePolicy/1371/Copy/2101", **answer)
    requests_mock.get(f"{URL}/V2/StoragePolicy/1371/Copy/2102", **answer)
    requests_mock.get(f"{URL}/V2/StoragePolicy/1372/Copy/2103", **answer)
    with_details, without = fetch(client(copy_details=True), poll()), fetch(client(), poll())
    assert with_details == without
    assert requests_mock.call_count < 6


def test_a_server_that_fails_over_details_fails_the_poll(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/Plan", json=payload("plan_kinds"))
    requests_mock.get(f"{URL}/V2/StoragePolicy", status_code=500)
    with pytest.raises(SourceUnreachable, match="GET /V2/StoragePolicy"):
        fetch(client(), poll())
