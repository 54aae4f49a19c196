"""A configured VBR server, its payloads, a clock one can turn and a memory that forgets with the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.model import Job, Poll, SessionReduction
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.config import VeeamSettings
from exporter.telemetry import Telemetry
from tests.sources.veeam.site import PASSWORD as SITE_PASSWORD
from tests.sources.veeam.site import Site

PAYLOADS = Path(__file__).parents[2] / "payloads"
URL = "https://vbr01.example.com:9419"
PASSWORD = "Corr3ct-horse"


class Memory:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.reduced: dict[tuple[str, str], SessionReduction] = {}

    def get(self, key: str) -> str | None:
        return self.values.get(key)

    def put(self, key: str, value: str) -> None:
        self.values[key] = value

    def add_jobs(self, jobs: Iterable[Job]) -> int:
        raise NotImplementedError

    def jobs(self, since: float, *, operations: Iterable[str] | None = None) -> Iterator[Job]:
        raise NotImplementedError

    def add_reductions(self, sessions: Iterable[SessionReduction]) -> int:
        known = len(self.reduced)
        for session in sessions:
            self.reduced.setdefault((session.job_id, session.session_id), session)
        return len(self.reduced) - known


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def payload() -> Callable[[str], Any]:
    return lambda name: json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def rows(payload: Callable[[str], Any]) -> Callable[[str], list[dict[str, Any]]]:
    return lambda name: payload(name)["data"]


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., VeeamSettings]:
    monkeypatch.setenv("VBR_PASSWORD", PASSWORD)
    usual = {
        "name": "vbr01",
        "kind": "veeam",
        "url": URL,
        "username": "EXAMPLE\\svc",
        "password": {"env": "VBR_PASSWORD"},
    }
    return lambda **changed: VeeamSettings.model_validate(usual | changed)


@pytest.fixture
def client(settings: Callable[..., VeeamSettings], clock: Clock) -> Iterator[Callable[..., VeeamClient]]:
    """Makes clients, with settings as given; they speak 1.3-rev1 unless told otherwise."""
    made: list[VeeamClient] = []

    def make(**changed: Any) -> VeeamClient:
        made.append(VeeamClient(settings(**({"api_revision": "1.3-rev1"} | changed)), Telemetry(), clock=clock))
        return made[-1]

    yield make
    for one in made:
        one._http.close()


@pytest.fixture
def poll(memory: Memory) -> Poll:
    """2026-03-02 10:00 in Berlin."""
    return Poll(1772442000.0, None, memory)


@pytest.fixture
def site(settings, memory, monkeypatch) -> Iterator[Callable[..., Site]]:
    monkeypatch.setenv("VBR_PASSWORD", SITE_PASSWORD)
    sites: list[Site] = []

    def make(revision="1.3-rev2", **options) -> Site:
        sites.append(Site(revision, settings, memory, **options))
        return sites[-1]

    yield make
    for one in sites:
        one.close()
