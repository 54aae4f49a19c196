"""Which calls tell what plans keep: of this release, of older ones, and where they are refused."""

from __future__ import annotations

from math import inf

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.http import UnexpectedStatus
from exporter.model import DAY
from exporter.sources.commvault.plans import (
    fetch,
    parse_destination,
    parse_destinations,
)

from .conftest import URL
from .plan_index import by_name, copies_of, rules_of

DENIED = {"errorMessage": "Access denied", "errorCode": 5}


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
    assert (primary.pool_id, primary.active) == ("301", True)
    assert (secondary.pool, secondary.active) == ("North C", False)
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
