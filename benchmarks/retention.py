"""How long the analysis of all cycles takes: every policy's fulls, and every rule replayed with both what-ifs.

python benchmarks/retention.py [--jobs 150000 400000 1000000] [--days 30]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context

import numpy as np

from exporter.analysis.cycles import policy_fulls
from exporter.analysis.replay import Terms, replay
from exporter.analysis.retention import INCLUSIVE, STRICT, VENDOR
from exporter.model import DAY, HOUR, Backups, Series
from exporter.model.jobs import FAILED, PARTIAL, SUCCESS

POLICIES, RULES, CLIENTS = 200, 500, 5000


def made(jobs: int, days: float) -> Backups:
    """Weekly fulls, every tenth client monthly ones; one run in twenty fails, one in twenty has errors."""
    random = np.random.default_rng(1)
    each = jobs // CLIENTS
    series_of = np.repeat(np.arange(CLIENTS, dtype=np.int32), each)
    nth = np.tile(np.arange(each), CLIENTS)
    apart = days * DAY / each
    per_full = np.where(series_of % 10 == 0, 30, 7) * DAY / apart
    full = (nth + series_of) % np.maximum(1, per_full.astype(np.int64)) == 0
    started = nth * apart + random.uniform(0, 0.4 * apart, series_of.size)
    result = random.choice([SUCCESS, PARTIAL, FAILED], series_of.size, p=[0.9, 0.05, 0.05])
    return Backups(
        series=tuple(Series(str(i % POLICIES), f"client{i}", "default") for i in range(CLIENTS)),
        series_of=series_of,
        job_id=np.arange(series_of.size, dtype=np.int64),
        started_at=started,
        ended_at=started + min(HOUR, 0.4 * apart),
        is_full=full,
        is_synthetic=full & (series_of % 2 == 0),
        result=result.astype(np.int8),
        media_bytes=random.uniform(1e9, 1e12, series_of.size),
        aged=np.full(series_of.size, -1, dtype=np.int8),
    )


def rules() -> list[Terms]:
    return [
        Terms(
            copy_id=str(i), policy_id=str(i % POLICIES), retention_seconds=(14, 30, 90, 365)[i % 4] * DAY,
            cycles=1.0 + i % 3, recommended=((14, 30, 90, 365)[i % 4] * DAY, 1.0),
        )
        for i in range(RULES)
    ]  # fmt: skip


def median(action: Callable[[], object], times: int = 5) -> float:
    took = []
    for _ in range(times):
        started = time.process_time()
        action()
        took.append(time.process_time() - started)
    return statistics.median(took)


def measure(jobs: int, days: float) -> None:
    backups, at, terms = made(jobs, days), days * DAY, rules()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fulls = median(lambda: policy_fulls(backups, at))
    each = {s: median(lambda s=s: replay(backups, terms, at, semantics=s)) for s in (VENDOR, INCLUSIVE, STRICT)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    replays = "".join(f"{seconds:>12.2f}" for seconds in each.values())
    print(
        f"{len(backups):>10,}{len(terms):>7}{fulls:>8.2f}{replays}{fulls + each[VENDOR]:>8.2f}"
        f"{(peak - before) / 1024:>12.0f}{peak / 1024:>10.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, nargs="+", default=[150_000, 400_000, 1_000_000])
    parser.add_argument("--days", type=float, default=30)
    asked = parser.parse_args()
    print(f"{POLICIES} policies, {CLIENTS:,} clients, {asked.days:g} days; CPU seconds, median of 5, and MB")
    print("      jobs  rules   fulls      vendor   inclusive      strict     all   more peak      peak")
    for jobs in asked.jobs:
        # Each in a process of its own, or the peak would be that of the largest so far.
        child = get_context("spawn").Process(target=measure, args=(jobs, asked.days))
        child.start()
        child.join()


if __name__ == "__main__":
    main()
