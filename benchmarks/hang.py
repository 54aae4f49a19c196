"""What a source that hangs costs the others: freshness and scrape latency before and while it hangs.

python benchmarks/hang.py [--seconds 20]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from exporter.config import parse
from exporter.service import Service
from exporter.simulator.clock import Clock
from exporter.simulator.vbr import Vbr, demo_vbr_estate
from exporter.simulator.wire import Fault, Server
from exporter.web.app import Doors, create_app
from exporter.web.server import server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    seconds = parser.parse_args().seconds
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, Server(Vbr(demo_vbr_estate(clock), clock, password="p")) as vbr:
        Path(folder, "password").write_text("p")
        service = Service(
            parse(f"""
            web: {{listen: "127.0.0.1:0"}}
            history: {{url: "sqlite:///{folder}/history.db"}}
            sources:
              - {{name: fs, kind: filesystem, intervals: {{mounts: 1s}}}}
              - {{name: vbr, kind: veeam, url: "{vbr.url}", username: svc-ebbtide, password_file: {folder}/password,
                 intervals: {{pools: 1s, backup_jobs: 1s, backups: 5s}}}}
        """)
        )
        service.start()
        app = create_app(Doors(service.board, service.poller, service.telemetry, service.reload))
        web = server(app, "127.0.0.1", 0)
        threading.Thread(target=web.run, daemon=True).start()
        while not web.started:
            time.sleep(0.05)
        port = web.servers[0].sockets[0].getsockname()[1]
        time.sleep(3)

        def phase(name: str) -> None:
            latencies, ages = [], []
            until = time.time() + seconds
            while time.time() < until:
                started = time.perf_counter()
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read()
                latencies.append(time.perf_counter() - started)
                [mounts] = [s for s in service.board.states() if s.source == "fs" and s.collector == "mounts"]
                ages.append(time.time() - (mounts.last_success_at or 0))
                time.sleep(0.01)
            latencies.sort()
            [state] = [s for s in service.board.states() if s.source == "vbr" and s.collector == "pools"]
            print(
                f"{name:<24} scrapes p50 {statistics.median(latencies) * 1000:6.1f} ms, "
                f"p99 {latencies[int(len(latencies) * 0.99)] * 1000:6.1f} ms; "
                f"oldest data of the other source {max(ages):.2f} s; the source itself: success={state.success} "
                f"{state.reason}",
                flush=True,
            )

        phase("both answer")
        vbr.faults.set(Fault("hang", seconds=600))
        phase("one source hangs")
        vbr.faults.clear()
        time.sleep(2)
        phase("it answers again")
        vbr.faults.clear()
        web.should_exit = True
        service.close()


if __name__ == "__main__":
    main()
