"""How Commvault writes values: numbers that may be text, -1 for "does not apply", names with stray blanks.

The functions raise ValueError or KeyError that names the field; `reading()` adds the endpoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from exporter.errors import SourceGarbled
from exporter.http import dig
from exporter.model import MEBIBYTE

Row = Mapping[str, Any]

# What any answer may carry besides its content.
_ENVELOPE = {"processinginstructioninfo", "error", "errorCode", "errorMessage", "errList"}


def rows(payload: Any, field: str, endpoint: str) -> list[Row]:
    """The list `field`; empty when the answer holds nothing at all, which is how Commvault says "none"."""
    if isinstance(payload, dict) and set(payload) <= _ENVELOPE:
        return []
    listed: list[Row] = dig(payload, field, endpoint=endpoint, expect=list)
    if not all(isinstance(row, dict) for row in listed):
        raise SourceGarbled(f"{endpoint}: {field} holds something that is no object")
    return listed


def part(row: Row, field: str) -> Row:
    """The object `field`, empty where it is missing."""
    value = row.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{field} is of type {type(value).__name__}")
    return value


def number(row: Row, field: str) -> float | None:
    """The number `field`, which older releases write as text; None where it is missing."""
    value = row.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{field} is of type {type(value).__name__}")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{field} is not a number")
    return found


def amount(row: Row, field: str) -> float | None:
    """The number `field`, None also for the -1 that means unknown or not applicable."""
    found = number(row, field)
    return None if found is None or found < 0 else found


def mebibytes(row: Row, field: str) -> float | None:
    """The size `field` in bytes; the API counts in MiB, also where it says MB. None like `amount`."""
    found = amount(row, field)
    return None if found is None else found * MEBIBYTE


def flag(row: Row, field: str) -> bool | None:
    """The 0, 1, true or false `field`; None where it is missing, which is not the same as false."""
    value = row.get(field)
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    found = number(row, field)
    return None if found is None else bool(found)


def text(row: Row, field: str) -> str:
    """The text `field`, "" where it is missing."""
    value = row.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{field} is of type {type(value).__name__}")
    return value


def name(row: Row, field: str) -> str:
    """The name `field` without the blanks and no-break spaces that people leave at its ends."""
    value = row[field]
    if not isinstance(value, str):
        raise ValueError(f"{field} is of type {type(value).__name__}")
    return value.replace("\u00a0", " ").strip()


def identity(row: Row, field: str) -> str:
    value = row[field]
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{field} is of type {type(value).__name__}")
    return str(value)
