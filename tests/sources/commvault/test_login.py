"""How the client gets in, and what it does when it may not."""

from __future__ import annotations

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.errors import ConfigError, SourceGarbled, SourceRefused, SourceUnreachable

from .conftest import PASSWORD, URL


class Server:
    """Hands out numbered tokens and takes only the newest; refuses as it is told."""

    def __init__(self, mock, payload):
        self.logins = []
        self.sent = []
        self.refusal = None
        self.granted = payload("login")
        self.valid = ""
        mock.post(f"{URL}/Login", json=self._login)
        mock.post(f"{URL}/Logout", json=self._logout)
        mock.get(f"{URL}/StoragePool", json=self._pools)
        self.logged_out = []

    def expire(self):
        self.valid = ""

    def _login(self, request, context):
        self.logins.append(request.json())
        if self.refusal is not None:
            return self.refusal
        self.valid = f"QSDK example-token-{len(self.logins)}"
        return self.granted | {"token": self.valid}

    def _logout(self, request, context):
        self.logged_out.append(request.headers["Authtoken"])
        return {"response": "User logged out"}

    def _pools(self, request, context):
        self.sent.append(dict(request.headers))
        if request.headers.get("Authtoken") != self.valid:
            context.status_code = 401
            return {"errorMessage": "Access denied. Please log in.", "errorCode": 401}
        return {"storagePoolList": []}


@pytest.fixture
def server(requests_mock, payload):
    return Server(requests_mock, payload)


def test_the_password_is_sent_in_base64_and_the_token_comes_back_verbatim(client, account, server):
    client(**account).get("/StoragePool")

    [login] = server.logins
    assert login["username"] == "EXAMPLE\\svc"
    assert base64.b64decode(login["password"]).decode() == PASSWORD
    assert server.sent[0]["Authtoken"] == "QSDK example-token-1"
    assert "Authorization" not in server.sent[0]


def test_an_access_token_needs_no_login(client, requests_mock):
    requests_mock.get(f"{URL}/StoragePool", json={})
    client().get("/StoragePool")

    assert [r.headers["Authorization"] for r in requests_mock.request_history] == ["Bearer example-access-token"]
    assert "Authtoken" not in requests_mock.last_request.headers


def test_a_refused_access_token_is_read_anew_and_then_given_up(client, requests_mock):
    requests_mock.get(f"{URL}/StoragePool", status_code=401, json={})
    with pytest.raises(SourceRefused, match=r"refused \(401\)") as refused:
        client().get("/StoragePool")

    assert requests_mock.call_count == 2
    assert "example-access-token" not in str(refused.value)


@pytest.mark.parametrize("token", ["two\tparts", "tökén", "\u0000"])
def test_an_access_token_that_no_header_can_carry_is_a_mistake_of_the_config(client, tmp_path, token):
    file = tmp_path / "token"
    file.write_text(token, encoding="utf-8")
    with pytest.raises(ConfigError, match="holds characters") as complaint:
        client(token=None, token_file=str(file)).get("/StoragePool")
    assert token not in str(complaint.value)


def test_a_missing_password_file_is_a_mistake_of_the_config(client, account, server):
    with pytest.raises(ConfigError, match="/run/secrets/none"):
        client(**account | {"password": None, "password_file": "/run/secrets/none"}).get("/StoragePool")
    assert server.logins == []


def test_a_token_that_expired_by_idling_brings_one_fresh_login(client, account, server):
    one = client(**account)
    one.get("/StoragePool")
    server.expire()
    one.get("/StoragePool")

    assert len(server.logins) == 2
    assert server.sent[-1]["Authtoken"] == "QSDK example-token-2"


def test_collectors_that_start_together_log_in_once(client, account, server):
    one = client(**account)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: one.get("/StoragePool"), range(6)))

    assert len(server.logins) == 1


def test_a_wrong_password_is_one_attempt_for_all_collectors_and_polls_of_a_quarter_of_an_hour(
    client, account, server, payload, clock, telemetry
):
    server.refusal = payload("login_refused")
    one = client(**account)
    for _ in range(3):
        with pytest.raises(SourceRefused, match=r"POST /Login: refused \(Commvault error 1127\)") as refused:
            one.get("/StoragePool")
        assert not refused.value.contact
        clock.now += 240
    assert len(server.logins) == 1
    assert telemetry.registry.get_sample_value("ebbtide_source_auth_failures_total", {"source": "cs01"}) == 1

    server.refusal = None
    clock.now += 240
    one.get("/StoragePool")
    assert len(server.logins) == 2


