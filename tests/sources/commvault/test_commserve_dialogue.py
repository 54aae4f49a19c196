"""What a SQL Server hears, and how its refusals are understood: over the wire, with the driver that is installed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.dialects import mssql

from exporter.errors import ConfigError, SourceRefused, SourceUnreachable
from exporter.settings import Secret
from exporter.sources.commvault import selects
from exporter.sources.commvault.commserve_connection import CommServeDatabase
from exporter.sources.commvault.commserve_database import parse
from tests.sources.commvault.tds import Refusal, Table, serving

PASSWORD = "Corr3ct-hörse"
DOCUMENT = Path(__file__).parents[3] / "docs" / "commserve-database.md"
# What SQLAlchemy itself asks a SQL Server when it connects.
_GREETINGS = ("@@version", "schema_name()", "system_views", "test max support", "fn_listextendedproperty")
_USAGE = ("SubStoreId", "SIDBStoreId", "ModifiedTime", "ZeroRefCount", "DataSizeToPrune")


def tsql(question: selects.Question) -> str:
    return " ".join(
        str(
            question.statement.limit(100_001).compile(dialect=mssql.dialect(), compile_kwargs={"literal_binds": True})
        ).split()
    )


def commserve(text: str) -> Table | None:
    """A CommServe with one store, whose answers are in no way computed from the question."""
    if not text.upper().startswith("SELECT"):
        return None
    if "@@version" in text:
        return Table(["v"], [["Microsoft SQL Server 2022 (RTM) - 16.0.1000.6 (X64)"]])
    if "[IdxSIDBUsageHistory]" in text:
        return Table(_USAGE, [[120, 60, 1773576000, 70, None], [121, 60, 1773576000, 2**40, 5]])
    if "[IdxSIDBStore]" in text:
        return Table(["SIDBStoreId", "SIDBStoreName"], [[60, "Köln_60"]])
    if "[MMDeletedAF]" in text:
        return Table(["SIDBStoreId", "FailureErrorCode", "files"], [[60, 65128, 12]])
    if "WHERE 0 = 1" in text:
        return Table(["archFileId", "SIDBStoreId", "PrunedTime"])
    if "[PrunedTime]" in text:
        return Table(["SIDBStoreId", "newest"], [[60, 1773575000]])
    return Table(["SubStoreId", "SIDBStoreId"] if "[IdxSIDBSubStore]" in text else ["EntityId", "longlongVal"])


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], CommServeDatabase]:
    def at(port: int) -> CommServeDatabase:
        monkeypatch.setenv("CS_URL", f"mssql+pymssql://ebb:{PASSWORD}@127.0.0.1:{port}/CommServ")
        return CommServeDatabase(Secret(env="CS_URL"), timeout=5)

    return at


def test_a_sql_server_hears_the_reviewed_statements_and_no_others(database: Callable[[int], CommServeDatabase]) -> None:
    with serving(commserve) as (port, heard):
        found = parse(database(port).answers())
    batches = [" ".join(batch.split()) for batch in heard.batches]
    asked = [b for b in batches if b.upper().startswith("SELECT") and not any(words in b for words in _GREETINGS)]
    reviewed = (*selects.ALWAYS, selects.LOG_COLUMNS, selects.newest_pruned("PrunedTime"))
    assert asked == [tsql(question) for question in reviewed]
    session = {b for b in batches if not b.upper().startswith("SELECT") and not b.startswith("SET ARITHABORT")}
    assert session == {
        "use [CommServ]",
        "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
        "BEGIN TRAN",
        "ROLLBACK TRAN",
    }
    assert batches.index("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED") < batches.index(asked[0])
    assert (heard.read_only, heard.application) == ([True], ["ebbtide"])
    assert found.awaiting_pruning == {("60", "65128"): 12}
    assert found.last_pruned_at == {"60": 1773575000}
    assert [store.name for store in found.stores] == ["Köln_60"]


def test_a_wrong_password_is_a_refusal_that_repeats_nothing(
    database: Callable[[int], CommServeDatabase], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refusal = Refusal(18456, f"Login failed for user 'ebb' with {PASSWORD}.")
    with serving(commserve, refuse=refusal) as (port, _), pytest.raises(SourceRefused) as refused:
        database(port).answers()
    assert str(refused.value) == "the CommServe database refuses the login or its database (18456)"
    chain = [refused.value, refused.value.__cause__, refused.value.__context__]
    assert not any(PASSWORD in str(error) for error in chain)
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (229, "MMDeletedAF: may not be read; USE CommServ; GRANT SELECT ON dbo.MMDeletedAF TO the account"),
        (208, "MMDeletedAF: it, or a column of it, is not in this database"),
        (1205, "MMDeletedAF: cannot be read (1205)"),
    ],
)
def test_a_refused_statement_leaves_the_others_answered(
    number: int, said: str, database: Callable[[int], CommServeDatabase], caplog: pytest.LogCaptureFixture
) -> None:
    def answer(text: str) -> Table | None:
        if "[MMDeletedAF]" in text:
            raise Refusal(number, "whatever it says about 'ebb'")
        return commserve(text)

    with serving(answer) as (port, _):
        answers = database(port).answers()
    assert set(answers) == {
        "IdxSIDBUsageHistory",
        "IdxSIDBStore",
        "IdxSIDBSubStore",
        "MMEntityProp",
        "MMDeletedAFPruningLogs",
    }
    assert [record.getMessage() for record in caplog.records] == [f"CommServe database: {said}"]


def test_a_connection_that_is_lost_is_made_anew_for_the_other_statements(
    database: Callable[[int], CommServeDatabase],
) -> None:
    def answer(text: str) -> Table | None:
        if "[MMEntityProp]" in text:
            raise ConnectionAbortedError
        return commserve(text)

    with serving(answer) as (port, heard):
        answers = database(port).answers()
    assert "MMEntityProp" not in answers
    assert answers["MMDeletedAF"]
    assert heard.read_only == [True, True]


def test_a_parameter_that_the_driver_does_not_know_is_an_error_of_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CS_URL", f"mssql+pymssql://ebb:{PASSWORD}@127.0.0.1:1/CommServ?colour=blue")
    with pytest.raises(ConfigError, match="it holds something that the driver does not take") as wrong:
        CommServeDatabase(Secret(env="CS_URL")).answers()
    assert wrong.value.__context__ is None


def test_an_unknown_error_of_every_statement_makes_the_database_unreachable(
    database: Callable[[int], CommServeDatabase],
) -> None:
    def answer(text: str) -> Table | None:
        if text.startswith("SELECT TOP"):
            raise Refusal(1222, "Lock request time out period exceeded.")
        return commserve(text)

    with serving(answer) as (port, _), pytest.raises(SourceUnreachable, match=r"MMEntityProp: cannot be read \(1222\)"):
        database(port).answers()


def test_the_document_shows_each_statement_as_a_sql_server_gets_it() -> None:
    blocks = [
        " ".join(block.split()) for block in re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    ]
    reviewed = (*selects.ALWAYS, selects.LOG_COLUMNS, selects.newest_pruned("PrunedTime"))
    assert [block for block in blocks if block.startswith("SELECT")] == [tsql(question) for question in reviewed]
    granted = "".join(block for block in blocks if not block.startswith("SELECT"))
    assert all(f"GRANT SELECT ON dbo.{question.table} TO" in granted for question in reviewed)
