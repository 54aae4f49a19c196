"""A tally as people and dashboards want it: few ages, sizes and owners, directories with all below them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from exporter.model import Share
from exporter.sources.filesystem.tally import (
    ALLOCATED,
    APPARENT,
    DAY_SECONDS,
    DIRECTORIES,
    ERRORS,
    FILES,
    Large,
    Tally,
    add_rows,
)
from exporter.sources.filesystem.text import escaped

# From which day of age on, by name; a file is in the last it has reached.
AGES = {"0d": 0, "7d": 7, "30d": 30, "90d": 90, "180d": 180, "1y": 365, "2y": 730, "3y": 1095, "5y": 1825, "10y": 3650}
FUTURE, BEFORE_1970 = "future", "before_1970"
# From which int.bit_length() of the size on.
SIZES = {
    "0B": 0, "1B": 1, "4KiB": 13, "64KiB": 17, "1MiB": 21, "16MiB": 25, "128MiB": 28, "1GiB": 31, "16GiB": 35,
    "128GiB": 38, "1TiB": 41,
}  # fmt: skip
OTHER_OWNERS = "other"


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory of the roll-up, relative to the root, with all below it. complete: nothing in it was unreadable."""

    path: str
    files: int
    directories: int
    apparent_bytes: int
    allocated_bytes: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Named:
    """One of the largest files; or of the directories, by the files right in it."""

    path: str
    apparent_bytes: int
    allocated_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Regular files by size, age of content (mtime), age of reading (atime), category and owner; see AGES and SIZES."""

    sizes: dict[str, Share]
    modified: dict[str, Share]
    accessed: dict[str, Share]
    categories: dict[str, Share]
    owners: dict[str, Share]
    rollup: tuple[Directory, ...]
    top_files: tuple[Named, ...]
    top_directories: tuple[Named, ...]


def summarize(tally: Tally, at: float, owners: int = 10) -> Summary:
    """Of a settled tally. at: unix seconds from which ages count, in whole days of UTC.

    owners: how many are told apart, by allocated bytes and then by uid; the rest is "other".
    """
    today = int(at // DAY_SECONDS)
    cells = tally.cells
    return Summary(
        sizes=_shares((_size(bits), cell) for (_, _, bits), cell in cells.kinds.items()),
        modified=_shares((_age(today, day), cell) for day, cell in cells.modified.items()),
        accessed=_shares((_age(today, day), cell) for day, cell in cells.accessed.items()),
        categories=_shares((category, cell) for (category, _, _), cell in cells.kinds.items()),
        owners=_owners(tally, owners),
        rollup=_rollup(tally),
        top_files=_named(tally.large),
        top_directories=_named(tally.heavy),
    )


def _shares(found: Iterable[tuple[str, list[int]]]) -> dict[str, Share]:
    sums: dict[str, list[int]] = {}
    for name, cell in found:
        add_rows(sums, {name: cell})
    return {name: Share(*sums[name]) for name in sorted(sums)}


def _age(today: int, day: int) -> str:
    if day < 0:
        return BEFORE_1970
    return FUTURE if day > today else _reached(AGES, today - day)


def _size(bits: int) -> str:
    return _reached(SIZES, bits)


def _reached(steps: dict[str, int], value: int) -> str:
    return list(steps)[bisect_right(list(steps.values()), value) - 1]


def _owners(tally: Tally, count: int) -> dict[str, Share]:
    by_uid: dict[int, list[int]] = {}
    for (_, uid, _), cell in tally.cells.kinds.items():
        add_rows(by_uid, {uid: cell})
    ranked = sorted(by_uid, key=lambda uid: (-by_uid[uid][2], uid))
    found = {str(uid): Share(*by_uid[uid]) for uid in ranked[:count]}
    if rest := ranked[count:]:
        found[OTHER_OWNERS] = Share(*(sum(by_uid[uid][column] for uid in rest) for column in range(3)))
    return found


def _rollup(tally: Tally) -> tuple[Directory, ...]:
    sums: dict[bytes, list[int]] = {}
    for path, row in tally.own.items():
        add_rows(sums, {path: row})
        while path:
            path = path.rpartition(b"/")[0]
            add_rows(sums, {path: row})
    return tuple(
        Directory(escaped(path), row[FILES], row[DIRECTORIES], row[APPARENT], row[ALLOCATED], not row[ERRORS])
        for path, row in sorted(sums.items(), key=lambda item: (-item[1][ALLOCATED], item[0]))
        if row[DIRECTORIES]
    )


def _named(found: Iterable[Large]) -> tuple[Named, ...]:
    return tuple(Named(escaped(path), apparent, -allocated) for allocated, path, apparent in found)
