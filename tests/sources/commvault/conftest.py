"""A configured CommServe, its payloads, a clock one can turn and a memory that forgets with the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.model import Job, Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.config import CommvaultSettings
from exporter.telemetry import Telemetry

PAYLOADS = Path(__file__).parents[2] / "payloads"
URL = "https://cs01.example.com/webconsole/api"
PASSWORD = "Corr3ct-hörse"
AT = 1773576000.0  # 2026-03-15 12:00 UTC


class Memory:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.stored: dict[int, Job] = {}
        self.reads: list[tuple[float, tuple[str, ...] | None]] = []

    def get(self, key: str) -> str | None:
        return self.values.get(key)

    def put(self, key: str, value: str) -> None:
        self.values[key] = value

    def add_jobs(self, jobs: Iterable[Job]) -> int:
        before = len(self.stored)
        for job in jobs:
            self.stored.setdefault(job.id, job)
        return len(self.stored) - before

    def jobs(self, since: float, *, operations: Iterable[str] | None = None) -> Iterator[Job]:
        wanted = None if operations is None else tuple(operations)
        self.reads.append((since, wanted))
        for job in sorted(self.stored.values(), key=lambda job: (job.ended_at, job.id)):
            if job.ended_at >= since and (wanted is None or job.operation in wanted):
                yield job


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def payload() -> Callable[[str], Any]:
    return lambda name: json.loads((PAYLOADS / "commvault-11.36" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def memory() -> Memory:
    return Memory()


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
def poll(memory: Memory) -> Callable[..., Poll]:
    return lambda since=None, at=AT: Poll(at, since, memory)
