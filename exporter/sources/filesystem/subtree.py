"""What a walker is asked and what it answers. Both travel between processes and machines."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from exporter.sources.filesystem.categories import Categories
from exporter.sources.filesystem.record import Record
from exporter.sources.filesystem.tally import Tally

# Of a large file: fewer bytes are no use to anyone, and a million files of one block would all be tied for the top.
LARGE_FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is the same for all parts of a scan.

    root: may be a symlink. device, inode: its st_dev, beyond which nothing is entered, and st_ino. capacity: its
    bytes, which no file in it can exceed; 0 where that is unknown. depth: of the roll-up. top: how many of the largest
    files and directories are named. floor: allocated bytes a file must have to be one. exclude, include: globs of
    names, or of whole paths where they hold a slash; what is excluded is left out with all below it, of files only the
    included are counted if there are any. max_depth: directories this far below the root are counted and not entered.
    mountpoints: paths relative to the root where another filesystem begins even though st_dev is the same. parts: into
    how many a directory of very many entries is split. keep_records: see Part.records.
    """

    root: str
    device: int = 0
    inode: int = 0
    capacity: int = 0
    depth: int = 1
    top: int = 20
    floor: int = LARGE_FILE_BYTES
    categories: Categories
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    max_depth: int | None = None
    mountpoints: frozenset[bytes] = frozenset()
    parts: int = 1
    keep_records: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Subtree:
    """A directory with all below it; or, with `share` (n, parts), that part of its entries with what is below them.

    path: relative to the root. blocks: of 512 bytes, as its parent listed it, in case it cannot be opened. alone: the
    directories in it are not walked.
    """

    path: bytes
    blocks: int = 0
    share: tuple[int, int] | None = None
    alone: bool = False


@dataclass(slots=True)
class Part:
    """left: what remains to be walked. records: of each directory that was, if the rules want them kept.

    entries: how many were looked at, in stat_seconds of waiting for the filesystem.
    """

    tally: Tally
    left: list[Subtree] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    entries: int = 0
    stat_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class System:
    """The calls of a walk, to be replaced by slower ones where a test or a benchmark wants them."""

    open: Callable[..., int] = os.open
    scandir: Callable[[Any], Any] = os.scandir
    by_descriptor: bool = os.scandir in os.supports_fd and os.open in os.supports_dir_fd


def ignore(_: object) -> None:
    """What nobody waits for."""


class Walker(Protocol):
    """Walks subtrees until it has looked at `budget` entries or for `seconds`, and hands back what it did not reach.

    tick: called before each directory and at least every 256 entries with how many there were since; it may sleep, and
    what it raises ends the walk. Whoever implements this yields parts of the same digest.
    """

    def __call__(
        self,
        rules: Rules,
        subtrees: Sequence[Subtree],
        *,
        budget: float = ...,
        seconds: float = ...,
        tick: Callable[[int], None] = ...,
    ) -> Part: ...
