from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from exporter.model import Job
from exporter.sources.filesystem.client import FilesystemClient
from exporter.sources.filesystem.config import FilesystemSettings
from tests.servers import leave_out

# A machine that is busy with other things is no failure.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


class Memory:
    """A State in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.kept.get(key)

    def put(self, key: str, value: str) -> None:
        self.kept[key] = value

    def add_jobs(self, jobs: Iterable[Job]) -> int:
        raise NotImplementedError

    def jobs(self, since: float, *, operations: Iterable[str] | None = None) -> Iterator[Job]:
        raise NotImplementedError


@pytest.fixture
def state() -> Memory:
    return Memory()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What blocks in a test waits for this, and is let go at its end."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Callable[..., FilesystemClient]]:
    """A client of these settings; `table` is the content of its mountinfo."""
    made: list[FilesystemClient] = []

    def make(*, table: bytes | None = None, settings: dict[str, Any] | None = None, **kwargs: Any) -> FilesystemClient:
        if table is not None:
            kwargs["mountinfo"] = tmp_path / "mountinfo"
            kwargs["mountinfo"].write_bytes(table)
        valid = FilesystemSettings.model_validate({"name": "fs01", "kind": "filesystem"} | (settings or {}))
        made.append(FilesystemClient(valid, **kwargs))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """mount(8), undone at the end; leaves the test out where mounting is not allowed."""
    mounted: list[Path] = []

    def run(*arguments: str, at: Path) -> None:
        if os.geteuid() != 0:
            leave_out("mounting needs root")
        at.mkdir(exist_ok=True)
        done = subprocess.run(["mount", *arguments, str(at)], capture_output=True, text=True, check=False)
        if done.returncode:
            leave_out(f"mounting is not allowed here: {done.stderr.strip()}")
        mounted.append(at)

    yield run
    for at in reversed(mounted):
        subprocess.run(["umount", "--lazy", str(at)], capture_output=True, check=False)


@contextmanager
def _nobody() -> Iterator[None]:
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


@pytest.fixture
def as_nobody() -> Callable[[], Any]:
    """Without the rights of root, which no permission stops."""
    return _nobody


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """A directory that every user may reach."""
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == os.geteuid() and directory.name.startswith(("pytest-", "popen-", "test_")):
            directory.chmod(0o755)
    return tmp_path
