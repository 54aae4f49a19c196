"""How long from the poll that sees a fault to the webhook, on the urgent route, with the shipped rules and routes?

    python benchmarks/latency.py --times 5

The exporter polls a simulated CommServe, a real Prometheus scrapes it every 15 s and evaluates the rules at their
own intervals, a real Alertmanager has the shipped routes with a webhook behind the bridges' receiver. A rule's
`for` is left out: it is a decision and no delay. What remains beside the scrape interval is the rules' own interval,
Alertmanager's discovery and group_wait.
"""

from __future__ import annotations

import argparse
import json
import queue
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml
from victoria import free_port, needed, stop
from year import ACCOUNT, RULES

from exporter import bundle, config
from exporter.service import Service
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.wire import Server
from exporter.web.app import Doors, create_app
from exporter.web.server import server as server_for

SCRAPE_S = 15.0
ALERT, AGENT = "EbbtideCommvaultMediaAgentOffline", "ma02"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    told: queue.Queue[tuple[float, str]] = queue.Queue()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ebbtide-latency-")))
        estate = Estate("small", Clock(), ailing=False)
        service, port = _exporter(stack, folder, estate)
        list(service.poll_once(time.time()))
        _alerting(stack, folder, port, _webhook(stack, told))
        time.sleep(75)
        seconds = []
        for number in range(times):
            # At no fixed distance from scrapes and evaluations.
            time.sleep(number * 7 % 15)
            estate.tell("agent_dead", AGENT)
            polled = _poll(service)
            seconds.append(_wait_for(told, "firing") - polled)
            print(f"{seconds[-1]:6.1f} s from the poll to the webhook, scrape interval included", flush=True)
            estate.end("agent_dead", AGENT)
            _poll(service)
            _wait_for(told, "resolved")
    print(f"median {statistics.median(seconds):.1f} s, worst {max(seconds):.1f} s, scrape interval {SCRAPE_S:.0f} s")
    print(f"worst beyond the scrape interval: {max(seconds) - SCRAPE_S:.1f} s")


def _poll(service: Service) -> float:
    """When the agents were polled; the source is alive all the time."""
    at = time.time()
    [watch] = service.watches
    watch.poll("media_agents", at)
    return at


def _wait_for(told: queue.Queue[tuple[float, str]], status: str) -> float:
    while True:
        at, said = told.get(timeout=600)
        if said == status:
            return at


def _exporter(stack: ExitStack, folder: Path, estate: Estate) -> tuple[Service, int]:
    application = CommServe(estate, estate.clock, username=ACCOUNT[0], password=ACCOUNT[1])
    server = stack.enter_context(Server(application))
    (folder / "password").touch(0o600)
    (folder / "password").write_text(ACCOUNT[1])
    source = {
        "name": "cs01", "kind": "commvault", "url": f"{server.url}/webconsole/api", "username": ACCOUNT[0],
        "password_file": str(folder / "password"),
    }  # fmt: skip
    path = folder / "ebbtide.yml"
    path.write_text(yaml.safe_dump({"history": {"url": f"sqlite:///{folder}/history.db"}, "sources": [source]}))
    service = Service(config.load(path), path)
    port = free_port()
    web = server_for(
        create_app(Doors(service.board, service.poller, service.telemetry, service.reload)), "127.0.0.1", port
    )
    thread = threading.Thread(target=web.run, daemon=True)
    thread.start()

    def end() -> None:
        web.should_exit = True
        thread.join(10)
        service.close()

    stack.callback(end)
    return service, port


def _alerting(stack: ExitStack, folder: Path, exporter_port: int, hook: str) -> None:
    rules = []
    for path in sorted(RULES.rglob("*.yaml")):
        content = yaml.safe_load(path.read_text())
        for group in content["groups"]:
            for rule in group["rules"]:
                rule.pop("for", None)
                rule.pop("keep_firing_for", None)
        rules.append(str(folder / f"rules-{len(rules)}.yaml"))
        Path(rules[-1]).write_text(yaml.safe_dump(content))
    shipped = yaml.safe_load((bundle.path("alertmanager") / "alertmanager.yml").read_text())
    shipped["receivers"] = [
        {"name": r["name"]} | ({"webhook_configs": [{"url": hook}]} if r["name"] == "bridges" else {})
        for r in shipped["receivers"]
    ]
    for key in ("global", "templates"):
        del shipped[key]
    # The end of one fault is only waited for so that the next can begin.
    for route in shipped["route"]["routes"]:
        route["group_interval"] = "5s"
    alertmanager_port = free_port()
    targets = {"targets": [f"127.0.0.1:{alertmanager_port}"]}
    prometheus = {
        "global": {"scrape_interval": f"{SCRAPE_S:.0f}s", "evaluation_interval": "1m"},
        "rule_files": rules,
        "alerting": {"alertmanagers": [{"static_configs": [targets]}]},
        "scrape_configs": [{"job_name": "ebbtide", "static_configs": [{"targets": [f"127.0.0.1:{exporter_port}"]}]}],
    }
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(shipped))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus))
    _start(stack, folder, [
        needed("prometheus-alertmanager"), f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/am",
        f"--web.listen-address=127.0.0.1:{alertmanager_port}", "--cluster.listen-address=",
    ])  # fmt: skip
    _start(stack, folder, [
        needed("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{free_port()}",
    ])  # fmt: skip


def _start(stack: ExitStack, folder: Path, command: list[str]) -> None:
    log = stack.enter_context((folder / f"{Path(command[0]).name}.log").open("wb"))
    stack.callback(stop, subprocess.Popen(command, stdout=log, stderr=log))


def _webhook(stack: ExitStack, told: queue.Queue[tuple[float, str]]) -> str:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            at = time.time()
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            for alert in body["alerts"]:
                if alert["labels"]["alertname"] == ALERT:
                    told.put((at, alert["status"]))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}/"


if __name__ == "__main__":
    main()
