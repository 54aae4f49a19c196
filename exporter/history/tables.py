"""The tables of the SQL store, and how one that an earlier version wrote becomes one of today.

1: series and samples. 2: days; samples without an index of their time, which doubled their size.
"""

from __future__ import annotations

import sqlalchemy as sa

from exporter.errors import HistoryError

SCHEMA_VERSION = 2

metadata = sa.MetaData()

version = sa.Table("ebbtide_history_version", metadata, sa.Column("version", sa.Integer, primary_key=True))
series = sa.Table(
    "ebbtide_series",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("labels", sa.Text, nullable=False),
    sa.UniqueConstraint("name", "labels"),
)
samples = sa.Table(
    "ebbtide_samples",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Double, nullable=False),
    sqlite_with_rowid=False,
)
# Days of older samples, packed (see days.py).
blocks = sa.Table(
    "ebbtide_days",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("block", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("days", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
# How often series were dropped: who remembers ids of series must forget them when this number changes.
dropped = sa.Table("ebbtide_series_dropped", metadata, sa.Column("times", sa.BigInteger, primary_key=True))


def prepare(connection: sa.Connection, shown: str) -> None:
    """Make what is missing. Raises HistoryError for a store of a newer version, and leaves that alone."""
    found = None
    if sa.inspect(connection).has_table(version.name):
        found = connection.scalar(sa.select(sa.func.max(version.c.version)))
    if found == SCHEMA_VERSION:
        return
    if found is not None and found > SCHEMA_VERSION:
        raise HistoryError(f"history {shown}: written by a newer version of ebbtide (schema {found})")
    metadata.create_all(connection)
    connection.exec_driver_sql("DROP INDEX IF EXISTS ebbtide_samples_at")
    if connection.scalar(sa.select(dropped.c.times)) is None:
        connection.execute(sa.insert(dropped).values(times=0))
    connection.execute(sa.insert(version).values(version=SCHEMA_VERSION))
