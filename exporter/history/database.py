"""What SQL needs here whatever is stored: engines, transactions, errors in one line without secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import QueuePool

from exporter.errors import HistoryError

# Any number that nobody else uses as an advisory lock in the same database.
_LOCK = 7_231_904_411


def engine_for(url: str) -> sa.Engine:
    """An engine with the pragmas and pool that a long-running process wants. Raises HistoryError."""
    try:
        parsed = sa.make_url(url)
        if "@" in (parsed.host or ""):
            raise HistoryError("the URL of the store: an @ in a password is written %40")
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(parsed, pool_pre_ping=True)
        if parsed.database in (None, "", ":memory:"):
            # The one connection that is the database, lent to one thread at a time: a reader that gives it back
            # would otherwise roll back what a writer has not yet committed.
            engine = sa.create_engine(
                parsed, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args={"check_same_thread": False}
            )
        else:
            engine = sa.create_engine(parsed, connect_args={"timeout": 30})
    except ValueError:
        # Its message holds what stands where the port should, which may be the password.
        raise HistoryError("the URL of the store: its port is not a number") from None
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise HistoryError(f"{shown(url)}: {type(error).__name__}: {str(error).splitlines()[0]}") from None

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        # WAL with synchronous=NORMAL loses nothing committed when the process is killed.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "journal_size_limit=67108864"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def shown(url: str) -> str:
    """The URL without its password and its query, where there may be one too."""
    try:
        return sa.make_url(url).set(query={}).render_as_string(hide_password=True)
    except (sa.exc.ArgumentError, ValueError):
        return "the URL of the store"


@contextmanager
def store_errors(what: str) -> Iterator[None]:
    """SQLAlchemy's errors as HistoryError, in one line and without the statement and its parameters."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise HistoryError(f"{what}: {str(error.orig).splitlines()[0]}") from error
    except sa.exc.SQLAlchemyError as error:
        raise HistoryError(f"{what}: {type(error).__name__}") from error
    except (UnicodeError, OverflowError) as error:
        raise HistoryError(f"{what}: a text or number that the database cannot hold") from error


@contextmanager
def alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction beside which no other process writes: what it reads stays true until it ends."""
    with engine.begin() as connection:
        one_writer = f"SELECT pg_advisory_xact_lock({_LOCK})" if _is_postgresql(engine) else "BEGIN IMMEDIATE"
        connection.exec_driver_sql(one_writer)
        yield connection


@contextmanager
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection all of whose queries see the same moment."""
    with engine.connect() as connection:
        if _is_postgresql(engine):
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        else:
            connection.exec_driver_sql("BEGIN")
        yield connection


def size_bytes(connection: sa.Connection, tables: Iterable[str]) -> int:
    """What the database takes on disk: of SQLite the whole file, of PostgreSQL these tables with their indexes."""
    if _is_postgresql(connection.engine):
        return sum(connection.scalar(sa.select(sa.func.pg_total_relation_size(table))) or 0 for table in tables)
    pages, size = (connection.exec_driver_sql(f"PRAGMA page_{what}").scalar_one() for what in ("count", "size"))
    return int(pages * size)


def insert_new(engine: sa.Engine, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """INSERT that leaves a row alone which is there already."""
    return _insert(engine, table).on_conflict_do_nothing()


def upsert(
    engine: sa.Engine, table: sa.Table, changes: Callable[[sa.ColumnCollection[str, Any]], Mapping[str, Any]]
) -> postgresql.Insert | sqlite.Insert:
    """INSERT that makes `changes(new row)` to a row which is there already."""
    insert = _insert(engine, table)
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes(insert.excluded))


def _insert(engine: sa.Engine, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if _is_postgresql(engine) else sqlite.insert(table)


def _is_postgresql(engine: sa.Engine) -> bool:
    return engine.dialect.name == "postgresql"
