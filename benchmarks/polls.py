"""What a simulated source costs to watch: rounds of polls, an hour of them, and tables of it."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterable

from exporter.model import HOUR, MINUTE
from exporter.service import Service


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
        advance(url, 5 * MINUTE)
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


def advance(url: str, seconds: float) -> None:
    body = f'{{"advance": {seconds}}}'.encode()
    request = urllib.request.Request(f"{url}/-/sim/clock", body, {"Content-Type": "application/json"}, method="POST")
    urllib.request.urlopen(request, timeout=60).read()
