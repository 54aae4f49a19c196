"""The tables of the CommServe database that are read, as large as a test needs, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

_NUMBERS = ("ZeroRefCount", "DataSizeToPrune", "PrimaryEntries", "SecondaryEntries", "SizeOccupied")

metadata = sa.MetaData()
usage = sa.Table(
    "IdxSIDBUsageHistory",
    metadata,
    sa.Column("SIDBStoreId", sa.Integer),
    sa.Column("SubStoreId", sa.Integer),
    sa.Column("HistoryType", sa.Integer),
    sa.Column("ModifiedTime", sa.BigInteger),
    *(sa.Column(name, sa.BigInteger) for name in _NUMBERS),
    sa.Column("AvgQITime", sa.BigInteger),
    sa.Column("AvgQITimeSampleCount", sa.BigInteger),
)
stores = sa.Table(
    "IdxSIDBStore", metadata, sa.Column("SIDBStoreId", sa.Integer), sa.Column("SIDBStoreName", sa.String(144))
)
partitions = sa.Table(
    "IdxSIDBSubStore", metadata, sa.Column("SubStoreId", sa.Integer), sa.Column("SIDBStoreId", sa.Integer)
)
properties = sa.Table(
    "MMEntityProp",
    metadata,
    sa.Column("EntityId", sa.Integer),
    sa.Column("propertyName", sa.String(255)),
    sa.Column("longlongVal", sa.BigInteger),
)
aged = sa.Table(
    "MMDeletedAF",
    metadata,
    sa.Column("archFileId", sa.BigInteger),
    sa.Column("SIDBStoreId", sa.Integer),
    sa.Column("FailureErrorCode", sa.Integer),
)
# What SQL Server calls another database is a schema here, of the same spelling.
pruned = sa.Table(
    "MMDeletedAFPruningLogs",
    metadata,
    sa.Column("archFileId", sa.BigInteger),
    sa.Column("SIDBStoreId", sa.Integer),
    sa.Column("PrunedTime", sa.BigInteger),
    schema="HistoryDB.dbo",
)


def usage_row(store: int, partition: int, modified: int, /, **changed: Any) -> dict[str, Any]:
    usual = dict.fromkeys(_NUMBERS, 100) | {"HistoryType": 0, "AvgQITime": 450, "AvgQITimeSampleCount": 9}
    return {"SIDBStoreId": store, "SubStoreId": partition, "ModifiedTime": modified} | usual | changed


def fill(engine: sa.Engine, rows: Mapping[sa.Table, Sequence[Mapping[str, Any]]]) -> None:
    """Create all tables, with these rows."""
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("HistoryDB.dbo"))
        metadata.create_all(connection)
        for table, content in rows.items():
            connection.execute(sa.insert(table), list(content))
