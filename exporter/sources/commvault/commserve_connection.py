"""The connection to the CommServe database: which questions it answers, and what is wrong where it does not.

Read-only by what is asked (selects.py and nothing else) and how: it announces that it only reads, reads uncommitted
rows, so that it never waits for the CommServe nor makes it wait, and gives up each statement after a timeout.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from exporter.errors import ConfigError, EbbtideError, SourceError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.settings import Secret
from exporter.sources.commvault import selects
from exporter.sources.commvault.fields import Row
from exporter.sources.commvault.selects import Question

log = logging.getLogger(__name__)

Answers = Mapping[str, Sequence[Row]]

# The columns of the pruning log are not published: the first of these that is there is taken for its time.
_LOG_TIMES = ("prunedtime", "prunetime", "prunedate", "modifiedtime", "createdtime", "createtime", "logtime", "time")

# Numbers of SQL Server's messages, and states of PostgreSQL, which stands in for it; it tells none about a login.
_LOGIN_REFUSED = {911, 916, 4060, 18452, 18456, 18470, 18486, 18487, 18488}
_DENIED = {229, 230, 916, "42501"}
_MISSING = {207, 208, 911, "3F000", "42703", "42P01"}
# FreeTDS ends the connection with a statement that takes too long.
_TIMED_OUT = {20003, 20047, "57014"}


class CommServeDatabase:
    """Asks the CommServe database. `url` is read anew for each poll and appears in no message.

    timeout: seconds, for the login and for each statement; row_limit: more rows than that in an answer are an error.
    """

    def __init__(self, url: Secret, *, timeout: float = 30.0, row_limit: int = 100_000) -> None:
        self._url = url
        self._timeout = timeout
        self._row_limit = row_limit
        self._said: set[str] = set()

    def answers(self) -> Answers:
        """The rows by table, without those that may not or cannot be read.

        Raises SourceRefused, SourceUnreachable or SourceGarbled when there is no connection or none can be read.
        """
        answers: dict[str, Sequence[Row]] = {}
        failures: list[SourceError] = []
        with self._connection() as connection:
            for question in selects.ALWAYS:
                try:
                    answers[question.table] = self._ask(connection, question)
                except SourceError as failure:
                    failures.append(failure)
            if not answers:
                worst = min(failures, key=lambda f: (SourceRefused, SourceUnreachable, SourceGarbled).index(type(f)))
                raise type(worst)("; ".join(dict.fromkeys(map(str, failures))))
            try:
                answers[selects.LOG_COLUMNS.table] = self._pruning_log(connection)
            except SourceError as failure:
                failures.append(failure)
        self._say_once([str(failure) for failure in failures])
        return answers

    def _pruning_log(self, connection: sa.Connection) -> Sequence[Row]:
        names, _ = self._read(connection, selects.LOG_COLUMNS)
        columns = {name.lower(): name for name in names}
        time = next((columns[known] for known in _LOG_TIMES if known in columns), None)
        if time is None:
            raise SourceGarbled(f"{selects.LOG_COLUMNS.full_name}: no known column is its time: {', '.join(names)}")
        return self._ask(connection, selects.newest_pruned(time))

    def _ask(self, connection: sa.Connection, question: Question) -> Sequence[Row]:
        _, rows = self._read(connection, question)
        if len(rows) > self._row_limit:
            raise SourceGarbled(f"{question.full_name}: more than {self._row_limit} rows; raise row_limit")
        return rows

    def _read(self, connection: sa.Connection, question: Question) -> tuple[list[str], Sequence[Row]]:
        try:
            result = connection.execute(question.statement.limit(self._row_limit + 1))
            return list(result.keys()), [dict(row) for row in result.mappings()]
        except sa.exc.DBAPIError as error:
            # What SQLAlchemy and the drivers say holds statements, hosts and users: none of it is repeated.
            failure = self._failure(question, _code(error))
        connection.rollback()
        raise failure

    def _failure(self, question: Question, code: int | str | None) -> SourceError:
        if code in _DENIED:
            grant = f"USE {question.database or 'CommServ'}; GRANT SELECT ON dbo.{question.table}"
            return SourceRefused(f"{question.full_name}: may not be read; {grant} TO the account")
        if code in _MISSING:
            return SourceGarbled(f"{question.full_name}: it, or a column of it, is not in this database")
        if code in _TIMED_OUT:
            return SourceUnreachable(f"{question.full_name}: no answer within {self._timeout:g} s, or cut off")
        return SourceUnreachable(f"{question.full_name}: cannot be read ({code})")

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        engine = self._engine()
        try:
            try:
                connection = engine.connect()
            except sa.exc.DBAPIError as error:
                failure: EbbtideError = self._no_login(_code(error))
            except (TypeError, ValueError):
                # A parameter behind the ? that the driver does not know, a password that is no text.
                failure = ConfigError("database url: it holds something that the driver does not take")
            else:
                with connection:
                    yield connection
                return
            raise failure
        finally:
            engine.dispose()

    def _no_login(self, code: int | str | None) -> SourceError:
        if code in _LOGIN_REFUSED:
            return SourceRefused(f"the CommServe database refuses the login or its database ({code})")
        return SourceUnreachable(f"the CommServe database cannot be reached ({code or 'no reason given'})")

    def _engine(self) -> sa.Engine:
        try:
            url = sa.make_url(self._url.read())
            driver = url.drivername
            if "@" in (url.host or ""):
                raise ConfigError("database url: an @ in a password is written %40")
            engine = sa.create_engine(
                url,
                poolclass=NullPool,
                isolation_level="READ UNCOMMITTED",
                hide_parameters=True,
                connect_args=self._connect_args(driver),
            )
        except (sa.exc.ArgumentError, ValueError):
            # Their messages hold the URL or parts of it.
            raise ConfigError("database url: not like mssql+pymssql://user:password@host:1433/CommServ") from None
        except ImportError:
            raise ConfigError(
                f"database url: the driver of {driver} is missing: pip install 'ebbtide[commserve-database]'"
            ) from None
        return engine

    def _connect_args(self, driver: str) -> dict[str, Any]:
        seconds = math.ceil(self._timeout)
        if driver == "mssql+pymssql":
            # read_only is ApplicationIntent=ReadOnly: a readable secondary may answer.
            return {"login_timeout": seconds, "timeout": seconds, "read_only": True, "appname": "ebbtide"}
        if driver == "postgresql+psycopg":
            options = f"-c statement_timeout={math.ceil(self._timeout * 1000)} -c default_transaction_read_only=on"
            return {"connect_timeout": seconds, "options": options, "application_name": "ebbtide"}
        raise ConfigError("database url: it must begin with mssql+pymssql://, for a copy with postgresql+psycopg://")

    def _say_once(self, failures: Sequence[str]) -> None:
        for failure in failures:
            if failure not in self._said:
                log.warning("CommServe database: %s", failure)
        self._said = set(failures)


def _code(error: sa.exc.DBAPIError) -> int | str | None:
    """The number of SQL Server's message or PostgreSQL's state; None where the driver tells none."""
    state: str | None = getattr(error.orig, "sqlstate", None)
    first = next(iter(error.orig.args), None) if error.orig else None
    # pymssql nests it when the connection fails.
    number = first[0] if isinstance(first, tuple) else first
    return state or (number if isinstance(number, int) else None)
