"""What watching a VBR server of 300 jobs, 40 repositories and 100,000 sessions costs, and whom.

python benchmarks/vbr.py [--revision 1.3-rev2] [--days 330]

The first round reads every session of the look-back and the files of every backup. The second, five minutes later, is
what a further one costs. Then an hour of polls, each collector at its own interval.
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
from exporter.simulator.clock import Clock
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Server

AT = 1_790_000_000.0
PASSWORD = "not-a-real-secret"


def serve(revision: str, days: float, ready: Connection) -> None:
    clock = Clock(AT, rate=0)
    estate = VbrEstate("documents", clock, days=days)
    app = Vbr(estate, clock, password=PASSWORD, role="administrator", newest_revision=revision)
    with Server(app) as server:
        ready.send((server.url, len(estate.sessions)))
        ready.recv()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--revision", default="1.3-rev2")
    parser.add_argument("--days", type=float, default=330.0)
    options = parser.parse_args()
    ready, theirs = multiprocessing.Pipe()
    simulator = multiprocessing.get_context("spawn").Process(
        target=serve, args=(options.revision, options.days, theirs)
    )
    simulator.start()
    url, sessions = ready.recv()
    print(f"revision {options.revision}, {sessions} sessions")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "password").write_text(PASSWORD)
        service = Service(
            parse(f"""
            history: {{url: "sqlite:///{folder}/history.db"}}
            sources:
              - {{name: vbr01, kind: veeam, url: "{url}", username: svc-ebbtide, role: backup_administrator,
                 password_file: {folder}/password, lookback: {options.days:.0f}d}}
        """)
        )
        show("First round, with the sessions", round_of_polls(service, AT))
        later = AT + 5 * MINUTE
        advance(url, 5 * MINUTE)
        show("Second round", round_of_polls(service, later))
        print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        show("An hour of polls", an_hour(service, url, later))
        service.close()
    ready.send("stop")
    simulator.join(10)


if __name__ == "__main__":
    main()
