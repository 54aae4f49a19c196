"""From exec of `ebbtide serve` to the first answer of /metrics, several times.

python benchmarks/startup.py [--times 7]
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=7)
    took = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(parser.parse_args().times):
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = probe.getsockname()[1]
            started = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-m", "exporter", "serve", "--listen", f"127.0.0.1:{port}", "--log-level", "error"],
                env={**os.environ, "STATE_DIRECTORY": folder},
            )
            try:
                while True:
                    try:
                        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
                        break
                    except OSError:
                        time.sleep(0.005)
                took.append(time.perf_counter() - started)
            finally:
                process.terminate()
                process.wait(15)
    print(
        f"first answer after {min(took):.2f} / {statistics.median(took):.2f} / {max(took):.2f} s (min / median / max)"
    )


if __name__ == "__main__":
    main()
