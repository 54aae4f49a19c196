"""Retention as GET /Plan and the policies tell it."""

from .commserve_client import Client


def test_a_plan_carries_its_copies_with_days_and_cycles(client, estate):
    rows = {row["plan"]["planName"]: row for row in client.get("Plan")["plans"]}
    short = rows["Short"]
    assert (short["type"], short["subtype"], short["rpoInMinutes"]) == (2, 33554437, 1440)
    primary = short["storage"]["copy"][0]
    assert (primary["isDefault"], primary["copyPrecedence"], primary["active"]) == (1, 1, 1)
    rules = primary["retentionRules"]
    assert (rules["retainBackupDataForDays"], rules["retainBackupDataForCycles"]) == (14, 1)
    assert rules["retentionFlags"]["enableDataAging"] == 1
    estate.tell("retention_regressed", "Short")
    again = next(row for row in client.get("Plan")["plans"] if row["plan"]["planName"] == "Short")
    assert again["storage"]["copy"][0]["retentionRules"]["retainBackupDataForCycles"] == 2


def test_a_derived_plan_has_a_parent_and_no_storage(client):
    last = client.get("Plan")["plans"][-1]
    assert last["parent"]["planName"] == "Gold"
    assert "storage" not in last


def test_infinite_is_minus_one_and_extended_rules_are_there(client):
    copies = [copy for plan in client.get("Plan")["plans"] for copy in plan.get("storage", {}).get("copy", [])]
    assert len(copies) == 30
    kept = {
        (c["retentionRules"]["retainBackupDataForDays"], c["retentionRules"]["retainBackupDataForCycles"])
        for c in copies
    }
    assert (-1, -1) in kept
    monthly = [copy for copy in copies if copy["retentionRules"]["extendedRetentionRuleOne"]["isEnabled"]]
    assert {copy["retentionRules"]["extendedRetentionRuleOne"]["rule"] for copy in monthly} == {8}
    assert {copy["active"] for copy in copies} == {0, 1}
    assert {} in [copy["dedupeFlags"] for copy in copies]


def test_a_copy_points_at_its_pool(client):
    pools = {row["storagePoolEntity"]["storagePoolId"] for row in client.get("StoragePool")["storagePoolList"]}
    for plan in client.get("Plan")["plans"]:
        for copy in plan.get("storage", {}).get("copy", []):
            assert copy["useGlobalPolicy"]["storagePolicyId"] in pools


def test_only_the_copy_itself_tells_managed_disk_space(client):
    policies = client.get("V2/StoragePolicy")["policies"]
    assert len(policies) == 11
    told = set()
    for plan in client.get("Plan")["plans"][:-1]:
        policy = plan["storage"]["storagePolicy"]["storagePolicyId"]
        copy = plan["storage"]["copy"][0]["StoragePolicyCopy"]["copyId"]
        answer = client.get(f"V2/StoragePolicy/{policy}/Copy/{copy}")
        assert answer["error"]["errorCode"] == 0
        assert answer["copy"]["mediaAgent"]["mediaAgentName"].startswith("ma")
        told.add(answer["copy"]["retentionRules"]["retentionFlags"]["enableManagedDiskSpace"])
    assert told == {0, 1}
    assert client.get("V2/StoragePolicy/1/Copy/1")["errorCode"] == 2


def test_a_release_may_list_plans_without_storage(make):
    assert not any("storage" in plan for plan in Client(make(generation="v5")).get("Plan")["plans"])


def test_a_policy_tells_days_and_cycles_of_its_copies_and_no_flags(client):
    row = client.get("Plan")["plans"][1]
    policy = row["storage"]["storagePolicy"]["storagePolicyId"]
    [told] = client.get(f"V2/StoragePolicy/{policy}?propertyLevel=10")["policies"]
    ids = [copy["StoragePolicyCopy"]["copyId"] for copy in told["copies"]]
    assert ids == [copy["StoragePolicyCopy"]["copyId"] for copy in row["storage"]["copy"]]
    rules = told["copies"][0]["retentionRules"]
    assert set(rules) == {"retainBackupDataForDays", "retainBackupDataForCycles", "retainArchiverDataForDays"}
    assert client.ask("V2/StoragePolicy/1").status == 404
    assert "copies" not in client.get(f"V2/StoragePolicy/{policy}")["policies"][0]


def test_policies_name_their_plans_when_asked_for_more(client):
    assert "plans" not in client.get("V2/StoragePolicy")["policies"][0]
    first = client.get("V2/StoragePolicy?propertyLevel=20")["policies"][0]
    assert first["plans"] == [{"planId": 71, "planName": "Gold"}]


def test_a_newer_release_tells_days_of_each_destination_and_no_cycles(make, estate):
    client = Client(make(generation="v5"))
    row = next(row for row in client.get("Plan")["plans"] if row["plan"]["planName"] == "Short")
    assert "storage" not in row
    plan = row["plan"]["planId"]
    listed = client.get(f"V4/ServerPlan/{plan}/BackupDestinations")["backupdestinations"]
    assert listed == client.get(f"V4/ServerPlan/{plan}")["backupDestinations"]
    copy = listed[0]["planBackupDestination"]["id"]
    told = client.get(f"V5/ServerPlan/{plan}/BackupDestination/{copy}")
    assert told["retentionRules"]["retentionPeriodDays"] == 14
    assert told["general"]["isActive"] is True
    assert client.ask(f"V5/ServerPlan/{plan}/BackupDestination/1").status == 404
    assert client.ask("V5/ServerPlan/1/BackupDestination/1").status == 404


def test_the_summary_counts_the_plans_and_says_which_are_derived(client):
    told = client.get("V4/Plan/Summary")
    assert told["plansCount"] == len(told["plans"]) == len(client.get("V4/PlanIds")["entities"])
    assert [row["parentPlan"]["name"] for row in told["plans"] if "parentPlan" in row] == ["Gold"]


def test_an_old_release_has_no_server_plans(make):
    client = Client(make(generation="v2"))
    assert client.ask("V4/PlanIds").status == client.ask("V4/ServerPlan/71/RPO").status == 404
