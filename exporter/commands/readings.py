"""What a pool used, from a CSV file with the columns timestamp, used_bytes and perhaps capacity_bytes."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.errors import ConfigError
from exporter.history.formats import moment

if TYPE_CHECKING:
    from exporter.findings.forecasts import Past

_WANTED = ("timestamp", "used_bytes")
# Later than any second of this millennium, and earlier than any millisecond since 1973.
_MILLISECONDS = 1e11


def read_past(path: Path) -> Past:
    """Raises ConfigError that names the line and the column."""
    import numpy as np

    from exporter.findings.forecasts import Past

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = sorted(_rows(path, csv.reader(file, strict=True)))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    table = np.array(rows, np.float64).reshape(-1, 3)
    sizes = table[np.isfinite(table[:, 2]), 2]
    return Past(table[:, 0], table[:, 1], float(sizes[-1]) if sizes.size else math.nan, table[:, 2])


def _rows(path: Path, reader: Iterator[list[str]]) -> Iterator[tuple[float, float, float]]:
    """timestamp, used and capacity; what is empty is NaN."""
    line = 1
    try:
        head = [cell.strip() for cell in next(reader, [])]
        for name in _WANTED:
            if head.count(name) != 1:
                raise ConfigError(f"{path}:1: the first line names the columns; {head.count(name)} are called {name}")
        for line, cells in enumerate(reader, 2):
            if cells:
                yield _row(f"{path}:{line}", head, cells)
    except csv.Error as error:
        raise ConfigError(f"{path}:{line + 1}: {error}") from None


def _row(place: str, head: list[str], cells: list[str]) -> tuple[float, float, float]:
    if len(cells) != len(head):
        raise ConfigError(f"{place}: {len(cells)} cells, where the first line has {len(head)}")
    row = dict(zip(head, cells, strict=True))

    def read(column: str, reading: Callable[[str], float]) -> float:
        try:
            return reading(row.get(column, "").strip())
        except ValueError as error:
            raise ConfigError(f"{place}: {column}: {error}") from None

    return read("timestamp", _moment), read("used_bytes", _size), read("capacity_bytes", _size)


def _moment(text: str) -> float:
    found = moment(text)
    if not abs(found) < _MILLISECONDS:
        raise ValueError(f"{text[:40]!r} is no moment in unix seconds; are they milliseconds?")
    return found


def _size(text: str) -> float:
    if not text:
        return math.nan
    try:
        size = float(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no number") from None
    if size < 0:
        raise ValueError(f"{text[:40]!r} is below 0")
    return size
