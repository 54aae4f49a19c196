"""How fast and how large the history is: appends, what a forecast asks for, bytes of a day and of a sample.

python benchmarks/history.py [--url sqlite:///history.db] [--series 1000] [--days 60]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from exporter.history.backfill import Backfill, Point
from exporter.history.days import DAY
from exporter.history.sql import SqlHistory

AT = 1_772_409_600.0
HOUR = 3600.0
NAME = "ebbtide_pool_free_bytes"


def timed(what: str, act: Callable[[], Any], per: int) -> Any:
    started = time.perf_counter()
    found = act()
    took = time.perf_counter() - started
    print(f"{what:<64} {took:8.2f} s {per / took:12,.0f} /s", flush=True)
    return found


def mounts(count: int) -> list[tuple[str, dict[str, str], float]]:
    labels = (
        {"source": "fs01", "device": f"/dev/sd{n}", "fstype": "xfs", "mountpoint": f"/srv/{n}"} for n in range(count)
    )
    return [("ebbtide_filesystem_free_bytes", each, 1e12) for each in labels]


def appends(url: str) -> None:
    samples = mounts(10_000)
    history = SqlHistory(url)
    timed("append 10,000 samples of new series", lambda: history.append(samples, AT), 10_000)
    timed("append 10,000 samples", lambda: history.append(samples, AT + 300), 10_000)
    history.close()
    history = SqlHistory(url)
    timed("append 10,000 samples, the first after a restart", lambda: history.append(samples, AT + 600), 10_000)
    history.close()


def pools(count: int) -> list[dict[str, str]]:
    return [{"source": "cs01", "kind": "commvault", "pool": f"Pool {n}"} for n in range(count)]


def fill(history: SqlHistory, name: str, series: int, days: int, step: float) -> int:
    """Bytes that the store grew by."""
    before = history.stock().size_bytes
    into = Backfill(history, AT)
    noise = np.random.default_rng(1).normal(0, 1e11, int(days * DAY / step))
    for labels in pools(series):
        for number in range(int(days * DAY / step)):
            into.add(Point(name, labels, AT - number * step, 5e13 - 1e9 * number + noise[number]))
    into.end()
    return history.stock().size_bytes - before


def reads(history: SqlHistory, name: str, series: int, days: int, step: float) -> None:
    start = AT - days * DAY
    what = f"{series:,} series of {days} days by the hour, of a sample each {step / 60:.0f} min"

    def one_by_one() -> None:
        for labels in pools(series):
            history.range(name, labels, start, AT, HOUR)

    timed(f"range():  {what}", one_by_one, series)
    timed(f"ranges(): {what}", lambda: history.ranges(name, {"source": "cs01"}, ("pool",), start, AT, HOUR), series)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--url", default=f"sqlite:///{tempfile.mkdtemp(prefix='ebbtide-')}/history.db")
    options.add_argument("--series", type=int, default=1000)
    options.add_argument("--days", type=int, default=60)
    given = options.parse_args()
    appends(given.url)
    for title, raw, step in (("all samples", given.days + 2, HOUR), ("14 days of samples, then days", 14, HOUR),
                             ("14 days of samples, then days", 14, 300.0)):  # fmt: skip
        print(f"-- {title}")
        history = SqlHistory(given.url, raw=raw * DAY)
        name = f"{NAME}_{raw}_{step:.0f}"
        fill(history, name, given.series, given.days, step)
        reads(history, name, given.series, given.days, step)
        history.close()
    print("-- size")
    history = SqlHistory(given.url, raw=DAY)
    grown = fill(history, f"{NAME}_of_days", 200, 730, DAY)
    print(f"a day of a series: {grown / 200 / 730:.1f} bytes")
    history.close()
    history = SqlHistory(given.url, raw=61 * DAY)
    grown = fill(history, f"{NAME}_of_samples", 100, 60, HOUR)
    print(f"a sample: {grown / 100 / 60 / 24:.1f} bytes")
    history.close()


if __name__ == "__main__":
    main()
