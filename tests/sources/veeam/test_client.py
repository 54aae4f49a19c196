from __future__ import annotations

import logging
from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import SourceGarbled, SourceRefused

JOBS = "/api/v1/jobs"
REPOSITORIES = "/api/v1/backupInfrastructure/repositories/states"
SCALE_OUTS = "/api/v1/backupInfrastructure/scaleOutRepositories"
TIME = "/api/v1/serverTime"


@pytest.fixture(autouse=True)
def login(requests_mock, payload):
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))


def row(number):
    return {"id": str(number), "name": f"n{number}"}


class Listing:
    """A list of a server that gives at most `most` rows at a time."""

    def __init__(self, rows, most=500, total=True, heeds_skip=True):
        self.rows, self.most, self.total, self.heeds_skip = rows, most, total, heeds_skip
        self.asked: list[tuple[int, int]] = []

    def __call__(self, request, _context):
        skip, limit = (int(request.qs[name][0]) for name in ("skip", "limit"))
        self.asked.append((skip, limit))
        start = skip if self.heeds_skip else 0
        page = self.rows[start : start + min(limit, self.most)]
        return {"data": page, "pagination": {"total": len(self.rows)} if self.total else {}}


def test_the_limit_is_always_named_and_one_page_is_one_call(client, requests_mock):
    listing = Listing([row(n) for n in range(3)])
    requests_mock.get(JOBS, json=listing)
    assert list(client().pages(JOBS)) == listing.rows
    assert listing.asked == [(0, 500)]


def test_the_next_page_starts_after_the_rows_received(client, requests_mock):
    listing = Listing([row(n) for n in range(450)], most=200)
    requests_mock.get(JOBS, json=listing)
    assert list(client().pages(JOBS)) == listing.rows
    assert [skip for skip, _ in listing.asked] == [0, 200, 400]


def test_filters_go_with_every_page(client, requests_mock):
    requests_mock.get(JOBS, json=Listing([row(n) for n in range(3)], most=2))
    list(client().pages(JOBS, orderColumn="Name"))
    assert all("orderColumn=Name" in r.url for r in requests_mock.request_history if r.method == "GET")


def test_a_server_that_tells_no_total_is_read_until_a_page_is_empty(client, requests_mock):
    listing = Listing([row(n) for n in range(5)], most=2, total=False)
    requests_mock.get(JOBS, json=listing)
    assert len(list(client().pages(JOBS))) == 5
    assert [skip for skip, _ in listing.asked] == [0, 2, 4, 5]


@pytest.mark.parametrize("total", [True, False])
def test_a_server_that_ignores_skip_is_left_with_what_it_gave_and_a_word_in_the_log(
    client, requests_mock, caplog, total
):
    listing = Listing([row(n) for n in range(300)], most=200, total=total, heeds_skip=False)
    requests_mock.get(JOBS, json=listing)
    vbr = client()
    with caplog.at_level(logging.WARNING):
        assert len(list(vbr.pages(JOBS))) == 200
        assert len(list(vbr.pages(JOBS))) == 200
    assert caplog.messages == ["vbr01: GET /api/v1/jobs gives fewer rows than it has: the list is not complete"]


def test_a_complete_list_is_no_matter_for_the_log(client, requests_mock, caplog):
    requests_mock.get(JOBS, json=Listing([row(n) for n in range(400)], most=200))
    list(client().pages(JOBS))
    requests_mock.get(JOBS, json=Listing([row(n) for n in range(400)], most=200, total=False))
    list(client().pages(JOBS))
    requests_mock.get(JOBS, json=Listing([]))
    list(client().pages(JOBS))
    assert caplog.messages == []


def test_a_row_that_moves_to_the_next_page_is_read_once(client, requests_mock):
    pages = [[row(1), row(2)], [row(2), row(3)]]
    requests_mock.get(JOBS, [{"json": {"data": p, "pagination": {"total": 4}}} for p in pages])
    assert [r["id"] for r in client().pages(JOBS)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "answer",
    [
        [], {}, {"data": "2 items"}, {"data": [5]}, {"data": [{"name": "x"}]}, {"data": [{"id": 5}]},
        {"data": [], "pagination": "none"}, {"data": [], "pagination": {"total": {"value": 5}}},
    ],
)  # fmt: skip
def test_what_is_no_page_is_garbled(client, requests_mock, answer):
    requests_mock.get(JOBS, json=answer)
    with pytest.raises(SourceGarbled, match=r"^GET /api/v1/jobs: "):
        list(client().pages(JOBS))


