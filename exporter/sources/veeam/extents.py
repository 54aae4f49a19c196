"""What is an extent of which scale-out repository.

From 1.3 on the states of repositories tell it, before that only GET .../scaleOutRepositories, by the ids of the
extents. Its performance extents have statuses: one word up to 1.2, a list from 1.3 on, missing for normal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from exporter.errors import SourceGarbled
from exporter.http import dig
from exporter.sources.veeam.client import REPOSITORY_STATES, SCALE_OUT_REPOSITORIES
from exporter.sources.veeam.fields import Row, enum, optional, reference, text

_STATES = f"GET {REPOSITORY_STATES}"
_SCALE_OUTS = f"GET {SCALE_OUT_REPOSITORIES}"

_SCALE_OUT_TYPE = "extendablerepository"


@dataclass(frozen=True)
class Extent:
    """What a repository is to a scale-out repository; tier is performance, capacity or archive."""

    scale_out: str
    tier: str
    statuses: tuple[str, ...] = ()


def is_scale_out(state: Row) -> bool:
    """Whether a row of repositories/states is a scale-out repository itself: its space is that of its extents."""
    return enum(text(state, "type", endpoint=_STATES)) == _SCALE_OUT_TYPE


def told(state: Row) -> Extent | None:
    """What a row of repositories/states says of itself."""
    details = optional(state, "scaleOutRepositoryDetails", dict, endpoint=_STATES)
    if not details:
        return None
    return Extent(text(details, "membership", endpoint=_STATES), enum(text(details, "extentType", endpoint=_STATES)))


def listed(row: Row) -> Iterator[tuple[str, Extent]]:
    """(id, extent) of a row of scaleOutRepositories, those of tiers that are switched off left out."""
    name = text(row, "name", endpoint=_SCALE_OUTS)
    for item in dig(row, "performanceTier", "performanceExtents", endpoint=_SCALE_OUTS, expect=list):
        yield text(item, "id", endpoint=_SCALE_OUTS), Extent(name, "performance", _statuses(item))
    capacity: Mapping[str, object] = optional(row, "capacityTier", dict, endpoint=_SCALE_OUTS) or {}
    # 1.1-rev0 calls it `enabled`.
    if capacity.get("isEnabled", capacity.get("enabled")) is True:
        for item in optional(capacity, "extents", list, endpoint=_SCALE_OUTS) or ():
            yield text(item, "id", endpoint=_SCALE_OUTS), Extent(name, "capacity")
    archive: Mapping[str, object] = optional(row, "archiveTier", dict, endpoint=_SCALE_OUTS) or {}
    identity = reference(archive, "extentId", endpoint=_SCALE_OUTS)
    if archive.get("isEnabled") is True and identity:
        yield identity, Extent(name, "archive")


def _statuses(extent: Row) -> tuple[str, ...]:
    said = extent.get("status")
    words = [said] if isinstance(said, str) else said or ["Normal"]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise SourceGarbled(f"{_SCALE_OUTS}: status of an extent is neither a word nor a list of words")
    return tuple(enum(word) for word in words)
