"""Tables on a terminal and in JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeVar

from exporter.reports.tables import Kind, Table, Value

Record = TypeVar("Record")

NEVER = "never"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_RIGHT = ("number", "decimal", "bytes", "ratio", "seconds")


def json_rows(table: Table[Record]) -> Iterator[dict[str, Value]]:
    """Bytes, seconds and ratios as numbers, moments as ISO times in UTC, unknown as null."""
    for row in table.rows():
        yield {
            column.name: iso(value) if column.kind == "moment" and isinstance(value, float) else _finite(value)
            for column, value in zip(table.columns, row, strict=True)
        }


def lines(table: Table[Record]) -> Iterator[str]:
    """The table with its columns aligned: sizes for people, moments in local time with its zone, unknown as -."""
    places = [place for place, column in enumerate(table.columns) if column.title]
    columns = [table.columns[place] for place in places]
    cells = [[c.title for c in columns]]
    cells += [[written(row[p], c.kind) or "-" for p, c in zip(places, columns, strict=True)] for row in table.rows()]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (
            cell.rjust(width) if column.kind in _RIGHT else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        )
        yield "  ".join(padded).rstrip()


def written(value: Value, kind: Kind) -> str:
    """A value for people; "" when it is unknown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        # Control characters of a name would move the cursor of the terminal.
        return "".join(c if c.isprintable() else "?" for c in value)
    if kind == "moment":
        return NEVER if math.isinf(value) else datetime.fromtimestamp(value, UTC).astimezone().strftime("%F %H:%M %Z")
    if kind == "bytes":
        return human_bytes(value)
    if kind == "decimal":
        return f"{value:.2f}"
    return f"{value:.1%}" if kind == "ratio" else f"{value:.0f}"


def human_bytes(count: float) -> str:
    """
    >>> human_bytes(5 * 1024**3)
    '5.0 GiB'
    """
    unit, size = binary_unit(count)
    return f"{count:.0f} B" if size == 1 else f"{count / size:.1f} {unit}"


def binary_unit(count: float) -> tuple[str, int]:
    """The largest unit that is not more than the count, and its bytes.

    >>> binary_unit(5 * 1024**3)
    ('GiB', 1073741824)
    """
    step = next((n for n in range(len(_UNITS) - 1) if abs(count) < 1024 ** (n + 1)), len(_UNITS) - 1)
    return _UNITS[step], 1024**step


def age(seconds: float) -> str:
    """
    >>> age(250)
    '4 min'
    """
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def day(moment: float) -> str:
    """The date in UTC.

    >>> day(86400.0)
    '1970-01-02'
    """
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def iso(moment: float) -> str:
    if math.isinf(moment):
        return NEVER
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _finite(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value
