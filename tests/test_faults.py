"""Every fault of the simulators against every collector: what breaks says so, keeps its last word for three
intervals, comes back within one poll, and never tells a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.board import Board
from exporter.config import parse
from exporter.findings import ungrouped
from exporter.findings.config import ForecastSettings
from exporter.history.ledger import Ledger
from exporter.history.sql import SqlHistory
from exporter.metrics import anomalies, veeam_efficiency
from exporter.model import CollectorState
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Fault, Server
from exporter.sources import KINDS
from exporter.sources.commvault import COLLECTORS as COMMVAULT
from exporter.sources.commvault import RETAINED
from exporter.sources.veeam import COLLECTORS, FOR_ADMINISTRATORS, MALWARE_EVENTS
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
REVISIONS = ("1.2-rev1", "1.3-rev2")
VEEAM = (*COLLECTORS, MALWARE_EVENTS, *FOR_ADMINISTRATORS)
COLLECTED = [("commvault", c.name) for c in (*COMMVAULT, RETAINED)] + [
    (f"veeam {r}", c.name) for r in REVISIONS for c in VEEAM
]
# What a collector says shows only beside the answer of another.
BESIDE = {"schedules": ("plans",), "operation_windows": ("commcell",), "retained_jobs": ("plans",)}
# What asks once a day only has nothing to fail at in between.
OPTIONS = {
    "commvault": "retained_jobs: true, intervals: {retained_jobs: 1d}, ",
    "veeam": "role: backup_administrator, ",
}
# Grades and anomalies are computed from the ledger, which outlasts any answer.
FROM_LEDGER = tuple(family.name for family in (*veeam_efficiency.FAMILIES, *anomalies.FAMILIES))
# Answers that a fault leaves as they are, or that are honest: no list, no number, no news; a detail one may not see.
UNTOUCHED = {
    ("commcell", "wrong_lists"),
    ("events", "wrong_types"),
    ("events", "empty"),
    ("veeam_server", "wrong_types"),
    ("veeam_server", "wrong_lists"),
    ("license", "wrong_lists"),
    ("configuration_backup", "wrong_types"),
    ("configuration_backup", "wrong_lists"),
    ("best_practices", "wrong_types"),
}
ALL = [(system, collector, fault) for system, collector in COLLECTED for fault in FAULTS]
BROKEN = [case for case in ALL if case[1:] not in UNTOUCHED]


@dataclass
class Bench:
    servers: dict[str, Server]
    folder: Path

    def watch(self, system: str) -> tuple[Watch, Board]:
        """A fresh watch of a simulated system."""
        kind, _, revision = system.partition(" ")
        base = "" if revision else "/webconsole/api"
        config = parse(
            f"sources: [{{name: src, kind: {kind}, url: '{self.servers[system].url}{base}', username: svc-ebbtide, "
            f"{OPTIONS[kind]}password_file: {self.folder}/password}}]"
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
    account = {"username": "svc-ebbtide", "password": PASSWORD}
    vbrs = {
        f"veeam {revision}": Vbr(
            VbrEstate("small", clock, days=5), clock, role="administrator", newest_revision=revision, **account
        )
        for revision in REVISIONS
    }
    with ExitStack() as stack:
        systems = {"commvault": commserve, **vbrs}
        yield Bench({name: stack.enter_context(Server(system)) for name, system in systems.items()}, folder)


@pytest.fixture(autouse=True)
def _mended(bench: Bench) -> Iterator[None]:
    yield
    for server in bench.servers.values():
        server.faults.clear()


def shown(board: Board, at: float) -> set[str]:
    """The series of the source itself, without the states of its collectors."""
    lines = board.page(at).text.decode().splitlines()
    own = ("#", "ebbtide_collector_", "ebbtide_source_", *FROM_LEDGER)
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


@pytest.mark.parametrize(("system", "collector", "fault"), BROKEN)
def test_a_broken_answer_is_told_survived_and_forgotten(
    bench: Bench, caplog: pytest.LogCaptureFixture, system: str, collector: str, fault: str
) -> None:
    caplog.set_level(logging.INFO)
    watch, board = bench.watch(system)
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
    bench.servers[system].faults.set(Fault(fault, seconds=5.0))
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

    bench.servers[system].faults.clear()
    http._timeout, http._deadline = patience
    assert poll(watch, collector, NOW + 4 * interval).success, "one poll is enough to recover"
    assert good <= shown(board, NOW + 4 * interval)

    told = [r for r in caplog.records if r.getMessage().startswith(f"src/{collector}: ")]
    assert [r.levelno for r in told] == [logging.WARNING, logging.INFO]
    for text in (caplog.text, page, board.page(NOW).text.decode(), repr(watch.source.client), repr(broken)):
        assert PASSWORD not in text
        assert "QSDK" not in text
        assert "Bearer " not in text


@pytest.mark.parametrize(("system", "collector", "fault"), [case for case in ALL if case not in BROKEN])
def test_what_a_fault_leaves_as_it_is_is_no_failure(bench: Bench, system: str, collector: str, fault: str) -> None:
    watch, _ = bench.watch(system)
    assert poll(watch, collector, NOW).success
    bench.servers[system].faults.set(Fault(fault))
    assert watch.poll(collector, NOW + watch.collectors[collector].interval).success
