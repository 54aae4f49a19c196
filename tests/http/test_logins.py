"""A fresh login after a 401, and load."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.errors import SourceUnreachable
from exporter.http import (
    PermissionMissing,
    ServerFailed,
)
from exporter.simulator.wire import Answer, Request, Server
from exporter.telemetry import Telemetry

from .conftest import Clients, Scripted, StaticLogin, answer


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
