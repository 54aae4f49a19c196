"""What every part of the ledger stands on: one source's connections, and its key-value memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from exporter.history.database import store_errors, upsert
from exporter.history.ledger.tables import memory


class Store:
    """lock: held while writing, since SQLite has one writer at a time."""

    def __init__(self, engine: sa.Engine, lock: threading.Lock, source: str) -> None:
        self.engine = engine
        self.source = source
        self._lock = lock

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with store_errors("ledger cannot be read"), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        with self._lock, store_errors("ledger cannot be written"), self.engine.begin() as connection:
            yield connection

    def get(self, key: str) -> str | None:
        query = sa.select(memory.c.value).where(memory.c.source == self.source, memory.c.key == key)
        with self.reading() as connection:
            value: str | None = connection.scalar(query)
        return value

    def put(self, key: str, value: str) -> None:
        row = {"source": self.source, "key": key, "value": value}
        with self.writing() as connection:
            connection.execute(upsert(self.engine, memory, lambda new: {"value": new.value}), row)
