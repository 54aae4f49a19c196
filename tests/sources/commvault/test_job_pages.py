"""Pages of a job list that moves while it is read."""

from __future__ import annotations

import time

import pytest

from exporter.errors import SourceGarbled
from exporter.model import DAY
from exporter.sources.commvault.job_pages import JobList

from .conftest import URL


@pytest.fixture
def read(client, requests_mock):
    def read(*answers):
        """(offsets asked for, ids per page) when the server gives these answers one after the other."""
        mock = requests_mock.post(f"{URL}/Jobs", [{"json": answer} for answer in answers])
        listed = JobList(client(), DAY, time.monotonic()).pages()
        pages = [[summary["jobId"] for summary in page.summaries] for page in listed]
        return [asked.json()["pagingConfig"]["offset"] for asked in mock.request_history], pages

    return read


def page(total, *ids):
    payload = {} if total is None else {"totalRecordsWithoutPaging": total}
    return payload | ({"jobs": [{"jobSummary": {"jobId": job_id}} for job_id in ids]} if ids else {})


def test_pages_follow_one_another_until_the_total_is_reached(read):
    assert read(page(5, 9, 8), page(5, 7, 6), page(5, 5)) == ([0, 2, 4], [[9, 8], [7, 6], [5]])


def test_a_job_that_is_pushed_to_the_next_page_comes_once(read):
    """Two new jobs start after the first page was read; the total grows with them."""
    assert read(page(4, 9, 8), page(6, 9, 8, 7), page(6, 6)) == ([0, 2, 5], [[9, 8], [7], [6]])


def test_a_total_that_shrinks_below_what_was_received_ends_the_list(read):
    assert read(page(5, 9, 8), page(3, 7)) == ([0, 2], [[9, 8], [7]])


def test_the_server_decides_how_long_a_page_is(read):
    assert read(page(4, 9), page(4, 8), page(4, 7, 6))[0] == [0, 1, 2]


def test_without_a_total_the_list_goes_on_until_there_is_nothing_more(read):
    assert read(page(None, 9), page(None, 8), page(0)) == ([0, 1, 2], [[9], [8]])


@pytest.mark.parametrize("nothing", [{"totalRecordsWithoutPaging": 0}, {"totalRecordsWithoutPaging": 0, "jobs": []}])
def test_no_jobs_are_said_by_leaving_them_out(read, nothing):
    assert read(nothing) == ([0], [])


def test_an_answer_that_holds_nothing_at_all_does_not_say_that_there_are_no_jobs(read):
    with pytest.raises(SourceGarbled, match="totalRecordsWithoutPaging"):
        read({})


def test_a_server_that_ignores_the_offset_is_not_read_for_ever(read):
    with pytest.raises(SourceGarbled, match="repeats a page"):
        read(page(6, 9, 8), page(6, 9, 8))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"jobs": "24 items"}, "jobs is of type str"),
        ({"jobs": ["x"]}, "no object"),
        ({"jobs": [{"job": {}}]}, "no field jobSummary"),
        ({"jobs": [{"jobSummary": {}}]}, "no field 'jobId'"),
        ({"jobs": [{"jobSummary": {"jobId": {"value": 1}}}]}, "jobId is of type dict"),
        (page(1, 9) | {"totalRecordsWithoutPaging": "many"}, "totalRecordsWithoutPaging is not a number"),
    ],
)
def test_a_list_in_another_shape_is_garbled(read, answer, complaint):
    with pytest.raises(SourceGarbled, match=f"POST /Jobs: .*{complaint}"):
        read(answer)
