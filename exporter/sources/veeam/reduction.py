"""How far backups shrank, as x:1, whatever whoever tells it calls a ratio.

VBR itself tells percent that is LEFT (100: nothing was saved, 40: 2.5x), its Enterprise Manager tells x:1, and scripts
that others wrote tell either, under the same names. So each record is read the way that fits its own sizes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from exporter.model import MEBIBYTE, SessionReduction

Unit = Literal["percent", "ratio"]

# Where there is less data, the metadata outweighs it, and the figures mean nothing.
SMALLEST_TELLING = MEBIBYTE

# Beyond this factor between what the figures come to and what was stored, they tell of something else.
_FARTHEST = math.log(2)
# What metadata adds to a file at most: around 10 x 10, where both readings come to the same, nothing follows from it.
_METADATA = math.log(1.15)


@dataclass(frozen=True, slots=True)
class Part:
    """What one backup file, or one session as a whole, stored; dedup_ratio is x:1, None where it is not told."""

    data_bytes: float
    stored_bytes: float
    dedup_ratio: float | None
    is_full: bool | None = None


def dedup_ratio(data: float, stored: float, dedup: float, compression: float, unit: Unit) -> float | None:
    """x:1 of the deduplication alone; None where nothing was told (0), or what was told cannot be.

    data, stored: bytes; dedup, compression: in the unit that fits the sizes, else in `unit`; 0 for what is not known.
    """
    found = unit_of(data, stored, dedup, compression, unit)
    if found is None or dedup <= 0:
        return None
    ratio = as_ratio(dedup, found)
    return ratio if 1 <= ratio < math.inf else None


def unit_of(data: float, stored: float, dedup: float, compression: float, unit: Unit) -> Unit | None:
    """The unit by which both figures come nearest to what was stored; `unit` where that does not tell.

    None: neither comes near.

    >>> unit_of(400e9, 120e9, 60, 50, "ratio"), unit_of(40e9, 6.5e9, 3.3, 1.9, "percent")
    ('percent', 'ratio')
    """
    if min(data, stored, dedup, compression) <= 0:
        return unit
    combined = math.log(data) - math.log(stored)
    as_ratios = math.log(dedup) + math.log(compression)
    off: dict[Unit, float] = {
        "percent": abs(2 * math.log(100) - as_ratios - combined),
        "ratio": abs(as_ratios - combined),
    }
    nearest = min(off, key=lambda reading: off[reading] + (reading != unit) * _METADATA)
    return nearest if off[nearest] <= _FARTHEST else None


def as_ratio(figure: float, unit: Unit) -> float:
    """x:1 of a figure above 0."""
    return 100 / figure if unit == "percent" else figure


def deduplicated(parts: Iterable[Part]) -> float | None:
    """Bytes left by deduplication alone; parts that do not tell are taken for the average of those that do."""
    data = told = left = 0.0
    for part in parts:
        data += part.data_bytes
        if part.dedup_ratio and part.data_bytes >= SMALLEST_TELLING:
            told += part.data_bytes
            left += part.data_bytes / part.dedup_ratio
    return data * left / told if told else None


def of_session(
    parts: Iterable[Part], *, session_id: str, job_id: str, job: str, repository: str = "", at: float
) -> SessionReduction | None:
    """What the parts come to, weighted by size; None when they do not tell. A session is as full as most of its data.

    data / stored is exact, so the percentages are only used to split it.
    """
    telling = [part for part in parts if part.data_bytes >= SMALLEST_TELLING and part.stored_bytes > 0]
    left = deduplicated(telling)
    if left is None:
        return None
    data, stored = sum(p.data_bytes for p in telling), sum(p.stored_bytes for p in telling)
    full = sum(p.data_bytes for p in telling if p.is_full)
    incremental = sum(p.data_bytes for p in telling if p.is_full is False)
    return SessionReduction(
        session_id=session_id,
        job_id=job_id,
        job=job,
        repository=repository,
        at=at,
        is_full=full > incremental if full or incremental else None,
        data_bytes=data,
        stored_bytes=stored,
        dedup_ratio=data / left,
        compression_ratio=left / stored,
    )
