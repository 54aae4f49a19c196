"""What a poll asks for, what it stores, and how the past is filled in."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.model import DAY, HOUR, MINUTE, Job
from exporter.sources.commvault import job_pages
from exporter.sources.commvault.jobs import fetch, last_poll

from .conftest import AT, URL
from .job_server import Jobs

DENIED = {"errorMessage": "Access denied", "errorCode": 5}


@pytest.fixture
def cs(requests_mock):
    return Jobs(requests_mock)


def held(memory):
    return [job.id for job in memory.jobs(0)]


def operation(history, name="data_aging"):
    [found] = [o for o in history.operations if o.operation == name]
    return found


def test_admin_jobs_and_jobs_whose_data_aged_are_asked_for(cs, client, poll):
    fetch(client(), poll())
    for request in cs.mock.request_history:
        assert request.json()["jobFilter"]["hideAdminJobs"] is False
        assert request.json()["jobFilter"]["showAgedJobs"] is True
        assert request.json()["category"] == 0


def test_the_first_poll_asks_for_what_runs_and_then_as_far_back_as_lookback(cs, client, poll):
    cs.add(1, 2)
    history = fetch(client(lookback="10d"), poll())
    assert cs.lookups == [15 * MINUTE, 10 * DAY]
    assert history.fill_ratio == 1
    assert operation(history).finished_24h == 2


def test_a_later_poll_asks_once_for_what_is_new_and_a_little_more(cs, client, poll):
    fetch(client(), poll())
    cs.forget_requests()
    fetch(client(), poll(at=AT + 300))
    assert cs.lookups == [300 + 15 * MINUTE]


def test_after_a_restart_what_the_ledger_holds_is_not_read_again(cs, client, poll, memory):
    fetch(client(lookback="10d"), poll())
    cs.forget_requests()
    fetch(client(lookback="10d"), poll(at=AT + 3600))
    assert cs.lookups == [3600 + 15 * MINUTE]
    assert last_poll(memory) == AT + 3600


def test_a_clock_that_was_set_back_still_overlaps(cs, client, poll):
    fetch(client(), poll())
    cs.forget_requests()
    fetch(client(), poll(at=AT - 999))
    assert cs.lookups == [15 * MINUTE]


def test_a_longer_lookback_fills_the_ledger_anew_and_a_shorter_one_does_not(cs, client, poll):
    fetch(client(lookback="10d"), poll())
    for lookback, asked in (("5d", []), ("20d", [20 * DAY])):
        cs.forget_requests()
        fetch(client(lookback=lookback), poll())
        assert cs.lookups == [15 * MINUTE, *asked]


def test_days_without_the_exporter_are_filled_in_like_the_past(cs, client, poll, memory):
    fetch(client(), poll())
    cs.forget_requests()
    cs.add(7)
    fetch(client(), poll(at=AT + 3 * DAY))
    assert cs.lookups == [15 * MINUTE, 3 * DAY + 15 * MINUTE]
    assert held(memory) == [7]
    cs.forget_requests()
    fetch(client(), poll(at=AT + 3 * DAY + 300))
    assert cs.lookups == [300 + 15 * MINUTE]


def test_pages_overlap_and_are_stored_one_by_one(cs, client, poll, memory):
    cs.most = 100
    cs.add(*range(1, 251))
    fetch(client(), poll())
    assert cs.offsets == [0, 0, 90, 180]
    assert held(memory) == list(range(1, 251))


def test_a_list_without_a_total_is_read_to_its_end(cs, client, poll, memory):
    cs.most, cs.says_total = 20, False
    cs.add(*range(1, 51))
    fetch(client(), poll())
    assert set(held(memory)) == set(cs.jobs)


def test_a_server_that_repeats_a_page_is_garbled(cs, client, poll):
    cs.add(*range(1, 21))
    cs.mock.post(f"{URL}/Jobs", json=cs.page(0) | {"totalRecordsWithoutPaging": 99})
    with pytest.raises(SourceGarbled, match="POST /Jobs: the server repeats a page"):
        fetch(client(), poll())


def test_running_jobs_are_counted_and_not_stored(cs, client, poll, memory):
    cs.add(1, 2, status="Running")
    cs.add(3)
    history = fetch(client(), poll())
    assert (operation(history).running, operation(history, "restore").running) == (2, 0)
    assert held(memory) == [3]


def test_a_running_job_that_vanished_is_asked_for_by_its_id(cs, client, poll, memory):
    """It ended longer ago than the list of a poll reaches."""
    cs.add(1, status="Running")
    fetch(client(), poll())
    ended = {**cs.jobs.pop(1), "status": "Completed", "jobEndTime": AT - 5 * HOUR}
    cs.mock.get(f"{URL}/Job/1", json={"totalRecordsWithoutPaging": 1, "jobs": [{"jobSummary": ended}]})
    assert operation(fetch(client(), poll(at=AT + 300))).running == 0
    assert [(job.id, job.ended_at) for job in memory.jobs(0)] == [(1, AT - 5 * HOUR)]

    cs.forget_requests()
    fetch(client(), poll(at=AT + 600))
    assert [request.method for request in cs.mock.request_history] == ["POST"]


def test_a_running_job_that_ended_in_sight_is_not_asked_for(cs, client, poll, memory):
    cs.add(1, status="Running")
    fetch(client(), poll())
    cs.add(1, start=AT - 100)
    fetch(client(), poll(at=AT + 300))
    assert held(memory) == [1]
    assert {request.method for request in cs.mock.request_history} == {"POST"}


def test_a_job_that_the_list_leaves_out_may_still_run(cs, client, poll, memory):
    cs.add(1, status="Running")
    fetch(client(), poll())
    running = cs.jobs.pop(1)
    cs.mock.get(f"{URL}/Job/1", json={"totalRecordsWithoutPaging": 1, "jobs": [{"jobSummary": running}]})
    assert operation(fetch(client(), poll(at=AT + 300))).running == 1


@pytest.mark.parametrize(
    "answer",
    [{"json": {"errorMessage": "No such job", "errorCode": 2}}, {"json": {}, "status_code": 404}, {"json": DENIED}],
)
def test_a_running_job_that_nobody_knows_any_more_is_given_up(cs, client, poll, memory, answer, caplog):
    cs.add(1, status="Running")
    fetch(client(), poll())
    cs.jobs.clear()
    cs.mock.get(f"{URL}/Job/1", **answer)
    for step in (1, 2):
        assert operation(fetch(client(), poll(at=AT + 300 * step))).running == 0
    assert [request.method for request in cs.mock.request_history].count("GET") == 1
    assert "job 1 ran at the last poll" in caplog.text


def test_a_server_that_is_gone_does_not_make_running_jobs_forgotten(cs, client, poll, memory):
    cs.add(1, status="Running")
    fetch(client(), poll())
    ended = {**cs.jobs.pop(1), "status": "Completed", "jobEndTime": AT - HOUR}
    one = client()
    one._http._backoff = 0.0
    cs.mock.get(f"{URL}/Job/1", status_code=503)
    with pytest.raises(SourceUnreachable):
        fetch(one, poll(at=AT + 300))
    cs.mock.get(f"{URL}/Job/1", json={"totalRecordsWithoutPaging": 1, "jobs": [{"jobSummary": ended}]})
    fetch(one, poll(at=AT + 600))
    assert held(memory) == [1]


def test_a_login_that_is_refused_does_not_make_running_jobs_forgotten(cs, client, poll, memory):
    cs.add(1, status="Running")
    fetch(client(), poll())
    ended = {**cs.jobs.pop(1), "status": "Completed", "jobEndTime": AT - HOUR}
    cs.mock.get(f"{URL}/Job/1", status_code=401)
    with pytest.raises(SourceRefused, match="the credentials are not accepted"):
        fetch(client(), poll(at=AT + 300))
    cs.mock.get(f"{URL}/Job/1", json={"totalRecordsWithoutPaging": 1, "jobs": [{"jobSummary": ended}]})
    fetch(client(), poll(at=AT + 600))
    assert held(memory) == [1]


def test_many_vanished_jobs_are_asked_for_over_several_polls(cs, client, poll, memory):
    cs.add(*range(1, 51), status="Running")
    fetch(client(), poll())
    for job_id, summary in list(cs.jobs.items()):
        ended = {**summary, "status": "Completed", "jobEndTime": AT - HOUR}
        cs.mock.get(f"{URL}/Job/{job_id}", json={"totalRecordsWithoutPaging": 1, "jobs": [{"jobSummary": ended}]})
    cs.jobs.clear()
    sizes = [0]
    for step in range(1, 4):
        fetch(client(), poll(at=AT + 300 * step))
        sizes.append(len(held(memory)))
    assert [later - earlier for earlier, later in pairwise(sizes)] == [20, 20, 10]


def test_jobs_past_their_retention_are_forgotten_once_a_day(cs, client, poll, memory):
    old = Job(id=1, operation="restore", result="success", started_at=AT - 11 * DAY, ended_at=AT - 11 * DAY)
    memory.add_jobs([old, replace(old, id=2, ended_at=AT - 10 * DAY + HOUR)])
    one = client(lookback="5d", job_retention="10d")
    ids = []
    for later in (0, DAY / 2, DAY):
        fetch(one, poll(at=AT + later))
        ids.append(held(memory))
    assert ids == [[2], [2], []]


@pytest.mark.parametrize("answer", [({}, 404), ({}, 400), (DENIED, 200), ({}, 403)])
def test_where_post_is_unknown_or_refused_get_is_asked_from_then_on(cs, client, poll, answer):
    cs.add(1)
    cs.mock.post(f"{URL}/Jobs", json=answer[0], status_code=answer[1])
    assert operation(fetch(client(), poll())).finished_24h == 1
    assert [request.method for request in cs.mock.request_history] == ["POST", "GET", "GET"]


def test_get_asks_for_all_types_and_pages_by_headers_and_parameters(cs, client, poll):
    cs.mock.post(f"{URL}/Jobs", json={}, status_code=404)
    fetch(client(lookback="1d"), poll())
    asked = cs.mock.last_request
    assert "jobFilter=&" in asked.query.replace("jobfilter", "jobFilter") + "&"
    assert {key: asked.qs[key] for key in ("jobcategory", "hideadminjobs", "showagedjobs", "offset")} == {
        "jobcategory": ["all"],
        "hideadminjobs": ["false"],
        "showagedjobs": ["true"],
        "offset": ["0"],
    }
    assert int(asked.qs["completedjoblookuptime"][0]) == pytest.approx(DAY, abs=2)
    assert asked.headers["limit"] == asked.qs["limit"][0] == str(job_pages.PAGE)
    assert asked.headers["offset"] == "0"


def test_a_refusal_of_both_is_told_with_the_first(cs, client, poll):
    cs.mock.post(f"{URL}/Jobs", json=DENIED)
    cs.mock.get(f"{URL}/Job", json=DENIED)
    with pytest.raises(SourceRefused, match="POST /Jobs"):
        fetch(client(), poll())


@pytest.mark.parametrize("page", [{}, {"errorCode": 0}, {"jobs": "none"}, {"jobs": [{"job": {}}]}, {"jobs": [3]}])
def test_a_page_of_another_shape_is_garbled(cs, client, poll, page):
    cs.mock.post(f"{URL}/Jobs", json=page)
    with pytest.raises(SourceGarbled, match="POST /Jobs"):
        fetch(client(), poll())


def test_an_empty_list_is_no_jobs(cs, client, poll, memory):
    cs.mock.post(f"{URL}/Jobs", json={"totalRecordsWithoutPaging": 0, "jobs": []})
    assert fetch(client(), poll()).fill_ratio == 1
    assert held(memory) == []
