"""What is kept of one directory from scan to scan."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.sources.filesystem.tally import Cells, Large, Link


@dataclass(frozen=True, slots=True)
class Record:
    """A directory and what lies right in it.

    counted: False if it was gone, or another filesystem, when it was to be opened. read_at: unix seconds. state:
    (st_ino, st_mtime_ns, st_ctime_ns) of a directory that was read whole, else None. cells: see pack. apparent,
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
