from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceRefused
from exporter.http import UnexpectedStatus
from exporter.model import DAY, HOUR, Plan
from exporter.sources.commvault.schedules import fetch, parse, parse_summary, parse_tasks

from .conftest import URL

DENIED = {"errorMessage": "Access denied", "errorCode": 5}
MONTH = 30.4375 * DAY
KNOWN = (
    Plan(id="71", name="Gold", policy_id="1371"),
    Plan(id="72", name="Archive", policy_id="1372"),
    Plan(id="73", name="Off"),
)


def full(**pattern):
    return {"backupType": "FULL", "schedulePattern": pattern}


def synthetic(**pattern):
    return {"backupType": "SYNTHETICFULL", "schedulePattern": pattern}


def of(*schedules):
    return parse({"schedules": list(schedules)}, "71", "Gold")


def test_a_plan_says_how_often_it_makes_fulls(payload):
    found = parse(payload("v4_serverplan_rpo"), "71", "Gold")
    assert (found.plan_id, found.plan, found.full_interval_seconds) == ("71", "Gold", 7 * DAY)
    assert (found.synthetic_full, found.synthetic_full_interval_seconds) == (True, 30 * DAY)


@pytest.mark.parametrize(
    ("pattern", "seconds"),
    [
        ({"scheduleFrequencyType": "WEEKLY", "frequency": 1, "weeklyDays": ["SUNDAY", "WEDNESDAY"]}, 3.5 * DAY),
        ({"scheduleFrequencyType": "WEEKLY", "frequency": 4, "weeklyDays": ["SUNDAY"]}, 28 * DAY),
        ({"scheduleFrequencyType": "WEEKLY"}, 7 * DAY),
        ({"scheduleFrequencyType": "DAILY", "frequency": "2"}, 2 * DAY),
        ({"scheduleFrequencyType": "MONTHLY", "frequency": 1, "dayOfMonth": 1}, MONTH),
        ({"scheduleFrequencyType": "MONTHLY", "frequency": 3, "weekOfMonth": "LAST", "dayOfWeek": "FRIDAY"}, 3 * MONTH),
        ({"scheduleFrequencyType": "YEARLY", "frequency": 0}, 12 * MONTH),
        ({"scheduleFrequencyType": "MINUTES", "frequency": 720}, 12 * HOUR),
        ({"scheduleFrequencyType": "AUTOMATIC", "daysBetweenSyntheticFulls": 7}, None),
        ({"scheduleFrequencyType": "LUNAR", "frequency": 1}, None),
        ({}, None),
    ],
)
def test_every_pattern_is_a_time_between_fulls(pattern, seconds):
    assert of(full(**pattern)).full_interval_seconds == pytest.approx(seconds)


def test_several_fulls_make_a_mean_interval():
    weekly = full(scheduleFrequencyType="WEEKLY", frequency=1, weeklyDays=["SUNDAY"])
    monthly = full(scheduleFrequencyType="MONTHLY", frequency=1)
    assert of(weekly, monthly).full_interval_seconds == pytest.approx(1 / (1 / (7 * DAY) + 1 / MONTH))


def test_automatic_synthetic_fulls_come_within_their_days():
    assert of(synthetic(scheduleFrequencyType="AUTOMATIC")).synthetic_full_interval_seconds is None
    found = of(synthetic(scheduleFrequencyType="WEEKLY", frequency=2, weeklyDays=["MONDAY"]))
    assert (found.synthetic_full, found.synthetic_full_interval_seconds) == (True, 14 * DAY)
    assert found.full_interval_seconds is None


def test_a_plan_of_incrementals_has_no_synthetic_fulls_and_one_without_schedules_says_nothing():
    incremental = {"backupType": "INCREMENTAL", "schedulePattern": {"scheduleFrequencyType": "DAILY"}}
    assert of(incremental).synthetic_full is False
    assert of().synthetic_full is parse({}, "71", "Gold").synthetic_full is None


def test_schedules_for_databases_alone_do_not_count(payload):
    daily = full(scheduleFrequencyType="DAILY") | {"forDatabasesOnly": True}
    assert of(daily).full_interval_seconds is None


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"plans": []}, "no field schedules"),
        ({"schedules": [{"schedulePattern": 3}]}, "schedulePattern is of type int"),
        ({"schedules": [full(scheduleFrequencyType=3)]}, "scheduleFrequencyType is of type int"),
        ({"schedules": [full(scheduleFrequencyType="DAILY", frequency="often")]}, "frequency is not a number"),
        ({"schedules": [full(scheduleFrequencyType="WEEKLY", weeklyDays="SUNDAY")]}, "weeklyDays is of type str"),
    ],
)
def test_a_surprise_is_garbled_and_names_endpoint_and_field(answer, field):
    with pytest.raises(SourceGarbled, match=rf"GET /V4/ServerPlan/\{{id\}}/RPO: .*{field}"):
        parse(answer, "71", "Gold")


def test_only_server_plans_are_asked_for_schedules(payload):
    assert parse_summary(payload("v4_plan_summary")) == [("71", "Gold"), ("72", "Archive")]
    with pytest.raises(SourceGarbled, match="GET /V4/Plan/Summary: the answer has no field plan"):
        parse_summary({"plans": [{"planType": "Server"}]})


