"""The two simulated systems of the demo, which can be watched from some time ago on, and then go on by the clock."""

import time

from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.demo import STORM, TOLD, demo_estate
from exporter.simulator.names import APEX
from exporter.simulator.sizes import DAY
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Server

USERNAME = "svc-ebbtide"
PASSWORD = "not-a-real-secret"
JOB_FAILING = ("job_failing", "VM Exchange", 4 * DAY)


class Demo:
    """Stands `past` seconds before `now` until it is told to live on; the servers are not started."""

    def __init__(self, now: float, *, past: float) -> None:
        self._now = now
        self._clock = Clock(start=now, rate=0.0)
        self._estate = demo_estate(self._clock, past=past)
        self._clock.set(now - past)
        self._vbr_estate = VbrEstate(
            "small", self._clock, told=(), free_ratios={"Répertoire-A": 0.09}, failure_rate=0.0
        )
        self._to_tell = [story for story in TOLD if story[0] <= past]
        self._is_failing = past < JOB_FAILING[2]
        if self._is_failing:
            self._vbr_estate.tell(*JOB_FAILING[:2])
        commserve = CommServe(self._estate, self._clock, username=USERNAME, password=PASSWORD, ddb_pending_deletes=True)
        self.commserve = Server(commserve)
        self.vbr = Server(Vbr(self._vbr_estate, self._clock, username=USERNAME, password=PASSWORD))

    def live_until(self, moment: float) -> None:
        """Live on to a moment that is not after now, with the stories that fall into that time."""
        while self._to_tell and moment >= self._now - self._to_tell[0][0]:
            ago, story, pool, options = self._to_tell.pop(0)
            self._estate.tell(story, pool, at=self._now - ago, **options)
        if not self._is_failing and moment >= self._now - JOB_FAILING[2]:
            self._clock.set(self._now - JOB_FAILING[2])
            self._vbr_estate.tell(*JOB_FAILING[:2])
            self._is_failing = True
        self._clock.set(moment)
        self._estate.catch_up()
        self._vbr_estate.live()

    def go_live(self) -> None:
        """From here on by the wall clock; the storm begins."""
        self.live_until(self._now)
        self._clock.set(time.time())
        self._clock.run(1.0)
        self._estate.tell("storm", APEX, **STORM)
