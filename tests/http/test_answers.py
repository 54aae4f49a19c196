"""What an answer is, and how a value is taken out of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from exporter.errors import SourceGarbled
from exporter.http import (
    NotReadOnly,
    Reply,
    dig,
)

from .conftest import Clients, Scripted, answer


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


def test_a_client_that_only_reads_sends_what_it_was_allowed_beside_get(scripted: Scripted, client: Clients) -> None:
    server = scripted(answer())
    one = client(server.url, besides_get=("POST /login",))
    one.get("/x")
    one.post("/login", form={"username": "me"})
    for method, route in (("POST", "/x"), ("DELETE", "/login"), ("PUT", "/x/{}")):
        with pytest.raises(NotReadOnly, match=f"^{method} .* is not sent: this client only reads$"):
            one.request(method, route, 5)
    assert len(server.asked) == 2


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
