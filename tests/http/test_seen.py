"""What may be seen of a request: counters, observers, and no secret."""

from __future__ import annotations

import gzip
import logging

import pytest
import requests_mock

from exporter.errors import SourceError, SourceUnreachable
from exporter.http import (
    Exchange,
    Remark,
)
from exporter.telemetry import Telemetry
from exporter.tokens import Token, Tokens

from .conftest import Clients, Scripted, answer, refused


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
