"""What is sent to /api/oauth2/token, and when."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import pytest
import requests

from exporter.errors import ConfigError, SourceGarbled, SourceRefused, SourceUnreachable

TOKEN = "/api/oauth2/token"
POOLS = "/api/v1/backupInfrastructure/repositories/states"
EMPTY = {"data": [], "pagination": {"total": 0, "count": 0}}
DENIED = {"errorCode": "AccessDenied", "message": "Unauthorized. Get bearer JWT token at /api/login"}
UNEXPECTED = {"errorCode": "UnexpectedContent", "message": "Unexpected content"}


class Server:
    """Hands out numbered tokens and takes only the newest; refuses grants as it is told."""

    def __init__(self, mock, payload):
        self.grants: list[dict[str, str]] = []
        self.versions: list[str] = []
        self.bearers: list[str] = []
        self.refusals: dict[str, tuple[int, object]] = {}
        self.answer = payload("veeam-1.3/token")
        self.valid = ""
        mock.post(TOKEN, json=self._grant)
        mock.get(POOLS, json=self._pools)

    @property
    def kinds(self) -> list[str]:
        return [grant["grant_type"] for grant in self.grants]

    def _grant(self, request, context):
        form = {key: values[0] for key, values in parse_qs(request.text).items()}
        self.grants.append(form)
        self.versions.append(request.headers["x-api-version"])
        if form["grant_type"] in self.refusals:
            context.status_code, body = self.refusals[form["grant_type"]]
            return body
        number = len(self.grants)
        self.valid = f"Bearer example-access-{number}"
        return self.answer | {"access_token": self.valid[7:], "refresh_token": f"example-refresh-{number}"}

    def _pools(self, request, context):
        self.bearers.append(request.headers["Authorization"])
        if request.headers["Authorization"] != self.valid:
            context.status_code = 401
            return DENIED
        return EMPTY


@pytest.fixture
def server(requests_mock, payload):
    return Server(requests_mock, payload)


def test_the_password_buys_a_token_that_every_call_bears(server, client):
    vbr = client()
    vbr.get(POOLS)
    vbr.get(POOLS)

    assert server.grants == [{"grant_type": "password", "username": "EXAMPLE\\svc", "password": "Corr3ct-horse"}]
    assert server.bearers == ["Bearer example-access-1"] * 2


def test_every_call_names_the_revision_and_so_does_the_login(server, client, requests_mock):
    client(api_revision="1.2-rev1").get(POOLS)
    assert [r.headers["x-api-version"] for r in requests_mock.request_history] == ["1.2-rev1", "1.2-rev1"]


def test_the_token_is_renewed_at_four_fifths_of_its_life(server, client, clock):
    vbr = client()
    vbr.get(POOLS)
    clock.now += 719
    vbr.get(POOLS)
    assert server.kinds == ["password"]
    clock.now += 1
    vbr.get(POOLS)
    assert server.kinds == ["password", "refresh_token"]
    assert server.grants[1] == {"grant_type": "refresh_token", "refresh_token": "example-refresh-1"}


def test_every_refresh_token_is_used_once(server, client, clock):
    vbr = client()
    for _ in range(3):
        vbr.get(POOLS)
        clock.now += 720
    assert [g.get("refresh_token") for g in server.grants] == [None, "example-refresh-1", "example-refresh-2"]


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_refresh_falls_back_to_the_password_once(server, client, clock, status):
    vbr = client()
    vbr.get(POOLS)
    clock.now += 720
    server.refusals["refresh_token"] = (status, DENIED)
    vbr.get(POOLS)
    assert server.kinds == ["password", "refresh_token", "password"]
    assert server.bearers[-1] == "Bearer example-access-3"


def test_a_refresh_whose_answer_got_lost_is_not_sent_again(server, client, clock):
    vbr = client()
    vbr.get(POOLS)
    clock.now += 720
    server.refusals["refresh_token"] = (500, {"errorCode": "UnknownError"})
    with pytest.raises(SourceUnreachable, match="POST /api/oauth2/token"):
        vbr.get(POOLS)
    vbr.get(POOLS)
    assert server.kinds == ["password", "refresh_token", "password"]


def test_a_server_without_refresh_tokens_gets_the_password_again(client, requests_mock, payload, clock):
    answer = payload("veeam-1.3/token")
    del answer["refresh_token"]
    login = requests_mock.post(TOKEN, json=answer)
    requests_mock.get(POOLS, json=EMPTY)
    vbr = client()
    vbr.get(POOLS)
    clock.now += 720
    vbr.get(POOLS)
    assert ["grant_type=password" in r.text for r in login.request_history] == [True, True]


def test_a_token_refused_before_its_time_means_one_fresh_login(server, client):
    vbr = client()
    vbr.get(POOLS)
    server.valid = "Bearer of-a-server-that-restarted"
    vbr.get(POOLS)
    assert server.kinds == ["password", "password"]


def test_a_401_that_stays_is_refused_after_one_fresh_login(server, client, requests_mock):
    requests_mock.get(POOLS, status_code=401, json=DENIED)
    with pytest.raises(SourceRefused, match=r"refused \(401\)") as refused:
        client().get(POOLS)
    assert server.kinds == ["password", "password"]
    assert refused.value.contact is False


def test_a_wrong_password_is_tried_once_for_all_collectors(server, client, clock):
    server.refusals["password"] = (401, DENIED)
    vbr = client()
    for _ in range(3):
        with pytest.raises(SourceRefused, match=r"POST /api/oauth2/token: refused \(401\)") as refused:
            vbr.get(POOLS)
        assert refused.value.contact is False
    assert server.kinds == ["password"]

    clock.now += 300
    server.refusals.clear()
    vbr.get(POOLS)
    assert server.kinds == ["password", "password"]


def test_a_wrong_password_is_tried_once_while_the_revision_is_looked_for(server, client):
    server.refusals["password"] = (403, DENIED)
    with pytest.raises(SourceRefused, match=r"POST /api/oauth2/token: refused \(403\)"):
        client(api_revision=None).get(POOLS)
    assert server.kinds == ["password"]


def all_at_once(vbr):
    with ThreadPoolExecutor(8) as collectors:
        assert [reply.status for reply in collectors.map(lambda _: vbr.get(POOLS), range(8))] == [200] * 8


def test_collectors_that_need_a_token_at_once_log_in_once(server, client):
    all_at_once(client())
    assert server.kinds == ["password"]
    assert len(server.bearers) == 8


def test_collectors_whose_token_is_due_at_once_renew_it_once(server, client, clock):
    vbr = client()
    all_at_once(vbr)
    clock.now += 720
    all_at_once(vbr)
    assert server.kinds == ["password", "refresh_token"]


def test_collectors_whose_token_is_refused_at_once_log_in_once(server, client):
    vbr = client()
    all_at_once(vbr)
    server.valid = "Bearer of-a-server-that-restarted"
    all_at_once(vbr)
    assert server.kinds == ["password", "password"]


def test_the_grant_is_spelled_with_a_capital_where_the_server_insists(server, client, clock):
    server.refusals = {"password": (400, UNEXPECTED), "refresh_token": (400, UNEXPECTED)}
    vbr = client()
    vbr.get(POOLS)
    clock.now += 720
    vbr.get(POOLS)
    assert server.kinds == ["password", "Password", "Refresh_token"]


def test_a_login_that_is_not_taken_in_any_spelling_is_refused_and_remembered(server, client):
    server.refusals = {"password": (400, UNEXPECTED), "Password": (400, UNEXPECTED)}
    vbr = client()
    for _ in range(2):
        with pytest.raises(SourceRefused, match=r"refused \(400\): the server does not take this login"):
            vbr.get(POOLS)
    assert server.kinds == ["password", "Password"]


@pytest.mark.parametrize("configured", ["1.3-rev1", None])
def test_a_login_that_is_not_there_is_not_a_refusal(server, client, configured):
    server.refusals["password"] = (404, "<html>")
    with pytest.raises(SourceGarbled, match="POST /api/oauth2/token: unexpected status 404"):
        client(api_revision=configured).get(POOLS)
    assert server.kinds == ["password"]


def test_a_login_in_a_revision_the_server_does_not_know_says_so(server, client, payload):
    server.refusals["password"] = (400, payload("veeam-1.1/unsupported"))
    with pytest.raises(SourceGarbled, match="does not know the API revision; check api_revision"):
        client(api_revision="1.3-rev2").get(POOLS)
    assert server.versions == ["1.3-rev2"]


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("access_token", None, "access_token is of type NoneType"),
        ("access_token", "tok\nen", "access_token is not printable"),
        ("access_token", "tökén", "access_token is not printable"),
        ("expires_in", "900", "expires_in is of type str"),
        ("expires_in", 0, "expires_in is not positive"),
    ],
)
def test_an_odd_token_is_garbled_and_not_shown(client, requests_mock, payload, field, value, complaint):
    requests_mock.post(TOKEN, json=payload("veeam-1.3/token") | {field: value})
    with pytest.raises(SourceGarbled, match=f"^POST /api/oauth2/token: .*{complaint}") as garbled:
        client().get(POOLS)
    assert "tok" not in str(garbled.value).partition(":")[2].replace("access_token", "")


def test_a_secret_that_is_not_there_is_an_error_of_the_config(server, client, monkeypatch):
    vbr = client()
    monkeypatch.delenv("VBR_PASSWORD")
    with pytest.raises(ConfigError, match="VBR_PASSWORD"):
        vbr.get(POOLS)
    assert server.grants == []


def test_a_rotated_password_works_without_a_reload(server, client, monkeypatch):
    vbr = client()
    vbr.get(POOLS)
    monkeypatch.setenv("VBR_PASSWORD", "n3w")
    server.valid = ""
    vbr.get(POOLS)
    assert [g["password"] for g in server.grants] == ["Corr3ct-horse", "n3w"]


def test_closing_logs_out(server, client, requests_mock):
    goodbye = requests_mock.post("/api/oauth2/logout", json={})
    vbr = client()
    vbr.get(POOLS)
    vbr.close()
    assert goodbye.call_count == 1
    assert goodbye.last_request.headers["Authorization"] == "Bearer example-access-1"
    assert goodbye.last_request.headers["x-api-version"] == "1.3-rev1"


def test_closing_without_a_token_says_nothing(client, requests_mock):
    client().close()
    assert requests_mock.call_count == 0


@pytest.mark.parametrize("trouble", [{"status_code": 500}, {"exc": requests.ConnectionError}])
def test_a_failed_logout_does_not_matter(server, client, requests_mock, trouble):
    goodbye = requests_mock.post("/api/oauth2/logout", **trouble)
    vbr = client()
    vbr.get(POOLS)
    vbr.close()
    assert goodbye.call_count == 1


def test_a_server_that_does_not_answer_the_logout_is_left(server, client, requests_mock, monkeypatch):
    let_go = threading.Event()
    requests_mock.post("/api/oauth2/logout", json=lambda *_: {"late": let_go.wait(5)})
    monkeypatch.setattr("exporter.sources.veeam.client._LOGOUT_SECONDS", 0.05)
    vbr = client()
    vbr.get(POOLS)
    started = time.monotonic()
    vbr.close()
    assert time.monotonic() - started < 1
    let_go.set()
