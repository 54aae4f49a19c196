"""The one HTTP client, against a server that really sends what the test says."""

from __future__ import annotations

import email.utils
import gzip
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests_mock
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import http
from exporter.errors import SourceError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.http import Exchange, HttpClient, PermissionMissing, Remark, Reply, ServerFailed, UnexpectedStatus, dig
from exporter.simulator.wire import Answer, Fault, Request, Server
from exporter.telemetry import Telemetry
from exporter.tokens import Token, Tokens, refusal_seconds
from tests.conftest import ScriptedServer, url_of

Scripted = Callable[..., ScriptedServer]
Clients = Callable[..., HttpClient]


@pytest.fixture
def client(telemetry: Telemetry) -> Iterator[Clients]:
    made: list[HttpClient] = []

    def make(url: str, **options: Any) -> HttpClient:
        options = {"timeout": 5.0, "backoff": 0.001} | options
        made.append(HttpClient("cs01", url, telemetry, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def answer(status: str = "200 OK", body: bytes = b"{}", **headers: str) -> bytes:
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


class StaticLogin:
    """Numbers its tokens, so that a test sees which one was sent."""

    def __init__(self) -> None:
        self.number = 1
        self.rejected: list[Mapping[str, str]] = []

    def headers(self) -> Mapping[str, str]:
        return {"Authtoken": f"t0ken-{self.number}"}

    def reject(self, headers: Mapping[str, str]) -> None:
        self.rejected.append(headers)
        self.number += 1


# What an answer is


def test_an_answer_is_its_status_headers_and_body(scripted: Scripted, client: Clients) -> None:
    server = scripted(answer(body=b'{"pools": [1]}', X_Count="1"))
    reply = client(server.url + "/api/").get("/Pool/{}", "a/b c", params={"limit": 5})
    assert (reply.status, reply.headers["x-count"], reply.json()) == (200, "1", {"pools": [1]})
    assert server.asked[0].startswith(b"GET /api/Pool/a%2Fb%20c?limit=5 HTTP/1.1\r\n")
    assert b"Accept: application/json\r\n" in server.asked[0]


def test_a_compressed_answer_is_unpacked(scripted: Scripted, client: Clients) -> None:
    server = scripted(answer(body=gzip.compress(b'{"a": 1}'), Content_Encoding="gzip"))
    assert client(server.url).get("/x").json() == {"a": 1}


def test_a_post_sends_json_or_a_form(scripted: Scripted, client: Clients) -> None:
    server = scripted(answer())
    one = client(server.url, headers={"x-api-version": "1.3"})
    assert one.post("/login", form={"username": "me"}, headers={"X-More": "1"}).status == 200
    assert b"x-api-version: 1.3" in server.asked[0]
    assert b"X-More: 1" in server.asked[0]
    assert b"Content-Type: application/x-www-form-urlencoded" in server.asked[0]
    one.post("/login", json={"username": "me"})
    assert b"Content-Type: application/json" in server.asked[1]


@pytest.mark.parametrize("body", [b"<html>", b'{"a": ', b"[" * 100_000, b"\xff\xff", b"1" * 5000], ids=len)
def test_an_answer_that_is_no_json_says_what_it_is(scripted: Scripted, client: Clients, body: bytes) -> None:
    reply = client(scripted(answer(body=body, Content_Type="text/html; charset=utf-8")).url).get("/Pool")
    with pytest.raises(SourceGarbled, match=rf"^GET /Pool: not valid JSON \(text/html, {len(body)} bytes\)$"):
        reply.json()


def test_only_the_configured_host_is_spoken_to(
    scripted: Scripted, client: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Proxies and .netrc of the environment are ignored, cookies are not kept."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = scripted(answer(Set_Cookie="session=1; Path=/"))
    one = client(server.url)
    one.get("/a")
    one.get("/b")
    assert b"Authorization" not in server.asked[0]
    assert b"Cookie" not in server.asked[1]


def test_the_host_is_shown_without_scheme_and_path(client: Clients) -> None:
    assert client("https://cs01.example.com:4443/api").host == "cs01.example.com:4443"


# Every failure is one of three, with a plain reason


def refused(url: str, client: Clients, kind: type[SourceError], **options: Any) -> SourceError:
    options = {"attempts": 1} | options
    with pytest.raises(SourceError) as caught:
        client(url, **options).get("/Pool/{}", 17, params={"secret": "hunter2"})
    assert isinstance(caught.value, kind)
    message = str(caught.value)
    assert message.startswith("GET /Pool/{id}: ")
    assert not any(text in message for text in ("\n", "hunter2", "17"))
    return caught.value


def test_a_name_that_does_not_resolve(client: Clients) -> None:
    error = refused("http://cs01.invalid", client, SourceUnreachable)
    assert str(error).endswith("no answer: the host name does not resolve")
    assert not error.contact


def test_a_port_where_nobody_listens(client: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = url_of(taken)
    assert str(refused(url, client, SourceUnreachable)).endswith("no answer: connection refused")


def test_a_host_that_cannot_be_one(client: Clients) -> None:
    refused(f"http://{'a' * 64}.example.com", client, SourceUnreachable)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def https(authority: trustme.CA) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Server(lambda _: Answer({"ok": 1}), ssl_context=context) as server:
        yield server


def test_a_certificate_nobody_vouches_for(https: Server, client: Clients) -> None:
    error = refused(https.url, client, SourceUnreachable)
    assert str(error).endswith(("no answer: TLS: unable to get local issuer certificate",
                                "no answer: TLS: self-signed certificate in certificate chain"))  # fmt: skip


def test_a_certificate_of_the_configured_authority(
    https: Server, client: Clients, authority: trustme.CA, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    assert client(https.url, verify=bundle).get("/x").json() == {"ok": 1}


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_not_verifying_is_the_operators_decision_and_logged_once(
    https: Server, client: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    one = client(https.url, verify=False)
    assert one.get("/x").json() == one.get("/x").json() == {"ok": 1}
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == [
        "cs01: TLS certificates are not verified (verify: false)"
    ]


def test_tls_spoken_to_a_server_that_speaks_none(client: Clients) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def plain() -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(answer("400 Bad Request"))
        connection.close()

    thread = threading.Thread(target=plain)
    thread.start()
    url = url_of(listener).replace("http:", "https:")
    error = refused(url, client, SourceUnreachable)
    thread.join()
    listener.close()
    assert str(error).endswith(("TLS: wrong version number", "TLS: record layer failure"))


def test_a_server_that_hangs_ends_at_the_timeout(scripted: Scripted, client: Clients) -> None:
    server = scripted(lambda _: server.stopping.wait(5))
    started = time.monotonic()
    error = refused(server.url, client, SourceUnreachable, timeout=0.1)
    assert str(error).endswith("no answer in time")
    assert 0.1 <= time.monotonic() - started < 2


def test_a_server_that_does_not_take_the_connection_ends_at_the_timeout(client: Clients) -> None:
    """A full backlog: the handshake is never finished."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listener.getsockname())
        error = refused(url_of(listener), client, SourceUnreachable, timeout=0.1)
        for one in waiting:
            one.close()
    assert str(error).endswith("no answer: the connection timed out")


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /login"])
def test_a_server_that_drips_ends_at_the_deadline(scripted: Scripted, client: Clients, status: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 1000\r\n\r\n")
        while not server.stopping.wait(0.02):
            connection.sendall(b"{")

    server = scripted(drip)
    started = time.monotonic()
    error = refused(server.url, client, SourceUnreachable, deadline=0.25)
    assert str(error).endswith("answer not complete after 0.25 s")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "cut",
    [
        answer(body=b'{"pools": []}', Content_Length="1000"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ],
    ids=["length", "chunk", "last chunk"],
)
def test_a_body_cut_short_is_never_taken_for_the_whole(scripted: Scripted, client: Clients, cut: bytes) -> None:
    error = refused(scripted(cut).url, client, SourceUnreachable)
    assert str(error).endswith(("the answer was cut off", "the connection was closed"))


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "the connection was closed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the connection was closed"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000, "the connection was closed"),
        (answer(body=b"no gzip", Content_Encoding="gzip"), "the answer is not what its Content-Encoding says"),
    ],
    ids=["nothing", "no http", "endless header", "not gzip"],
)
def test_bytes_that_are_no_answer(scripted: Scripted, client: Clients, sent: bytes, reason: str) -> None:
    assert str(refused(scripted(sent).url, client, SourceUnreachable)).endswith(reason)


def test_a_reset_connection(client: Clients) -> None:
    with Server(lambda _: Answer()) as server:
        server.faults.set(Fault("refuse"))
        assert str(refused(server.url, client, SourceUnreachable)).endswith("no answer: the connection was closed")


def test_an_answer_without_end_is_not_kept(
    scripted: Scripted, client: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_LARGEST_ANSWER", 1000)
    error = refused(scripted(answer(body=b"x" * 1001)).url, client, SourceGarbled)
    assert str(error).endswith("answer larger than 1000 bytes")


@pytest.mark.parametrize(
    ("status", "kind", "reason", "contact"),
    [
        ("302 Found", UnexpectedStatus, "redirected (302); check the url", True),
        ("401 Unauthorized", PermissionMissing, "refused (401): the credentials are not accepted", False),
        ("403 Forbidden", PermissionMissing, "refused (403): the account lacks the permission", True),
        ("404 Not Found", UnexpectedStatus, "unexpected status 404", True),
        ("429 Too Many Requests", ServerFailed, "too many requests (429)", False),
        ("500 Internal Server Error", ServerFailed, "the server reports a failure of its own (500)", False),
        ("503 Service Unavailable", ServerFailed, "the server reports a failure of its own (503)", False),
    ],
)
def test_a_status_is_one_of_three_errors(
    scripted: Scripted, client: Clients, status: str, kind: type[SourceError], reason: str, contact: bool
) -> None:
    server = scripted(answer(status, b"hunter2", Location="http://127.0.0.1:9/hunter2"))
    error = refused(server.url, client, kind)
    assert str(error).endswith(reason)
    assert error.contact is contact
    assert "hunter2" not in repr(error)
    assert isinstance(error, http.HttpStatus)
    assert (error.status, error.body) == (int(status[:3]), b"hunter2")
    assert len(server.asked) == 1


def test_a_403_is_a_refusal_and_a_404_is_not() -> None:
    assert issubclass(PermissionMissing, SourceRefused)
    assert issubclass(UnexpectedStatus, SourceGarbled)
    assert issubclass(ServerFailed, SourceUnreachable)


# What is sent again, and what never


@pytest.mark.parametrize("status", ["429 Slow Down", "502 Bad Gateway", "503 Unavailable", "504 Timeout"])
def test_a_get_is_sent_again_when_the_server_has_a_bad_moment(
    scripted: Scripted, client: Clients, telemetry: Telemetry, status: str
) -> None:
    server = scripted(answer(status), answer(status), answer(body=b"[1]"))
    assert client(server.url).get("/x").json() == [1]
    assert len(server.asked) == 3
    assert telemetry.registry.get_sample_value("ebbtide_source_api_retries_total", {"source": "cs01"}) == 2


def test_a_get_is_sent_again_when_the_connection_broke(scripted: Scripted, client: Clients) -> None:
    server = scripted(b"", answer(body=b'{"a', Content_Length="99"), answer(body=b"[1]"))
    assert client(server.url).get("/x").json() == [1]


def test_a_get_is_given_up_after_its_attempts(scripted: Scripted, client: Clients) -> None:
    server = scripted(answer("503 Unavailable"))
    refused(server.url, client, ServerFailed, attempts=3)
    assert len(server.asked) == 3
    with pytest.raises(SourceUnreachable):
        client(scripted(b"").url, attempts=2).get("/x")


@pytest.mark.parametrize("status", ["500 Internal Server Error", "404 Not Found", "403 Forbidden", "302 Found"])
def test_what_will_not_change_is_asked_once(scripted: Scripted, client: Clients, status: str) -> None:
    server = scripted(answer(status))
    with pytest.raises(SourceError):
        client(server.url).get("/x")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "sent", [answer("503 Unavailable"), answer("429 Slow Down"), b""], ids=["503", "429", "closed"]
)
def test_a_post_is_never_sent_again(scripted: Scripted, client: Clients, sent: bytes) -> None:
    server = scripted(sent)
    with pytest.raises(SourceUnreachable):
        client(server.url).post("/login", json={})
    assert len(server.asked) == 1


def test_retry_after_is_waited_for(scripted: Scripted, client: Clients) -> None:
    server = scripted(answer("429 Slow Down", Retry_After="0.2"), answer())
    started = time.monotonic()
    client(server.url).get("/x")
    assert 0.2 <= time.monotonic() - started < 2


@pytest.mark.parametrize(
    "value", ["86400", email.utils.formatdate(time.time() + 86400, usegmt=True), "inf"], ids=["seconds", "date", "inf"]
)
def test_a_retry_after_beyond_the_deadline_is_not_waited_for(scripted: Scripted, client: Clients, value: str) -> None:
    server = scripted(answer("429 Slow Down", Retry_After=value))
    started = time.monotonic()
    refused(server.url, client, ServerFailed, deadline=10.0, attempts=3)
    assert len(server.asked) == 1
    assert time.monotonic() - started < 2


def test_retry_after_comes_in_two_forms() -> None:
    now = 1_772_442_000.0
    assert http.retry_after("7", now) == 7
    assert http.retry_after(email.utils.formatdate(now + 90, usegmt=True), now) == 90
    assert http.retry_after(email.utils.formatdate(now - 90, usegmt=True), now) == 0
    assert http.retry_after("soon", now) == http.retry_after("-5", now) == http.retry_after("", now) == 0


@settings(max_examples=50)
@given(st.text() | st.from_regex(r"\w{3}, \d{1,3} \w{3} \d{1,6} \d\d:\d\d:\d\d [-+]\d{4}", fullmatch=True))
def test_no_retry_after_can_break_the_client(value: str) -> None:
    assert http.retry_after(value, 1_772_442_000.0) >= 0


def test_closing_ends_waits_and_answers_under_way(scripted: Scripted, client: Clients) -> None:
    waiting = threading.Event()

    def slowly(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        waiting.set()
        while not server.stopping.wait(0.02):
            connection.sendall(b"{")

    server = scripted(answer("503 Unavailable", Retry_After="60"), slowly)
    one = client(server.url)
    with ThreadPoolExecutor(2) as threads:
        pausing = threads.submit(one.get, "/first")
        while not server.asked:
            time.sleep(0.005)
        reading = threads.submit(one.get, "/second")
        waiting.wait(5)
        started = time.monotonic()
        one.close()
        assert isinstance(pausing.exception(5), ServerFailed)
        assert str(reading.exception(5)).startswith("GET /second: ")
    assert time.monotonic() - started < 2


# Login


def test_a_401_logs_in_once_more_and_the_request_is_sent_again(scripted: Scripted, client: Clients) -> None:
    server = scripted(answer("401 Unauthorized"), answer(body=b"[1]"))
    one = client(server.url)
    one.login = login = StaticLogin()
    assert one.get("/x").json() == [1]
    assert login.rejected == [{"Authtoken": "t0ken-1"}]
    assert b"Authtoken: t0ken-1" in server.asked[0]
    assert b"Authtoken: t0ken-2" in server.asked[1]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_401_after_a_fresh_login_is_final(
    scripted: Scripted, client: Clients, telemetry: Telemetry, method: str
) -> None:
    server = scripted(answer("401 Unauthorized"))
    one = client(server.url)
    one.login = login = StaticLogin()
    with pytest.raises(PermissionMissing, match=r"refused \(401\)"):
        one.request(method, "/x")
    assert (len(server.asked), len(login.rejected)) == (2, 1)
    failures = telemetry.registry.get_sample_value("ebbtide_source_auth_failures_total", {"source": "cs01"})
    assert failures == 1


def test_a_post_after_a_fresh_login_is_still_sent_only_once_more(scripted: Scripted, client: Clients) -> None:
    server = scripted(answer("401 Unauthorized"), answer("503 Unavailable"))
    one = client(server.url)
    one.login = StaticLogin()
    with pytest.raises(ServerFailed):
        one.post("/query")
    assert len(server.asked) == 2


def test_a_login_call_carries_no_token(scripted: Scripted, client: Clients) -> None:
    server = scripted(answer("401 Unauthorized"))
    one = client(server.url)
    one.login = StaticLogin()
    with pytest.raises(PermissionMissing):
        one.post("/Login", authorised=False)
    assert len(server.asked) == 1
    assert b"Authtoken" not in server.asked[0]


def test_credentials_a_header_cannot_hold_are_named_and_not_shown(scripted: Scripted, client: Clients) -> None:
    one = client(scripted(answer()).url)
    for bad in ("hunter2\r\nX: y", "hunter2€"):
        with pytest.raises(SourceUnreachable, match="not sent: the credentials hold a character") as caught:
            one.get("/x", headers={"Authtoken": bad})
        assert "hunter2" not in str(caught.value)


# Tokens


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_many_threads_log_in_once() -> None:
    logins: list[int] = []

    def obtain() -> Token:
        time.sleep(0.05)
        logins.append(1)
        return Token({"Authtoken": str(len(logins))})

    tokens = Tokens(obtain, refusal_seconds=60)
    with ThreadPoolExecutor(16) as threads:
        seen = list(threads.map(lambda _: tokens.headers()["Authtoken"], range(64)))
    assert (len(logins), set(seen)) == (1, {"1"})


def test_many_threads_with_the_same_rejected_token_log_in_once_more() -> None:
    logins: list[int] = []

    def obtain() -> Token:
        logins.append(1)
        return Token({"Authtoken": str(len(logins))})

    tokens = Tokens(obtain, refusal_seconds=60)
    old = tokens.headers()
    for _ in range(5):
        tokens.reject(old)
        assert tokens.headers() == {"Authtoken": "2"}
    assert len(logins) == 2


def test_a_token_is_renewed_when_its_time_has_come() -> None:
    clock, logins = Clock(), []

    def obtain() -> Token:
        logins.append(clock.now)
        return Token({"Authtoken": str(len(logins))}, renew_at=clock.now + 100)

    tokens = Tokens(obtain, refusal_seconds=60, clock=clock)
    assert tokens.headers() == {"Authtoken": "1"}
    clock.now += 99
    assert tokens.headers() == {"Authtoken": "1"}
    clock.now += 1
    assert tokens.headers() == {"Authtoken": "2"}


def test_a_refused_login_is_remembered_so_that_no_account_locks() -> None:
    clock, attempts = Clock(), []

    def obtain() -> Token:
        attempts.append(clock.now)
        raise SourceRefused("POST /Login: refused (401): wrong password")

    tokens = Tokens(obtain, refusal_seconds=60, clock=clock)
    for _ in range(5):
        with pytest.raises(SourceRefused, match="wrong password") as caught:
            tokens.headers()
        assert not caught.value.contact
    assert len(attempts) == 1
    clock.now += 60
    with pytest.raises(SourceRefused):
        tokens.headers()
    assert len(attempts) == 2


def test_a_refusal_may_say_itself_how_long_it_lasts() -> None:
    clock, attempts = Clock(), []

    def obtain() -> Token:
        attempts.append(clock.now)
        if len(attempts) == 1:
            locked = SourceRefused("the account is locked")
            locked.retry_seconds = 900.0  # type: ignore[attr-defined]
            raise locked
        return Token({"Authtoken": "t"})

    tokens = Tokens(obtain, refusal_seconds=60, clock=clock)
    for seconds in (0, 60, 839):
        clock.now += seconds
        with pytest.raises(SourceRefused, match="locked"):
            tokens.headers()
    clock.now += 1
    assert tokens.headers() == {"Authtoken": "t"}
    assert len(attempts) == 2


def test_a_refusal_lasts_for_one_round_of_polls() -> None:
    assert refusal_seconds([300.0, 3600.0]) == 150.0
    assert refusal_seconds([3600.0]) == 240.0


def test_a_login_that_found_nobody_is_tried_again_at_once() -> None:
    outcomes: list[Any] = [SourceUnreachable("no answer"), Token({"Authtoken": "t"})]

    def obtain() -> Token:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    tokens = Tokens(obtain, refusal_seconds=60)
    with pytest.raises(SourceUnreachable):
        tokens.headers()
    assert tokens.headers() == {"Authtoken": "t"}


def test_a_rejected_token_is_not_handed_out_while_the_new_login_fails() -> None:
    outcomes: list[Any] = [Token({"Authtoken": "old"}), SourceUnreachable("no answer"), Token({"Authtoken": "new"})]

    def obtain() -> Token:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    tokens = Tokens(obtain, refusal_seconds=60)
    tokens.reject(tokens.headers())
    with pytest.raises(SourceUnreachable):
        tokens.headers()
    assert tokens.headers() == {"Authtoken": "new"}


# Load


def test_no_more_requests_run_at_once_than_configured(client: Clients) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def busy(_: Request) -> Answer:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return Answer()

    with Server(busy) as server, ThreadPoolExecutor(8) as threads:
        one = client(server.url, concurrency=2)
        list(threads.map(lambda _: one.get("/x"), range(8)))
    assert most == 2


def test_a_request_that_gets_no_slot_says_so(client: Clients) -> None:
    release = threading.Event()

    def slow(_: Request) -> Answer:
        release.wait(5)
        return Answer()

    with Server(slow) as server, ThreadPoolExecutor(1) as threads:
        one = client(server.url, concurrency=1, deadline=0.15, attempts=1)
        first = threads.submit(one.get, "/slow")
        while not server.requests:
            time.sleep(0.005)
        with pytest.raises(SourceUnreachable, match="no free slot: earlier requests to this source hang"):
            one.get("/x")
        release.set()
        assert first.exception(5) is None or isinstance(first.exception(), SourceUnreachable)


# What may be seen


def test_requests_are_counted_by_route_and_never_by_id(
    scripted: Scripted, client: Clients, telemetry: Telemetry
) -> None:
    one = client(scripted(answer(), b"").url, attempts=1)
    one.get("/Pool/{}?level=10", 4711)
    with pytest.raises(SourceUnreachable):
        one.get("/Pool/{}?level=10", 4712)
    counted = {
        (sample.labels["endpoint"], sample.labels["code"]): sample.value
        for metric in telemetry.api_requests.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
    assert counted == {("/Pool/{id}", "200"): 1, ("/Pool/{id}", "error"): 1}


def test_an_observer_hears_of_every_attempt_and_of_no_query(scripted: Scripted, client: Clients) -> None:
    one = client(scripted(b"", answer("503 Unavailable"), answer(body=b"[1, 2]")).url)
    heard: list[Exchange | Remark] = []
    one.observer = heard.append
    one.get("/Pool/{}?level=10", 4711, params={"token": "hunter2"})
    one.remark("GET /Pool/{}", "access denied", "refused")
    *exchanges, remark = heard
    assert [(e.status, e.size) for e in exchanges if isinstance(e, Exchange)] == [(None, 0), (503, 2), (200, 6)]
    assert remark == Remark("GET /Pool/{id}", "access denied", "refused")
    assert {each.endpoint for each in heard} == {"GET /Pool/{id}"}
    assert "hunter2" not in repr(heard)


def test_the_size_of_answers_is_counted_after_decompression(
    scripted: Scripted, client: Clients, telemetry: Telemetry
) -> None:
    body = b"[" + b" " * 5000 + b"]"
    one = client(scripted(answer(body=gzip.compress(body), Content_Encoding="gzip")).url)
    one.get("/Pool")
    labels = {"source": "cs01", "endpoint": "/Pool"}
    assert telemetry.registry.get_sample_value("ebbtide_source_api_response_bytes_total", labels) == len(body)


def test_no_secret_reaches_a_message_a_log_record_or_a_repr(
    scripted: Scripted, client: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    """Token, password and query, on the way there and back, with every logger at its loudest."""
    caplog.set_level(logging.DEBUG)
    broken_headers = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\nno colon hunter2\r\n\r\n{}"
    server = scripted(
        answer(body=b'{"token": "hunter2"}', X_Token="hunter2"),
        broken_headers,
        answer("403 hunter2", b"hunter2"),
        answer("503 hunter2", b"hunter2"),
        answer(body=b"hunter2"),
    )
    one = client(server.url, headers={"X-Key": "hunter2"}, attempts=1)
    shown = repr(one.post("/Login", json={"password": "hunter2"}, form=None))
    for _ in range(4):
        try:
            reply = one.get("/x", params={"password": "hunter2"}, headers={"Authtoken": "hunter2"})
            shown += repr(reply)
            reply.json()
        except SourceError as error:
            shown += str(error) + repr(error)
    shown += repr(one) + repr(Token({"Authtoken": "hunter2"}))
    shown += repr(Tokens(lambda: Token({"Authtoken": "hunter2"}), refusal_seconds=1))
    for record in caplog.records:
        shown += record.getMessage() + str(record.exc_text) + str(record.exc_info)
    assert len(server.asked) == 5
    assert "GET /x" in shown
    assert "hunter2" not in shown


def test_an_unforeseen_failure_still_has_a_plain_reason(client: Clients) -> None:
    with requests_mock.Mocker() as mock:
        mock.get("http://cs01.example.com/Pool/17", exc=OSError("hunter2"))
        error = refused("http://cs01.example.com", client, SourceUnreachable)
    assert str(error).endswith("no answer: OSError")


# dig


def test_dig_finds_what_is_there() -> None:
    payload = json.loads('{"pools": [{"size": 5}]}')
    assert dig(payload, "pools", 0, "size", endpoint="GET /Pool", expect=int) == 5


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("pools", 0, "free"), "GET /Pool: the answer has no field pools.0.free"),
        (("pools", 1), "GET /Pool: the answer has no field pools.1"),
        (("pools", "x"), "GET /Pool: the answer has no field pools.x"),
        (("pools",), "GET /Pool: pools is of type list, which is not expected"),
        ((), "GET /Pool: the answer is of type dict, which is not expected"),
    ],
)
def test_dig_names_the_field_that_is_missing_or_of_another_type(path: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(SourceGarbled) as caught:
        dig({"pools": [{"size": 5}]}, *path, endpoint="GET /Pool", expect=int)
    assert str(caught.value) == message


def test_a_reply_shows_what_was_asked_and_not_what_came() -> None:
    assert repr(Reply("GET /x", 200, {"Set-Cookie": "s"}, b"body")) == "Reply(endpoint='GET /x', status=200)"
