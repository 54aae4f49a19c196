"""A day of a series in 18 bytes: its close, and how far the lowest and the highest value lay from it.

A day is a day of UTC, without the midnight it begins with and with the one it ends with, so that a close stands at
that midnight. Day 0 ended with 1970. 32 days are a block, and a row of the table.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DAY = 86400
DAYS_OF_BLOCK = 32
# The distances are rounded to 24 bits; a distance of zero is exact.
_RECORD = np.dtype([("day", "<u2"), ("close", "<f8"), ("below", "<f4"), ("above", "<f4")])
BYTES_OF_DAY = _RECORD.itemsize

IntArray = NDArray[np.int64]
Days = NDArray[np.void]

DAYS = np.dtype([("day", "<i8"), ("close", "<f8"), ("low", "<f8"), ("high", "<f8")])


def day_of(at: float) -> int:
    """
    >>> day_of(86400), day_of(86401)
    (0, 1)
    """
    return int(-(-at // DAY)) - 1


def pack(days: Days) -> bytes:
    """days: (n,) of DAYS, ascending."""
    record = np.zeros(days.size, _RECORD)
    record["day"], record["close"] = days["day"], days["close"]
    # Beyond 32 bits a distance is infinite, and then not known: see unpack.
    with np.errstate(over="ignore", invalid="ignore"):
        for name, distance in (("below", days["close"] - days["low"]), ("above", days["high"] - days["close"])):
            rounded = distance.astype(np.float32)
            # To or from infinity there is no distance; such a day is its close alone.
            record[name] = np.where(np.isfinite(rounded), rounded, 0.0)
    return record.tobytes()


def unpack(packed: bytes) -> Days:
    """What `pack` was given, of one block or of several on end."""
    record = np.frombuffer(packed, _RECORD)
    days = np.zeros(record.size, DAYS)
    days["day"], days["close"] = record["day"], record["close"]
    days["low"] = record["close"] - record["below"]
    days["high"] = record["close"] + record["above"]
    return days


def merged(known: Days, found: Days) -> Days:
    """Both, ascending; a day that is known already stays as it is."""
    new = found[~np.isin(found["day"], known["day"])]
    both = np.concatenate([known, new])
    return both[np.argsort(both["day"], kind="stable")]
