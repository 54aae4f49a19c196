"""Under which path the API is found, how often that is asked, and what is never sent there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from exporter.check import check
from exporter.errors import SourceGarbled, SourceUnreachable
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import BASES, CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.wire import Server
from exporter.sources.commvault import Commvault
from exporter.sources.commvault.bases import candidates
from exporter.sources.commvault.client import CommvaultClient
from exporter.telemetry import Telemetry

from .conftest import AT, URL

HOST = "https://cs01.example.com"
PASSWORD = "not-a-real-secret"
CURRENT, OLDER, WEB_SERVER = (f"{HOST}/{base}" for base in BASES)
PAGE = {"text": "<!DOCTYPE html><html></html>", "headers": {"Content-Type": "text/html"}}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (HOST, (CURRENT, OLDER, WEB_SERVER, HOST)),
        (f"{HOST}/api", (f"{HOST}/api", CURRENT, OLDER, WEB_SERVER)),
        (OLDER, (OLDER, CURRENT, WEB_SERVER)),
        (WEB_SERVER, (WEB_SERVER, CURRENT, OLDER)),
        (f"{HOST}/commandcenter", (f"{HOST}/commandcenter", CURRENT, OLDER, WEB_SERVER)),
        (f"{HOST}/SearchSvc", (f"{HOST}/SearchSvc", CURRENT, OLDER, WEB_SERVER)),
        (f"{HOST}/backup/api", (f"{HOST}/backup/api", f"{HOST}/backup/commandcenter/api")),
    ],
)
def test_the_api_is_looked_for_where_the_url_says_and_under_every_known_path(url, expected):
    assert candidates(url)[: len(expected)] == expected


class Site:
    def __init__(self, client, account, bases):
        clock = Clock(AT, rate=0)
        self.commserve = CommServe(Estate("small", clock), clock, bases=bases)
        self.server = Server(self.commserve).start()
        self._client = client
        self._account = account | {"username": "svc-ebbtide"}

    def client(self, path) -> CommvaultClient:
        return self._client(url=self.server.url + path, **self._account)

    def asked(self):
        paths = [f"{method} {path}" for method, path in self.server.requests]
        self.server.requests.clear()
        return paths


@pytest.fixture
def site(client, account, monkeypatch) -> Iterator[Callable[..., Site]]:
    monkeypatch.setenv("CV_PASSWORD", PASSWORD)
    sites: list[Site] = []

    def make(*bases: str) -> Site:
        sites.append(Site(client, account, bases or BASES))
        return sites[-1]

    yield make
    for one in sites:
        one.server.stop()


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("path", ["", "/api", "/api/", "/commandcenter/api", "/webconsole/api/", "/webconsole"])
def test_whatever_the_url_says_the_api_is_found(site, base, path):
    assert site(base).client(path).get("/StoragePool")["storagePoolList"]


def test_a_base_path_is_looked_for_once_and_then_kept(site):
    one = site("webconsole/api")
    client = one.client("/api")
    for _ in range(3):
        client.get("/StoragePool")

    assert one.asked() == [
        "GET /api/CommServ",
        "GET /commandcenter/api/CommServ",
        "GET /webconsole/api/CommServ",
        "POST /webconsole/api/Login",
        *["GET /webconsole/api/StoragePool"] * 3,
    ]


def test_a_base_path_that_the_url_names_is_not_looked_for(site):
    one = site()
    one.client("/webconsole/api").get("/StoragePool")
    assert one.asked() == ["POST /webconsole/api/Login", "GET /webconsole/api/StoragePool"]


def test_a_base_path_that_stops_answering_is_looked_for_anew(site):
    one = site()
    client = one.client("/webconsole/api")
    client.get("/StoragePool")
    one.asked()
    one.commserve.bases = ("commandcenter/api",)
    for _ in range(2):
        with pytest.raises(SourceGarbled, match="404"):
            client.get("/StoragePool")
    assert client.get("/StoragePool")["storagePoolList"]
    client.get("/StoragePool")

    assert one.asked() == [
        *["GET /webconsole/api/StoragePool"] * 3,
        "GET /webconsole/api/CommServ",
        "GET /commandcenter/api/CommServ",
        *["GET /commandcenter/api/StoragePool"] * 2,
    ]


def test_names_that_a_release_does_not_know_are_no_sign_of_another_base(site):
    one = site()
    client = one.client("/SearchSvc/CVWebService.svc")
    for _ in range(5):
        with pytest.raises(SourceGarbled, match="404"):
            client.get("/V4/License")
    assert not [path for path in one.asked() if "CommServ" in path]


def test_a_check_of_the_source_tells_where_the_api_is(site, settings, account):
    one = site("webconsole/api")
    given = settings(url=one.server.url, **account | {"username": "svc-ebbtide"})
    source = Commvault(given, Telemetry())
    login = check(source, AT).login
    source.close()
    assert login.outcome == "ok"
    assert [(asked.endpoint, asked.status, asked.note) for asked in login.requests] == [
        ("GET /CommServ", 404, f"not at {one.server.url}/commandcenter/api"),
        ("GET /CommServ", 401, f"the API is at {one.server.url}/webconsole/api"),
        ("POST /Login", 200, ""),
    ]


def test_without_an_api_the_message_names_what_was_tried_and_no_password_is_sent(site, clock):
    one = site("elsewhere")
    client = one.client("/api")
    for _ in range(2):
        with pytest.raises(SourceUnreachable, match="no CommServe answers; tried") as error:
            client.get("/StoragePool")
    for path in ("api", *BASES):
        assert f"{one.server.url}/{path} (404, a web page)" in str(error.value)
    assert len(one.asked()) == 4

    clock.now += 31
    one.commserve.bases = BASES
    assert client.get("/StoragePool")["storagePoolList"]


def test_a_path_without_an_api_below_a_known_name_is_named_too(site):
    with pytest.raises(SourceUnreachable, match="no CommServe answers; tried"):
        site("elsewhere").client("/webconsole/api").get("/StoragePool")


def test_a_sign_in_page_in_a_200_is_no_api(client, requests_mock):
    requests_mock.get(f"{OLDER}/StoragePool", **PAGE)
    requests_mock.get(f"{OLDER}/CommServ", **PAGE)
    requests_mock.get(f"{CURRENT}/CommServ", status_code=401)
    requests_mock.get(f"{CURRENT}/StoragePool", json={"a": 1})

    assert client(url=OLDER).get("/StoragePool") == {"a": 1}
    assert "Authorization" not in requests_mock.request_history[2].headers


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ({"json": {}}, True),
        ({"text": "<App_GetCommServResp/>"}, True),
        ({"status_code": 403, "json": {"errorCode": 5}}, True),
        ({"status_code": 403, "text": "no"}, False),
        ({"status_code": 200, "text": ""}, False),
        ({"status_code": 302, "headers": {"Location": f"{HOST}/login"}}, False),
        ({"status_code": 503, "json": {}}, False),
    ],
)
def test_who_answers_like_a_commserve_is_one(client, requests_mock, answer, accepted):
    requests_mock.get(f"{HOST}/api/CommServ", **answer)
    requests_mock.get(f"{CURRENT}/CommServ", json={})
    for base in (f"{HOST}/api", CURRENT):
        requests_mock.get(f"{base}/StoragePool", json={"from": base})

    assert client(url=f"{HOST}/api").get("/StoragePool") == {"from": f"{HOST}/api" if accepted else CURRENT}


def test_a_host_that_does_not_answer_is_asked_once(client, requests_mock):
    requests_mock.get(f"{HOST}/api/CommServ", exc=ConnectionRefusedError)
    with pytest.raises(SourceUnreachable, match="connection refused"):
        client(url=f"{HOST}/api").get("/StoragePool")
    assert requests_mock.call_count == 1


def test_when_nobody_says_where_the_api_is_the_first_answer_stands(client, requests_mock):
    requests_mock.get(f"{URL}/StoragePool", status_code=404, text="<html>")
    requests_mock.get(f"{URL}/CommServ", exc=ConnectionRefusedError)
    with pytest.raises(SourceGarbled, match="GET /StoragePool: unexpected status 404"):
        client().get("/StoragePool")
