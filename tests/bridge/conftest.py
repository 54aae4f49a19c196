"""A queue in a file, and receivers that do as they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporter.bridge.outbox import Message, Outbox


@dataclass
class FakeReceiver:
    """Takes what comes; `trouble` gives the error that a message meets, if any."""

    name: str = "r"
    trouble: Callable[[Message], Exception | None] = lambda _: None
    taken: list[str] = field(default_factory=list)
    closed: bool = False

    def send(self, message: Message) -> None:
        if error := self.trouble(message):
            raise error
        self.taken.append(message.body)

    def close(self) -> None:
        self.closed = True


@dataclass
class Queue:
    path: Path
    dropped: dict[str, int] = field(default_factory=dict)
    opened: list[Outbox] = field(default_factory=list)

    def open(self, size: int = 1000) -> Outbox:
        def lost(receiver: str, count: int) -> None:
            self.dropped[receiver] = self.dropped.get(receiver, 0) + count

        self.opened.append(Outbox(self.path, size, lost))
        return self.opened[-1]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    queue = Queue(tmp_path / "bridge.db")
    yield queue
    for outbox in queue.opened:
        outbox.close()


@pytest.fixture
def outbox(queue: Queue) -> Outbox:
    return queue.open()


def put(outbox: Outbox, *messages: str, receiver: str = "r") -> None:
    """Each is "object body", or a body about itself."""
    with outbox.transaction() as transaction:
        for message in messages:
            about, _, body = message.rpartition(" ")
            transaction.put(receiver, about or body, body, 1000.0)
