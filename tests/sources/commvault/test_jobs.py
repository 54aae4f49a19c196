from __future__ import annotations

import math

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.model import DAY, HOUR
from exporter.sources.commvault.jobs import fetch, parse

from .conftest import AT, URL

DENIED = {"errorMessage": "Access denied", "errorCode": 5}


@pytest.fixture
def page(payload):
    return parse(job["jobSummary"] for job in payload("jobs")["jobs"])


@pytest.fixture
def found(page):
    return {job.id: job for job in page.finished}


def summary(**changed):
    usual = {"jobId": 1, "status": "Completed", "jobType": "Backup", "jobStartTime": 100, "jobEndTime": 160}
    return {key: value for key, value in (usual | changed).items() if value is not None}


def one(**changed):
    [job] = parse([summary(**changed)]).finished
    return job


def test_the_operation_is_the_untranslated_type_and_for_backups_the_level(found):
    assert {job_id: job.operation for job_id, job in found.items() if job_id <= 2013} == {
        2001: "backup_full",
        2002: "backup_incremental",
        2003: "backup_incremental",
        2004: "backup_synthetic_full",
        2005: "backup_synthetic_full",
        2006: "backup_full",
        2007: "data_aging",
        2008: "auxiliary_copy",
        2009: "ddb_verification",
        2010: "ddb_space_reclamation",
        2011: "restore",
        2012: "other",
        2013: "other",
    }


def test_a_ddb_backup_is_no_full_of_a_client(found):
    assert (found[2012].operation, found[2013].operation) == ("other", "other")


def test_an_unknown_type_or_level_is_other(found):
    assert (found[2021].operation, found[2024].operation) == ("other", "other")
    assert one(jobType=None).operation == "other"
    assert one(backupLevel=3).operation == "other"


@pytest.mark.parametrize(
    ("level", "operation"),
    [(1, "full"), (2, "incremental"), (4, "incremental"), (64, "synthetic_full"), ("64", "synthetic_full")],
)
def test_a_level_without_a_name_is_read_by_its_number(level, operation):
    assert one(backupLevel=level).operation == f"backup_{operation}"


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("Completed", "success"),
        ("Completed w/ one or more errors", "partial"),
        ("Completed w/ one or more warnings", "partial"),
        ("Committed", "partial"),
        ("Failed", "failed"),
        ("Failed to Start", "failed"),
        ("Killed", "killed"),
        ("System Killed", "killed"),
        ("No Run", "other"),
        ("Skipped", "other"),
    ],
)
def test_the_result_is_read_from_the_status(status, result):
    assert one(status=status).result == result


@pytest.mark.parametrize(
    "status",
    ["Running", "Waiting", "Pending", "Queued", "Suspended", "Kill Pending", "Suspend Pending", "Interrupt Pending",
     "Dangling Cleanup"],
)  # fmt: skip
def test_a_job_that_has_not_ended_is_counted_and_not_stored(status):
    page = parse([summary(status=status, jobEndTime=0, lastUpdateTime=120, backupLevelName="Full")])
    assert (page.finished, page.running) == ((), {1: "backup_full"})


def test_a_job_in_an_unknown_state_is_stored_once_it_has_an_end(page, found):
    assert found[2017].result == "other"
    assert 2018 not in found
    assert sorted(page.running) == [2015, 2016]


def test_a_job_that_is_not_visible_does_not_count(found):
    assert 2022 not in found


def test_the_end_is_the_first_that_a_release_tells(found):
    assert found[2001].ended_at == 1773500600
    assert found[2019].ended_at == 1773500600
    assert found[2020].ended_at == 1773500600
    assert one(jobEndTime=None, lastUpdateTime=190).ended_at == 190
    assert one(jobEndTime=None, jobElapsedTime=30).ended_at == 130


def test_a_job_that_failed_to_start_began_when_it_ended_or_as_long_before_as_it_took(found):
    assert (found[2014].started_at, found[2014].ended_at) == (1773500000, 1773500600)
    assert one(status="Failed to Start", jobStartTime=None).started_at == 160


def test_a_job_is_known_by_client_and_the_path_to_its_subclient(found):
    assert (found[2001].client, found[2001].subclient) == (
        "file0001",
        "Windows File System/defaultBackupSet/default",
    )
    assert (found[2011].client, found[2011].subclient) == ("file0002", "")
    assert one(destinationClient={"clientName": "file0003"}).client == "file0003"


def test_the_policy_is_the_storage_policy_where_there_is_one(found):
    assert (found[2001].policy_id, found[2007].policy_id) == ("1371", "")


def test_sizes_are_bytes_and_unknown_ones_none(found):
    assert (found[2001].application_bytes, found[2001].media_bytes) == (549755813888, 54760833024)
    assert (found[2007].application_bytes, found[2023].application_bytes, found[2023].media_bytes) == (0, None, None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"jobId": None}, "no field 'jobId'"),
        ({"status": None}, "no field 'status'"),
        ({"status": 3}, "unexpected value"),
        ({"jobType": ["Backup"]}, "jobType is of type list"),
        ({"jobStartTime": {"value": 1}}, "jobStartTime is of type dict"),
        ({"subclient": "default"}, "subclient is of type str"),
        ({"storagePolicy": {"storagePolicyId": []}}, "storagePolicyId is of type list"),
        ({"jobEndTime": 0}, "job 1 has no jobEndTime, lastUpdateTime or jobElapsedTime"),
    ],
)
def test_a_surprise_is_garbled_and_names_endpoint_and_field(changed, field):
    with pytest.raises(SourceGarbled, match=f"GET /Job: .*{field}"):
        parse([summary(**changed)], "GET /Job")


