"""Deduplication databases (DDBs): sealed or in use, how fast, how many deletes are pending.

POST /Qcommand/qoperation execute lists them (it only reads, yet needs the right to execute), then one
GET /DDBInformation/{id} per store and hour, from 11.36 on. Pending deletes are in no documented field: they are taken
where a release has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exporter.errors import reading
from exporter.model import DedupStore, Partition, Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, amount, identity, mebibytes, name, number, part, rows

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
_NEEDS_RESYNC = 33554432
_UNDER_MAINTENANCE = 16777216
_ELIGIBLE_FOR_RECOVERY = 1
_MICROSECOND = 1e-6


def fetch(client: CommvaultClient, poll: Poll) -> tuple[DedupStore, ...]:
    engines = client.post("/Qcommand/qoperation%20execute", json=_ALL_ENGINES)
    listed = rows(engines, "engines", ENGINES)
    with reading(ENGINES):
        ids = [identity(row, "storeId") for row in listed]
    return parse(engines, _details(client, ids, poll.at))


def parse(engines: Any, details: Mapping[str, Any]) -> tuple[DedupStore, ...]:
    """details: answers of GET /DDBInformation/{id} by store id; a store without one has unknown partitions."""
    listed = rows(engines, "engines", ENGINES)
    with reading(ENGINES):
        heads = [(_head(row), number(row, "sealedTime")) for row in listed]
    return tuple(_store(head, sealed, partitions(details.get(head["id"], {}))) for head, sealed in heads)


def partitions(payload: Any) -> tuple[Partition, ...]:
    """The partitions of a store. Releases differ in the case of the fields, and of the list's name."""
    lists = [key for key in payload if key.lower() == "substorelist"]
    listed = rows(payload, lists[0] if lists else "subStoreList", DETAILS)
    with reading(DETAILS):
        return tuple(_partition({key.lower(): value for key, value in row.items()}) for row in listed)


def _details(client: CommvaultClient, ids: Sequence[str], at: float) -> dict[str, Any]:
    """By store id, each asked for once an hour. All of them 404 is a release without the call."""

    def ask() -> dict[str, Any]:
        answers: dict[str, Any] = client.round_of("stores").read(
            ids, at, lambda store_id: client.get("/DDBInformation/{}", store_id)
        )
        return answers

    return client.first({DETAILS: ask, "the list of stores alone": dict}, past_refusals=False)


def _head(row: Row) -> dict[str, Any]:
    flags = number(row, "storeFlags")
    pool = part(row, "sp")
    return {
        "id": identity(row, "storeId"),
        "name": name(row, "storeName"),
        "pool": name(pool, "name") if "name" in pool else "",
        "pool_id": identity(pool, "id") if "id" in pool else "",
        "pruning_enabled": _bit(flags, _PRUNING_ENABLED),
        "needs_resync": _bit(flags, _NEEDS_RESYNC),
        "under_maintenance": _bit(flags, _UNDER_MAINTENANCE),
    }


def _bit(flags: float | None, bit: int) -> bool | None:
    return None if flags is None else bool(int(flags) & bit)


def _store(head: dict[str, Any], sealed: float | None, parts: tuple[Partition, ...]) -> DedupStore:
    lookups = [p.lookup_seconds for p in parts if p.lookup_seconds is not None]
    return DedupStore(
        **head,
        status=_status(sealed, parts),
        sealed_at=sealed or None,
        pending_deletes=_sum([p.pending_deletes for p in parts]),
        primary_entries=_sum([p.primary_entries for p in parts]),
        lookup_seconds=max(lookups, default=None),
        # A store can be recovered to the backup of its partition that lags most.
        last_backup_at=min((p.last_backup_at for p in parts if p.last_backup_at), default=None),
        partitions=parts,
    )


def _partition(row: Row) -> Partition:
    lookup = amount(row, "avgqitime")
    agent = part(row, "mediaagent")
    return Partition(
        id=identity(row, "substoreid") if "substoreid" in row else "",
        media_agent=name(agent, "name") if "name" in agent else "",
        status=_partition_status(row),
        lookup_seconds=None if lookup is None else lookup * _MICROSECOND,
        primary_entries=amount(row, "primaryentries"),
        volume_capacity_bytes=mebibytes(row, "totalcapacitymb"),
        volume_free_bytes=mebibytes(row, "freediskspacemb"),
        last_backup_at=amount(row, "lastsnaptime") or None,
        pending_deletes=_pending(row),
    )


def _status(sealed: float | None, parts: tuple[Partition, ...]) -> str:
    """Sealed comes from sealedTime and never from the status field, whose values nobody documents.

    Only its partitions say that a store is well.
    """
    if sealed:
        return "sealed"
    if not parts:
        return "unknown"
    states = [p.status for p in parts]
    bad = next((state for state in ("corrupted", "offline", "unknown") if state in states), None)
    return bad or "active"


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
