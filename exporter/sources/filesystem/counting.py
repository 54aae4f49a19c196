"""What the entries of a directory add to a tally."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import compress
from operator import attrgetter, itemgetter
from typing import Any

from exporter.sources.filesystem.record import Content, Files
from exporter.sources.filesystem.selection import is_snapshot
from exporter.sources.filesystem.subtree import Rules
from exporter.sources.filesystem.tally import (
    ALLOCATED,
    APPARENT,
    BLOCK,
    DAY_SECONDS,
    ERRORS,
    FILES,
    SYMLINKS,
    Cells,
    Large,
    Link,
    Tally,
    largest,
)

_JUNCTION = getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0x400)
# Of a file, sparse ones too: what is larger comes of broken metadata, and sums of it would not fit 64 bits.
MOST_BYTES = 1 << 53
IMPLAUSIBLE = "implausible_size"
_REGULAR = frozenset(stat.S_IFREG | bits for bits in range(0o10000))
_MODE, _LINKS, _UID, _SIZE, _ATIME, _MTIME = (itemgetter(index) for index in (0, 3, 4, 6, 7, 8))


def _blocks_of_size(status: os.stat_result) -> int:
    return -(-status.st_size // BLOCK)


# Blocks are 512 bytes, whatever st_blksize says; Windows has none, and the size has to do.
blocks_of: Callable[[os.stat_result], int] = (
    attrgetter("st_blocks") if hasattr(os.stat_result, "st_blocks") else _blocks_of_size
)


@dataclass(slots=True)
class Directory:
    path: bytes
    handle: Any
    tally: Tally
    row: list[int]
    # By time.time(), before it was opened.
    read_at: float
    waiting: list[tuple[str, int]] = field(default_factory=list)
    # If records are kept.
    content: Content = field(default_factory=Content)
    # By the regular files right in it, each name of a file counted.
    apparent: int = 0
    allocated: int = 0


class Counting:
    """Adds regular files of one name to the cells, and everything else to the tally of the directory it is in."""

    def __init__(self, rules: Rules, cells: Cells) -> None:
        self._rules = rules
        self._cells = cells
        # Allocated bytes from which on a file or directory may be among the largest.
        self._large = rules.floor
        self._heavy = 1
        self._most_blocks = (rules.capacity or MOST_BYTES) // BLOCK

    def count(self, here: Directory, entries: list[Any], statuses: list[os.stat_result]) -> None:
        """Add entries with what stat said of each; directories are left waiting."""
        if not statuses:
            return
        # Nearly always all are regular files of one name, and nothing is asked of each.
        if not _REGULAR.issuperset(map(_MODE, statuses)) or max(map(_LINKS, statuses)) > 1:
            entries, statuses = self._sift(here, entries, statuses)
        self._count_files(here, entries, statuses)

    def close(self, here: Directory, *, in_parts: bool) -> None:
        """After the last entry, or the last of this part: may it be one of the largest?"""
        if in_parts:
            cell = here.tally.split.setdefault(here.path, [0, 0, 0])
            cell[1] += here.apparent
            cell[2] += here.allocated
        elif here.allocated >= self._heavy:
            here.tally.heavy.append((-here.allocated, here.path, here.apparent))
            self._heavy = self._trim(here.tally.heavy, self._heavy)

    def _sift(
        self, here: Directory, entries: list[Any], statuses: list[os.stat_result]
    ) -> tuple[list[Any], list[os.stat_result]]:
        """Take out what is no regular file of one name."""
        kept, kept_statuses = [], []
        for entry, status in zip(entries, statuses, strict=True):
            if stat.S_ISDIR(status.st_mode) and not getattr(status, "st_file_attributes", 0) & _JUNCTION:
                self._list_later(here, entry.name, status)
            # st_dev is not compared with the root's: on an overlay of several filesystems it is that of the layer.
            elif status.st_nlink > 1:
                self._link(here, entry.name, status)
            elif stat.S_ISREG(status.st_mode):
                kept.append(entry)
                kept_statuses.append(status)
            else:
                here.row[FILES] += 1
                here.row[SYMLINKS] += stat.S_ISLNK(status.st_mode)
                here.row[APPARENT] += status.st_size
                here.row[ALLOCATED] += blocks_of(status) * BLOCK
        return kept, kept_statuses

    def _list_later(self, here: Directory, name: str, status: os.stat_result) -> None:
        if status.st_dev != self._rules.device or is_snapshot(here.path, name):
            return
        if self._rules.mountpoints and join(here.path, name) in self._rules.mountpoints:
            return
        here.waiting.append((name, blocks_of(status)))

    def _link(self, here: Directory, name: str, status: os.stat_result) -> None:
        if not self._is_plausible(here, status):
            return
        link = Link(
            join(here.path, name), status.st_size, blocks_of(status) * BLOCK, status.st_uid,
            int(status[8]) // DAY_SECONDS, int(status[7]) // DAY_SECONDS,
            stat.S_ISLNK(status.st_mode), stat.S_ISREG(status.st_mode),
        )  # fmt: skip
        here.tally.link((status.st_dev, status.st_ino), link)
        here.apparent += link.size
        here.allocated += link.allocated

    def _count_files(self, here: Directory, entries: list[Any], statuses: list[os.stat_result]) -> None:
        """Regular files of one name."""
        if not statuses:
            return
        categories = self._rules.categories
        sizes = list(map(_SIZE, statuses))
        blocks = list(map(blocks_of, statuses))
        if max(sizes) > MOST_BYTES or max(blocks) > self._most_blocks:
            plausible = [self._is_plausible(here, status) for status in statuses]
            self._count_files(here, list(compress(entries, plausible)), list(compress(statuses, plausible)))
            return
        names = [entry.name for entry in entries]
        files = Files(
            [categories[name[name.rfind(".") :]] for name in names],
            list(map(_UID, statuses)),
            sizes,
            blocks,
            [second // DAY_SECONDS for second in map(_MTIME, statuses)],
            [second // DAY_SECONDS for second in map(_ATIME, statuses)],
        )
        self._cells.add(files.keys())
        if self._rules.keep_records:
            here.content.add(files)
        apparent, allocated = sum(sizes), sum(blocks) * BLOCK
        here.row[FILES] += len(sizes)
        here.row[APPARENT] += apparent
        here.row[ALLOCATED] += allocated
        here.apparent += apparent
        here.allocated += allocated
        if max(blocks) * BLOCK >= self._large:
            large = here.tally.large
            for name, size, taken in zip(names, sizes, blocks, strict=True):
                if taken * BLOCK >= self._large:
                    large.append((-taken * BLOCK, join(here.path, name), size))
            self._large = self._trim(large, self._large)

    def _is_plausible(self, here: Directory, status: os.stat_result) -> bool:
        """Whether its size can be true; else it is counted as an error."""
        if status.st_size <= MOST_BYTES and blocks_of(status) <= self._most_blocks:
            return True
        here.row[ERRORS] += 1
        here.tally.errors[IMPLAUSIBLE] += 1
        return False

    def _trim(self, found: list[Large], floor: int) -> int:
        """Forget what is too small, now and then; from how many bytes on the rest counts."""
        if len(found) <= 4 * self._rules.top:
            return floor
        found[:] = largest(found, self._rules.top)
        # Of a directory with a record of its own the next one knows nothing.
        return floor if self._rules.keep_records else -found[-1][0]


def join(directory: bytes, name: str) -> bytes:
    return directory + b"/" + os.fsencode(name) if directory else os.fsencode(name)
