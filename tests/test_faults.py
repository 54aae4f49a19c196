"""Every fault of the simulators against every collector: what breaks says so, keeps its last word for three
intervals, comes back within one poll, and never tells a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.board import Board
from exporter.config import parse
from exporter.findings import ungrouped
from exporter.findings.config import ForecastSettings
from exporter.history.ledger import Ledger
from exporter.history.sql import SqlHistory
from exporter.model import CollectorState
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Fault, Server
from exporter.sources import KINDS
from exporter.sources.commvault import COLLECTORS as COMMVAULT
from exporter.sources.veeam import COLLECTORS as VEEAM
from exporter.telemetry import Telemetry
from exporter.watch import Surroundings, Watch
from exporter.web import status

NOW = 1_790_000_000.0
PASSWORD = "correct horse battery staple"
FAULTS = (
    "refuse",
    "hang",
    "drip",
    "401",
    "403",
    "429",
    "500",
    "503",
    "cut",
    "wrong_types",
    "wrong_lists",
    "empty",
    "html",
)
COLLECTED = [("commvault", c.name) for c in COMMVAULT] + [("veeam", c.name) for c in VEEAM]
# What a collector says shows only beside the answer of another.
BESIDE = {"schedules": ("plans",), "operation_windows": ("commcell",)}
# Answers that a fault leaves as they are, or that are honest: no list, no number, no news.
UNTOUCHED = {("commcell", "wrong_lists"), ("events", "wrong_types"), ("events", "empty")}


@dataclass
class Bench:
    servers: dict[str, Server]
    folder: Path

    def watch(self, kind: str) -> tuple[Watch, Board]:
        """A fresh watch of a simulated system."""
        base = "/webconsole/api" if kind == "commvault" else ""
        config = parse(
            f"sources: [{{name: src, kind: {kind}, url: '{self.servers[kind].url}{base}', username: svc-ebbtide, "
            f"password_file: {self.folder}/password}}]"
        )
        telemetry = Telemetry()
        source = KINDS[kind](config.sources[0], telemetry)
        http = source.client._http
        http._attempts = 1
        # In this test a round takes no time, so a refused login would be remembered into the next.
        http.login._refusal_seconds = 0.0
        board = Board()
        around = Surroundings(
            board, SqlHistory("sqlite://"), telemetry, ThreadPoolExecutor(1), ungrouped, ForecastSettings()
        )
        return Watch(source, Ledger("sqlite://").state("src"), around), board


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "password").write_text(PASSWORD)
    clock = Clock(start=NOW, rate=0)
    estate = Estate("small", clock, age=3 * 86400.0)
    estate.windows.append(
        {"ruleId": 7, "name": "closed", "operations": [131072], "dayTime": [{"startTime": 0, "endTime": 3600}]}
    )
    commserve = CommServe(estate, clock, username="svc-ebbtide", password=PASSWORD)
    vbr = Vbr(VbrEstate("small", clock, days=5), clock, username="svc-ebbtide", password=PASSWORD)
    with Server(commserve) as one, Server(vbr) as other:
        yield Bench({"commvault": one, "veeam": other}, folder)


@pytest.fixture(autouse=True)
def _mended(bench: Bench) -> Iterator[None]:
    yield
    for server in bench.servers.values():
        server.faults.clear()


def shown(board: Board, at: float) -> set[str]:
    """The series of the source itself, without the states of its collectors."""
    lines = board.page(at).text.decode().splitlines()
    own = ("#", "ebbtide_collector_", "ebbtide_source_")
    return {line.rpartition(" ")[0] for line in lines if not line.startswith(own)}


def poll(watch: Watch, collector: str, at: float) -> CollectorState:
    """Poll one collector, those that it shows beside, and what is computed from them."""
    for name in BESIDE.get(collector, ()):
        watch.poll(name, at)
    state = watch.poll(collector, at)
    tick(watch, at)
    return state


def tick(watch: Watch, at: float) -> None:
    for name in set(watch.collectors) - {c.name for c in watch.source.collectors}:
        watch.poll(name, at)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("kind", "collector"), COLLECTED)
def test_a_broken_answer_is_told_survived_and_forgotten(
    bench: Bench, caplog: pytest.LogCaptureFixture, kind: str, collector: str, fault: str
) -> None:
    if (collector, fault) in UNTOUCHED:
        return
    caplog.set_level(logging.INFO)
    watch, board = bench.watch(kind)
    interval = watch.collectors[collector].interval
    for name in BESIDE.get(collector, ()):
        assert watch.poll(name, NOW).success
    beside = shown(board, NOW)
    assert poll(watch, collector, NOW).success
    good = shown(board, NOW) - beside
    assert good

    http = watch.source.client._http
    patience = http._timeout, http._deadline
    if fault in ("hang", "drip"):
        http._timeout, http._deadline = 0.15, 0.3
    bench.servers[kind].faults.set(Fault(fault, seconds=5.0))
    broken = watch.poll(collector, NOW + interval)
    assert broken.success is False
    assert broken.reason in {"unreachable", "refused", "garbled"}
    assert f'ebbtide_collector_success{{source="src",collector="{collector}"}} 0' in board.page(NOW).text.decode()
    page = status.render(board.states(), {"src": watch.up}, NOW + interval, actions=False)
    assert broken.reason in page
    tick(watch, NOW + interval)
    assert good <= shown(board, NOW + interval), "the last good samples stay"
    watch.poll(collector, NOW + 2 * interval)
    tick(watch, NOW + 3 * interval - 1)
    assert good <= shown(board, NOW + 3 * interval - 1)
    assert not good & shown(board, NOW + 3 * interval + 1), "after three intervals they go"

    bench.servers[kind].faults.clear()
    http._timeout, http._deadline = patience
    assert poll(watch, collector, NOW + 4 * interval).success, "one poll is enough to recover"
    assert good <= shown(board, NOW + 4 * interval)

    told = [r for r in caplog.records if r.getMessage().startswith(f"src/{collector}: ")]
    assert [r.levelno for r in told] == [logging.WARNING, logging.INFO]
    for text in (caplog.text, page, board.page(NOW).text.decode(), repr(watch.source.client), repr(broken)):
        assert PASSWORD not in text
        assert "QSDK" not in text
        assert "Bearer " not in text
