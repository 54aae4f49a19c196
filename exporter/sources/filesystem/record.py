"""What is kept of one directory from scan to scan."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exporter.sources.filesystem.tally import Cells, Kind, Large, Link


@dataclass(frozen=True, slots=True)
class Record:
    """A directory and what lies right in it.

    counted: False if it was gone, or another filesystem, when it was to be opened. read_at: unix seconds. state:
    (st_ino, st_mtime_ns, st_ctime_ns) of a directory that was read whole, else None. cells: see Content. apparent,
    allocated: bytes of the files in it, each name of a file counted. subdirectories: those to be entered, by name,
    with their blocks. unread: it could not be opened, and nothing is known of what is in it.
    """

    path: bytes
    counted: bool
    read_at: float
    state: tuple[int, int, int] | None
    cells: bytes
    errors: dict[str, int]
    apparent: int
    allocated: int
    large: tuple[Large, ...]
    links: tuple[tuple[tuple[int, int], Link], ...]
    subdirectories: tuple[tuple[bytes, int], ...]
    unread: bool = False


class Files(NamedTuple):
    """Regular files of one name, each a place in these; days and blocks as Cells counts them."""

    categories: Sequence[str]
    uids: Sequence[int]
    sizes: Sequence[int]
    blocks: Sequence[int]
    modified: Sequence[int]
    accessed: Sequence[int]

    def keys(self) -> Iterator[tuple[Kind, int, int, int, int]]:
        """As Cells adds them."""
        kinds = zip(self.categories, self.uids, map(int.bit_length, self.sizes), strict=True)
        return zip(kinds, self.modified, self.accessed, self.sizes, self.blocks, strict=True)


class Content:
    """The regular files of one directory, to be packed: few as they are, since most cells would be of one file."""

    def __init__(self) -> None:
        self._few: Files | None = None
        self._cells: Cells | None = None

    def add(self, files: Files) -> None:
        if self._few is None and self._cells is None:
            self._few = files
            return
        if self._cells is None:
            self._cells = Cells()
        if self._few is not None:
            self._cells.add(self._few.keys())
            self._few = None
        self._cells.add(files.keys())

    def pack(self, row: Sequence[int]) -> bytes:
        """To be read by `unpack`."""
        if self._few is None:
            return pack(row, self._cells or Cells())
        few = self._few
        categories = "\0".join(few.categories).encode()
        numbers = [len(categories), -len(few.sizes), 0, 0, *row, *few.uids, *few.sizes, *few.blocks, *few.modified]
        return array("q", numbers + list(few.accessed)).tobytes() + categories


def pack(row: Sequence[int], cells: Cells) -> bytes:
    """64-bit integers: three lengths, the row of a Tally, the kinds, the days of mtime and those of atime."""
    kinds, modified, accessed = cells.kinds, cells.modified, cells.accessed
    categories = "\0".join([category for category, _, _ in kinds]).encode()
    numbers = [len(categories), len(kinds), len(modified), len(accessed), *row]
    numbers += [number for (_, uid, bits), (a, b, c) in kinds.items() for number in (uid, bits, a, b, c)]
    numbers += [number for day, (a, b, c) in modified.items() for number in (day, a, b, c)]
    numbers += [number for day, (a, b, c) in accessed.items() for number in (day, a, b, c)]
    return array("q", numbers).tobytes() + categories


_ROW = slice(4, 11)


def unpack(packed: bytes) -> tuple[list[int], Cells]:
    """The row and the cells."""
    length = array("q", packed[:8])[0]
    numbers = array("q", packed[: len(packed) - length])
    categories = packed[len(packed) - length :].decode().split("\0")
    _, kinds, modified, accessed = numbers[:4]
    cells = Cells()
    at = _ROW.stop
    if kinds < 0:
        columns = [numbers[begin : begin - kinds] for begin in range(at, len(numbers), -kinds)]
        cells.add(Files(categories, *columns).keys())
        return list(numbers[_ROW]), cells
    for category in categories[:kinds]:
        uid, bits, *cell = numbers[at : at + 5]
        cells.kinds[category, uid, bits] = cell
        at += 5
    for count, days in ((modified, cells.modified), (accessed, cells.accessed)):
        for _ in range(count):
            day, *cell = numbers[at : at + 4]
            days[day] = cell
            at += 4
    return list(numbers[_ROW]), cells
