"""How long scoring takes: every job and repository, from the ledger's columns, and reading these first.

python benchmarks/efficiency.py [--jobs 300] [--days 90]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np

from exporter.analysis.efficiency import efficiencies
from exporter.history.ledger import Ledger
from exporter.model import DAY, Grading, SessionReduction

REPOSITORIES = 40


def made(jobs: int, days: int) -> Iterator[SessionReduction]:
    """A session a day, every seventh a full; every tenth job slowly worsens."""
    random = np.random.default_rng(1)
    for job in range(jobs):
        dedup, compression = random.uniform(1.0, 4.0), random.uniform(1.2, 3.0)
        for day in range(days):
            data = random.uniform(1e10, 1e12)
            d = max(1.0, dedup * random.normal(1.0, 0.03) * (1 - 0.002 * day if job % 10 == 0 else 1))
            c = compression * random.normal(1.0, 0.03)
            yield SessionReduction(
                session_id=f"{job}-{day}", job_id=f"id-{job}", job=f"Job {job}", at=(1000 + day) * DAY,
                repository=f"Repository {job % REPOSITORIES}", is_full=day % 7 == 0, data_bytes=data,
                stored_bytes=data / (d * c), dedup_ratio=d, compression_ratio=c,
            )  # fmt: skip


def seconds(call: Callable[[], object], times: int = 5) -> float:
    def once() -> float:
        started = time.perf_counter()
        call()
        return time.perf_counter() - started

    return statistics.median(once() for _ in range(times))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--days", type=int, default=90)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(f"sqlite:///{folder}/ledger.db")
        state = ledger.state("vbr01")
        at = (1000 + options.days) * DAY
        began = time.perf_counter()
        rows = state.add_reductions(made(options.jobs, options.days))
        added = time.perf_counter() - began
        reductions = state.reductions(at - 90 * DAY)
        first = seconds(lambda: efficiencies(reductions, Grading(), at), 1)
        print(
            f"{options.jobs} jobs x {options.days} days, {REPOSITORIES} repositories, {rows:,} sessions: "
            f"stored in {added:.2f} s, read in {seconds(lambda: state.reductions(at - 90 * DAY)):.3f} s, "
            f"scored in {seconds(lambda: efficiencies(reductions, Grading(), at)):.3f} s "
            f"(the first time, with scipy to import, {first:.3f} s)"
        )
        ledger.close()


if __name__ == "__main__":
    main()
