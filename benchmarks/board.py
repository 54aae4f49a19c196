"""How fast a page is made, against prometheus_client over the same samples; how much memory a million series take.

python benchmarks/board.py [--series 100000 1000000]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context

from estate import FAMILIES, SameSamples, publish
from prometheus_client import CollectorRegistry, generate_latest

from exporter.board import Board

SOURCES = 100


def median(action: Callable[[], object], times: int) -> float:
    took = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def page(series: int) -> None:
    board = Board()
    publish(board, SOURCES, series)
    board.page(0.0).gzipped(b"")
    registry = CollectorRegistry()
    registry.register(SameSamples(SOURCES, series))
    rendered = median(lambda: generate_latest(registry), 3)

    def after_a_poll(make: Callable[[], object]) -> float:
        """One of the hundred sources has just published, so the page kept from before is of no use."""
        took = []
        for i in range(9):
            publish(board, SOURCES, series, shift=float(i), only=i)
            took.append(median(make, 1))
        return statistics.median(took)

    text = after_a_poll(lambda: board.page(0.0).text)
    gzip = after_a_poll(lambda: board.page(0.0).gzipped(b""))
    again = median(lambda: board.page(0.0).gzipped(b""), 9)
    size, compressed = board.page(0.0).size, len(board.page(0.0).gzipped(b"")[0])
    print(f"{series:>9,} series, {size / 1e6:.0f} MB of text, {compressed / 1e6:.1f} MB gzip")
    print(f"    prometheus_client generate_latest   {rendered * 1000:10.1f} ms")
    print(f"    page as text, one source changed    {text * 1000:10.1f} ms   {rendered / text:8.0f} x")
    print(f"    page as gzip, one source changed    {gzip * 1000:10.1f} ms   {rendered / gzip:8.0f} x")
    print(f"    page as gzip, nothing changed       {again * 1000:10.2f} ms   {rendered / again:8.0f} x", flush=True)


def publishing() -> None:
    board = Board()
    took = median(lambda: publish(board, 1, 10_000 // len(FAMILIES) * len(FAMILIES)), 15)
    print(f"   publish of 10,000 series             {took * 1000:10.1f} ms", flush=True)


def memory(series: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    board = Board()
    publish(board, SOURCES, series)
    published = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for i in range(3):
        publish(board, SOURCES, series, only=i)
        made = board.page(0.0)
        made.gzipped(b"")
        _ = made.text
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{series:>9,} series, resident: {before / 1024:.0f} MB at start, {published / 1024:.0f} MB published, "
        f"{peak / 1024:.0f} MB at the peak of three changed pages in both encodings",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, nargs="+", default=[100_000, 1_000_000])
    chosen = parser.parse_args().series
    fresh = get_context("spawn")
    for action, arguments in [*((page, (n,)) for n in chosen), (publishing, ()), *((memory, (n,)) for n in chosen)]:
        process = fresh.Process(target=action, args=arguments)
        process.start()
        process.join()


if __name__ == "__main__":
    main()
