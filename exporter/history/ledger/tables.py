"""The tables of the ledger, and how one that an earlier version wrote becomes one of today."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()


def _of_sources(name: str, *rest: sa.schema.SchemaItem, sqlite_with_rowid: bool = True) -> sa.Table:
    """A table in which each row belongs to a source."""
    source = sa.Column("source", sa.Text, primary_key=True)
    return sa.Table(name, metadata, source, *rest, sqlite_with_rowid=sqlite_with_rowid)


memory = _of_sources(
    "ebbtide_memory",
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
jobs = _of_sources(
    "ebbtide_jobs",
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False, server_default=""),
    sa.Column("subclient", sa.Text, nullable=False),
    sa.Column("policy_id", sa.Text, nullable=False),
    sa.Column("application_bytes", sa.Double),
    sa.Column("media_bytes", sa.Double),
    sa.Column("aged", sa.SmallInteger),
    sa.Column("retained_until", sa.Double),
    sa.Index("ebbtide_jobs_ended", "source", "ended_at"),
    # All that counting an operation needs: no row is looked at.
    sa.Index("ebbtide_jobs_outcome", "source", "operation", "result", "ended_at"),
    sqlite_with_rowid=False,
)
# Runs ever stored, which deleting old ones does not lower.
totals = _of_sources(
    "ebbtide_job_totals",
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("result", sa.Text, primary_key=True),
    sa.Column("jobs", sa.BigInteger, nullable=False),
)
versions = _of_sources(
    "ebbtide_versions",
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.Double, primary_key=True),
    sa.Column("value", sa.Text),
)
# What sessions of Veeam jobs stored. job_key: the job's id, else its name.
reductions = sa.Table(
    "ebbtide_reductions",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("job_key", sa.Text, primary_key=True),
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Column("job_id", sa.Text, nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("is_full", sa.SmallInteger, nullable=False),
    sa.Column("data_bytes", sa.Double, nullable=False),
    sa.Column("stored_bytes", sa.Double, nullable=False),
    sa.Column("dedup_ratio", sa.Double, nullable=False),
    sa.Column("compression_ratio", sa.Double, nullable=False),
    sa.Index("ebbtide_reductions_at", "source", "at"),
    sqlite_with_rowid=False,
)


def prepare(connection: sa.Connection) -> None:
    """Make what is missing. Each step may have been the last of an earlier try that broke off."""
    metadata.create_all(connection)
    existing = {column["name"] for column in sa.inspect(connection).get_columns(jobs.name)}
    for column in jobs.c:
        if column.name not in existing:
            definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {jobs.name} ADD COLUMN {definition}")
    for index in jobs.indexes:
        index.create(connection, checkfirst=True)
    if connection.scalar(sa.select(sa.literal(1)).select_from(totals).limit(1)) is None:
        outcome = (jobs.c.source, jobs.c.operation, jobs.c.result)
        counted = sa.select(*outcome, sa.func.count()).group_by(*outcome)
        connection.execute(sa.insert(totals).from_select(list(totals.c.keys()), counted))
