from __future__ import annotations

import json
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from requests_mock import ANY

from exporter.errors import SourceGarbled, SourceRefused
from exporter.http import NotReadOnly
from exporter.sources import veeam
from exporter.sources.veeam.fields import NO_ID

JOBS = "/api/v1/jobs"
REPOSITORIES = "/api/v1/backupInfrastructure/repositories/states"
SCALE_OUTS = "/api/v1/backupInfrastructure/scaleOutRepositories"
TIME = "/api/v1/serverTime"


@pytest.fixture(autouse=True)
def login(request, payload):
    """A login of every test that has no server of its own."""
    if "requests_mock" in request.fixturenames:
        request.getfixturevalue("requests_mock").post("/api/oauth2/token", json=payload("veeam-1.3/token"))


def row(number):
    return {"id": str(number), "name": f"n{number}"}


def said(body):
    payload = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(payload) + payload


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


def test_a_list_that_grows_is_read_to_its_new_end(client, requests_mock, caplog):
    listing = Listing([row(n) for n in range(4)], most=2)
    requests_mock.get(JOBS, json=listing)
    pages = client().pages(JOBS)
    assert [next(pages)["id"] for _ in range(2)] == ["0", "1"]
    # The new one comes first and pushes the others back, so one of them comes twice.
    listing.rows.insert(0, row(9))
    assert [r["id"] for r in pages] == ["2", "3"]
    assert listing.asked == [(0, 500), (2, 500), (4, 500)]


def test_a_list_that_shrinks_ends_where_it_ends_now(client, requests_mock):
    listing = Listing([row(n) for n in range(6)], most=2)
    requests_mock.get(JOBS, json=listing)
    pages = client().pages(JOBS)
    assert [next(pages)["id"] for _ in range(4)] == ["0", "1", "2", "3"]
    del listing.rows[4:]
    assert list(pages) == []
    assert [skip for skip, _ in listing.asked] == [0, 2, 4]


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


def test_sessions_that_run_come_from_the_same_answer_as_the_names_of_jobs(client, requests_mock, clock):
    states = requests_mock.get(
        "/api/v1/jobs/states",
        json=Listing(
            [
                row(1) | {"sessionId": "a", "lastResult": "None"},
                row(2) | {"sessionId": "b", "lastResult": "none"},
                row(3) | {"sessionId": "c", "lastResult": "Success"},
                row(4) | {"sessionId": NO_ID, "lastResult": "None"},
                row(5) | {"lastResult": "None"},
                row(6) | {"sessionId": "d"},
            ]
        ),
    )
    vbr = client()
    assert vbr.running_sessions() == {"a", "b", "d"}
    assert len(vbr.job_names()) == 6
    assert states.call_count == 1
    clock.now += 60
    requests_mock.get("/api/v1/jobs/states", json=Listing([]))
    assert (vbr.running_sessions(), vbr.job_names()) == (frozenset(), {})


def test_a_round_is_the_same_for_all_who_ask_for_such_objects(client):
    vbr = client()
    assert vbr.round_of("backups", 60.0) is vbr.round_of("backups")
    assert vbr.round_of("backups") is not vbr.round_of("jobs")


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("POST", JOBS),
        ("POST", "/api/v1/jobs/{}/start"),
        ("POST", "/api/v1/backups/{}/details"),
        ("PUT", "/api/oauth2/token"),
        ("DELETE", "/api/v1/backups/{}"),
        ("PATCH", JOBS),
    ],
)
def test_what_could_change_something_is_not_sent(client, requests_mock, method, route):
    requests_mock.register_uri(method, ANY, json={})
    with pytest.raises(NotReadOnly, match=f"^{method} .* is not sent: this client only reads$"):
        client().http.request(method, route, 1)
    assert requests_mock.call_count == 0


def test_nothing_speaks_http_but_the_clients_that_only_read():
    told = {file: file.read_text(encoding="utf-8") for file in Path(veeam.__file__).parent.glob("*.py")}
    assert [
        file for file, text in told.items() if re.search(r"^(import|from) (requests|urllib|http|socket)", text, re.M)
    ] == []
    clients = [text.partition("HttpClient(")[2] for text in told.values() if "= HttpClient(" in text]
    assert len(clients) == 2
    assert all("besides_get=(" in made for made in clients)


def test_a_server_is_asked_for_two_things_at_a_time(client, scripted):
    served: set[object] = set()
    beside: list[int] = []

    def answer(connection):
        served.add(connection)
        beside.append(len(served))
        time.sleep(0.03)
        served.discard(connection)
        connection.sendall(said({"data": [], "pagination": {"total": 0}}))

    vbr = client(url=scripted(said({"access_token": "x", "expires_in": 900}), answer).url)
    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(lambda _: list(vbr.pages(JOBS)), range(8))] == [[]] * 8
    assert len(beside) == 8
    assert max(beside) == 2


def test_the_zone_of_the_server_is_taken_by_name_where_it_has_one(client, requests_mock, payload):
    requests_mock.get(TIME, json=payload("veeam-1.3/serverTime"))
    assert client().zone() == ZoneInfo("Europe/Berlin")


def test_else_its_offset_is_taken_and_asked_for_again_every_hour(client, requests_mock, payload, clock):
    winter = payload("veeam-1.1/serverTime")
    summer = {"serverTime": "2026-04-02T10:00:00.7300443+02:00"}
    requests_mock.get(TIME, [{"json": winter}, {"json": summer}])
    vbr = client()
    assert vbr.zone() == timezone(timedelta(hours=1))
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
