"""What several tests need: counters of their own, a source that does as it is told, a server that sends given bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from exporter.board import Board
from exporter.findings import GroupOf, ungrouped
from exporter.findings.config import ForecastSettings
from exporter.history import History
from exporter.history.ledger import Ledger
from exporter.history.sql import SqlHistory
from exporter.model import Collector, Poll
from exporter.telemetry import Telemetry
from exporter.watch import Surroundings, Watch
from tests.watching import GOLD


@pytest.hookimpl(optionalhook=True)
def pytest_json_modifyreport(json_report: dict[str, Any]) -> None:
    """Keep of the report what says which tests passed, so that it is the same wherever they are run."""
    summary, tests = json_report.get("summary", {}), json_report.get("tests", [])
    exit_code = json_report.get("exitcode")
    json_report.clear()
    json_report["exitcode"] = int(exit_code or 0)
    json_report["summary"] = dict(sorted(summary.items()))
    json_report["tests"] = [{"nodeid": test["nodeid"], "outcome": test["outcome"]} for test in tests]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden pages anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


class AtOnce(Executor):
    """Runs what is submitted where it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass
class FakeSource:
    """A source that keeps which polls it was asked for."""

    collectors: tuple[Collector, ...]
    name: str = "cs01"
    kind: str = "commvault"
    host: str = "cs01.example.com"
    client: Any = None
    efficiency: Any = None
    closed: bool = False
    polls: list[tuple[str, Poll]] = field(default_factory=list)

    def close(self) -> None:
        self.closed = True


def fake_source(answers: dict[str, Any], *, interval: float = 3600.0, **given: Any) -> FakeSource:
    """A source whose collectors answer with what `answers` holds: a value, an exception, or a call without arguments.

    It is read anew at every poll, so a test changes it to change what the source says.
    """

    def collector(name: str) -> Collector:
        def fetch(_client: object, poll: Poll) -> Any:
            source.polls.append((name, poll))
            answer = answers[name]
            if callable(answer):
                answer = answer()
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return Collector(name, fetch, interval, permission=f"View on {name}")

    source = FakeSource(tuple(map(collector, answers)), **given)
    return source


@dataclass
class House:
    """A board, a history and a ledger in memory, and the watches made on them."""

    board: Board
    history: History
    ledger: Ledger
    telemetry: Telemetry
    group_of: GroupOf = ungrouped

    def watch(self, source: Any) -> Watch:
        around = Surroundings(
            self.board,
            self.history,
            self.telemetry,
            AtOnce(),
            lambda source, pool: self.group_of(source, pool),
            ForecastSettings(),
        )
        return Watch(source, self.ledger.state(source.name), around)

    def page(self, at: float) -> str:
        return self.board.page(at).text.decode()

    def counted(self, name: str, **labels: str) -> float:
        return self.telemetry.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def house(telemetry: Telemetry) -> Iterator[House]:
    history, ledger = SqlHistory("sqlite://", resolution=60.0), Ledger("sqlite://")
    yield House(Board(), history, ledger, telemetry)
    history.close()
    ledger.close()


@pytest.fixture
def answers() -> dict[str, Any]:
    """What the source of `watch` says; a test changes it."""
    return {"pools": (GOLD,)}


@pytest.fixture
def watch(house: House, answers: dict[str, Any]) -> Watch:
    return house.watch(fake_source(answers))


def url_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


class ScriptedServer:
    """Sends given bytes to each request in turn (the last again and again) and keeps what was asked.

    An answer is bytes, or a call with the connection for whoever must send slowly.
    """

    def __init__(self, answers: Sequence[bytes | Callable[[socket.socket], None]]) -> None:
        self.answers = list(answers)
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = url_of(self._listener)
        self.stopping = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            self.asked.append(request)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            try:
                if callable(answer):
                    answer(connection)
                else:
                    connection.sendall(answer)
            except OSError:
                return


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedServer]]:
    servers: list[ScriptedServer] = []

    def start(*answers: bytes | Callable[[socket.socket], None]) -> ScriptedServer:
        servers.append(ScriptedServer(answers))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