def test_html_is_garbled(client, requests_mock):
    requests_mock.get(JOBS, text="<html>", headers={"Content-Type": "text/html"})
    with pytest.raises(SourceGarbled, match="not valid JSON"):
        list(client().pages(JOBS))


def test_a_missing_permission_is_a_refusal_of_that_endpoint_and_the_server_is_not_down(client, requests_mock):
    requests_mock.get(JOBS, status_code=403, json={"errorCode": "AccessDenied", "message": "Forbidden"})
    requests_mock.get(REPOSITORIES, json=Listing([]))
    vbr = client()
    with pytest.raises(SourceRefused, match=r"GET /api/v1/jobs: refused \(403\)") as refused:
        list(vbr.pages(JOBS))
    assert refused.value.contact is True
    assert list(vbr.pages(REPOSITORIES)) == []


def test_names_of_repositories_hold_the_scale_out_ones_and_are_kept_for_a_minute(client, requests_mock, clock):
    repositories = requests_mock.get(REPOSITORIES, json=Listing([row(1)]))
    requests_mock.get(SCALE_OUTS, json=Listing([row(2)]))
    vbr = client()
    assert vbr.repository_names() == vbr.repository_names() == {"1": "n1", "2": "n2"}
    assert repositories.call_count == 1
    clock.now += 60
    vbr.repository_names()
    assert repositories.call_count == 2


def test_names_of_jobs(client, requests_mock):
    requests_mock.get("/api/v1/jobs/states", json=Listing([row(1)]))
    assert client().job_names() == {"1": "n1"}


def test_the_zone_of_the_server_is_taken_by_name_where_it_has_one(client, requests_mock, payload):
    requests_mock.get(TIME, json=payload("veeam-1.3/serverTime"))
    vbr = client()
    assert vbr.zone() == ZoneInfo("Europe/Berlin")
    assert vbr.moment("2024-07-06T00:30:20") == vbr.moment("2024-07-06T00:30:20+02:00")


def test_else_its_offset_is_taken_and_asked_for_again_every_hour(client, requests_mock, payload, clock):
    winter = payload("veeam-1.1/serverTime")
    summer = {"serverTime": "2026-04-02T10:00:00.7300443+02:00"}
    requests_mock.get(TIME, [{"json": winter}, {"json": summer}])
    vbr = client()
    assert vbr.moment("2026-03-02T10:00:00") == vbr.moment("2026-03-02T10:00:00+01:00")
    clock.now += 3599
    assert vbr.zone() == timezone(timedelta(hours=1))
    clock.now += 1
    assert vbr.zone() == timezone(timedelta(hours=2))


def test_the_configured_zone_wins_and_nobody_is_asked(client, requests_mock):
    assert client(timezone="America/New_York").zone() == ZoneInfo("America/New_York")
    assert requests_mock.call_count == 0


def test_a_zone_we_do_not_know_falls_back_to_the_offset(client, requests_mock, payload):
    requests_mock.get(TIME, json=payload("veeam-1.3/serverTime") | {"ianaTimeZoneId": "Mars/Olympus"})
    assert client().zone() == timezone(timedelta(hours=1))


def test_a_server_without_any_zone_is_taken_for_utc_with_a_word_in_the_log(client, requests_mock, caplog):
    requests_mock.get(TIME, json={"serverTime": "2026-03-02T10:00:00"})
    assert client().zone() == UTC
    assert "set `timezone`" in caplog.text


@pytest.mark.parametrize(
    "answer", [[], {}, {"serverTime": 5}, {"serverTime": "noon"}, {"serverTime": "", "ianaTimeZoneId": 5}]
)
def test_what_is_no_time_is_garbled(client, requests_mock, answer):
    requests_mock.get(TIME, json=answer)
    with pytest.raises(SourceGarbled, match=r"^GET /api/v1/serverTime: "):
        client().zone()
