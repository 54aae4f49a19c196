"""On a real PostgreSQL that has the tables of the CommServe; test_commserve_dialogue.py has the T-SQL."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from exporter.errors import ConfigError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.model import Poll
from exporter.settings import Secret
from exporter.sources.commvault.commserve_connection import CommServeDatabase
from exporter.sources.commvault.commserve_database import fetch, parse
from tests.history.conftest import database, postgresql  # noqa: F401
from tests.servers import free_port, wait_until
from tests.sources.commvault import commserv_tables as t

PASSWORD = "Corr3ct-hörse"
AT = 1773576000


@pytest.fixture
def commserv(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """The database, empty, for whoever fills it."""
    engine = sa.create_engine(request.getfixturevalue("database"))
    yield engine
    engine.dispose()


@pytest.fixture
def reader(commserv: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CommServeDatabase]:
    """Reads it with an account of its own that may log in and nothing else."""
    role = f"reader_{commserv.url.database}"
    with commserv.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
    monkeypatch.setenv("CS_URL", commserv.url.set(username=role).render_as_string(hide_password=False))
    return lambda **settings: CommServeDatabase(Secret(env="CS_URL"), **settings)


@pytest.fixture
def grant(commserv: sa.Engine) -> Callable[..., None]:
    def grant(*tables: sa.Table) -> None:
        role = f"reader_{commserv.url.database}"
        with commserv.begin() as connection:
            connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA "HistoryDB.dbo" TO {role}')
            for table in tables or tuple(t.metadata.tables.values()):
                name = f'"{table.schema}"."{table.name}"' if table.schema else f'"{table.name}"'
                connection.exec_driver_sql(f"GRANT SELECT ON {name} TO {role}")

    return grant


@pytest.mark.server
def test_a_store_is_the_newest_current_row_of_each_of_its_partitions_summed(
    commserv: sa.Engine, reader: Callable[..., CommServeDatabase], grant: Callable[..., None], poll: Callable[..., Poll]
) -> None:
    t.fill(
        commserv,
        {
            t.usage: [
                t.usage_row(60, 120, AT - 7200, ZeroRefCount=999),
                t.usage_row(60, 120, AT - 60, ZeroRefCount=70, AvgQITime=450),
                # Equal to the row above but for the partition: it counts as well.
                t.usage_row(60, 121, AT - 60, ZeroRefCount=70, AvgQITime=1900),
                # Daily history, newer than all.
                t.usage_row(60, 121, AT, ZeroRefCount=5, HistoryType=2),
                # A partition that was removed, and a store that was.
                t.usage_row(60, 99, AT - 60, ZeroRefCount=1000),
                t.usage_row(12, 20, AT - 60, ZeroRefCount=1000),
            ],
            t.stores: [{"SIDBStoreId": 60, "SIDBStoreName": "A_60\u00a0"}, {"SIDBStoreId": 7, "SIDBStoreName": None}],
            t.partitions: [{"SubStoreId": 120, "SIDBStoreId": 60}, {"SubStoreId": 121, "SIDBStoreId": 60}],
            t.properties: [
                {"EntityId": 120, "propertyName": "DDBMSRunTime", "longlongVal": AT - 86400},
                {"EntityId": 121, "propertyName": "DDBMSRunTime", "longlongVal": AT - 172800},
                {"EntityId": 121, "propertyName": "AnotherOne", "longlongVal": 1},
            ],
            t.aged: [
                {"SIDBStoreId": 60, "FailureErrorCode": 65128},
                {"SIDBStoreId": 60, "FailureErrorCode": 65128},
                {"SIDBStoreId": 60, "FailureErrorCode": 0},
                {"SIDBStoreId": 60, "FailureErrorCode": None},
                {"SIDBStoreId": 0, "FailureErrorCode": 0},
            ],
            t.pruned: [
                {"SIDBStoreId": 60, "PrunedTime": AT - 300},
                {"SIDBStoreId": 60, "PrunedTime": AT - 900},
                {"SIDBStoreId": 7, "PrunedTime": None},
            ],
        },
    )
    grant()
    found = fetch(reader(), poll())
    bare, store = found.stores
    assert (bare.store_id, bare.name, bare.pending_deletes, bare.last_mark_and_sweep_at) == ("7", "", None, None)
    assert (store.store_id, store.name) == ("60", "A_60")
    assert (store.pending_deletes, store.bytes_to_prune, store.size_bytes) == (140, 200, 200)
    assert (store.primary_entries, store.secondary_entries) == (200, 200)
    assert store.lookup_seconds == pytest.approx(0.0019)
    assert store.last_mark_and_sweep_at == AT - 172800
    assert found.awaiting_pruning == {("60", "65128"): 2, ("60", "0"): 2, ("0", "0"): 1}
    assert found.last_pruned_at == {"60": AT - 300}


@pytest.mark.server
def test_a_table_that_may_not_be_read_is_absent_and_said_once_with_its_grant(
    commserv: sa.Engine,
    reader: Callable[..., CommServeDatabase],
    grant: Callable[..., None],
    poll: Callable[..., Poll],
    caplog: pytest.LogCaptureFixture,
) -> None:
    t.fill(commserv, {t.usage: [t.usage_row(60, 120, AT, ZeroRefCount=70)]})
    grant(t.usage)
    with commserv.begin() as connection:
        t.stores.drop(connection)
    one = reader()
    caplog.set_level(logging.WARNING)
    found = [fetch(one, poll()) for _ in range(2)][1]
    assert [(s.store_id, s.name, s.pending_deletes) for s in found.stores] == [("60", "", 70)]
    assert found.awaiting_pruning == {}
    assert [record.getMessage().removeprefix("CommServe database: ") for record in caplog.records] == [
        "IdxSIDBStore: it, or a column of it, is not in this database",
        "IdxSIDBSubStore: may not be read; USE CommServ; GRANT SELECT ON dbo.IdxSIDBSubStore TO the account",
        "MMEntityProp: may not be read; USE CommServ; GRANT SELECT ON dbo.MMEntityProp TO the account",
        "MMDeletedAF: may not be read; USE CommServ; GRANT SELECT ON dbo.MMDeletedAF TO the account",
        "HistoryDB.dbo.MMDeletedAFPruningLogs: may not be read; "
        "USE HistoryDB; GRANT SELECT ON dbo.MMDeletedAFPruningLogs TO the account",
    ]


@pytest.mark.server
def test_a_pruning_log_whose_time_nobody_knows_is_absent_and_its_columns_are_told(
    commserv: sa.Engine,
    reader: Callable[..., CommServeDatabase],
    grant: Callable[..., None],
    poll: Callable[..., Poll],
    caplog: pytest.LogCaptureFixture,
) -> None:
    t.fill(commserv, {})
    grant()
    with commserv.begin() as connection:
        connection.exec_driver_sql('ALTER TABLE "HistoryDB.dbo"."MMDeletedAFPruningLogs" RENAME "PrunedTime" TO "Wann"')
    assert fetch(reader(), poll()).last_pruned_at == {}
    assert "no known column is its time: archFileId, SIDBStoreId, Wann" in caplog.text


@pytest.mark.server
def test_an_account_that_may_read_nothing_is_refused_and_told_every_grant(
    commserv: sa.Engine, reader: Callable[..., CommServeDatabase]
) -> None:
    t.fill(commserv, {})
    with pytest.raises(SourceRefused) as refused:
        reader().answers()
    assert str(refused.value).count("GRANT SELECT ON dbo.") == 5


@pytest.mark.server
def test_a_database_without_any_of_the_tables_is_not_the_commserves(reader: Callable[..., CommServeDatabase]) -> None:
    with pytest.raises(SourceGarbled, match="IdxSIDBUsageHistory: it, or a column of it, is not in this database"):
        reader().answers()


@pytest.mark.server
def test_more_rows_than_the_limit_are_an_error_and_not_half_a_store(
    commserv: sa.Engine, reader: Callable[..., CommServeDatabase], grant: Callable[..., None], caplog: Any
) -> None:
    t.fill(commserv, {t.usage: [t.usage_row(60, partition, AT) for partition in range(3)]})
    grant()
    answers = reader(row_limit=2).answers()
    assert "IdxSIDBUsageHistory" not in answers
    assert "IdxSIDBUsageHistory: more than 2 rows; raise row_limit" in caplog.text


@pytest.mark.server
def test_a_statement_that_takes_too_long_is_given_up_and_the_others_are_answered(
    commserv: sa.Engine, reader: Callable[..., CommServeDatabase], grant: Callable[..., None], caplog: Any
) -> None:
    t.fill(commserv, {})
    grant()
    with commserv.begin() as connection:
        connection.exec_driver_sql('LOCK TABLE "IdxSIDBStore" IN ACCESS EXCLUSIVE MODE')
        answers = reader(timeout=0.25).answers()
    assert "IdxSIDBUsageHistory" in answers
    assert "IdxSIDBStore" not in answers
    assert "IdxSIDBStore: no answer within 0.25 s, or cut off" in caplog.text


@pytest.mark.server
def test_the_session_cannot_write_and_leaves_no_connection_behind(
    commserv: sa.Engine, reader: Callable[..., CommServeDatabase], grant: Callable[..., None]
) -> None:
    t.fill(commserv, {})
    grant()
    one = reader()
    with one._connection() as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {s}").scalar() for s in ("transaction_read_only", "application_name")
        ]
    one.answers()
    assert shown == ["on", "ebbtide"]

    def left() -> object:
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'reader_%%'"
        with commserv.connect() as connection:
            return connection.exec_driver_sql(query).scalar()

    wait_until(lambda: left() == 0, "the server sees the connections end", 10)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"mssql+pymssql://ebb:{PASSWORD}@cs01.example.com:x/CommServ", "not like mssql"),
        (f"{PASSWORD}", "not like mssql"),
        (f"nonsense://ebb:{PASSWORD}@cs01.example.com/CommServ", "it must begin with mssql"),
        (f"mssql+pyodbc://ebb:{PASSWORD}@cs01.example.com/CommServ", "it must begin with mssql"),
        (f"mssql+pymssql://ebb:a@{PASSWORD}@cs01.example.com/CommServ", "written %40"),
    ],
)
def test_a_wrong_url_is_an_error_of_the_config_that_does_not_show_it(
    url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CS_URL", url)
    with pytest.raises(ConfigError, match=said) as wrong:
        CommServeDatabase(Secret(env="CS_URL")).answers()
    assert PASSWORD not in str(wrong.value)
    assert wrong.value.__cause__ is None


def test_a_driver_that_is_not_installed_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pymssql", None)
    monkeypatch.setenv("CS_URL", f"mssql+pymssql://ebb:{PASSWORD}@cs01.example.com:1433/CommServ")
    with pytest.raises(ConfigError, match=r"pip install 'ebbtide\[commserve-database\]'"):
        CommServeDatabase(Secret(env="CS_URL")).answers()


@pytest.mark.parametrize("driver", ["mssql+pymssql", "postgresql+psycopg"])
def test_a_server_that_is_away_is_unreachable(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CS_URL", f"{driver}://ebb:{PASSWORD}@127.0.0.1:{free_port()}/CommServ")
    with pytest.raises(SourceUnreachable, match="cannot be reached") as away:
        CommServeDatabase(Secret(env="CS_URL"), timeout=1).answers()
    assert PASSWORD not in str(away.value)


def test_numbers_may_come_as_text_and_as_decimals() -> None:
    row = {key: str(value) for key, value in t.usage_row(60, 120, AT).items()}
    found = parse(
        {
            "IdxSIDBUsageHistory": [row | {"ZeroRefCount": Decimal(7), "DataSizeToPrune": Decimal("0.5")}],
            "MMDeletedAF": [{"SIDBStoreId": "60", "FailureErrorCode": " 65128", "files": "3"}],
            "MMDeletedAFPruningLogs": [
                {"SIDBStoreId": 60, "newest": datetime(2026, 3, 15, 12)},  # noqa: DTZ001
                {"SIDBStoreId": 61, "newest": datetime(2026, 3, 15, 12, tzinfo=UTC)},
                {"SIDBStoreId": None, "newest": 5},
            ],
        }
    )
    [store] = found.stores
    assert (store.pending_deletes, store.bytes_to_prune, store.primary_entries) == (7, 0.5, 100)
    assert found.awaiting_pruning == {("60", "65128"): 3}
    assert found.last_pruned_at == {"60": 1773576000, "61": 1773576000}


def test_a_store_with_one_unknown_partition_is_unknown() -> None:
    rows = [t.usage_row(60, 120, AT), t.usage_row(60, 121, AT, ZeroRefCount=None, AvgQITime=9, AvgQITimeSampleCount=0)]
    [store] = parse({"IdxSIDBUsageHistory": rows, "MMEntityProp": [{"EntityId": 120, "longlongVal": AT}]}).stores
    assert (store.pending_deletes, store.bytes_to_prune) == (None, 200)
    assert store.last_mark_and_sweep_at is None
    partitions = [{"SubStoreId": 120, "SIDBStoreId": 60}, {"SubStoreId": 121, "SIDBStoreId": 60}]
    [silent] = parse({"IdxSIDBUsageHistory": rows[:1], "IdxSIDBSubStore": partitions}).stores
    assert (silent.pending_deletes, silent.bytes_to_prune) == (None, None)
    # No lookups were measured in the second.
    assert store.lookup_seconds == pytest.approx(0.00045)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            {"IdxSIDBUsageHistory": [t.usage_row(60, 120, AT, ZeroRefCount="viele")]},
            "IdxSIDBUsageHistory: .*ZeroRefCount",
        ),
        ({"IdxSIDBUsageHistory": [{"SubStoreId": 1}]}, "IdxSIDBUsageHistory: .*SIDBStoreId"),
        ({"IdxSIDBSubStore": [{"SubStoreId": None, "SIDBStoreId": 1}]}, "IdxSIDBSubStore: .*SubStoreId"),
        ({"IdxSIDBStore": [{"SIDBStoreId": 1, "SIDBStoreName": 5}]}, "IdxSIDBStore: .*SIDBStoreName"),
        ({"MMEntityProp": [{"EntityId": 1, "longlongVal": b"x"}]}, "MMEntityProp: .*longlongVal"),
        ({"MMDeletedAF": [{"SIDBStoreId": 1, "FailureErrorCode": 1, "files": "x"}]}, "MMDeletedAF: "),
        ({"MMDeletedAFPruningLogs": [{"SIDBStoreId": 1, "newest": "gestern"}]}, "HistoryDB.dbo.MM.*newest"),
    ],
)
def test_a_surprising_value_names_its_table_and_column(answers: Any, said: str) -> None:
    with pytest.raises(SourceGarbled, match=said):
        parse(answers)
