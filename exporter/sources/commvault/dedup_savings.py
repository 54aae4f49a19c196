"""What deduplication saves per pool, as the Command Center shows it: compression is part of it.

GET /V4/Storage/Disk, /Cloud and /HyperScale, then one call per pool and day; only these know a figure per pool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from exporter.errors import SourceGarbled, reading
from exporter.http import UnexpectedStatus
from exporter.model import DAY, Poll, Reduction
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, identity, name, number, part, rows, text

LISTS = {
    "/V4/Storage/Disk": "diskStorage",
    "/V4/Storage/Cloud": "cloudStorage",
    "/V4/Storage/HyperScale": "hyperScaleStorage",
}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def fetch(client: CommvaultClient, poll: Poll) -> tuple[Reduction, ...]:
    found = list(_lists(client))
    if not found:
        raise SourceGarbled(
            "GET /V4/Storage/Disk: this url has no V4 API (the web server's port 81 has none);"
            " use the one that ends in /commandcenter/api or /webconsole/api"
        )
    pools = {pool_id: (route, name) for route, payload in found for pool_id, name in deduplicated(payload, route)}

    def ask(pool_id: str) -> list[Reduction]:
        route, pool = pools[pool_id]
        return parse(client.get(f"{route}/{{}}", pool_id), f"GET {route}/{{}}", pool_id, pool)

    answers: dict[str, list[Reduction]] = client.round_of("savings", DAY).read(list(pools), poll.at, ask)
    return tuple(reduction for reductions in answers.values() for reduction in reductions)


def deduplicated(payload: Any, route: str) -> list[tuple[str, str]]:
    """(id, name) of the pools in a list that deduplicate."""
    listed = rows(payload, LISTS[route], f"GET {route}")
    with reading(f"GET {route}"):
        return [
            (identity(row, "id"), name(row, "name"))
            for row in listed
            if text(row, "storagePoolType") != "NON_DEDUPLICATION"
        ]


def parse(payload: Any, endpoint: str, pool_id: str, pool: str) -> list[Reduction]:
    """One record, or none where the savings are not told or cannot be (100 %)."""
    with reading(endpoint):
        savings = _percent(part(payload, "general"))
    if savings is None or not 0 <= savings < 100:
        return []
    return [Reduction(kind="commvault", pool=pool, pool_id=pool_id, dedup_ratio=100 / (100 - savings))]


def _lists(client: CommvaultClient) -> Iterator[tuple[str, Any]]:
    """The lists that this release has; not each has all three."""
    for route in LISTS:
        try:
            payload = client.get(route)
        except UnexpectedStatus as error:
            if error.status not in (400, 404):
                raise
            continue
        yield route, payload


def _percent(general: Row) -> float | None:
    """Disk pools have a number, clouds and HyperScale a text such as "88 %" or "88,5%"."""
    percent = number(general, "dedupeSavingsPercent")
    if percent is not None:
        return percent
    told = general.get("deduplicationSavings")
    if not isinstance(told, str):
        return number(general, "deduplicationSavings")
    found = _NUMBER.search(told)
    return float(found[0].replace(",", ".")) if found else None
