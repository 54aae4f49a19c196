"""All that is ever asked of the CommServe database: for the eyes of whoever grants the login.

Each statement reads, none writes, none takes a value from outside but its limit. They are SQLAlchemy Core, so that the
text SQL Server gets is the one that the tests run on PostgreSQL; docs/commserve-database.md shows it as T-SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

# Aged files are counted up to this; what is said beyond is "at least".
COUNTED = 1_000_000

Statement = sa.Select[Any]


@dataclass(frozen=True)
class Question:
    """A statement and the table it reads, as in `GRANT SELECT ON dbo.table`; database "": the one of the URL."""

    table: str
    statement: Statement
    database: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.database}.dbo.{self.table}" if self.database else self.table


def _table(name: str, *columns: str, schema: str | None = None) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns), schema=schema)


_usage = _table(
    "IdxSIDBUsageHistory",
    "SubStoreId",
    "SIDBStoreId",
    "HistoryType",
    "ModifiedTime",
    "ZeroRefCount",
    "DataSizeToPrune",
    "PrimaryEntries",
    "SecondaryEntries",
    "SizeOccupied",
    "AvgQITime",
    "AvgQITimeSampleCount",
)
_stores = _table("IdxSIDBStore", "SIDBStoreId", "SIDBStoreName")
_partitions = _table("IdxSIDBSubStore", "SubStoreId", "SIDBStoreId")
_properties = _table("MMEntityProp", "EntityId", "propertyName", "longlongVal")
_aged = _table("MMDeletedAF", "SIDBStoreId", "FailureErrorCode")
_pruned = _table("MMDeletedAFPruningLogs", "SIDBStoreId", schema="HistoryDB.dbo")

_newest_first = sa.func.row_number().over(partition_by=_usage.c.SubStoreId, order_by=_usage.c.ModifiedTime.desc())
_ranked = sa.select(*_usage.c, _newest_first.label("age")).where(_usage.c.HistoryType == 0).subquery("ranked")

# The newest figures of every partition: pending deletes, bytes to prune, entries, size, mean time of a lookup.
# Cheap: one pass over the current rows (HistoryType 0; the daily Q&I history is 2), some per partition and day. It
# must be the newest of each partition: TOP 1 per store would be one partition's, and what is equal in two of them
# is still twice as much, so nothing is made DISTINCT.
USAGE = Question(
    _usage.name, sa.select(*(c for c in _ranked.c if c.name not in ("age", "HistoryType"))).where(_ranked.c.age == 1)
)

# The names of the stores that exist; figures of deleted ones may remain in the history. Cheap: a row per store.
STORES = Question(_stores.name, sa.select(*_stores.c))

# Which partitions exist, and of which store. Cheap: a row per partition.
PARTITIONS = Question(_partitions.name, sa.select(*_partitions.c))

# When each partition was last marked and swept. Cheap: a property per partition.
SWEEPS = Question(
    _properties.name,
    sa.select(_properties.c.EntityId, _properties.c.longlongVal).where(
        _properties.c.propertyName == sa.literal_column("'DDBMSRunTime'")
    ),
)

# How many aged files wait for pruning, by store and failure code. The table may hold many millions of rows when
# pruning hangs. Cheap: no more than COUNTED of them are looked at, in whatever order is at hand.
_some = sa.select(*_aged.c).limit(COUNTED).subquery("some")
AWAITING = Question(
    _aged.name,
    sa.select(*_some.c, sa.func.count().label("files")).group_by(_some.c.SIDBStoreId, _some.c.FailureErrorCode),
)

# Only the names of the columns of the pruning log: the vendor does not publish them. Free: no row is read.
LOG_COLUMNS = Question(_pruned.name, sa.select(sa.text("*")).select_from(_pruned).where(sa.false()), "HistoryDB")


def newest_pruned(column: str) -> Question:
    """When the pruning log was last written to, by store. One pass over the log, ended by the timeout if it is long."""
    newest: sa.Label[Any] = sa.func.max(sa.column(column)).label("newest")
    return Question(
        _pruned.name,
        sa.select(_pruned.c.SIDBStoreId, newest).select_from(_pruned).group_by(_pruned.c.SIDBStoreId),
        "HistoryDB",
    )


ALWAYS = (USAGE, STORES, PARTITIONS, SWEEPS, AWAITING)
"""What every poll asks; the pruning log, in a database of its own, only where it can be read."""
