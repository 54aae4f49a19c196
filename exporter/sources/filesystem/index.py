"""A scan that remembers: directories that did not change are not read again, and a killed scan goes on where it was.

The mtime of a directory changes when a name in it comes or goes, not when a file in it grows. So a directory that is as
it was has the same names; the sizes in it are as old as its last reading, which is why some are read again each time.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from exporter.sources.filesystem.links import Links
from exporter.sources.filesystem.opening import Opener
from exporter.sources.filesystem.record import Record, pack, unpack
from exporter.sources.filesystem.subtree import Part, Rules, Subtree, System
from exporter.sources.filesystem.tables import FORM, Tables, signed
from exporter.sources.filesystem.tally import ERRORS, Large, Link, Tally, above, add_rows, largest
from exporter.sources.filesystem.total import identity_of, lasting, read, refuse_bare_mountpoint, written

_ROOT = 1
_AT_A_TIME = 2_000
_UNSIGNED = (1 << 64) - 1
# Of a directory in one that is shut: the walk of that one says so.
_UNSEEN: list[int | None] = []
# Within the resolution of its mtime a directory may have changed after it was read. FAT counts in steps of 2 s.
RACY_SECONDS = 2.0


@dataclass(slots=True)
class Trust:
    """What a scan took over from the one before: directories that had not changed, and those that could not be read.

    oldest: unix seconds of the oldest reading of the former; None if there are none.
    """

    directories: int = 0
    oldest: float | None = None
    kept: int = 0


@dataclass(slots=True)
class _Pending:
    key: int
    parent: int
    blocks: int


class Index:
    """A Book in a SQLite file, for one root. Used by one thread; a file of other rules or another tree is begun anew.

    begin raises SourceUnreachable where its tree is gone and an empty directory of another in its place.
    A directory that cannot be read, and what is below it, counts as it last did, and once as an error.

    verify: each directory is read again after so many scans at the latest, whatever its mtime says; 1 reads all.
    """

    keeps_records = True

    def __init__(self, path: Path, *, verify: int = 20, racy_seconds: float = RACY_SECONDS) -> None:
        self._tables = Tables(path)
        self._verify = verify
        self._racy_seconds = racy_seconds
        self.trust = Trust()

    def close(self) -> None:
        """Keep what was found; the next scan goes on from there."""
        self._tables.close()

    def begin(self, rules: Rules, tick: Callable[[int], None]) -> list[Subtree]:
        tables = self._tables
        identity = identity_of(rules)
        if (tables.get("form"), known := tables.get("identity")) != (FORM, identity):
            refuse_bare_mountpoint(rules.root, known, identity)
            tables.clear()
            tables.put("identity", identity)
        self._rules = rules
        self._tally = Tally(rules.depth, rules.top)
        self.links = Links()
        self._pending: dict[bytes, _Pending] = {}
        # Of directories that are read again: what was in them, by name.
        self._below: dict[int, dict[bytes, int]] = {}
        self._paths: dict[int, bytes] = {}
        self.trust = Trust()
        self._generation: int = tables.get("generation") or 0
        if tables.get("swept") is None:
            tables.put("swept", 0)
            if not self._generation:
                tables.add_pending([(_ROOT, 0, b"", 0)])
            tables.commit()
        else:
            self._resume()
        if self._generation:
            self._sweep(tick)
        self._next_id = tables.next_id()
        known = self._below
        pending = [(key, self._path(key), parent, blocks) for key, parent, _, blocks in tables.pending()]
        self._pending = {path: _Pending(key, parent, blocks) for key, path, parent, blocks in pending}
        return [Subtree(path, blocks, alone=key in known) for key, path, _, blocks in pending]

    def take(self, part: Part) -> list[Subtree]:
        tables = self._tables
        self.links.take(part.tally)
        self._tally.merge(part.tally)
        fresh: dict[bytes, _Pending] = {}
        left = list(part.left)
        found = []
        for record in part.records:
            place = fresh.pop(record.path, None) or self._pending.pop(record.path)
            if not record.counted:
                tables.add_gone(place.key)
                continue
            if record.unread and self._keep(place.key, record):
                continue
            known = self._below.pop(place.key, None)
            for below, blocks in record.subdirectories:
                if known is not None and below in known:
                    continue
                path = record.path + b"/" + below if record.path else below
                fresh[path] = _Pending(self._next_id, place.key, blocks)
                self._next_id += 1
                if known is not None:
                    left.append(Subtree(path, blocks))
            found.append((place.key, place.parent, place.blocks, record))
        tables.add(found)
        self._pending.update(fresh)
        tables.add_pending((p.key, p.parent, path.rpartition(b"/")[2], p.blocks) for path, p in fresh.items())
        tables.commit_if_due(len(part.records))
        return left

    def finish(self) -> Tally:
        """Switches to the new generation in one transaction: who reads sees the old one or this."""
        tables, tally = self._tables, self._tally
        self.trust.kept = tables.kept()
        if self._generation:
            self._add_trusted(tally)
        tables.switch(first=not self._generation)
        tables.put("total", written(tally))
        tables.put("generation", self._generation + 1)
        tables.put("swept", None)
        tables.commit()
        return tally

    def _keep(self, key: int, record: Record) -> bool:
        """Count a directory that could not be read as it last was, but for its errors; False if it never was."""
        found = self._tables.known(key)
        if found is None:
            return False
        row, cells = found
        last, body = unpack(cells)
        now, _ = unpack(record.cells)
        kept = [*last[:ERRORS], *now[ERRORS:]]
        self._tables.keep(key, pack(kept, body), record.errors)
        tally, apparent, allocated = self._tally, *row[-2:]
        add_rows(tally.own, {above(record.path, tally.depth): [a - b for a, b in zip(kept, now, strict=True)]})
        tally.cells.merge(body)
        if allocated:
            tally.heavy.append((-allocated, record.path, apparent))
        self._add_lists(new=True, of=key)
        return True

    def _sweep(self, tick: Callable[[int], None]) -> None:
        """Look at each directory of the last generation, and note those that changed or are gone."""
        tables = self._tables
        swept: int = tables.get("swept")
        again, gone = tables.new_ids(), tables.gone()
        opener = Opener(System())
        root, _ = opener.root(self._rules.root)
        paths: dict[int, bytes] = {}
        heavy: list[Large] = []
        heaviest = 1
        oldest, trusted, last = inf, 0, 0
        try:
            while rows := tables.complete(last, _AT_A_TIME):
                pending = []
                for key, parent, name, blocks, below, read_at, *state, apparent, allocated in rows:
                    path = paths[parent] + b"/" + name if parent > _ROOT else name
                    if below:
                        paths[key] = path
                    if key > swept:
                        if parent in gone or (found := self._look(opener, root, path)) is None:
                            gone.add(key)
                            tables.add_gone(key)
                        elif found is not _UNSEEN and (found != state or self._is_doubtful(key, read_at, state[1])):
                            again.add(key)
                            pending.append((key, parent, name, blocks))
                    if key in gone:
                        continue
                    if parent in self._below:
                        self._below[parent][name] = key
                    if key in again:
                        self._below[key] = {}
                        continue
                    trusted += 1
                    oldest = min(oldest, read_at)
                    if allocated >= heaviest:
                        heavy.append((-allocated, path, apparent))
                        if len(heavy) > 4 * self._rules.top:
                            heavy = largest(heavy, self._rules.top)
                            heaviest = -heavy[-1][0]
                last = rows[-1][0]
                if last > swept:
                    tables.add_pending(pending)
                    tables.put("swept", last)
                    tables.commit()
                tick(len(rows))
        finally:
            opener.close(root)
        self._tally.merge(Tally(self._rules.depth, self._rules.top, heavy=heavy))
        self.trust = Trust(trusted, oldest if trusted else None)

    def _look(self, opener: Opener, root: Any, path: bytes) -> list[int | None] | None:
        """The state of a directory as it is now; None if there is none any more, _UNSEEN if that cannot be told."""
        try:
            if isinstance(root, int) and len(path) < 4_000:
                status = os.stat(path or b".", dir_fd=root, follow_symlinks=False)
            else:
                handle, status = opener.follow(root, path)
                opener.close(handle)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            if error.errno == errno.EACCES:
                return _UNSEEN
            # Let the walk say what is wrong.
            return [None]
        if not stat.S_ISDIR(status.st_mode) or status.st_dev != self._rules.device:
            return None
        return [signed(status.st_ino), status.st_mtime_ns, status.st_ctime_ns]

    def _is_doubtful(self, key: int, read_at: float, mtime: int) -> bool:
        return (key + self._generation) % self._verify == 0 or mtime / 1e9 > read_at - self._racy_seconds

    def _resume(self) -> None:
        """Add up what the scan that was cut off had found."""
        for key, cells, errors in self._tables.bodies(new=True):
            row, body = unpack(cells)
            add_rows(self._tally.own, {above(self._path(key), self._tally.depth): row})
            self._tally.cells.merge(body)
            self._tally.errors.update(errors)
        for key, _, _, _, _, _, _, _, _, apparent, allocated in self._tables.new():
            if allocated:
                self._tally.heavy.append((-allocated, self._path(key), apparent))
        self._add_lists(new=True)

    def _add_trusted(self, tally: Tally) -> None:
        """What the last generation had, without what was read again or is gone."""
        total = read(self._tables.get("total"), tally)
        for key, cells, errors in self._tables.bodies(new=False):
            row, body = unpack(cells)
            add_rows(total.own, {above(self._path(key), tally.depth): [-number for number in lasting(row)]})
            total.cells.merge(body.negated())
            total.errors.subtract(errors)
        tally.merge(total)
        tally.drop_zeros()
        self._add_lists(new=False)

    def _add_lists(self, *, new: bool, of: int | None = None) -> None:
        """Of all directories, or of one of the new generation."""
        tally = self._tally
        for key, name, allocated, apparent in self._tables.large(new=new, of=of):
            tally.large.append((-allocated, self._join(key, name), apparent))
            if len(tally.large) > 1_000:
                tally.large = largest(tally.large, tally.top)
        self.links.add(self._links(new=new, of=of))

    def _links(self, *, new: bool, of: int | None) -> Iterator[tuple[tuple[int, int], Link]]:
        for key, name, device, inode, *numbers in self._tables.links(new=new, of=of):
            size, allocated, uid, modified, accessed, symlink, regular = numbers
            path = self._join(key, name)
            link = Link(path, size, allocated, uid, modified, accessed, bool(symlink), bool(regular))
            yield (device & _UNSIGNED, inode & _UNSIGNED), link

    def _join(self, key: int, name: bytes) -> bytes:
        directory = self._path(key)
        return directory + b"/" + name if directory else name

    def _path(self, key: int) -> bytes:
        names = []
        here = key
        while here != _ROOT and here not in self._paths:
            here, name = self._tables.place(here)
            names.append(name)
        path = b"/".join([*filter(None, [self._paths.get(here, b"")]), *reversed(names)])
        if len(self._paths) > 10_000:
            self._paths.clear()
        self._paths[key] = path
        return path
