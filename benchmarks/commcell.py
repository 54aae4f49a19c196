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
from multiprocessing.connection import Connection
from pathlib import Path

from polls import advance, an_hour, round_of_polls, show

from exporter.config import parse
from exporter.model import MINUTE
from exporter.service import Service
from exporter.simulator import Clock, CommServe, Estate, Server

AT = 1_772_461_200.0
PASSWORD = "not-a-real-secret"


def serve(size: str, ready: Connection) -> None:
    clock = Clock(AT, rate=0)
    with Server(CommServe(Estate(size, clock), clock, password=PASSWORD)) as server:
        ready.send(server.url)
        ready.recv()


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
        advance(url, 5 * MINUTE)
        second = round_of_polls(service, later)
        show("Second round", second)
        print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        show("An hour of polls", an_hour(service, url, later))
        service.close()
    ready.send("stop")
    simulator.join(10)


if __name__ == "__main__":
    main()
