"""What watching a CommCell of 200 plans, 75 pools, 243 MediaAgents and 1,000,000 jobs costs, and whom.

python benchmarks/commcell.py [--size documents] [--lookback 90d] [--retained-jobs]

The first round reads everything, the job history with it, as a client without a memory does each time. The second,
five minutes later, is what a further one costs. Then an hour of polls, each collector at its own interval.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
import urllib.request
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path

from exporter.config import parse
from exporter.model import HOUR, MINUTE
from exporter.service import Service
from exporter.simulator import Clock, CommServe, Estate, Server

AT = 1_772_461_200.0
PASSWORD = "not-a-real-secret"


def serve(size: str, ready: Connection) -> None:
    clock = Clock(AT, rate=0)
    with Server(CommServe(Estate(size, clock), clock, password=PASSWORD)) as server:
        ready.send(server.url)
        ready.recv()


def sent(service: Service) -> tuple[float, float]:
    """(requests, bytes of answers) so far."""
    totals = {"requests_total": 0.0, "response_bytes_total": 0.0}
    for metric in service.telemetry.registry.collect():
        for sample in metric.samples:
            for name in totals:
                if sample.name == f"ebbtide_source_api_{name}":
                    totals[name] += sample.value
    return totals["requests_total"], totals["response_bytes_total"]


def round_of_polls(
    service: Service, at: float, names: Iterable[str] | None = None
) -> dict[str, tuple[float, float, float]]:
    """By collector: seconds, requests, bytes."""
    [watch] = service.watches
    cost = {}
    for name in watch.collectors if names is None else names:
        before, started = sent(service), time.perf_counter()
        state = watch.poll(name, at)
        if not state.success:
            print(f"{name}: {state.error}")
        after = sent(service)
        cost[name] = (time.perf_counter() - started, after[0] - before[0], after[1] - before[1])
    return cost


def an_hour(service: Service, url: str, at: float) -> dict[str, tuple[float, float, float]]:
    """By collector, summed over the polls of an hour; what is polled by the day counts for a 24th."""
    [watch] = service.watches
    sums = dict.fromkeys(watch.collectors, (0.0, 0.0, 0.0))
    for step in range(1, 13):
        _advance(url, 5 * MINUTE)
        at += 5 * MINUTE
        due = [n for n, c in watch.collectors.items() if step * 5 * MINUTE % min(c.interval, HOUR) == 0]
        for name, cost in round_of_polls(service, at, due).items():
            share = min(1.0, HOUR / watch.collectors[name].interval)
            sums[name] = tuple(x + share * y for x, y in zip(sums[name], cost, strict=True))
    return sums


def show(title: str, cost: dict[str, tuple[float, float, float]]) -> None:
    print(f"\n{title}\n| collector | seconds | requests | MB |\n| --- | --- | --- | --- |")
    for name, (seconds, requests, size) in cost.items():
        print(f"| {name} | {seconds:.2f} | {requests:.0f} | {size / 1e6:.2f} |")
    sums = [sum(values) for values in zip(*cost.values(), strict=True)]
    print(f"| all | {sums[0]:.2f} | {sums[1]:.0f} | {sums[2] / 1e6:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="documents")
    parser.add_argument("--lookback", default="90d")
    parser.add_argument("--retained-jobs", action="store_true", help="with the collector that is off by default")
    options = parser.parse_args()
    ready, theirs = multiprocessing.Pipe()
    simulator = multiprocessing.get_context("spawn").Process(target=serve, args=(options.size, theirs))
    simulator.start()
    url = ready.recv()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "password").write_text(PASSWORD)
        service = Service(
            parse(f"""
            history: {{url: "sqlite:///{folder}/history.db"}}
            sources:
              - {{name: cs01, kind: commvault, url: "{url}/commandcenter/api", username: svc-ebbtide,
                 password_file: {folder}/password, lookback: {options.lookback},
                 retained_jobs: {options.retained_jobs}}}
        """)
        )
        first = round_of_polls(service, AT)
        show("First round, with the job history", first)
        later = AT + 5 * MINUTE
        _advance(url, 5 * MINUTE)
        second = round_of_polls(service, later)
        show("Second round", second)
        print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        show("An hour of polls", an_hour(service, url, later))
        service.close()
    ready.send("stop")
    simulator.join(10)


def _advance(url: str, seconds: float) -> None:
    body = f'{{"advance": {seconds}}}'.encode()
    request = urllib.request.Request(f"{url}/-/sim/clock", body, {"Content-Type": "application/json"}, method="POST")
    urllib.request.urlopen(request, timeout=60).read()


if __name__ == "__main__":
    main()
