"""The main job on real servers: the exporter polls the simulator, Prometheus scrapes and judges, Alertmanager tells."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import load
from exporter.demo import write_config
from exporter.demo.past import DAY, Past
from exporter.service import Service
from exporter.simulator.stage import Demo
from exporter.simulator.wire import Fault
from exporter.web.app import Doors, create_app
from exporter.web.server import server as server_for
from tests.alerting import hurried_rules
from tests.servers import free_port, need, running, wait_until

ROOT = Path(__file__).parent.parent


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's URL and the alerts it has received."""
    alerts: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alerts.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", alerts
    server.shutdown()
    server.server_close()


@dataclass
class Stage:
    simulated: Demo
    past: Past
    port: int


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The exporter on the simulated systems, three days of past behind it, polling and serving."""
    folder = tmp_path_factory.mktemp("stage")
    now = time.time()
    with ExitStack() as stack:
        simulated = Demo(now, past=3 * DAY)
        for server in (simulated.commserve, simulated.vbr):
            server.start()
            stack.callback(server.stop)
        port = free_port()
        path = write_config(folder, port, simulated)
        path.write_text(path.read_text().replace("15s", "1s"))
        service = Service(load(path), path)
        stack.callback(service.close)
        past = Past()
        past.live(service.watches, service.board, simulated, now, days=3)
        simulated.go_live()
        service.start()
        app = create_app(Doors(service.board, service.poller, service.telemetry, service.reload))
        web = server_for(app, "127.0.0.1", port)
        thread = threading.Thread(target=web.run, daemon=True)
        thread.start()
        yield Stage(simulated, past, port)
        web.should_exit = True
        thread.join(10)


@pytest.mark.server
def test_a_pool_whose_pruning_stopped_and_a_dead_source_reach_the_webhook(
    tmp_path: Path, stage: Stage, told: tuple[str, list[dict[str, Any]]]
) -> None:
    hook, alerts = told
    prometheus, alertmanager = need("prometheus"), need("prometheus-alertmanager")
    alertmanager_port, prometheus_port = free_port(), free_port()
    with (tmp_path / "past.om").open("w") as file:
        file.writelines(stage.past.openmetrics(f'job="ebbtide",instance="127.0.0.1:{stage.port}"'))
    subprocess.run(
        [need("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics",
         tmp_path / "past.om", tmp_path / "tsdb"], check=True, capture_output=True,
    )  # fmt: skip
    route = {"receiver": "hook", "group_by": ["..."], "group_wait": "100ms", "group_interval": "1s"}
    receivers = [{"name": "hook", "webhook_configs": [{"url": hook}]}]
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump({"route": route, "receivers": receivers}))
    configuration = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"},
        "rule_files": hurried_rules(tmp_path),
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]},
        "scrape_configs": [{"job_name": "ebbtide", "static_configs": [{"targets": [f"127.0.0.1:{stage.port}"]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    am = [alertmanager, f"--config.file={tmp_path}/alertmanager.yml", f"--storage.path={tmp_path}/alertmanager",
          f"--web.listen-address=127.0.0.1:{alertmanager_port}", "--cluster.listen-address="]  # fmt: skip
    prom = [prometheus, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb",
            f"--web.listen-address=127.0.0.1:{prometheus_port}", "--rules.alert.resend-delay=1s"]  # fmt: skip

    def has(name: str, status: str, **labels: str) -> bool:
        wanted = {"alertname": name, **labels}.items()
        return any(alert["status"] == status and wanted <= alert["labels"].items() for alert in alerts)

    with running(am, tmp_path / "am.log"), running(prom, tmp_path / "prom.log"):
        wait_until(
            lambda: has("EbbtideCommvaultAgingSucceedsPruningFails", "firing", source="cs01", pool="Apex GDP"),
            "the two-stage failure is told", 60,
        )  # fmt: skip
        stage.simulated.commserve.faults.set(Fault("500"))
        wait_until(lambda: has("EbbtideSourceDown", "firing", source="cs01"), "the dead source is told", 60)
        stage.simulated.commserve.faults.clear()
        wait_until(lambda: has("EbbtideSourceDown", "resolved", source="cs01"), "its recovery is told", 60)
    stalled = [a["labels"] for a in alerts if a["labels"]["alertname"] == "EbbtideCommvaultAgingSucceedsPruningFails"]
    pools = {labels["pool"] for labels in stalled}
    assert pools == {"Apex GDP"}, "pools that are pruned are left alone"
    assert not has("EbbtideSourceDown", "firing", source="vbr01"), "the other source never noticed"


@pytest.mark.server
def test_the_demo_runs_with_real_alerting_and_one_interrupt_ends_all_of_it(tmp_path: Path) -> None:
    for program in ("prometheus", "promtool", "prometheus-alertmanager"):
        need(program)
    log = tmp_path / "demo.log"
    demo = [sys.executable, "-m", "exporter", "demo", "--port", str(free_port()), "--days", "2"]
    with running(demo, log, cwd=ROOT) as process:
        wait_until(lambda: process.poll() is not None or "mend it:" in log.read_text(), "the demo runs", 90)
        text = log.read_text()
        assert process.poll() is None, text
        urls = dict(re.findall(r"^    (\w[\w ]+?)\s{2,}(http\S+)$", text, re.MULTILINE))

        def rules() -> list[dict[str, Any]]:
            try:
                with urllib.request.urlopen(urls["Prometheus"] + "api/v1/rules", timeout=5) as answer:
                    groups = json.load(answer)["data"]["groups"]
            except OSError:
                return []
            return [rule for group in groups for rule in group["rules"]]

        wait_until(rules, "Prometheus has our rules")
        assert {"EbbtideCommvaultAgingSucceedsPruningFails", "EbbtideWatchdog"} <= {rule["name"] for rule in rules()}
        assert not [rule for rule in rules() if rule["health"] == "err"]
        with urllib.request.urlopen(urls["status page"], timeout=5) as page:
            assert "All 3 sources answer" in page.read().decode()
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
        ).stdout.split()
        assert len(children) >= 2
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, log.read_text()
        wait_until(lambda: not [pid for pid in children if Path(f"/proc/{pid}").exists()], "its children end", 10)
    assert "Traceback" not in log.read_text()
