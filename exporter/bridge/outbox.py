"""What is still to be told, on disk: one SQLite file, a queue per receiver, and which alerts fire.

Every change is one transaction that is on the disk when it returns, so neither kill -9 nor a power cut takes back
what was accepted.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exporter.errors import EbbtideError

_SCHEMA = """
create table if not exists message (
    id integer primary key autoincrement, receiver text not null, object text not null, body text not null,
    queued_at real not null
);
create index if not exists message_by_receiver on message (receiver, id);
create index if not exists message_by_object on message (receiver, object);
create table if not exists fires (
    host text not null, service text not null, fingerprint text not null, state integer not null, text text not null,
    told_at real not null, primary key (host, service, fingerprint)
);
create table if not exists remembered (name text primary key, number integer not null);
"""


class QueueError(EbbtideError):
    """The disk does not take it, or the file is no queue."""


@dataclass(frozen=True)
class Message:
    """object: what it is about; messages about one object are sent in the order they came."""

    id: int
    object: str
    body: str
    queued_at: float


@dataclass(frozen=True)
class Firing:
    state: int
    text: str


class Outbox:
    """size: messages per receiver, above which the oldest are dropped and `dropped` is told how many."""

    def __init__(self, path: Path, size: int, dropped: Callable[[str, int], None]) -> None:
        self._size = size
        self._dropped = dropped
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
            counted = self._db.execute("select receiver, count(*) from message group by receiver")
            self._lengths: dict[str, int] = dict(counted.fetchall())
        except sqlite3.Error as error:
            raise QueueError(f"bridge.queue.path: {path}: {error}") from None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise QueueError(f"the queue cannot be read: {error}") from None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All of it or nothing. Raises QueueError where the disk does not take it."""
        with self._lock:
            lengths, lost = dict(self._lengths), {}
            try:
                self._db.execute("begin immediate")
                yield (transaction := Transaction(self._db, self._lengths))
                for receiver in transaction.receivers:
                    lost[receiver] = self._drop_oldest(receiver)
                self._db.execute("commit")
            except sqlite3.Error as error:
                self._undo(lengths)
                raise QueueError(f"the queue cannot be written: {error}") from None
            except BaseException:
                self._undo(lengths)
                raise
        for receiver, count in lost.items():
            if count:
                self._dropped(receiver, count)

    def next(self, receiver: str, besides: Collection[str] = (), limit: int = 100) -> Sequence[Message]:
        """The oldest messages that are not about these objects."""
        marks = ",".join("?" * len(besides))
        with self._reading() as db:
            rows = db.execute(
                f"select id, object, body, queued_at from message where receiver = ? and object not in ({marks}) "  # noqa: S608
                "order by id limit ?",
                (receiver, *besides, limit),
            )
            return [Message(*row) for row in rows.fetchall()]

    def strike_off(self, receiver: str, ids: Sequence[int]) -> None:
        with self.transaction() as transaction:
            transaction.strike_off(receiver, ids)

    def length(self, receiver: str) -> int:
        return self._lengths.get(receiver, 0)

    def oldest(self, receiver: str) -> float | None:
        """When the oldest message was queued, unix seconds."""
        with self._reading() as db:
            row = db.execute(
                "select queued_at from message where receiver = ? order by id limit 1", (receiver,)
            ).fetchone()
        return row[0] if row else None

    def count_up(self, name: str) -> int:
        """A number that was never returned before under this name, across restarts."""
        with self._lock:
            try:
                [(number,)] = self._db.execute(
                    "insert into remembered values (?, 1) on conflict do update set number = number + 1 "
                    "returning number",
                    (name,),
                ).fetchall()
            except sqlite3.Error as error:
                raise QueueError(f"the queue cannot be written: {error}") from None
        return int(number)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _drop_oldest(self, receiver: str) -> int:
        excess = self._lengths.get(receiver, 0) - self._size
        if excess <= 0:
            return 0
        self._db.execute(
            "delete from message where id in (select id from message where receiver = ? order by id limit ?)",
            (receiver, excess),
        )
        self._lengths[receiver] -= excess
        return excess

    def _undo(self, lengths: dict[str, int]) -> None:
        self._lengths = lengths
        if self._db.in_transaction:
            self._db.execute("rollback")


class Transaction:
    """What may be done within one; made by Outbox.transaction."""

    def __init__(self, db: sqlite3.Connection, lengths: dict[str, int]) -> None:
        self._db = db
        self._lengths = lengths
        self.receivers: set[str] = set()

    def put(self, receiver: str, about: str, body: str, at: float) -> None:
        self._db.execute(
            "insert into message (receiver, object, body, queued_at) values (?, ?, ?, ?)", (receiver, about, body, at)
        )
        self.receivers.add(receiver)
        self._lengths[receiver] = self._lengths.get(receiver, 0) + 1

    def is_waiting(self, receiver: str, about: str) -> bool:
        """Whether a message about the object is queued already."""
        found = self._db.execute("select 1 from message where receiver = ? and object = ? limit 1", (receiver, about))
        return found.fetchone() is not None

    def strike_off(self, receiver: str, ids: Sequence[int]) -> None:
        gone = sum(self._db.execute("delete from message where id = ?", (one,)).rowcount for one in ids)
        self._lengths[receiver] = self._lengths.get(receiver, 0) - gone

    def fires(self, host: str, service: str, fingerprint: str, state: int, text: str, at: float) -> None:
        row = (host, service, fingerprint, state, text, at)
        self._db.execute("insert or replace into fires values (?, ?, ?, ?, ?, ?)", row)

    def ends(self, host: str, service: str, fingerprint: str) -> None:
        self._db.execute(
            "delete from fires where host = ? and service = ? and fingerprint = ?", (host, service, fingerprint)
        )

    def forget(self, before: float) -> list[tuple[str, str]]:
        """End what was not told again since then; (host, service) of each."""
        return self._db.execute("delete from fires where told_at < ? returning host, service", (before,)).fetchall()

    def firing(self, host: str, service: str) -> Sequence[Firing]:
        """What fires of a service, worst first."""
        rows = self._db.execute(
            "select state, text from fires where host = ? and service = ? order by state desc, fingerprint",
            (host, service),
        )
        return [Firing(*row) for row in rows.fetchall()]

    def services(self) -> set[tuple[str, str]]:
        """(host, service) of all that fire."""
        return set(self._db.execute("select distinct host, service from fires").fetchall())
