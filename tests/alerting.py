"""A real Prometheus with the shipped rules in a hurry, and an exporter before it, for the long stories."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from exporter.config import load
from exporter.service import Service
from exporter.web.app import Doors, create_app
from exporter.web.server import server as server_for
from tests.promql import rule_files
from tests.servers import free_port, need, running, wait_until


def hurried_rules(folder: Path) -> list[str]:
    """Our rule files, evaluated every second and without their patience; everything else as shipped.

    `for` and `keep_firing_for` become a second: a story that takes days is told in a minute.
    """
    written = []
    for path in rule_files():
        content = yaml.safe_load(path.read_text())
        for group in content["groups"]:
            group["interval"] = "1s"
            for rule in group["rules"]:
                rule.update(dict.fromkeys({"for", "keep_firing_for"} & rule.keys(), "1s"))
        target = folder / f"{path.stem}-{len(written)}.yaml"
        target.write_text(yaml.safe_dump(content))
        written.append(str(target))
    return written


@contextmanager
def prometheus(folder: Path, exporter_port: int, alertmanager: str) -> Iterator[str]:
    """The URL of one that scrapes the exporter twice a second, judges by the hurried rules and tells Alertmanager."""
    targets = [alertmanager.removeprefix("http://")]
    configuration = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"},
        "rule_files": hurried_rules(folder),
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": targets}]}]},
        "scrape_configs": [{"job_name": "ebbtide", "static_configs": [{"targets": [f"127.0.0.1:{exporter_port}"]}]}],
    }
    with started(folder, configuration, "--rules.alert.resend-delay=1s") as url:
        yield url


@contextmanager
def started(folder: Path, configuration: dict[str, Any], *more: str) -> Iterator[str]:
    """The URL of a Prometheus with that configuration, its data in `folder`/tsdb."""
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        need("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address={url.removeprefix('http://')}", *more,
    ]  # fmt: skip
    with running(command, folder / "prometheus.log"):
        wait_until(lambda: _answers(f"{url}/-/ready"), "Prometheus is ready")
        yield url


@contextmanager
def exporter(folder: Path, sources: Sequence[dict[str, Any]], **more: Any) -> Iterator[tuple[Service, int]]:
    """An exporter that serves on a port, and polls these sources when the test says so, as of when it says.

    more: what else its configuration holds.
    """
    port = free_port()
    path = folder / "ebbtide.yml"
    content = {
        "web": {"listen": f"127.0.0.1:{port}"}, "history": {"url": f"sqlite:///{folder}/history.db"},
        "sources": [*sources], **more,
    }  # fmt: skip
    path.write_text(yaml.safe_dump(content))
    service = Service(load(path), path)
    web = server_for(
        create_app(Doors(service.board, service.poller, service.telemetry, service.reload)), "127.0.0.1", port
    )
    thread = threading.Thread(target=web.run, daemon=True)
    try:
        thread.start()
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/metrics"), "the exporter serves")
        yield service, port
    finally:
        web.should_exit = True
        thread.join(10)
        service.close()


def firing(prometheus_url: str) -> list[dict[str, str]]:
    """The labels of the alerts that fire at present."""
    alerts = requests.get(f"{prometheus_url}/api/v1/alerts", timeout=5).json()["data"]["alerts"]
    return [alert["labels"] for alert in alerts if alert["state"] == "firing"]


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.ConnectionError:
        return False
