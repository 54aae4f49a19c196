"""Schedules of plans and of data aging, and operation windows."""

import pytest

from exporter.simulator.retention import BACKUP_HOUR, day_of, noon_of
from exporter.simulator.sizes import DAY


def test_data_aging_runs_at_noon(client):
    [aging] = client.get("Schedules?operationType=DATA_AGING")["taskDetail"]
    assert aging["subTasks"][0]["pattern"]["active_start_time"] == 43200


def test_each_plan_has_incrementals_and_fulls_by_its_own_rhythm(client, estate):
    tasks = client.get("Schedules?operationType=BACKUP")["taskDetail"]
    levels = {}
    for task in tasks:
        [association] = task["associations"]
        daily, fulls = task["subTasks"]
        assert daily["options"]["backupOpts"]["backupLevel"] == "INCREMENTAL"
        levels[association["entityId"]] = fulls["options"]["backupOpts"]["backupLevel"], fulls["pattern"]["freq_type"]
    assert levels == {
        plan.id: ("SYNTHETIC_FULL", 1024) if plan.synthetic else ("FULL", 8) for plan in estate.landscape.plans
    }


def test_all_schedules_come_together_and_others_are_none(client, estate):
    assert len(client.get("Schedules")["taskDetail"]) == 1 + len(estate.landscape.plans)
    assert client.get("Schedules?operationType=RESTORE") == {}


def test_synthetic_fulls_come_when_the_product_sees_a_need(client, estate):
    for plan in estate.landscape.plans:
        incremental, full = client.get(f"V4/ServerPlan/{plan.id}/RPO")["schedules"]
        assert incremental["backupType"] == "INCREMENTAL"
        pattern = full["schedulePattern"]
        if plan.synthetic:
            assert (full["backupType"], pattern["scheduleFrequencyType"]) == ("SYNTHETICFULL", "AUTOMATIC")
            assert pattern["daysBetweenSyntheticFulls"] == plan.full_every
        else:
            assert (full["backupType"], pattern["frequency"] * 7) == ("FULL", plan.full_every)


def test_fulls_run_on_the_day_of_the_week_that_is_scheduled(client, estate):
    today = day_of(estate.time)
    for plan in estate.landscape.plans:
        if plan.synthetic:
            continue
        day = next(day for day in range(today, today + 28) if plan.is_full(day))
        # Day 0 of the epoch was a Thursday, the fourth day from Sunday.
        started_on = (int((noon_of(day) + BACKUP_HOUR) // DAY) + 4) % 7
        pattern = client.get(f"V4/ServerPlan/{plan.id}/RPO")["schedules"][1]["schedulePattern"]
        weekdays = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
        assert pattern["weeklyDays"] == [weekdays[started_on]]


def test_the_commcell_has_the_windows_that_it_is_given(client, estate):
    assert client.get("OperationWindow/OpWindowList?clientId=0") == {"error": {"errorCode": 0}, "operationWindow": []}
    estate.windows.append({"ruleId": 7, "name": "closed", "operations": [1048576], "dayTime": []})
    [window] = client.get("OperationWindow/OpWindowList?clientId=0")["operationWindow"]
    assert window["name"] == "closed"


def test_an_agent_has_windows_of_its_own(client):
    [window] = client.get("OperationWindow/OpWindowList?clientId=601")["operationWindow"]
    assert window["operations"] == [131072]
    assert client.get("OperationWindow/OpWindowList?clientId=602")["operationWindow"] == []


@pytest.mark.parametrize("path", ["", "/RPO", "/BackupDestinations"])
def test_there_is_no_plan_that_does_not_exist(client, path):
    assert client.ask(f"V4/ServerPlan/999{path}").status == 404