def test_a_locked_account_is_left_alone_as_long_as_the_server_says(client, account, server, payload, clock):
    server.refusal = payload("login_locked")
    one = client(**account)
    for passed in (0, 1100):
        clock.now = 1000.0 + passed
        with pytest.raises(SourceRefused, match="the account is locked for another 1200 s"):
            one.get("/StoragePool")
    assert len(server.logins) == 1

    server.refusal = None
    clock.now = 1000.0 + 1201
    one.get("/StoragePool")
    assert len(server.logins) == 2


def test_an_account_locked_for_no_stated_time_is_left_alone_like_a_wrong_password(client, account, server, clock):
    server.refusal = {"isAccountLocked": True, "remainingLockTime": 0}
    one = client(**account)
    for _ in range(2):
        with pytest.raises(SourceRefused, match=r"the account is locked$"):
            one.get("/StoragePool")
        clock.now += 800
    assert len(server.logins) == 1


@pytest.mark.parametrize(
    ("answer", "error", "complaint"),
    [
        ({"errorMessage": "Access denied", "errorCode": 5}, SourceRefused, "error 5"),
        ({"error": {"errList": [{"errorCode": 1127, "errLogMessage": "x"}]}}, SourceRefused, "error 1127"),
        ({"errList": [{"errLogMessage": "x"}]}, SourceRefused, "error -1"),
        ({}, SourceGarbled, "no usable field token"),
        ({"token": ""}, SourceGarbled, "no usable field token"),
        ({"token": "QSDK \n injected"}, SourceGarbled, "no usable field token"),
        ({"token": {"value": 1}}, SourceGarbled, "token is of type dict"),
        ({"remainingLockTime": "soon"}, SourceGarbled, "remainingLockTime is not a number"),
        (["QSDK"], SourceGarbled, "of type list"),
    ],
)
def test_a_login_without_a_token_is_refused_or_garbled(client, account, server, answer, error, complaint):
    server.refusal = answer
    with pytest.raises(error, match=complaint) as raised:
        client(**account).get("/StoragePool")
    assert "injected" not in str(raised.value)


@pytest.mark.parametrize(("status", "error"), [(401, SourceRefused), (500, SourceUnreachable), (404, SourceGarbled)])
def test_a_login_may_fail_by_its_status(client, account, requests_mock, status, error):
    requests_mock.post(f"{URL}/Login", status_code=status, json={})
    with pytest.raises(error, match=f"POST /Login.*{status}"):
        client(**account).get("/StoragePool")


def test_no_message_and_no_log_line_holds_a_secret(client, account, server, caplog):
    """Even when the server is so kind as to repeat what it was sent."""
    caplog.set_level("DEBUG")
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    server.refusal = {"errList": [{"errorCode": 1127, "errLogMessage": f"{PASSWORD} {encoded} is wrong"}]}
    with pytest.raises(SourceRefused) as refused:
        client(**account).get("/StoragePool")

    for secret in (PASSWORD, encoded):
        assert secret not in str(refused.value)
        assert secret not in caplog.text


def test_closing_logs_out_of_the_session(client, account, server):
    one = client(**account)
    one.get("/StoragePool")
    one.close()

    assert server.logged_out == ["QSDK example-token-1"]


def test_without_a_session_closing_says_nothing_to_the_server(client, account, requests_mock):
    client(**account).close()
    client().close()

    assert requests_mock.call_count == 0


def test_a_logout_that_fails_is_nobodys_trouble(client, account, server, requests_mock):
    one = client(**account)
    one.get("/StoragePool")
    requests_mock.post(f"{URL}/Logout", status_code=500)
    one.close()

    assert requests_mock.last_request.path.endswith("/logout")


def test_closing_does_not_wait_for_a_server_that_hangs(client, account, server, requests_mock, monkeypatch):
    monkeypatch.setattr("exporter.sources.commvault.client._LOGOUT_SECONDS", 0.05)
    one = client(**account)
    one.get("/StoragePool")
    answered = threading.Event()
    requests_mock.post(f"{URL}/Logout", json=lambda *_: answered.wait(5) and {})
    started = time.monotonic()
    one.close()
    took = time.monotonic() - started
    answered.set()

    assert took < 1