class Jobs:
    """A CommServe with one page of jobs under both names; it keeps what it was asked."""

    def __init__(self, mock, payload):
        self.mock = mock
        self.payload = payload("jobs")
        self.post(self.payload)
        mock.get(f"{URL}/Job", json=self.payload)

    def post(self, body, status=200):
        self.mock.post(f"{URL}/Jobs", json=body, status_code=status)

    @property
    def lookups(self):
        return [request.json()["jobFilter"]["completedJobLookupTime"] for request in self.mock.request_history]


@pytest.fixture
def cs(requests_mock, payload):
    return Jobs(requests_mock, payload)


def test_admin_jobs_and_jobs_whose_data_aged_are_asked_for(cs, client, poll):
    fetch(client(), poll())
    body = cs.mock.last_request.json()
    assert body["jobFilter"]["hideAdminJobs"] is False
    assert body["jobFilter"]["showAgedJobs"] is True
    assert body["category"] == 0


def test_the_first_fill_goes_back_as_far_as_lookback(cs, client, poll):
    fetch(client(lookback="10d"), poll())
    assert cs.lookups == [10 * DAY]


def test_later_polls_go_back_to_the_last_success_and_two_hours(cs, client, poll):
    fetch(client(), poll(since=AT - 300.5))
    assert cs.lookups == [math.ceil(300.5 + 2 * HOUR)]


def test_a_clock_that_was_set_back_still_overlaps(cs, client, poll):
    fetch(client(), poll(since=AT + 999))
    assert cs.lookups == [2 * HOUR]


def test_after_a_restart_what_the_ledger_holds_is_not_read_again(cs, client, poll):
    fetch(client(lookback="10d"), poll())
    fetch(client(lookback="10d"), poll(at=AT + 3600))
    assert cs.lookups == [10 * DAY, 3 * HOUR]


def test_a_longer_lookback_fills_the_ledger_anew(cs, client, poll):
    fetch(client(lookback="10d"), poll())
    fetch(client(lookback="20d"), poll(at=AT + 3600))
    assert cs.lookups == [10 * DAY, 20 * DAY]


def test_a_first_fill_that_broke_off_is_begun_again(cs, client, poll, memory):
    cs.post({"totalRecordsWithoutPaging": 99, "jobs": cs.payload["jobs"][:3]})
    cs.mock.post(
        f"{URL}/Jobs",
        [{"json": {"totalRecordsWithoutPaging": 99, "jobs": cs.payload["jobs"][:3]}}, {"json": {}, "status_code": 503}],
    )
    with pytest.raises(SourceUnreachable):
        fetch(client(lookback="10d"), poll())
    assert len(memory.stored) == 3

    cs.post(cs.payload)
    fetch(client(lookback="10d"), poll())
    assert cs.lookups[-1] == 10 * DAY


def test_finished_jobs_go_to_the_ledger_once_and_running_ones_never(cs, client, poll, memory):
    for _ in range(2):
        fetch(client(), poll())
    assert len(memory.stored) == 20
    assert {2015, 2016, 2018, 2022}.isdisjoint(memory.stored)


def test_pages_are_stored_one_by_one(client, poll, requests_mock, payload, memory):
    """What was read before a page came is already in the ledger: memory holds a page and not the history."""
    listed = payload("jobs")["jobs"]
    stored_before = []

    def answer(request, context):
        offset = request.json()["pagingConfig"]["offset"]
        stored_before.append(len(memory.stored))
        return {"totalRecordsWithoutPaging": len(listed), "jobs": listed[offset : offset + 8]}

    requests_mock.post(f"{URL}/Jobs", json=answer)
    fetch(client(), poll())
    assert stored_before == [0, 8, 14]


def operation(history, name):
    [found] = [o for o in history.operations if o.operation == name]
    return found


def test_running_jobs_are_counted_by_operation(cs, client, poll):
    history = fetch(client(), poll())
    assert (operation(history, "backup_full").running, operation(history, "data_aging").running) == (2, 0)


@pytest.mark.parametrize("answer", [({}, 404), ({}, 400), (DENIED, 200), ({}, 403)])
def test_where_post_is_unknown_or_refused_get_is_asked_from_then_on(cs, client, poll, answer):
    cs.post(*answer)
    one_client = client()
    for _ in range(2):
        assert operation(fetch(one_client, poll()), "backup_full").finished_24h == 6
    assert [request.method for request in cs.mock.request_history] == ["POST", "GET", "GET"]


def test_get_asks_for_all_types_and_pages_by_headers_and_parameters(cs, client, poll):
    cs.post({}, 404)
    fetch(client(lookback="1d"), poll())
    asked = cs.mock.last_request
    assert "jobFilter=&" in asked.query.replace("jobfilter", "jobFilter") + "&"
    assert {key: asked.qs[key] for key in ("completedjoblookuptime", "jobcategory", "hideadminjobs", "offset")} == {
        "completedjoblookuptime": ["86400"],
        "jobcategory": ["all"],
        "hideadminjobs": ["false"],
        "offset": ["0"],
    }
    assert (asked.headers["limit"], asked.headers["offset"]) == (asked.qs["limit"][0], "0")


def test_a_refusal_of_both_is_told_with_the_first(cs, client, poll):
    cs.post(DENIED)
    cs.mock.get(f"{URL}/Job", json=DENIED)
    with pytest.raises(SourceRefused, match="POST /Jobs"):
        fetch(client(), poll())
