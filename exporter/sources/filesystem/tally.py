"""What walks count, in a form that adds up: the tallies of parts of a tree make that of the whole, in any order.

Ages are kept as days and become buckets when a result is made of a tally, as do owners: who is among the largest is
known only at the end. A file of several names is kept apart until then, under the smallest of its paths.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias, TypeVar

from exporter.sources.filesystem.categories import Categories

_K = TypeVar("_K")

DAY_SECONDS = 86_400
BLOCK = 512

# files, apparent bytes, allocated bytes
Cell: TypeAlias = list[int]
# (category, uid, size.bit_length())
Kind: TypeAlias = tuple[str, int, int]
# allocated bytes negated so that the largest comes first, path, apparent bytes
Large: TypeAlias = tuple[int, bytes, int]

# Of an Own row: what lies in a directory, and in those below it that have no row of their own.
FILES, APPARENT, ALLOCATED, DIRECTORIES, SYMLINKS, ERRORS, VANISHED = range(7)


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """A file of several names, under one of them; of one that grew between two looks the smaller size counts."""

    path: bytes
    size: int
    allocated: int
    uid: int
    modified: int
    accessed: int
    symlink: bool
    regular: bool


@dataclass(slots=True)
class Cells:
    """Regular files of one name, three times told apart: by kind, by day of mtime and by day of atime."""

    kinds: dict[Kind, Cell] = field(default_factory=dict)
    modified: dict[int, Cell] = field(default_factory=dict)
    accessed: dict[int, Cell] = field(default_factory=dict)

    def add(self, keys: Iterable[tuple[Kind, int, int, int, int]]) -> None:
        """Each key: kind, day of mtime, day of atime, size, blocks of 512 bytes."""
        kinds, modified, accessed = self.kinds, self.modified, self.accessed
        for kind, changed, read, size, blocks in keys:
            allocated = blocks * BLOCK
            try:
                cell = kinds[kind]
                cell[0] += 1
                cell[1] += size
                cell[2] += allocated
            except KeyError:
                kinds[kind] = [1, size, allocated]
            try:
                cell = modified[changed]
                cell[0] += 1
                cell[1] += size
                cell[2] += allocated
            except KeyError:
                modified[changed] = [1, size, allocated]
            try:
                cell = accessed[read]
                cell[0] += 1
                cell[1] += size
                cell[2] += allocated
            except KeyError:
                accessed[read] = [1, size, allocated]

    def negated(self) -> Cells:
        """What takes these away when it is added."""
        return Cells(_negated(self.kinds), _negated(self.modified), _negated(self.accessed))

    def merge(self, other: Cells) -> None:
        _add_cells(self.kinds, other.kinds)
        _add_cells(self.modified, other.modified)
        _add_cells(self.accessed, other.accessed)


@dataclass(slots=True)
class Tally:
    """Adds up with others of the same depth, top and categories; paths are relative to the root, the root is b"".

    own: by directory down to `depth`, what is nearest to it. errors: by errno name. large: files of at least `floor`
    allocated bytes, the `top` largest. heavy: directories by the allocated bytes of the files right in them, where a
    file of several names counts under each. split: directories of which heavy will know when all parts are together.
    """

    depth: int = 1
    top: int = 20
    own: dict[bytes, list[int]] = field(default_factory=dict)
    cells: Cells = field(default_factory=Cells)
    errors: Counter[str] = field(default_factory=Counter)
    large: list[Large] = field(default_factory=list)
    heavy: list[Large] = field(default_factory=list)
    split: dict[bytes, Cell] = field(default_factory=dict)
    links: dict[tuple[int, int], Link] = field(default_factory=dict)

    @property
    def files(self) -> int:
        """All that is no directory: symlinks, sockets and such too, a file of several names once."""
        return self._sum(FILES)

    @property
    def directories(self) -> int:
        """With the root, and with those that could not be entered."""
        return self._sum(DIRECTORIES)

    @property
    def symlinks(self) -> int:
        return self._sum(SYMLINKS)

    @property
    def apparent_bytes(self) -> int:
        """st_size of files, as du has it since 9.2."""
        return self._sum(APPARENT)

    @property
    def allocated_bytes(self) -> int:
        """Blocks of files and directories."""
        return self._sum(ALLOCATED)

    @property
    def vanished(self) -> int:
        """Entries that were deleted between their listing and the look at them."""
        return self._sum(VANISHED)

    def _sum(self, column: int) -> int:
        return sum(row[column] for row in self.own.values())

    def row(self, directory: bytes) -> list[int]:
        """The row that counts what lies in the directory."""
        return self.own.setdefault(above(directory, self.depth), [0] * 7)

    def merge(self, other: Tally) -> None:
        """Add another; it does not matter in which order, nor what was added to what before."""
        add_rows(self.own, other.own)
        self.cells.merge(other.cells)
        if other.errors:
            self.errors.update(other.errors)
        if other.large:
            self.large = largest(self.large + other.large, self.top)
        if other.heavy:
            self.heavy = largest(self.heavy + other.heavy, self.top)
        add_rows(self.split, other.split)
        for identity, link in other.links.items():
            self.link(identity, link)

    def drop_zeros(self) -> None:
        """What is left of rows and cells that were taken away."""
        cells = self.cells
        self.own = _without_zeros(self.own)
        self.cells = Cells(_without_zeros(cells.kinds), _without_zeros(cells.modified), _without_zeros(cells.accessed))
        self.errors = +self.errors

    def link(self, identity: tuple[int, int], link: Link) -> None:
        known = self.links.get(identity)
        if known is None or link < known:
            self.links[identity] = link


def settled(tally: Tally, categories: Categories, floor: int, links: Iterable[Link] = ()) -> Tally:
    """The same with each file of several names counted where its smallest path is, and no part left open.

    links: those that were taken out of the tally.
    """
    whole = Tally(tally.depth, tally.top)
    whole.merge(tally)
    for link in chain(whole.links.values(), links):
        row = whole.row(link.path.rpartition(b"/")[0])
        row[FILES] += 1
        row[APPARENT] += link.size
        row[ALLOCATED] += link.allocated
        row[SYMLINKS] += link.symlink
        if link.regular:
            name = os.fsdecode(link.path.rpartition(b"/")[2])
            kind = (categories.of(name), link.uid, link.size.bit_length())
            whole.cells.add([(kind, link.modified, link.accessed, link.size, link.allocated // BLOCK)])
            if link.allocated >= floor:
                whole.large.append((-link.allocated, link.path, link.size))
                if len(whole.large) > 1_000:
                    whole.large = largest(whole.large, whole.top)
    whole.large = largest(whole.large, whole.top)
    whole.heavy = largest([*whole.heavy, *((-c[2], path, c[1]) for path, c in whole.split.items() if c[2])], whole.top)
    whole.links, whole.split = {}, {}
    whole.drop_zeros()
    return whole


def digest(tally: Tally) -> str:
    """The same for the same content of a settled tally, whoever counted it and in which order."""
    rows: list[object] = [tally.depth, tally.top, tally.large, tally.heavy, sorted(tally.errors.items())]
    cells = tally.cells
    tables = (tally.own, cells.kinds, cells.modified, cells.accessed, tally.split, tally.links)
    rows.extend(sorted(table.items()) for table in tables)
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def above(path: bytes, depth: int) -> bytes:
    """The first `depth` names of the path.

    >>> above(b"a/b/c", 2), above(b"a", 2), above(b"a", 0)
    (b'a/b', b'a', b'')
    """
    return b"/".join(path.split(b"/", depth)[:depth])


def largest(found: list[Large], top: int) -> list[Large]:
    return sorted(found)[:top]


def add_rows(into: dict[_K, list[int]], rows: Mapping[_K, list[int]]) -> None:
    for key, row in rows.items():
        if (mine := into.get(key)) is None:
            into[key] = list(row)
        else:
            mine[:] = map(int.__add__, mine, row)


def _add_cells(into: dict[_K, Cell], cells: Mapping[_K, Cell]) -> None:
    """As add_rows, and three times as fast: it is what a merge spends its time with."""
    for key, cell in cells.items():
        try:
            mine = into[key]
        except KeyError:
            into[key] = cell.copy()
        else:
            mine[0] += cell[0]
            mine[1] += cell[1]
            mine[2] += cell[2]


def _negated(rows: Mapping[_K, list[int]]) -> dict[_K, list[int]]:
    return {key: [-number for number in row] for key, row in rows.items()}


def _without_zeros(rows: Mapping[_K, list[int]]) -> dict[_K, list[int]]:
    return {key: row for key, row in rows.items() if any(row)}
