"""A made-up past, seen by the real exporter: it polls simulated backup systems as of moments that lie behind us."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import yaml
from faults import Fault

from exporter import config
from exporter.board import Board
from exporter.findings import ungrouped
from exporter.findings.config import ForecastSettings
from exporter.history.ledger import Ledger
from exporter.history.sql import SqlHistory
from exporter.model import DAY, HOUR
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.faults import Fault as Broken
from exporter.simulator.landscape import Landscape
from exporter.simulator.names import POOLS
from exporter.simulator.sizes import Size
from exporter.simulator.stories import STORIES
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.vbr_sites import build
from exporter.simulator.wire import Server
from exporter.sources import KINDS
from exporter.telemetry import Telemetry
from exporter.watch import Surroundings, Watch

STEP = 300.0
ACCOUNT = ("svc-ebbtide", "not-a-real-secret")
# Pools that stand on one disk.
SHARED = {pool["name"]: pool["shared_by"] for pool in POOLS if "shared_by" in pool}
RULES = Path(__file__).parent.parent / "rules"


class Year:
    """`days` of an estate with that many pools, ending at `end`; each collector polls at most every `poll_every`.

    `faults` begin that many seconds after the start. Without `veeam` there is a CommServe only.
    """

    def __init__(
        self, folder: Path, *, end: float, days: float, pools: int, poll_every: float, faults: Sequence[Fault] = (),
        seed: int = 1, veeam: bool = True,
    ) -> None:  # fmt: skip
        self.start, self.end = end - days * DAY, end
        self._stack = ExitStack()
        self._clock = Clock(start=self.start, rate=0.0)
        size = Size(pools=pools, plans=max(3, pools * 3 // 5), rules=pools * 3 // 2, agents=max(4, pools * 2 // 5),
                    clients=pools, jobs=pools * 270)  # fmt: skip
        # Half full each, so that no pool is low on space in any week.
        levels = dict.fromkeys((pool.name for pool in Landscape.of(size, seed).pools), 0.5)
        levels |= {name: 0.5 / shared for name, shared in SHARED.items()}
        self.estate = Estate(size, self._clock, seed, age=90 * DAY, levels=levels, ailing=False)
        applications = {
            "commvault": CommServe(
                self.estate, self._clock, username=ACCOUNT[0], password=ACCOUNT[1], ddb_pending_deletes=True
            )
        }
        self._vbr_estate: VbrEstate | None = None
        if veeam:
            roomy = {repository.name: 0.5 for repository in build("small", seed).repositories}
            self._vbr_estate = VbrEstate("small", self._clock, seed, told=(), free_ratios=roomy, failure_rate=0.0)
            applications["veeam"] = Vbr(self._vbr_estate, self._clock, username=ACCOUNT[0], password=ACCOUNT[1])
        self.board = Board()
        self._servers: dict[str, Server] = {}
        self.watches = self._watch(folder, applications, poll_every)
        # What is to happen, the soonest first.
        self._agenda = sorted(
            (
                (self.start + moment, act)
                for fault in faults
                for moment, act in zip((fault.begins, fault.begins + fault.seconds), self._story(fault), strict=True)
            ),
            key=lambda happens: happens[0],
        )

    def close(self) -> None:
        self._stack.close()

    def steps(self) -> Iterator[tuple[float, str]]:
        """The page at every step, and when it was; the same string as long as nothing new is on it."""
        bytes_shown, shown = b"", ""
        last: dict[tuple[str, str], float] = {}
        moment = self.start
        while moment <= self.end:
            self._live_until(moment)
            for watch in self.watches:
                for name, collector in watch.collectors.items():
                    key = (watch.source.name, name)
                    if moment - last.get(key, float("-inf")) >= collector.interval:
                        watch.poll(name, moment)
                        last[key] = moment
            page = self.board.page(moment).text
            if page is not bytes_shown:
                bytes_shown, shown = page, page.decode()
            yield moment, shown
            moment += STEP

    def _live_until(self, moment: float) -> None:
        while self._agenda and self._agenda[0][0] <= moment:
            at, act = self._agenda.pop(0)
            self._clock.set(at)
            act()
        self._clock.set(moment)
        self.estate.catch_up()
        if self._vbr_estate is not None:
            self._vbr_estate.live()

    def _story(self, fault: Fault) -> tuple[Callable[[], None], Callable[[], None]]:
        """How it begins and how it ends."""
        if fault.story == "source_down":
            broken = self._servers[fault.object].faults
            return (lambda: broken.add(Broken("500")), broken.clear)
        if fault.story in STORIES:
            told = fault.story, fault.object
            return (lambda: self.estate.tell(*told, **dict(fault.options)), lambda: self.estate.end(*told))
        veeam = self._vbr_estate
        if veeam is None:
            return (lambda: None, lambda: None)
        return (lambda: veeam.tell(fault.story, fault.object), lambda: veeam.end(fault.story, fault.object))

    def _watch(self, folder: Path, applications: dict[str, CommServe | Vbr], poll_every: float) -> list[Watch]:
        password = folder / "password"
        password.touch(0o600)
        password.write_text(ACCOUNT[1])
        account = {"username": ACCOUNT[0], "password_file": str(password)}
        sources = []
        for kind, application in applications.items():
            server = Server(application)
            server.start()
            self._stack.callback(server.stop)
            name = {"commvault": "cs01", "veeam": "vbr01"}[kind]
            self._servers[name] = server
            url = f"{server.url}/webconsole/api" if kind == "commvault" else server.url
            sources.append({"name": name, "kind": kind, "url": url, **account})
        path = folder / "ebbtide.yml"
        path.write_text(yaml.safe_dump({"sources": sources}))
        loaded = config.load(path)
        for source, settings in zip(sources, loaded.sources, strict=True):
            often = {c.name: c.interval for c in KINDS[settings.kind](settings, Telemetry()).collectors}
            source["intervals"] = {name: f"{max(poll_every, every):.0f}s" for name, every in often.items()}
        path.write_text(yaml.safe_dump({"sources": sources}))
        telemetry = Telemetry()
        executor = self._stack.enter_context(ThreadPoolExecutor(1))
        history = SqlHistory(f"sqlite:///{folder}/history.db", resolution=HOUR)
        ledger = Ledger(f"sqlite:///{folder}/ledger.db")
        self._stack.callback(history.close)
        self._stack.callback(ledger.close)
        forecast = ForecastSettings.model_validate({"interval": "1h"})
        around = Surroundings(self.board, history, telemetry, executor, ungrouped, forecast)
        watches = [Watch(KINDS[s.kind](s, telemetry), ledger.state(s.name), around) for s in config.load(path).sources]
        for watch in watches:
            # Also what is computed from the answers.
            for name, collector in watch.collectors.items():
                seldom = max(poll_every, collector.interval)
                watch.collectors[name] = replace(collector, interval=seldom)
                watch._states[name] = replace(watch._states[name], interval_seconds=seldom)
        return watches


def families() -> frozenset[str]:
    """What the rules read of the exporter's page."""
    text = "".join(path.read_text() for path in RULES.rglob("*.yaml"))
    return frozenset(re.findall(r"(?<![\w:])ebbtide_\w+", text))
