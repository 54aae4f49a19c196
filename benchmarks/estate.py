"""A page of any size, published by many sources, for the benchmarks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from exporter.board import Board
from exporter.metrics import BY_SUBJECT, Family, Measured
from exporter.metrics.pools import POOL

FAMILIES: tuple[Family, ...] = tuple(f for f in BY_SUBJECT[POOL] if f.type == "gauge" and not f.extra_labels)


def rows(source: int, count: int, shift: float = 0.0) -> list[tuple[tuple[str, ...], float]]:
    return [
        (("filesystem", f"/srv/volume-{source:04d}/{i:06d}"), 1e12 + source * 1e9 + i * 1024.5 + shift)
        for i in range(count)
    ]


def publish(board: Board, sources: int, series: int, shift: float = 0.0, only: int | None = None) -> None:
    """`series` samples in all, over `sources` sources and the gauges of a pool; only: just that source."""
    each = series // (sources * len(FAMILIES))
    for source in range(sources) if only is None else [only]:
        measured = [Measured(family, rows(source, each, shift)) for family in FAMILIES]
        board.publish(f"source{source:03d}", "filesystem", POOL, measured)


class SameSamples(Collector):
    """The samples of `publish` as prometheus_client has them."""

    def __init__(self, sources: int, series: int) -> None:
        each = series // (sources * len(FAMILIES))
        self.metrics = []
        for family in FAMILIES:
            metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
            for source in range(sources):
                for labels, value in rows(source, each):
                    metric.add_metric([f"source{source:03d}", *labels], value)
            self.metrics.append(metric)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self.metrics