def test_schedules_belong_to_plans_by_id_or_by_policy(payload):
    found = {s.plan: s for s in parse_tasks(payload("schedules"), KNOWN)}
    # Sundays and Wednesdays are the bits 1 and 8.
    assert found["Gold"].full_interval_seconds == 3.5 * DAY
    assert (found["Gold"].synthetic_full, found["Gold"].synthetic_full_interval_seconds) == (True, 30 * DAY)
    assert found["Archive"].full_interval_seconds == MONTH
    assert found["Archive"].synthetic_full is False


def test_a_disabled_schedule_makes_no_fulls(payload):
    off = next(s for s in parse_tasks(payload("schedules"), KNOWN) if s.plan == "Off")
    assert (off.full_interval_seconds, off.synthetic_full) == (None, None)


def test_plans_that_no_schedule_names_are_left_out():
    assert parse_tasks({"taskDetail": [{"associations": [{"planId": 9}], "subTasks": []}, {}]}, KNOWN) == ()
    assert parse_tasks({}, KNOWN) == ()


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"tasks": []}, "no field taskDetail"),
        ({"taskDetail": [{"task": 1}]}, "task is of type int"),
        ({"taskDetail": [{"subTasks": "none"}]}, "subTasks is of type str"),
        ({"taskDetail": [{"associations": [{"planId": 1.5}]}]}, "planId is of type float"),
        ({"taskDetail": [{"subTasks": [{"subTask": {"operationType": 2}, "pattern": []}]}]}, "pattern is of type list"),
    ],
)
def test_schedules_in_a_surprising_shape_are_garbled(answer, field):
    with pytest.raises(SourceGarbled, match=f"GET /Schedules: .*{field}"):
        parse_tasks(answer, KNOWN)


def test_one_call_per_plan_reads_its_schedules(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/V4/Plan/Summary", json=payload("v4_plan_summary"))
    requests_mock.get(f"{URL}/V4/ServerPlan/71/RPO", json=payload("v4_serverplan_rpo"))
    requests_mock.get(f"{URL}/V4/ServerPlan/72/RPO", json={"schedules": []})
    assert [found.plan for found in fetch(client(), poll())] == ["Gold", "Archive"]
    assert requests_mock.call_count == 3


def test_a_plan_deleted_meanwhile_is_left_out(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/V4/Plan/Summary", json=payload("v4_plan_summary"))
    requests_mock.get(f"{URL}/V4/ServerPlan/71/RPO", status_code=404)
    requests_mock.get(f"{URL}/V4/ServerPlan/72/RPO", json=payload("v4_serverplan_rpo"))
    assert [found.plan for found in fetch(client(), poll())] == ["Archive"]


def test_where_plans_have_no_summary_their_list_has_them(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/V4/Plan/Summary", status_code=404)
    requests_mock.get(f"{URL}/Plan", json=payload("plan_without_storage"))
    for plan in (71, 72, 76):
        requests_mock.get(f"{URL}/V4/ServerPlan/{plan}/RPO", json=payload("v4_serverplan_rpo"))
    assert [found.plan for found in fetch(client(), poll())] == ["Gold", "Archive", "Derived"]


def test_an_old_release_tells_all_schedules_at_once_and_is_not_asked_otherwise_again(
    client, poll, requests_mock, payload
):
    requests_mock.get(f"{URL}/V4/Plan/Summary", status_code=404)
    requests_mock.get(f"{URL}/Plan", json=payload("plan"))
    for plan in range(71, 77):
        requests_mock.get(f"{URL}/V4/ServerPlan/{plan}/RPO", status_code=404)
    requests_mock.get(f"{URL}/Schedules", json=payload("schedules"))
    one_client = client()
    assert {found.plan for found in fetch(one_client, poll())} == {"Gold", "Archive", "Pooled"}
    # The summary, the plans, three vain calls, and both lists for good.
    assert requests_mock.call_count == 7
    fetch(one_client, poll())
    assert requests_mock.call_count == 9


def test_who_may_see_no_schedules_is_refused(client, poll, requests_mock):
    for path in ("V4/Plan/Summary", "Plan", "V2/Plan", "Schedules"):
        requests_mock.get(f"{URL}/{path}", json=DENIED)
    with pytest.raises(SourceRefused):
        fetch(client(), poll())


def test_a_release_without_any_of_the_calls_says_so(client, poll, requests_mock):
    for path in ("V4/Plan/Summary", "Plan", "V2/Plan", "Schedules"):
        requests_mock.get(f"{URL}/{path}", status_code=404)
    with pytest.raises(UnexpectedStatus):
        fetch(client(), poll())


def test_where_no_plan_is_left_of_a_few_the_other_list_is_asked(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/V4/Plan/Summary", json=payload("v4_plan_summary"))
    for plan in (71, 72):
        requests_mock.get(f"{URL}/V4/ServerPlan/{plan}/RPO", status_code=404)
    requests_mock.get(f"{URL}/Plan", json=payload("plan"))
    requests_mock.get(f"{URL}/Schedules", json=payload("schedules"))
    assert len(fetch(client(), poll())) == 3
