"""How fast the job ledger is: writing, reading, counting; and a first fill from a simulated CommServe.

python benchmarks/ledger.py [--url sqlite:///ledger.db] [--jobs 1000000] [--backups 400000] [--no-fill]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from exporter.history.ledger import Ledger
from exporter.model import DAY, Job, Poll
from exporter.sources.commvault import Commvault, jobs
from exporter.sources.commvault.config import CommvaultSettings
from exporter.telemetry import Telemetry

AT = 1_773_576_000.0
DAYS = 90
OPERATIONS = ("backup_incremental",) * 6 + ("backup_full",)
RESULTS = ("success",) * 96 + ("partial", "failed", "failed", "killed")


def made_up(count: int) -> Iterator[Job]:
    """Jobs of 3,600 clients under 200 policies, the newest first, as a CommServe tells them."""
    for n in range(count):
        started = AT - DAYS * DAY * n / count
        yield Job(
            id=5_000_000 - n, operation=OPERATIONS[n // 3600 % 7], result=RESULTS[n % 100], started_at=started,
            ended_at=started + 600 + n % 1800, client=f"server{n % 3600:04d}.example.com", client_id=str(n % 3600),
            subclient="Windows File System/defaultBackupSet/default", policy_id=str(n % 3600 % 200),
            application_bytes=1e11 + n, media_bytes=1e10 + n,
        )  # fmt: skip


def timed(what: str, act: Callable[[], Any], per: int = 0) -> Any:
    started = time.perf_counter()
    found = act()
    took = time.perf_counter() - started
    print(f"{what:<58} {took:8.2f} s" + (f" {per / took:12,.0f} /s" if per else ""), flush=True)
    return found


def measure_ledger(url: str, count: int, backups: int) -> None:
    ledger = Ledger(url)
    state = ledger.state("cs01")
    timed(f"insert {count:,} jobs", lambda: state.add_jobs(made_up(count)), count)
    timed("insert 100,000 of them again", lambda: state.add_jobs(made_up(100_000)), 100_000)
    since = AT - DAYS * DAY * backups / count
    read = timed(f"backups() of {DAYS * backups / count:.0f} days", lambda: state.backups(since, AT), backups)
    print(f"{'':<58} {len(read):,} backups, {len(read.series):,} series")
    timed("operations()", lambda: state.operations(AT))
    timed("newest 100 jobs of a client", lambda: next(state.newest_jobs(0, client="server0042.example.com")))
    ids = read.job_id[:100_000].tolist()
    timed("note_retained() of 100,000", lambda: state.note_retained(dict.fromkeys(ids, AT), ()), len(ids))
    timed("forget_jobs() of the oldest tenth", lambda: state.forget_jobs(AT - 0.9 * DAYS * DAY), count // 10)
    ledger.close()


def serve_commserve(pipe: Connection) -> None:
    from exporter.simulator import Clock, CommServe, Estate, Server

    clock = Clock(AT, rate=0)
    with Server(CommServe(Estate("documents", clock), clock, access_token="example")) as server:
        pipe.send(server.url)
        pipe.recv()


def measure_fill(url: str) -> None:
    here, there = multiprocessing.Pipe()
    commserve = multiprocessing.get_context("spawn").Process(target=serve_commserve, args=(there,))
    commserve.start()
    os.environ["CV_TOKEN"] = "example"
    settings = CommvaultSettings.model_validate(
        {"name": "cs01", "kind": "commvault", "url": here.recv() + "/commandcenter/api", "lookback": "90d",
         "token": {"env": "CV_TOKEN"}}
    )  # fmt: skip
    ledger, telemetry = Ledger(url), Telemetry()
    source, state = Commvault(settings, telemetry), ledger.state("cs01")
    try:
        polls = timed("first fill, all polls of it", lambda: list(_polls(source, state)))
        total = sum(sum(o.finished_total.values()) for o in polls[-1].operations)
        print(f"{'':<58} {total:,} jobs in {len(polls)} polls")
        before = _requests(telemetry)
        timed("the poll after it", lambda: jobs.fetch(source.client, Poll(AT, AT, state)))
        print(f"{'requests of it':<58} {_requests(telemetry) - before:8.0f}")
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{'largest memory of this process':<58} {memory:8.0f} MiB")
    finally:
        here.send("end")
        commserve.join()
        ledger.close()


def _polls(source: Commvault, state: Any) -> Iterator[Any]:
    history = None
    while history is None or history.fill_ratio < 1:
        history = jobs.fetch(source.client, Poll(AT, None, state))
        yield history


def _requests(telemetry: Telemetry) -> float:
    return sum(s.value for s in next(iter(telemetry.api_requests.collect())).samples if s.name.endswith("_total"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--backups", type=int, default=400_000)
    parser.add_argument("--no-fill", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not asked.no_fill:
            measure_fill(f"sqlite:///{folder}/fill.db")
        measure_ledger(asked.url or f"sqlite:///{folder}/ledger.db", asked.jobs, asked.backups)


if __name__ == "__main__":
    main()
