"""Storage pools: how much fits, how much is free.

GET /StoragePool, one call without paging. Sizes are MiB although the API says MB. Pools the account may not see are
simply absent.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from exporter.errors import reading
from exporter.http import dig
from exporter.model import MEBIBYTE, Poll, Pool
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, flag, identity, mebibytes, name, number, rows, text

ENDPOINT = "GET /StoragePool"

_STATUSES = {"online", "offline", "degraded"}
_STORAGE = {1: "disk", 2: "cloud", 3: "hyperscale", 4: "tape"}
_USE = {1: "dedup", 2: "secondary copy", 3: "non-dedup", 4: "scale-out"}


def fetch(client: CommvaultClient, poll: Poll) -> tuple[Pool, ...]:  # noqa: ARG001
    return parse(client.get("/StoragePool"))


def parse(payload: Any) -> tuple[Pool, ...]:
    listed = rows(payload, "storagePoolList", ENDPOINT)
    with reading(ENDPOINT):
        pools = [(_pool(row), number(row, "totalFreeSpace")) for row in listed]
    return _sharing(pools)


def status_of(words: str) -> str:
    """The word before the explanation: "Offline (Mount path is inaccessible…" is offline. statusCode says nothing."""
    word = re.split(r"[\s(]", words.strip(), maxsplit=1)[0].lower()
    return word if word in _STATUSES else "unknown"


def _pool(row: Row) -> Pool:
    entity = dig(row, "storagePoolEntity", endpoint=ENDPOINT, expect=dict)
    status = status_of(text(row, "status"))
    # An offline pool goes on reporting the sizes it had when it was last seen.
    free = None if status == "offline" else _bytes(row, "totalFreeSpace")
    return Pool(
        kind="commvault",
        name=name(entity, "storagePoolName"),
        id=identity(entity, "storagePoolId"),
        capacity_bytes=_bytes(row, "totalCapacity"),
        free_bytes=free,
        status=status,
        pool_type=_type(row),
        worm=flag(row, "wormStoragePoolFlag"),
        # Not on every release.
        stored_bytes=mebibytes(row, "sizeOnDisk"),
        library_ids=tuple(identity(library, "libraryId") for library in _libraries(row)),
    )


def _libraries(row: Row) -> list[Row]:
    return rows(row, "libraryList", ENDPOINT) if row.get("libraryList") else []


def _bytes(row: Row, field: str) -> float | None:
    """A size that must be there; -1 is what a cloud pool has."""
    row[field]
    return mebibytes(row, field)


def _type(row: Row) -> str:
    known = ((number(row, "storageType"), _STORAGE), (number(row, "storagePoolType"), _USE))
    words = [table.get(int(value), "unknown") for value, table in known if value is not None]
    return " ".join(dict.fromkeys(words))


def _sharing(pools: Sequence[tuple[Pool, float | None]]) -> tuple[Pool, ...]:
    """The pools, with a common `shared` for those that report the same capacity and free space to the MiB.

    They stand on one disk. Two disks that are empty, or full, also look the same, so those are no evidence.
    """
    alike: dict[tuple[float, float], list[Pool]] = defaultdict(list)
    for pool, free in pools:
        if pool.capacity_bytes and free and 0 < free * MEBIBYTE < pool.capacity_bytes:
            alike[pool.capacity_bytes, free].append(pool)
    names = {p.id: min(other.name for other in group) for group in alike.values() if len(group) > 1 for p in group}
    return tuple(replace(pool, shared=names.get(pool.id, "")) for pool, _ in pools)
