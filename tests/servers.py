"""Real servers for the tests: found, started on free loopback ports, stopped by pid."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

# What a missing program is called in Debian and Ubuntu.
PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "vmalert": "victoria-metrics",
    "chromium": "chromium",
    "nginx": "nginx-light",
    "openssl": "openssl",
    "victoria-metrics": "victoria-metrics",
    "icinga2": "icinga2-bin",
    "initdb": "postgresql",
    "nagios4": "nagios4-core",
    "postgres": "postgresql",
    "systemd-analyze": "systemd",
    "snmptrapd": "snmptrapd",
}
NODE = Path(__file__).parent / "node"
_ELSEWHERE = f"/usr/sbin:/usr/lib/postgresql/15/bin:{NODE}/node_modules/.bin"


def need(program: str) -> str:
    """The path of a program. Missing, the test is left out; with EBBTIDE_REQUIRE_SERVERS set, it fails."""
    found = shutil.which(program) or shutil.which(program, path=_ELSEWHERE)
    if not found:
        how = (
            "npm ci --prefix tests/node" if program == "prism" else f"apt-get install {PACKAGES.get(program, program)}"
        )
        leave_out(f"{program} is not installed: {how}")
    return found


def leave_out(reason: str) -> NoReturn:
    """Skip the test for want of something outside; with EBBTIDE_REQUIRE_SERVERS set, fail it."""
    if os.environ.get("EBBTIDE_REQUIRE_SERVERS"):
        pytest.fail(reason)
    pytest.skip(reason)


def vendor_specs() -> Path:
    """The folder with the vendors' OpenAPI documents, which are theirs and not in this repository."""
    folder = os.environ.get("EBBTIDE_VENDOR_SPECS")
    if not folder:
        leave_out("EBBTIDE_VENDOR_SPECS is unset: it names the folder with the vendors' *.trimmed.json")
    return Path(folder)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_udp_port() -> int:
    return free_port(socket.SOCK_DGRAM)


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Return when the condition holds; fail, naming `what`, when it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    pytest.fail(f"not within {seconds:g} s: {what}")


@contextmanager
def running(command: list[str], log: Path, **popen: object) -> Iterator[subprocess.Popen[bytes]]:
    """A server in the foreground, its output in `log`; terminated, then killed, by its pid."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **popen)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)
