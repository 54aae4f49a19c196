"""Deduplication databases (DDBs): sealed or in use, how fast, how many deletes are pending.

POST /Qcommand/qoperation execute lists them (it only reads, yet needs the right to execute), then one
GET /DDBInformation/{id} per store, from 11.36 on. Pending deletes are in no documented field: they are taken where
a release has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from exporter.errors import reading
from exporter.http import UnexpectedStatus
from exporter.model import DedupStore, Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, amount, identity, name, number, part, rows

ENGINES = "POST /Qcommand/qoperation%20execute"
DETAILS = "GET /DDBInformation/{}"

_ALL_ENGINES = {
    "EVGui_DDBEnginesReq": {
        "filterOptions": {"propertyLevel": 20},
        "storagepolicy": {"storagePolicyId": 0},
        "spCopy": {"copyId": 0, "storagePolicyId": 0},
        "store": {"type": 115},
        "flags": 0,
    }
}
_PRUNING_ENABLED = 536870912
_ELIGIBLE_FOR_RECOVERY = 1
_MICROSECOND = 1e-6


def fetch(client: CommvaultClient, poll: Poll) -> tuple[DedupStore, ...]:  # noqa: ARG001
    engines = client.post("/Qcommand/qoperation%20execute", json=_ALL_ENGINES)
    listed = rows(engines, "engines", ENGINES)
    with reading(ENGINES):
        ids = [identity(row, "storeId") for row in listed]
    return parse(engines, _details(client, ids))


def parse(engines: Any, details: Mapping[str, Any]) -> tuple[DedupStore, ...]:
    """details: answers of GET /DDBInformation/{id} by store id; a store without one has unknown partitions."""
    listed = rows(engines, "engines", ENGINES)
    with reading(ENGINES):
        heads = [(_head(row), number(row, "sealedTime")) for row in listed]
    return tuple(_store(head, sealed, partitions(details.get(head["id"], {}))) for head, sealed in heads)


def partitions(payload: Any) -> list[Row]:
    """The partitions of a store, their fields in lower case: releases differ in it, as they do for the list's name."""
    lists = [key for key in payload if key.lower() == "substorelist"]
    listed = rows(payload, lists[0] if lists else "subStoreList", DETAILS)
    return [{key.lower(): value for key, value in row.items()} for row in listed]


def _details(client: CommvaultClient, ids: Iterable[str]) -> dict[str, Any]:
    """By store id. A 404 is a store deleted since it was listed or, for all of them, a release without the call."""

    def ask() -> dict[str, Any]:
        answers: dict[str, Any] = {}
        missing: UnexpectedStatus | None = None
        for store_id in ids:
            try:
                answers[store_id] = client.get("/DDBInformation/{}", store_id)
            except UnexpectedStatus as error:
                if error.status not in (400, 404):
                    raise
                missing = error
        if missing and not answers:
            raise missing
        return answers

    return client.first({DETAILS: ask, "the list of stores alone": dict}, past_refusals=False)


def _head(row: Row) -> dict[str, Any]:
    flags = number(row, "storeFlags")
    pool = part(row, "sp")
    return {
        "id": identity(row, "storeId"),
        "name": name(row, "storeName"),
        "pool": name(pool, "name") if "name" in pool else "",
        "pruning_enabled": None if flags is None else bool(int(flags) & _PRUNING_ENABLED),
    }


def _store(head: dict[str, Any], sealed: float | None, parts: list[Row]) -> DedupStore:
    with reading(DETAILS):
        lookups = [q for q in (amount(p, "avgqitime") for p in parts) if q is not None]
        backups = [b for b in (amount(p, "lastsnaptime") for p in parts) if b]
        return DedupStore(
            **head,
            status=_status(sealed, parts),
            sealed_at=sealed or None,
            pending_deletes=_sum([_pending(p) for p in parts]),
            primary_entries=_sum([amount(p, "primaryentries") for p in parts]),
            lookup_seconds=max(lookups) * _MICROSECOND if lookups else None,
            # A store can be recovered to the backup of its partition that lags most.
            last_backup_at=min(backups, default=None),
        )


def _status(sealed: float | None, parts: list[Row]) -> str:
    """Sealed comes from sealedTime and never from the status field, whose values nobody documents."""
    if sealed:
        return "sealed"
    states = [_partition_status(p) for p in parts]
    bad = next((state for state in ("corrupted", "offline", "unknown") if state in states), None)
    return bad or ("unknown" if sealed is None and not parts else "active")


def _partition_status(partition: Row) -> str:
    reason = partition.get("offlinereason")
    if not isinstance(reason, str | int | None):
        raise ValueError(f"offlineReason is of type {type(reason).__name__}")
    words = str(reason or "").strip().lower()
    if words:
        return "corrupted" if "corrupt" in words else "offline"
    status = number(partition, "status")
    if status == _ELIGIBLE_FOR_RECOVERY:
        return "corrupted"
    return "unknown" if status else "active"


def _pending(partition: Row) -> float | None:
    for field in ("zerorefcount", "pendingdeletes"):
        if field in partition:
            return amount(partition, field)
    return None


def _sum(values: list[float | None]) -> float | None:
    """The sum, None when one is unknown: half a store is no statement about it."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
