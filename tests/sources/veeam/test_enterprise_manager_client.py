"""The session of Enterprise Manager: what is sent to log in and out, and that no secret is told."""

from __future__ import annotations

import base64
import logging

import pytest

from exporter.errors import ConfigError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.sources.veeam import enterprise_manager
from exporter.sources.veeam.config import EnterpriseManagerSettings
from exporter.sources.veeam.enterprise_manager_client import EnterpriseManager
from exporter.telemetry import Telemetry

URL = "https://em01.example.com:9398"
PASSWORD = "Corr3ct-höuse"
SESSION = "NDRjZmJkYmUtNWE5NS00MTU2"
LOGIN, QUERY = f"{URL}/api/sessionMngr/?v=latest", f"{URL}/api/query"
LOGOUT = f"{URL}/api/logonSessions/7686d89e-26fd-48e6-963c-c9dbce802981"


@pytest.fixture
def manager(monkeypatch, clock):
    monkeypatch.setenv("EM_PASSWORD", PASSWORD)
    settings = EnterpriseManagerSettings(url=URL, username="EXAMPLE\\svc", password={"env": "EM_PASSWORD"})
    one = EnterpriseManager("vbr01", settings, Telemetry(), lookback=86400.0, clock=clock)
    yield one
    one._http.close()


@pytest.fixture
def server(requests_mock, payload):
    def answer(request, _context):
        return payload(f"enterprise-manager-12/{request.qs['type'][0]}s".replace("backupfile", "backupFile").replace(
            "backupjobsession", "backupJobSession"
        ))  # fmt: skip

    requests_mock.post(
        LOGIN,
        status_code=201,
        headers={"X-RestSvcSessionId": SESSION},
        json=payload("enterprise-manager-12/logonSession"),
    )
    requests_mock.get(QUERY, json=answer)
    requests_mock.delete(LOGOUT, status_code=204)
    return requests_mock


def asked(mock):
    return [(r.method, r.path) for r in mock.request_history]


def test_a_poll_logs_in_asks_and_logs_out(manager, server, poll, memory):
    feed = enterprise_manager.fetch(manager, poll)
    assert asked(server) == [
        ("POST", "/api/sessionmngr/"), ("GET", "/api/query"), ("GET", "/api/query"),
        ("DELETE", "/api/logonsessions/7686d89e-26fd-48e6-963c-c9dbce802981"),
    ]  # fmt: skip
    assert (feed.sessions, len(memory.reduced)) == (2, 2)
    assert feed.rejected == {"no_session": 1, "no_ratios": 1, "contradictory": 0}


def test_the_password_goes_to_the_login_only(manager, server, poll):
    enterprise_manager.fetch(manager, poll)
    login, *others = server.request_history
    basic = base64.b64encode(f"EXAMPLE\\svc:{PASSWORD}".encode()).decode()
    assert login.headers["Authorization"] == f"Basic {basic}"
    assert all("Authorization" not in r.headers and r.headers["X-RestSvcSessionId"] == SESSION for r in others)
    assert "X-RestSvcSessionId" not in login.headers


def test_every_poll_has_a_session_of_its_own(manager, server, poll):
    enterprise_manager.fetch(manager, poll)
    enterprise_manager.fetch(manager, poll)
    assert [method for method, _ in asked(server)] == ["POST", "GET", "GET", "DELETE"] * 2


def test_the_first_poll_reads_back_and_later_ones_what_is_new(manager, server, poll):
    enterprise_manager.fetch(manager, poll)
    enterprise_manager.fetch(manager, type(poll)(poll.at, poll.at - 3600, poll.state))
    filters = [r.qs["filter"][0] for r in server.request_history if r.path == "/api/query"]
    assert filters == [
        'creationtime>="2026-02-27t09:00:00z"', 'creationtimeutc>="2026-03-01t09:00:00z"',
        'creationtime>="2026-02-26t08:00:00z"', 'creationtimeutc>="2026-02-28t08:00:00z"',
    ]  # fmt: skip


def test_a_failed_poll_logs_out_too(manager, server, poll):
    server.get(QUERY, text="<html>")
    with pytest.raises(SourceGarbled, match=r"^GET /api/query: not valid JSON"):
        enterprise_manager.fetch(manager, poll)
    assert asked(server)[-1][0] == "DELETE"


def test_a_session_that_died_is_replaced_once(manager, server, poll, payload):
    empty = {"Entities": {}, "PagingInfo": {"PagesCount": 0}}
    server.get(QUERY, [{"status_code": 401}, {"json": empty}])
    assert enterprise_manager.fetch(manager, poll).sessions == 0
    assert [method for method, _ in asked(server)] == ["POST", "GET", "POST", "GET", "GET", "DELETE"]


