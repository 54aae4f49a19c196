"""What the CommServe database says and REST does not: pending deletes, bytes to prune, what waits for pruning and why.

One connection, closed after each poll. A table that may not be read is absent and logged once; the others still
count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from exporter.errors import reading
from exporter.model import DatabaseReading, DedupStoreUsage, Poll
from exporter.sources.commvault import selects
from exporter.sources.commvault.commserve_connection import Answers, CommServeDatabase
from exporter.sources.commvault.fields import Row, amount, identity, name

_MICROSECOND = 1e-6


def fetch(database: CommServeDatabase, poll: Poll) -> DatabaseReading:  # noqa: ARG001
    return parse(database.answers())


def parse(answers: Answers) -> DatabaseReading:
    """answers: rows by table, with the columns of selects.py; a table left out is unknown."""
    return DatabaseReading(
        stores=_stores(answers), awaiting_pruning=_awaiting(answers), last_pruned_at=_last_pruned(answers)
    )


@dataclass(frozen=True)
class _Partition:
    store_id: str
    usage: Row | None
    swept_at: float | None


def _stores(answers: Answers) -> tuple[DedupStoreUsage, ...]:
    partitions: dict[str, list[_Partition]] = defaultdict(list)
    for partition in _partitions(answers):
        partitions[partition.store_id].append(partition)
    names = dict.fromkeys(partitions, "")
    if (listed := answers.get(selects.STORES.table)) is not None:
        with reading(selects.STORES.table):
            names = {identity(row, "SIDBStoreId"): _name(row) for row in map(_plain, listed)}
    return tuple(_store(store_id, names[store_id], partitions[store_id]) for store_id in sorted(names, key=_natural))


def _partitions(answers: Answers) -> list[_Partition]:
    """The partitions that exist or, where that cannot be read, those that have figures."""
    with reading(selects.USAGE.table):
        usage = {identity(row, "SubStoreId"): row for row in map(_plain, answers.get(selects.USAGE.table, ()))}
        store_of = {partition: identity(row, "SIDBStoreId") for partition, row in usage.items()}
    if (listed := answers.get(selects.PARTITIONS.table)) is not None:
        with reading(selects.PARTITIONS.table):
            store_of = {identity(row, "SubStoreId"): identity(row, "SIDBStoreId") for row in map(_plain, listed)}
    with reading(selects.SWEEPS.table):
        rows = [_plain(row) for row in answers.get(selects.SWEEPS.table, ())]
        swept = {identity(row, "EntityId"): amount(row, "longlongVal") or None for row in rows}
    return [_Partition(store, usage.get(id_), swept.get(id_)) for id_, store in store_of.items()]


def _store(store_id: str, store_name: str, partitions: Sequence[_Partition]) -> DedupStoreUsage:
    rows: list[Row] = [partition.usage or {} for partition in partitions]
    swept = [partition.swept_at for partition in partitions]
    with reading(selects.USAGE.table):
        lookups = [amount(row, "AvgQITime") for row in rows if amount(row, "AvgQITimeSampleCount") != 0]
        known = [lookup for lookup in lookups if lookup is not None]
        return DedupStoreUsage(
            store_id=store_id,
            name=store_name,
            pending_deletes=_total(rows, "ZeroRefCount"),
            bytes_to_prune=_total(rows, "DataSizeToPrune"),
            primary_entries=_total(rows, "PrimaryEntries"),
            secondary_entries=_total(rows, "SecondaryEntries"),
            size_bytes=_total(rows, "SizeOccupied"),
            lookup_seconds=max(known) * _MICROSECOND if known else None,
            last_mark_and_sweep_at=min(s for s in swept if s is not None) if swept and None not in swept else None,
        )


def _total(rows: Sequence[Row], column: str) -> float | None:
    """The sum over the partitions, None when one is unknown: half a store is no statement about it."""
    values = [amount(row, column) for row in rows]
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _awaiting(answers: Answers) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    with reading(selects.AWAITING.table):
        for row in map(_plain, answers.get(selects.AWAITING.table, ())):
            store, code = (str(row[c] or 0).strip() for c in ("SIDBStoreId", "FailureErrorCode"))
            counts[store, code] += int(row["files"])
    return dict(counts)


def _last_pruned(answers: Answers) -> dict[str, float]:
    question = selects.LOG_COLUMNS
    with reading(question.full_name):
        rows = [_plain(row) for row in answers.get(question.table, ())]
        moments = {
            identity(row, "SIDBStoreId"): amount(row, "newest") for row in rows if row["SIDBStoreId"] is not None
        }
    return {store: moment for store, moment in moments.items() if moment}


def _plain(row: Row) -> Row:
    """The row with decimals and dates, which drivers have classes for, as numbers."""
    return {key: _number(value) for key, value in row.items()}


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return value


def _name(row: Row) -> str:
    return name(row, "SIDBStoreName") if row.get("SIDBStoreName") is not None else ""


def _natural(store_id: str) -> tuple[int, str]:
    return len(store_id), store_id
