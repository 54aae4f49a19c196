"""How often a healthy estate has an anomaly, and how often one that is put there is found.

python -m benchmarks.anomalies [--series 60]: pools of made-up shapes (see benchmarks.forecast.shapes), each day of each
looked at; and 120 days of a simulated CommServe and VBR server, polled and looked at day by day.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.forecast.shapes import SHAPES
from exporter.analysis.anomalies import fill_anomaly
from exporter.config import parse
from exporter.findings.anomalies import job_anomalies
from exporter.findings.forecasts import pasts
from exporter.model import DAY, HOUR, Unusual
from exporter.service import Service
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Server

# As rules/thresholds.yaml has them.
FIRES, EXCESS_S = 5.0, 900.0
BORN, DAYS = 1_772_461_200.0, 120
UNHEALTHY = ("steps", "mass_delete", "surprise", "young", "expansion")
CONFIG = """
history: {{url: 'sqlite:///{folder}/history.db', raw: 300d}}
sources:
  - {{name: cs01, kind: commvault, url: '{commserve}/commandcenter/api', username: svc-ebbtide,
      password: {{env: BENCHMARK_PASSWORD}}, lookback: 5d, job_retention: 300d}}
  - {{name: vbr01, kind: veeam, url: '{vbr}', username: svc-ebbtide, password: {{env: BENCHMARK_PASSWORD}},
      lookback: 100d}}
"""


class Tally:
    """Days looked at, days that fire, and alerts: firing days in a row are one."""

    def __init__(self, looks_a_day: int = 1) -> None:
        self.looks_a_day = looks_a_day
        self.looks = self.fired = self.alerts = 0
        self._before: dict[object, bool] = {}

    def add(self, whose: object, found: Unusual | None, excess: float = 0.0) -> None:
        if found is None or found.deviation is None or found.value is None:
            return
        fires = found.deviation > FIRES and found.value - found.baseline >= excess
        self.looks += 1
        self.fired += fires
        self.alerts += fires and not self._before.get(whose, False)
        self._before[whose] = fires

    def __str__(self) -> str:
        return (
            f"{self.looks:7d} looks, {self.fired:4d} fire ({self.fired / max(1, self.looks):.3%}), "
            f"{self.alerts} alerts, {365 * self.looks_a_day * self.alerts / max(1, self.looks):.2f} a year each"
        )


def made_up(series: int) -> None:
    everything, spent, looked = Tally(), 0.0, 0
    found = {2: [0, 0], 5: [0, 0], 10: [0, 0]}
    for shape, make in SHAPES.items():
        tally = Tally()
        for seed in range(series):
            draft = make(np.random.default_rng(9000 + seed))
            used = np.asarray(draft.y, np.float64)
            t = BORN + np.arange(used.size) * HOUR
            last = min(used.size, 200 * 24)
            capacity = float(1.3 * np.nanmax(used[:last]))
            for end in range(23 * 24, last, 24):
                at, begun = float(t[end]), time.process_time()
                one = fill_anomaly(t[: end + 1], used[: end + 1], capacity, at)
                spent, looked = spent + time.process_time() - begun, looked + 1
                tally.add(seed, one)
                if shape not in UNHEALTHY:
                    everything.add((shape, seed), one)
            if one is None or shape in UNHEALTHY:
                continue
            day = np.diff(used[: last - last % 24 : 24])
            usual = max(float(np.median(np.abs(day))), 0.001 * capacity)
            for times, (hits, tries) in found.items():
                more = used[:last] + np.where(
                    t[:last] >= np.floor(t[last - 1] / DAY - 1) * DAY + 6 * HOUR, times * usual, 0
                )
                seen = fill_anomaly(t[:last], more, capacity, float(t[last - 1]))
                if seen is not None and seen.deviation is not None:
                    found[times] = [hits + (seen.deviation > FIRES), tries + 1]
        print(f"{shape:16s}{tally}", flush=True)
    print(f"{'all healthy':16s}{everything}")
    print(f"{1000 * spent / looked:.2f} ms each")
    for times, (hits, tries) in found.items():
        print(f"a day of {times} times the usual change on top: {hits} of {tries} found")


def lived(folder: str) -> Iterator[tuple[str, Tally]]:
    os.environ["BENCHMARK_PASSWORD"] = "not-a-real-secret"
    clock = Clock(BORN, rate=0)
    estate = Estate("small", clock)
    vbr = VbrEstate("small", Clock(BORN + DAYS * DAY, rate=0), days=100)
    with Server(CommServe(estate, clock)) as one, Server(Vbr(vbr, vbr.clock)) as other:
        service = Service(parse(CONFIG.format(folder=folder, commserve=one.url, vbr=other.url)), clock=clock.now)
        commvault, veeam = service.watches
        commvault.follow_up = veeam.follow_up = lambda *_: None
        moments = BORN + np.arange(DAYS * 4 + 1) * 6 * HOUR
        for moment in moments:
            clock.set(float(moment))
            estate.catch_up()
            for name in ("pools", "jobs"):
                commvault.poll(name, float(moment))
        for name in ("backup_jobs", "sessions"):
            veeam.poll(name, float(moments[-1]))
        fills = Tally()
        for name, past in pasts(service.history, {"source": "cs01"}, float(moments[-1])).items():
            for at in moments[23 * 4 :: 4] + HOUR if past.timestamps.size else ():
                known = past.timestamps <= at
                fills.add(name, fill_anomaly(past.timestamps[known], past.used[known], past.capacity, float(at)))
        yield "fill rates", fills
        for watch, since in ((commvault, 22), (veeam, 43)):
            kinds, failures, jobs = Tally(4), Tally(4), Tally(4)
            state = service.ledger.state(watch.source.name)
            for at in moments[since * 4 :]:
                told = job_anomalies(
                    watch.source.kind, state, float(at), watch._findings(float(moments[-1])).backup_jobs
                )
                for operation in told.operations:
                    kinds.add(operation.operation, operation.duration, EXCESS_S)
                    failures.add(operation.operation, operation.failures)
                for job in told.jobs:
                    jobs.add(job.job_id, job.duration, EXCESS_S)
            yield f"{watch.source.kind}, durations of kinds", kinds
            yield f"{watch.source.kind}, failures of kinds", failures
            if jobs.days:
                yield f"{watch.source.kind}, durations of jobs", jobs
        service.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--series", type=int, default=60)
    asked = options.parse_args()
    made_up(asked.series)
    with TemporaryDirectory() as folder:
        for what, tally in lived(str(Path(folder))):
            print(f"{what}: {tally}", flush=True)


if __name__ == "__main__":
    main()
