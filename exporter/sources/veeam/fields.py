"""How VBR spells values: times with and without a zone, enums in changing case, sizes in units of 1024.

The same API writes 2025-07-28T10:44:39.694588+02:00, 2024-11-06T00:30:20Z and 2024-11-06T00:30:20, the last one being
the wall clock of the server. Enum values change their case between releases (running, Running).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, TypeVar

from exporter.errors import SourceGarbled
from exporter.http import dig

Row = Mapping[str, Any]
T = TypeVar("T")

NO_ID = "00000000-0000-0000-0000-000000000000"
_FIRST_YEAR = 1971


def moment(text: str | None, zone: tzinfo) -> float | None:
    """Unix seconds; a time without zone is one of `zone`. None for nothing and for the dates that stand for it.

    Raises ValueError when it is no time. VBR says "never" with 1900-01-01 and the like.
    """
    if not text:
        return None
    when = datetime.fromisoformat(text)
    if when.year < _FIRST_YEAR:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=zone)).timestamp()


def enum(value: str | None) -> str:
    """An enum value to compare with: in lower case, "" for none."""
    return (value or "").lower()


def optional(row: Row, field: str, kind: type[T], *, endpoint: str) -> T | None:
    """The field, None where it is missing or null; SourceGarbled when it is of another type."""
    if row.get(field) is None:
        return None
    value: T = dig(row, field, endpoint=endpoint, expect=kind)
    return value


def text(row: Row, field: str, *, endpoint: str) -> str:
    value: str = dig(row, field, endpoint=endpoint, expect=str)
    return value


def number(row: Row, field: str, *, endpoint: str) -> float:
    value = float(dig(row, field, endpoint=endpoint, expect=(int, float)))
    if not math.isfinite(value):
        raise SourceGarbled(f"{endpoint}: {field} is not a finite number")
    return value


def reference(row: Row, field: str, *, endpoint: str) -> str:
    """An id that points to another object; "" where it is missing or all zero, which VBR uses for none."""
    value = optional(row, field, str, endpoint=endpoint) or ""
    return "" if value == NO_ID else value