def test_without_the_name_of_its_logon_a_session_is_left_to_expire(manager, server, poll):
    server.post(LOGIN, status_code=201, headers={"X-RestSvcSessionId": SESSION}, json={})
    enterprise_manager.fetch(manager, poll)
    assert [method for method, _ in asked(server)] == ["POST", "GET", "GET"]


def test_a_login_without_a_session_is_garbled(manager, server, poll):
    server.post(LOGIN, status_code=201, json={})
    with pytest.raises(SourceGarbled, match=r"^POST /api/sessionMngr/: the answer has no header X-RestSvcSessionId"):
        enterprise_manager.fetch(manager, poll)


def test_a_refused_login_is_tried_once_and_tells_no_secret(manager, server, poll, clock, caplog):
    caplog.set_level(logging.DEBUG)
    server.post(LOGIN, status_code=401, text=f"no {PASSWORD}")
    for _ in range(2):
        with pytest.raises(SourceRefused, match=r"^POST /api/sessionMngr/: refused \(401\)") as refused:
            enterprise_manager.fetch(manager, poll)
        assert PASSWORD not in repr(refused.value)
        assert refused.value.contact is False
    assert asked(server) == [("POST", "/api/sessionmngr/")]
    clock.now += 241
    with pytest.raises(SourceRefused):
        enterprise_manager.fetch(manager, poll)
    assert len(asked(server)) == 2
    assert PASSWORD not in caplog.text
    assert base64.b64encode(PASSWORD.encode()).decode()[:8] not in caplog.text


def test_nothing_shows_the_session_or_the_password(manager, server, poll, caplog):
    caplog.set_level(logging.DEBUG)
    list(manager.entities("BackupFile", ("CreationTimeUTC", 0.0)))
    for secret in (PASSWORD, SESSION):
        assert secret not in repr(manager)
        assert secret not in caplog.text


def test_a_password_that_is_gone_is_an_error_of_the_configuration(manager, server, poll, monkeypatch):
    monkeypatch.delenv("EM_PASSWORD")
    with pytest.raises(ConfigError, match="EM_PASSWORD"):
        enterprise_manager.fetch(manager, poll)
    assert asked(server) == []


def test_a_password_is_read_again_at_every_login(manager, server, poll, monkeypatch):
    enterprise_manager.fetch(manager, poll)
    monkeypatch.setenv("EM_PASSWORD", "other")
    enterprise_manager.fetch(manager, poll)
    first, second = [r.headers["Authorization"] for r in server.request_history if r.method == "POST"]
    assert first != second == "Basic " + base64.b64encode(b"EXAMPLE\\svc:other").decode()


def test_closing_logs_out_and_a_server_that_will_not_is_left_alone(manager, server):
    server.delete(LOGOUT, status_code=500)
    list(manager.entities("BackupFile", ("CreationTimeUTC", 0.0)))
    manager.close()
    manager.close()
    assert [method for method, _ in asked(server)] == ["POST", "GET", "DELETE"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"PagingInfo": {"PagesCount": 1}}, "no field Entities"),
        ({"Entities": {"BackupJobSessions": []}, "PagingInfo": {"PagesCount": 1}}, "BackupJobSessions is of type list"),
        (
            {"Entities": {"BackupJobSessions": {"BackupJobSessions": [{}]}}, "PagingInfo": {"PagesCount": 1}},
            "no field UID",
        ),
        ({"Entities": {}}, "no field PagingInfo"),
        ([], "no field Entities"),
    ],
)
def test_an_answer_of_another_shape_is_garbled(manager, server, poll, answer, message):
    server.get(QUERY, json=answer)
    with pytest.raises(SourceGarbled, match=rf"^GET /api/query: .*{message}"):
        enterprise_manager.fetch(manager, poll)


def test_pages_are_read_to_the_last_and_a_server_that_repeats_itself_is_believed_once(manager, server):
    def page(request, _context):
        number = int(request.qs["page"][0])
        rows = [{"UID": str(min(number, 3))}, {"UID": "again"}]
        return {"Entities": {"BackupFiles": {"BackupFiles": rows}}, "PagingInfo": {"PagesCount": 5}}

    server.get(QUERY, json=page)
    found = [row["UID"] for row in manager.entities("BackupFile", ("CreationTimeUTC", 0.0))]
    assert found == ["1", "again", "2", "3"]
    assert len(asked(server)) == 5, "a login, three new pages and one that was there before"


def test_no_answer_is_no_contact(manager, server, poll):
    server.post(LOGIN, exc=ConnectionRefusedError)
    with pytest.raises(SourceUnreachable, match=r"^POST /api/sessionMngr/: no answer: connection refused"):
        enterprise_manager.fetch(manager, poll)
