"""Files of several names, each under the smallest that was met: in little memory, however many they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple

from exporter.sources.filesystem.tables import signed
from exporter.sources.filesystem.tally import Link, Tally

_IN_MEMORY = 20_000

_TABLE = """
CREATE TABLE link (
    device INTEGER, inode INTEGER, path BLOB, size INTEGER, allocated INTEGER, uid INTEGER, modified INTEGER,
    accessed INTEGER, symlink INTEGER, regular INTEGER, PRIMARY KEY (device, inode)
) WITHOUT ROWID
"""
_COLUMNS = "path, size, allocated, uid, modified, accessed, symlink, regular"
_ADD = f"""
INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
SET ({_COLUMNS}) = ({", ".join(f"excluded.{name}" for name in _COLUMNS.split(", "))})
WHERE ({", ".join(f"excluded.{name}" for name in _COLUMNS.split(", "))}) < ({_COLUMNS})
"""  # noqa: S608 - of constants


class Links:
    """By device and inode. What does not fit into memory is in a temporary file, which ends with this."""

    def __init__(self) -> None:
        self._few = Tally()
        self._rest: sqlite3.Connection | None = None

    def add(self, found: Iterable[tuple[tuple[int, int], Link]]) -> None:
        for identity, link in found:
            self._few.link(identity, link)
            if len(self._few.links) > _IN_MEMORY:
                self._put_away()

    def take(self, tally: Tally) -> None:
        """Those of a tally, which has none from then on."""
        self.add(tally.links.items())
        tally.links = {}

    def each(self) -> Iterator[Link]:
        """In no particular order."""
        if self._rest is None:
            yield from self._few.links.values()
            return
        self._put_away()
        for path, size, allocated, uid, modified, accessed, symlink, regular in self._rest.execute(
            f"SELECT {_COLUMNS} FROM link"  # noqa: S608 - a constant
        ):
            yield Link(path, size, allocated, uid, modified, accessed, bool(symlink), bool(regular))

    def _put_away(self) -> None:
        if self._rest is None:
            self._rest = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._rest.execute("PRAGMA journal_mode=OFF")
            self._rest.execute(_TABLE)
        self._rest.execute("BEGIN")
        rows = sorted((signed(d), signed(i), *astuple(link)) for (d, i), link in self._few.links.items())
        self._rest.executemany(_ADD, rows)
        self._rest.execute("COMMIT")
        self._few.links.clear()
