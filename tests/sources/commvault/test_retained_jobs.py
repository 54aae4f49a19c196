"""What copies keep and why, and how the ledger learns what has aged."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from requests import ConnectTimeout

from exporter.errors import SourceGarbled, SourceUnreachable
from exporter.http import UnexpectedStatus
from exporter.model import DAY, HOUR, Job
from exporter.sources.commvault import Commvault
from exporter.sources.commvault.retained_jobs import CopyJob, fetch, first_copy_only, parse

from .conftest import AT, URL

DENIED = {"errorMessage": "Access denied", "errorCode": 5}
PLANS = {
    "plans": [
        {
            "plan": {"planId": 71, "planName": "Gold"},
            "storage": {
                "storagePolicy": {"storagePolicyId": 1371, "storagePolicyName": "Gold"},
                "copy": [
                    {"StoragePolicyCopy": {"copyId": copy, "copyName": str(copy)}, "retentionRules": {}}
                    for copy in (2101, 2102)
                ],
            },
        }
    ]
}


def row(job_id=1, **fields):
    return {"jobId": job_id, "status": "Completed", "isAged": False, "dataWritten": 100} | fields


def kept(job_id, until=AT + DAY, **fields):
    return row(job_id, retainUntil=until, retainedBy=1, **fields)


def reason(**fields):
    [job] = parse({"jobs": [row(**fields)]}, AT)
    return job.reason


@pytest.fixture
def commcell(requests_mock):
    """Sets what the two copies of a plan list."""
    requests_mock.get(f"{URL}/Plan", json=PLANS)

    def lists(**answers):
        for copy, answer in answers.items():
            requests_mock.get(f"{URL}/V4/Plan/BackupDestination/{copy[1:]}/Jobs", **answer)

    def both(first, second=()):
        lists(_2101={"json": {"jobs": list(first)}}, _2102={"json": {"jobs": list(second)}})

    both.answers = lists
    return both


def test_every_job_of_a_copy_is_kept_for_a_reason_or_has_aged(payload):
    jobs = parse(payload("v4_backupdestination_2101_jobs"), AT)
    assert {job.id: job.reason for job in jobs} == {
        1001: "basic_days",
        1002: "basic_days",
        981: "basic_cycles",
        1020: "job_running",
        1019: "not_copied",
        700: "manual",
        960: "",
        961: "",
    }
    assert jobs[0] == CopyJob(id=1001, reason="basic_days", bytes=54760833024.0, until=1774742400.0)
    assert {job.id: job.until for job in jobs if job.id in (700, 960)} == {700: math.inf, 960: None}


def test_numbers_may_be_text(payload):
    assert [(job.id, job.reason, job.bytes) for job in parse(payload("v4_backupdestination_2102_jobs"), AT)] == [
        (1001, "basic_days", 55834574848.0),
        (960, "extended_retention", 33285996544.0),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"retentionReason": "BASIC_DAYS"}, "basic_days"),
        ({"retentionReason": "Basic cycles"}, "basic_cycles"),
        ({"retentionReason": "NOT_COPIED"}, "not_copied"),
        ({"retentionReason": "Job is to be copied"}, "not_copied"),
        ({"retentionReason": "INFINITE"}, "infinite"),
        ({"retentionReason": "JOBRUNNING"}, "job_running"),
        ({"status": "Suspended", "retentionReason": "BASIC_DAYS"}, "job_running"),
        ({"retentionReason": "Manually retained"}, "manual"),
        ({"retentionReason": "EXTENDED_RETENTION"}, "extended_retention"),
        ({"retentionReason": "Monthly full", "retainedBy": 2, "retainUntil": AT + DAY}, "extended_retention"),
        ({"strRetainedBy": "Extended Retention"}, "extended_retention"),
        ({"retainedBy": 4, "retainUntil": -1, "retentionReason": "for 9 days"}, "manual"),
        ({"strRetainedBy": "User"}, "manual"),
        ({"retainedBy": 1, "retainUntil": -1}, "infinite"),
        ({"retainedBy": 1, "retainUntil": AT + 200 * 365 * DAY}, "infinite"),
        ({"retentionReason": "BASIC_DAYS", "retainUntil": -1}, "infinite"),
        ({"retainedBy": 1, "retainUntil": AT + DAY}, "basic_days"),
        ({"retainedBy": 1, "retainUntil": AT - DAY}, "basic_cycles"),
        ({"retainedBy": 1, "retentionReason": "14 days, 2 cycles", "retainUntil": AT - DAY}, "basic_cycles"),
        ({"retainedBy": 1}, "other"),
        ({"retentionReason": "by a full moon"}, "other"),
        ({"retainedBy": 77, "strRetainedBy": "User"}, "other"),
        ({"strRetainedBy": "No Data Available"}, "other"),
        ({}, "other"),
    ],
)
def test_a_reason_is_one_of_a_few(fields, expected):
    assert reason(**fields) == expected


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        ({"jobs": [{"status": "Completed"}]}, "jobId"),
        ({"jobs": [row(retainUntil="tomorrow")]}, "retainUntil"),
        ({"jobs": [row(dataWritten=[])]}, "dataWritten"),
        ({"jobs": [row(isAged={})]}, "isAged"),
        ({"jobs": {}}, "jobs"),
        ({"list": []}, "jobs"),
    ],
)
def test_an_answer_of_another_shape_is_garbled(payload, names):
    with pytest.raises(SourceGarbled, match=rf"GET /V4/Plan/BackupDestination/{{id}}/Jobs.*{names}"):
        parse(payload, AT)


def test_a_copy_says_what_it_keeps_by_reason_and_what_has_aged(client, poll, commcell, payload):
    commcell.answers(
        _2101={"json": payload("v4_backupdestination_2101_jobs")},
        _2102={"json": payload("v4_backupdestination_2102_jobs")},
    )
    first, second = fetch(client(), poll())
    assert first.copy_id == "2101"
    assert first.jobs == {"basic_days": 2, "basic_cycles": 1, "job_running": 1, "not_copied": 1, "manual": 1}
    assert first.bytes["basic_days"] == 54760833024 + 1073741824
    assert (first.aged_jobs, first.aged_bytes) == (2, 32212254720 + 1073741824)
    assert (first.aged_total_jobs, first.aged_total_bytes) == (0, 0.0)
    assert second.jobs == {"basic_days": 1, "extended_retention": 1}
    assert (second.aged_jobs, second.aged_bytes) == (0, 0.0)


def test_all_jobs_since_ever_are_asked_for_aged_or_not(client, poll, commcell, requests_mock):
    commcell([])
    fetch(client(), poll())
    asked = requests_mock.request_history[-1]
    assert asked.qs == {"view": ["custom"], "ageddata": ["2"], "starttime": ["1"], "endtime": [str(int(AT))]}


def test_a_size_that_is_not_told_makes_no_sum(client, poll, commcell):
    commcell([row(1, retentionReason="INFINITE", dataWritten=-1), row(2, isAged=True, dataWritten=None), kept(3)])
    [first, _] = fetch(client(), poll())
    assert first.jobs == {"infinite": 1, "basic_days": 1}
    assert first.bytes == {"basic_days": 100.0}
    assert (first.aged_jobs, first.aged_bytes) == (1, None)


def test_what_a_copy_kept_before_and_keeps_no_more_has_aged_and_is_counted_once(client, poll, commcell):
    commcell([kept(1), kept(2, dataWritten=70), kept(3)])
    asks = client()
    fetch(asks, poll())
    commcell([kept(1), row(3, isAged=True)])
    [first, second] = fetch(asks, poll(at=AT + DAY))
    assert (first.aged_total_jobs, first.aged_total_bytes) == (2, 170.0)
    assert (first.aged_jobs, first.aged_bytes) == (1, 100.0)
    assert (second.aged_total_jobs, second.aged_total_bytes) == (0, 0.0)
    commcell([])
    [first, _] = fetch(asks, poll(at=AT + 2 * DAY))
    assert (first.aged_total_jobs, first.aged_total_bytes) == (3, 270.0)


def test_what_was_kept_is_remembered_over_a_restart(client, poll, commcell):
    commcell([kept(1), kept(2)])
    fetch(client(), poll())
    commcell([kept(2)])
    [first, _] = fetch(client(), poll(at=AT + HOUR))
    assert first.aged_total_jobs == 1


def aged_in(memory):
    return {job.id: (job.aged, job.retained_until) for job in memory.jobs(0)}


def finished(*ids):
    one = Job(id=0, operation="backup_full", result="success", started_at=AT - 2 * DAY, ended_at=AT - DAY)
    return [replace(one, id=job_id) for job_id in ids]


def test_the_ledger_learns_until_when_a_job_is_kept_and_which_has_aged(client, poll, commcell, memory):
    memory.add_jobs(finished(1, 2, 3, 4))
    commcell([kept(1, until=AT + DAY), row(2, isAged=True), row(4, retentionReason="INFINITE", retainUntil=-1)])
    fetch(client(), poll())
    assert aged_in(memory) == {1: (False, AT + DAY), 2: (True, None), 3: (None, None), 4: (False, math.inf)}


def test_a_job_has_aged_when_no_copy_keeps_it(client, poll, commcell, memory):
    memory.add_jobs(finished(1, 2))
    commcell([kept(1, until=AT + DAY), kept(2)], [kept(1, until=AT + 30 * DAY), kept(2)])
    asks = client()
    fetch(asks, poll())
    assert aged_in(memory)[1] == (False, AT + 30 * DAY)

    # Aged and still listed on the one, aged and freed on the other.
    commcell([row(1, isAged=True)], [kept(1, until=AT + 30 * DAY)])
    fetch(asks, poll(at=AT + DAY))
    assert aged_in(memory)[1] == (False, AT + 30 * DAY)
    assert aged_in(memory)[2][0] is True

    commcell([], [])
    fetch(asks, poll(at=AT + 2 * DAY))
    assert aged_in(memory)[1][0] is True


def test_each_copy_is_asked_once_a_day_and_not_all_at_once(client, poll, commcell, requests_mock):
    commcell([kept(1)], [kept(1)])
    asks = client()
    fetch(asks, poll())
    per_quarter = []
    for quarter in range(1, 96 + 1):
        requests_mock.reset_mock()
        assert len(fetch(asks, poll(at=AT + quarter * HOUR / 4))) == 2
        per_quarter.append([r.path.rpartition("/api/")[2] for r in requests_mock.request_history])
    assert [asked for asked in per_quarter if asked] == [
        ["v4/plan/backupdestination/2101/jobs"],
        ["plan", "v4/plan/backupdestination/2102/jobs"],
    ]


def test_a_copy_that_has_been_deleted_is_left_out(client, poll, commcell):
    commcell.answers(_2101={"json": {"jobs": [kept(1)]}}, _2102={"status_code": 404, "json": {}})
    assert [found.copy_id for found in fetch(client(), poll())] == ["2101"]


def test_a_poll_that_breaks_off_goes_on_where_it_was(client, poll, commcell, requests_mock):
    commcell.answers(_2101={"json": {"jobs": [kept(1)]}}, _2102={"exc": ConnectTimeout})
    asks = client()
    with pytest.raises(SourceUnreachable):
        fetch(asks, poll())
    commcell.answers(_2102={"json": {"jobs": []}})
    requests_mock.reset_mock()
    assert [found.copy_id for found in fetch(asks, poll())] == ["2101", "2102"]
    assert [r.path.rpartition("/")[0][-4:] for r in requests_mock.request_history] == ["2102"]


def test_a_copy_that_is_refused_does_not_cost_the_others(client, poll, commcell):
    commcell.answers(_2101={"json": {"jobs": [kept(1)]}}, _2102={"json": DENIED})
    assert [found.copy_id for found in fetch(client(), poll())] == ["2101"]


def test_a_release_without_the_call_says_so(client, poll, commcell):
    commcell.answers(_2101={"status_code": 404, "json": {}}, _2102={"status_code": 404, "json": {}})
    with pytest.raises(UnexpectedStatus, match="404"):
        fetch(client(), poll())


def test_a_check_asks_for_one_copy(client, poll, commcell, requests_mock):
    commcell([kept(1)], [kept(1)])
    asks = client()
    first_copy_only(asks, poll())
    assert [found.copy_id for found in fetch(asks, poll())] == ["2101"]
    assert [r.path.rpartition("/api/")[2] for r in requests_mock.request_history] == [
        "plan",
        "v4/plan/backupdestination/2101/jobs",
    ]


@pytest.mark.parametrize(("chosen", "there"), [({}, False), ({"retained_jobs": True}, True)])
def test_the_collector_is_there_where_it_is_asked_for(settings, telemetry, chosen, there):
    source = Commvault(settings(**chosen), telemetry)
    assert ("retained_jobs" in {collector.name for collector in source.collectors}) is there
    source.close()
