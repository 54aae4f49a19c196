"""A bridge that listens, and what is asked of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import uvicorn

from exporter.bridge.app import Bridge, create_app
from exporter.bridge.config import BridgeSettings
from exporter.bridge.service import build
from exporter.bridge.telemetry import BridgeTelemetry
from tests.bridge.webhooks import webhook
from tests.conftest import url_of
from tests.servers import wait_until


@contextmanager
def served(folder: Path, freshness: float = 600.0, **section: Any) -> Iterator[str]:
    """A bridge as `ebbtide bridge` runs it; its URL."""
    telemetry = BridgeTelemetry()
    settings = BridgeSettings.model_validate(section)
    services = {("cs01", "EbbtidePoolNearlyFull"), ("ebbtide", "EbbtideWatchdog")}
    bridge = build(settings, folder / "bridge.db", services, freshness, telemetry, first_pause=0.05)
    bridge.start()
    with listening(bridge, telemetry) as url:
        yield url
    bridge.stop()


@contextmanager
def listening(bridge: Bridge, telemetry: BridgeTelemetry) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as socket_:
        config = uvicorn.Config(create_app(bridge, telemetry), lifespan="off", ws="none", log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket_]})
        thread.start()
        wait_until(lambda: server.started, "the bridge listens")
        yield url_of(socket_)
        server.should_exit = True
        thread.join()


def post(url: str, *alerts: dict[str, Any], **options: Any) -> requests.Response:
    return requests.post(url, data=webhook(*alerts), timeout=10, **options)


def metric(url: str, line: str) -> bool:
    return f"\n{line}\n" in requests.get(f"{url}/metrics", timeout=10).text
