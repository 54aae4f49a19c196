"""A client of a scripted server, and a login that numbers its tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from exporter.errors import SourceError
from exporter.http import (
    HttpClient,
)
from exporter.telemetry import Telemetry
from tests.conftest import ScriptedServer

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


def refused(url: str, client: Clients, kind: type[SourceError], **options: Any) -> SourceError:
    options = {"attempts": 1} | options
    with pytest.raises(SourceError) as caught:
        client(url, **options).get("/Pool/{}", 17, params={"secret": "hunter2"})
    assert isinstance(caught.value, kind)
    message = str(caught.value)
    assert message.startswith("GET /Pool/{id}: ")
    assert not any(text in message for text in ("\n", "hunter2", "17"))
    return caught.value
