"""Scrapes over HTTP by 8 at once, against nginx serving the same bytes as a static file. Needs nginx and wrk.

python benchmarks/scrape.py [--series 100000 1000000] [--seconds 8]
"""

from __future__ import annotations

import argparse
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

SOURCES = 100


def serve(series: int, port: int) -> None:
    from estate import publish

    from exporter.board import Board
    from exporter.poller import Poller
    from exporter.telemetry import Telemetry
    from exporter.web.app import Doors, create_app
    from exporter.web.server import server

    board = Board()
    publish(board, SOURCES, series)
    app = create_app(Doors(board, Poller(board), Telemetry(), reload=lambda: None))
    server(app, "127.0.0.1", port).run()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str, gzip: bool) -> bytes:
    headers = {"Accept-Encoding": "gzip"} if gzip else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return bytes(answer.read())


def wait_for(url: str) -> None:
    for _ in range(600):
        try:
            fetch(url, gzip=False)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{url} does not answer")


def wrk(url: str, gzip: bool, seconds: int) -> dict[str, float]:
    """Latencies in milliseconds by percentile, and requests per second."""
    command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "--timeout", "60s", "--latency", url]
    if gzip:
        command += ["-H", "Accept-Encoding: gzip"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
    found = {p: float(v) * scale[u] for p, v, u in re.findall(r"(\d\d)%\s+([\d.]+)(us|ms|s|m)\b", text)}
    if "Non-2xx" in text or "99" not in found:
        raise SystemExit(f"wrk against {url}:\n{text}")
    return found | {"rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])}  # type: ignore[index]


def compare(series: int, seconds: int) -> None:
    port, nginx_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        ours = subprocess.Popen([sys.executable, __file__, "--serve", str(series), "--port", str(port)])
        theirs = None
        try:
            url = f"http://127.0.0.1:{port}/metrics"
            wait_for(url)
            for gzip in (False, True):
                body = fetch(url, gzip)
                Path(folder, "metrics").write_bytes(body)
                conf = Path(folder, "nginx.conf")
                encoding = "add_header Content-Encoding gzip;" if gzip else ""
                conf.write_text(
                    f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; user root;\n"
                    f"events {{}}\nhttp {{ access_log off; sendfile on; client_body_temp_path {folder}/b;\n"
                    f"server {{ listen 127.0.0.1:{nginx_port}; root {folder};\n"
                    f"default_type text/plain; {encoding} }} }}\n"
                )
                theirs = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(conf), "-p", folder])
                static = f"http://127.0.0.1:{nginx_port}/metrics"
                wait_for(static)
                rounds = [(wrk(url, gzip, seconds), wrk(static, gzip, seconds)) for _ in range(3)]
                ratios = sorted(a["99"] / b["99"] for a, b in rounds)
                us, nginx = sorted(rounds, key=lambda r: r[0]["99"] / r[1]["99"])[1]
                what = "gzip" if gzip else "text"
                print(
                    f"{series:>9,} series, {what}, {len(body) / 1e6:6.1f} MB, 8 scrapers: "
                    f"p50 {us['50']:.1f} / {nginx['50']:.1f} ms, p99 {us['99']:.1f} / {nginx['99']:.1f} ms "
                    f"(ebbtide / nginx), p99 ratio {ratios[1]:.2f} (of three: {', '.join(f'{r:.2f}' for r in ratios)})",
                    flush=True,
                )
                theirs.terminate()
                theirs.wait(15)
            status = Path(f"/proc/{ours.pid}/status").read_text()
            peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
            print(f"{series:>9,} series, resident peak of the serving process: {peak:.0f} MB", flush=True)
        finally:
            for process in (ours, theirs):
                if process and process.poll() is None:
                    process.terminate()
                    process.wait(15)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve, chosen.port)
        return
    for series in chosen.series:
        compare(series, chosen.seconds)


if __name__ == "__main__":
    main()
