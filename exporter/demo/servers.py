"""The real Prometheus and Alertmanager of the demo, with our rules, and a webhook that prints what they tell."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from exporter import bundle
from exporter.demo.past import LOOKBACK_S, Past

Say = Callable[[str], None]


def start_alerting(stack: ExitStack, folder: Path, exporter_port: int, past: Past, say: Say) -> dict[str, str]:
    """Start what is installed; the URLs of what runs. Everything ends with the stack."""
    prometheus, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if not prometheus or not promtool:
        say("no Prometheus here: apt-get install prometheus prometheus-alertmanager, and the demo has alerts")
        return {}
    urls = {}
    alertmanager = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    alertmanager_port = free_port()
    if alertmanager:
        hook = _start_webhook(stack, say)
        configuration = folder / "alertmanager.yml"
        configuration.write_text(yaml.safe_dump(_alertmanager(hook), sort_keys=False))
        _start(stack, folder, [
            alertmanager, f"--config.file={configuration}", f"--storage.path={folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{alertmanager_port}", "--cluster.listen-address=",
        ])  # fmt: skip
        urls["Alertmanager"] = f"http://127.0.0.1:{alertmanager_port}/"

    say("writing the past into Prometheus")
    backfill, blocks = folder / "past.om", folder / "prometheus"
    with backfill.open("w") as file:
        file.writelines(past.openmetrics(f'job="ebbtide",instance="127.0.0.1:{exporter_port}"'))
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics", backfill, blocks],
        check=True, capture_output=True,
    )  # fmt: skip
    backfill.unlink()
    port = free_port()
    configuration = folder / "prometheus.yml"
    configuration.write_text(yaml.safe_dump(_prometheus(exporter_port, alertmanager_port), sort_keys=False))
    _start(stack, folder, [
        prometheus, f"--config.file={configuration}", f"--storage.tsdb.path={blocks}",
        f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10y",
        f"--query.lookback-delta={LOOKBACK_S}s",
    ])  # fmt: skip
    return {"Prometheus": f"http://127.0.0.1:{port}/", **urls}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _prometheus(exporter_port: int, alertmanager_port: int) -> dict[str, object]:
    rules = bundle.path("rules")
    return {
        "global": {"scrape_interval": "10s", "evaluation_interval": "10s"},
        "rule_files": [f"{rules}/*.yaml", f"{rules}/alerts/*.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]},
        "scrape_configs": [
            {"job_name": "ebbtide", "static_configs": [{"targets": [f"127.0.0.1:{exporter_port}"]}]},
        ],
    }  # fmt: skip


def _alertmanager(hook: str) -> dict[str, object]:
    """The shipped file, with every receiver replaced by the webhook that prints."""
    shipped = bundle.path("alertmanager")
    content: dict[str, object] = yaml.safe_load((shipped / "alertmanager.yml").read_text())
    receivers = content["receivers"]
    if isinstance(receivers, list):
        content["receivers"] = [
            {"name": r["name"], "webhook_configs": [{"url": hook, "send_resolved": True}]} for r in receivers
        ]
    content["templates"] = [f"{shipped}/templates/*.tmpl"]
    return content


def _start(stack: ExitStack, folder: Path, command: list[str]) -> None:
    # In a session of its own, so that Ctrl-C reaches only us and the order of ending is ours.
    log = stack.enter_context((folder / f"{Path(command[0]).name}.log").open("wb"))
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    stack.callback(_end, process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _start_webhook(stack: ExitStack, say: Say) -> str:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            self.send_response(200)
            self.end_headers()
            for alert in body.get("alerts", []):
                if alert["labels"].get("alertname") != "EbbtideWatchdog":
                    severity, summary = alert["labels"].get("severity", ""), alert["annotations"].get("summary", "")
                    say(f"alert {alert['status']}: {alert['labels']['alertname']} ({severity}) {summary}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """The demo prints alerts, not requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}/"
