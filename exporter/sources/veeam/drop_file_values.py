"""How PowerShell and those who use it write values: ConvertTo-Json of 5.1 and 7, and texts of a country."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from exporter.model import DAY
from exporter.sources.veeam.fields import moment

# 5.1: milliseconds since 1970 in UTC; an offset behind them is that of the writer and changes nothing.
_DATE = re.compile(r"/Date\((-?\d{1,17})([+-]\d{4})?\)/", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_FIRST_DAY = 366 * DAY


def lower_keys(value: object) -> dict[str, Any]:
    """The members of an object by name in lower case; none where it is no object."""
    return {str(key).lower(): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def text_of(value: object) -> str:
    """A text or whole number; "" for anything else. What a database could not store is replaced."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).encode("utf-8", "replace").decode().replace("\0", "?").strip()


def number_of(value: object) -> float | None:
    """A number that is finite and not negative, also as text: 3,4 or 1.234,5 or 60 %; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = _plain(value)
        if not _NUMBER.fullmatch(value):
            return None
    if not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if 0 <= number < math.inf else None


def _plain(text: str) -> str:
    """With a point before the decimals and nothing else in between; of two kinds of mark the last one is that point."""
    digits = re.sub(r"\s", "", text).rstrip("%xX")
    mark = "," if digits.rfind(",") > digits.rfind(".") else "."
    digits = digits.replace("." if mark == "," else ",", "")
    # More than one of a kind group thousands.
    return digits.replace(mark, "." if digits.count(mark) == 1 else "")


def moment_of(value: object, zone: tzinfo) -> float | None:
    """Unix seconds; None for null and for the dates that mean never (1900-01-01). Raises ValueError for no date.

    A date of 5.1 may be an object with more about it: {"value": "/Date(1772402400000)/", "DisplayHint": 2}.
    """
    if isinstance(value, Mapping):
        value = lower_keys(value).get("value", "")
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("not a date")
    found = _DATE.fullmatch(value.strip())
    if found:
        at = int(found[1]) / 1000
        return at if at >= _FIRST_DAY else None
    return moment(value.strip(), zone)
