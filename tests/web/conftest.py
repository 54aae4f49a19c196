"""The application on a board with two sources, polled once, behind a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import uvicorn

from exporter.errors import SourceUnreachable
from exporter.model import Pool
from exporter.poller import Poller
from exporter.web.app import Doors, create_app
from tests.conftest import FakeSource, House, fake_source, url_of
from tests.inventories import AT
from tests.servers import wait_until

GOLD = Pool(kind="commvault", name="Gold", capacity_bytes=100.0, free_bytes=25.0)
ROOT = Pool(kind="filesystem", name="/", capacity_bytes=10.0, free_bytes=1.0)


@dataclass
class Site:
    """An application and what stands behind it."""

    house: House
    poller: Poller
    sources: list[FakeSource]
    reloads: list[Any] = field(default_factory=list)
    reload_error: Exception | None = None

    def reload(self) -> None:
        if self.reload_error:
            raise self.reload_error
        self.reloads.append(1)

    def doors(self, *, lifecycle: bool = False) -> Doors:
        return Doors(
            self.house.board, self.poller, self.house.telemetry, self.reload, lifecycle=lifecycle, clock=lambda: AT
        )


class Client:
    """Asks one server, follows no redirect."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._session.request(method, self.url + path, allow_redirects=False, timeout=10, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.ask("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.ask("POST", path, **options)

    def close(self) -> None:
        self._session.close()


@contextmanager
def served(doors: Doors) -> Iterator[Client]:
    """The application as `serve` runs it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(create_app(doors), lifespan="off", ws="none", http="httptools", log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        wait_until(lambda: server.started, "the server listens")
        client = Client(url_of(listening))
        yield client
        client.close()
        server.should_exit = True
        thread.join()


@pytest.fixture
def site(house: House) -> Iterator[Site]:
    """Its scheduler does not run: nothing is polled but what a test polls."""
    poller = Poller(house.board, clock=lambda: AT)
    commvault = fake_source({"pools": (GOLD,), "jobs": SourceUnreachable("GET /Job: no answer in time")})
    filesystem = fake_source({"mounts": ()}, name="fs01", kind="filesystem", host="fs01.example.com")
    watches = [house.watch(commvault), house.watch(filesystem)]
    poller.replace(watches)
    for watch in watches:
        for name in watch.collectors:
            watch.poll(name, AT)
    yield Site(house, poller, [commvault, filesystem])
    poller.stop()


@pytest.fixture
def get(site: Site) -> Iterator[Callable[..., requests.Response]]:
    with served(site.doors()) as client:
        yield client.get
