"""A configured CommServe, its payloads, a clock one can turn and a memory that forgets with the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.history.ledger import Ledger, SourceState
from exporter.model import Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.config import CommvaultSettings
from exporter.telemetry import Telemetry

PAYLOADS = Path(__file__).parents[2] / "payloads"
URL = "https://cs01.example.com/webconsole/api"
PASSWORD = "Corr3ct-hörse"
AT = 1773576000.0  # 2026-03-15 12:00 UTC


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def payload() -> Callable[[str], Any]:
    return lambda name: json.loads((PAYLOADS / "commvault-11.36" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def memory() -> Iterator[SourceState]:
    ledger = Ledger("sqlite://")
    yield ledger.state("cs01")
    ledger.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., CommvaultSettings]:
    """With an access token, unless told otherwise."""
    monkeypatch.setenv("CV_TOKEN", "example-access-token")
    monkeypatch.setenv("CV_PASSWORD", PASSWORD)
    usual = {"name": "cs01", "kind": "commvault", "url": URL, "token": {"env": "CV_TOKEN"}}
    return lambda **changed: CommvaultSettings.model_validate(usual | changed)


@pytest.fixture
def account() -> dict[str, Any]:
    """The changes to the settings that log in with a password instead."""
    return {"token": None, "username": "EXAMPLE\\svc", "password": {"env": "CV_PASSWORD"}}


@pytest.fixture
def client(
    settings: Callable[..., CommvaultSettings], clock: Clock, telemetry: Telemetry
) -> Iterator[Callable[..., CommvaultClient]]:
    made: list[CommvaultClient] = []

    def make(**changed: Any) -> CommvaultClient:
        made.append(CommvaultClient(settings(**changed), telemetry, clock=clock))
        return made[-1]

    yield make
    for one in made:
        one._http.close()


@pytest.fixture
def poll(memory: SourceState) -> Callable[..., Poll]:
    return lambda since=None, at=AT: Poll(at, since, memory)
