"""The tables of an index: a complete generation of directories, and beside it what the next one has found so far."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from exporter.sources.filesystem.record import Record

# Changed with what the tables hold; an index of another form is made anew.
FORM = 2
COMMIT_DIRECTORIES = 2_000
COMMIT_SECONDS = 1.0

_CONTENT = """
CREATE TABLE {0}directory (
    id INTEGER PRIMARY KEY, parent INTEGER, name BLOB, blocks INTEGER, below INTEGER, read_at REAL,
    inode INTEGER, mtime INTEGER, ctime INTEGER, apparent INTEGER, allocated INTEGER
);
CREATE TABLE {0}body (id INTEGER PRIMARY KEY, cells BLOB, errors TEXT);
CREATE TABLE {0}large (
    id INTEGER, name BLOB, allocated INTEGER, apparent INTEGER, PRIMARY KEY (id, name)
) WITHOUT ROWID;
CREATE TABLE {0}link (
    id INTEGER, name BLOB, device INTEGER, inode INTEGER, size INTEGER, allocated INTEGER, uid INTEGER,
    modified INTEGER, accessed INTEGER, symlink INTEGER, regular INTEGER, PRIMARY KEY (id, name)
) WITHOUT ROWID;
"""
_META = "CREATE TABLE meta (key TEXT PRIMARY KEY, value); CREATE TABLE gone (id INTEGER PRIMARY KEY);"
_TABLES = ("directory", "body", "large", "link")
# Its rows hold, of what is complete, what still stands when the new generation is switched to.
_REPLACED = "(SELECT id FROM gone UNION ALL SELECT id FROM new_directory)"

# id, parent, name, blocks, below, read_at, inode, mtime, ctime, apparent, allocated
Row = tuple[Any, ...]


class Tables:
    """One SQLite file; what is written is kept from the next commit on, at the latest a second later."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # What is kept of a directory of a hundred files fits into a page.
        self._db.execute("PRAGMA page_size=16384")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._written = 0
        self._committed = time.monotonic()
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._begin()
        for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            self._db.execute(f"DROP TABLE {name}")
        for statement in (_META + _CONTENT.format("") + _CONTENT.format("new_")).split(";"):
            self._db.execute(statement)
        self.put("form", FORM)
        self.commit()

    def close(self) -> None:
        self.commit()
        self._db.close()

    def get(self, key: str) -> Any:
        """What was put under the key, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None or row[0] is None else json.loads(row[0])

    def put(self, key: str, value: Any) -> None:
        self._begin()
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def commit(self) -> None:
        if self._db.in_transaction:
            self._db.execute("COMMIT")
        self._written, self._committed = 0, time.monotonic()

    def commit_if_due(self, directories: int) -> None:
        self._written += directories
        if self._written >= COMMIT_DIRECTORIES or time.monotonic() >= self._committed + COMMIT_SECONDS:
            self.commit()

    # What the next generation has found

    def add_pending(self, rows: Iterable[tuple[int, int, bytes, int]]) -> None:
        """id, parent, name, blocks of directories to be read."""
        self._begin()
        self._db.executemany("INSERT INTO new_directory (id, parent, name, blocks) VALUES (?, ?, ?, ?)", rows)

    def add(self, found: Sequence[tuple[int, int, int, Record]]) -> None:
        """id, parent, blocks and record of directories that were read."""
        self._begin()
        many = self._db.executemany
        many(
            "INSERT OR REPLACE INTO new_directory VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (key, parent, _name(record.path), blocks, len(record.subdirectories), record.read_at,
                 *_state(record), record.apparent, record.allocated)
                for key, parent, blocks, record in found
            ],
        )  # fmt: skip
        many(
            "INSERT INTO new_body VALUES (?, ?, ?)",
            [(key, r.cells, json.dumps(r.errors) if r.errors else None) for key, _, _, r in found],
        )
        many(
            "INSERT INTO new_large VALUES (?, ?, ?, ?)",
            ((key, _name(path), -allocated, size) for key, _, _, r in found for allocated, path, size in r.large),
        )
        many(
            "INSERT INTO new_link VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (key, _name(link.path), signed(device), signed(inode), link.size, link.allocated, link.uid,
                 link.modified, link.accessed, link.symlink, link.regular)
                for key, _, _, record in found for (device, inode), link in record.links
            ),
        )  # fmt: skip

    def known(self, key: int) -> tuple[Row, bytes] | None:
        """Row and cells of a complete directory."""
        row = self._db.execute("SELECT * FROM directory WHERE id = ?", (key,)).fetchone()
        if row is None:
            return None
        return row, self._db.execute("SELECT cells FROM body WHERE id = ?", (key,)).fetchone()[0]

    def kept(self) -> int:
        """How many directories were taken over with `keep`."""
        marked = "SELECT count(*) FROM new_directory WHERE mtime IS NULL AND inode IS NOT NULL"
        return int(self._db.execute(marked).fetchone()[0])

    def keep(self, key: int, cells: bytes, errors: Mapping[str, int]) -> None:
        """Take a directory over into the new generation, with other cells and errors; it is to be read again."""
        self._begin()
        for table in _TABLES:
            self._db.execute(f"INSERT OR REPLACE INTO new_{table} SELECT * FROM {table} WHERE id = ?", (key,))  # noqa: S608
        self._db.execute("UPDATE new_directory SET mtime = NULL WHERE id = ?", (key,))
        self._db.execute("UPDATE new_body SET cells = ?, errors = ? WHERE id = ?", (cells, json.dumps(errors), key))

    def add_gone(self, key: int) -> None:
        self._begin()
        self._db.execute("INSERT OR IGNORE INTO gone VALUES (?)", (key,))
        self._db.execute("DELETE FROM new_directory WHERE id = ?", (key,))

    def pending(self) -> list[tuple[int, int, bytes, int]]:
        return self._db.execute("SELECT id, parent, name, blocks FROM new_directory WHERE read_at IS NULL").fetchall()

    def gone(self) -> set[int]:
        return {key for (key,) in self._db.execute("SELECT id FROM gone")}

    def new(self) -> Iterator[Row]:
        """Directories that were read."""
        return iter(self._db.execute("SELECT * FROM new_directory WHERE read_at IS NOT NULL"))

    def new_ids(self) -> set[int]:
        return {key for (key,) in self._db.execute("SELECT id FROM new_directory")}

    def next_id(self) -> int:
        """One that no directory has had in either generation."""
        highest = "SELECT max(id) FROM (SELECT max(id) AS id FROM directory UNION SELECT max(id) FROM new_directory)"
        return int(self._db.execute(highest).fetchone()[0] or 0) + 1

    # What is complete

    def complete(self, after: int, count: int) -> list[Row]:
        """Directories in the order of their ids: each after the one it is in."""
        return self._db.execute("SELECT * FROM directory WHERE id > ? ORDER BY id LIMIT ?", (after, count)).fetchall()

    def place(self, key: int) -> tuple[int, bytes]:
        """Parent and name of a directory of either generation."""
        for table in ("new_directory", "directory"):
            row = self._db.execute(f"SELECT parent, name FROM {table} WHERE id = ?", (key,)).fetchone()  # noqa: S608
            if row is not None:
                return int(row[0]), bytes(row[1])
        raise LookupError(key)

    def bodies(self, *, new: bool) -> Iterator[tuple[int, bytes, dict[str, int]]]:
        """Cells and errors of the new directories, or of those they and the gone replace."""
        where = "new_body" if new else f"body WHERE id IN {_REPLACED}"
        for key, cells, errors in self._db.execute(f"SELECT id, cells, errors FROM {where}"):  # noqa: S608
            yield key, cells, json.loads(errors) if errors else {}

    def large(self, *, new: bool, of: int | None = None) -> Iterator[tuple[int, bytes, int, int]]:
        return self._listed("id, name, allocated, apparent", "large", new, of)

    def links(self, *, new: bool, of: int | None = None) -> Iterator[Row]:
        return self._listed("*", "link", new, of)

    def _listed(self, columns: str, table: str, new: bool, of: int | None) -> Iterator[Row]:
        """Rows of the new directories, or of one of them, or of those that they and the gone do not replace."""
        one = "" if of is None else f" WHERE id = {of:d}"
        rows = f"new_{table}{one}" if new else f"{table} WHERE id NOT IN {_REPLACED}"
        return iter(self._db.execute(f"SELECT {columns} FROM {rows}"))  # noqa: S608

    def switch(self, first: bool) -> None:
        """Make the new generation the complete one, with the commit that follows."""
        self._begin()
        if first:
            for table in _TABLES:
                self._db.execute(f"DROP TABLE {table}")
                self._db.execute(f"ALTER TABLE new_{table} RENAME TO {table}")
            for statement in _CONTENT.format("new_").split(";"):
                self._db.execute(statement)
        else:
            for table in reversed(_TABLES):
                self._db.execute(f"DELETE FROM {table} WHERE id IN {_REPLACED}")  # noqa: S608
                self._db.execute(f"INSERT INTO {table} SELECT * FROM new_{table}")  # noqa: S608
            for table in _TABLES:
                self._db.execute(f"DELETE FROM new_{table}")  # noqa: S608
        self._db.execute("DELETE FROM gone")

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN")


def signed(number: int | None) -> int | None:
    """As SQLite stores it, which has no unsigned integers.

    >>> signed(2**64 - 1), signed(7)
    (-1, 7)
    """
    return number if number is None or number < 1 << 63 else number - (1 << 64)


def _state(record: Record) -> tuple[int | None, int | None, int | None]:
    inode, mtime, ctime = record.state or (None, None, None)
    return signed(inode), mtime, ctime


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]
