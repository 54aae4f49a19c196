"""What a reload does to an access token that is renewed: every pair is used once, whichever client held it before."""

from __future__ import annotations

import json
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.messages import Answer, Request
from exporter.simulator.wire import Server
from tests.servers import free_port, running, wait_until

ACCESS_SECONDS = 1800.0
POOLS_POLLED = 'ebbtide_collector_last_success_timestamp_seconds{source="cs01",collector="pools"}'
POOLS_UP = 'ebbtide_collector_success{source="cs01",collector="pools"} 1'


class Served:
    """`ebbtide serve` of one CommServe, which takes an access token for half an hour of its own time."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock(time.time(), rate=0)
        self._commserve = CommServe(
            Estate("small", self.clock), self.clock,
            access_token="example-access", refresh_token="example-refresh", access_seconds=ACCESS_SECONDS,
        )  # fmt: skip
        self.pair = folder / "pair.json"
        self.pair.write_text(json.dumps({"accessToken": "example-access", "refreshToken": "example-refresh"}))
        self.config = folder / "ebbtide.yml"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.renewed: list[str] = []
        self.send_signal: Callable[[int], None]

    def __call__(self, request: Request) -> Answer:
        if request.path.endswith("AccessToken/Renew"):
            self.renewed.append(str(request.json()["refreshToken"]))
        return self._commserve(request)

    def write_config(self, commserve: str, **changed: object) -> None:
        source = {"name": "cs01", "kind": "commvault", "url": f"{commserve}/commandcenter/api"} | changed
        source["token_pair_file"] = str(self.pair)
        folder = self.config.parent
        stores = {name: {"url": f"sqlite:///{folder}/{name}.db"} for name in ("history", "ledger")}
        web = {"listen": self.url.removeprefix("http://"), "lifecycle": True}
        self.config.write_text(yaml.safe_dump({"web": web, **stores, "sources": [source]}))

    def ask(self, path: str, method: str = "GET") -> str:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, method=method), timeout=10) as answer:
            return str(answer.read().decode())

    def is_ready(self) -> bool:
        try:
            return "ready" in self.ask("/-/ready")
        except OSError:
            return False

    def expire(self) -> None:
        """The token in use ends, and a poll that finds it so renews it."""
        renewals, polled_at = len(self.renewed), self.line(POOLS_POLLED)
        self.clock.advance(ACCESS_SECONDS + 1)
        self.ask("/-/poll?source=cs01&collector=pools", "POST")
        # A token that ends a second time before the poll has used the new one would be refused for good.
        wait_until(lambda: self.line(POOLS_POLLED) != polled_at, "the poll ends")
        assert len(self.renewed) > renewals
        assert POOLS_UP in self.ask("/metrics")

    def line(self, series: str) -> str:
        return next(line for line in self.ask("/metrics").splitlines() if line.startswith(series))

    def reloaded_at(self) -> str:
        return self.line("ebbtide_config_last_reload_success_timestamp_seconds ")


@pytest.fixture
def commserve(tmp_path: Path) -> Iterator[tuple[Served, str]]:
    served = Served(tmp_path)
    with Server(served) as server:
        served.write_config(server.url)
        command = [sys.executable, "-m", "exporter", "serve", "--config", str(served.config)]
        with running(command, tmp_path / "log") as process:
            served.send_signal = process.send_signal
            wait_until(served.is_ready, "every collector has been tried")
            yield served, server.url
        assert "example-" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("by_signal", [False, True], ids=["POST", "SIGHUP"])
@pytest.mark.parametrize("changed", [{}, {"concurrency": 2}], ids=["unchanged", "changed"])
def test_a_pair_outlives_a_reload(commserve: tuple[Served, str], by_signal: bool, changed: dict[str, object]) -> None:
    served, url = commserve
    served.expire()
    before = served.reloaded_at()
    served.write_config(url, **changed)
    if by_signal:
        served.send_signal(signal.SIGHUP)
        wait_until(lambda: served.reloaded_at() != before, "SIGHUP reloads")
    else:
        assert served.ask("/-/reload", "POST") == "Configuration reloaded.\n"
    wait_until(lambda: served.is_ready() and POOLS_UP in served.ask("/metrics"), "the source is polled")

    served.expire()
    served.expire()
    page = served.ask("/metrics")
    assert 'ebbtide_source_up{source="cs01"} 1' in page
    assert "ebbtide_collector_failures_total{" not in page
    assert len(served.renewed) == len(set(served.renewed)) == 3
    assert served._commserve.sessions.refresh_token == json.loads(served.pair.read_text())["refreshToken"]
