"""What is sent again, and what never."""

from __future__ import annotations

import email.utils
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import http
from exporter.errors import SourceError, SourceUnreachable
from exporter.http import (
    ServerFailed,
)
from exporter.telemetry import Telemetry

from .conftest import Clients, Scripted, answer, refused


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
