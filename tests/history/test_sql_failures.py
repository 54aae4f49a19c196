"""What our own store does when the disk, the database or the URL is not as it should be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from exporter.errors import HistoryError
from exporter.history import Sample
from exporter.history.sql import SCHEMA_VERSION, SqlHistory
from tests.history.pasts import AT, GOLD, NAME, all_of
from tests.servers import free_port


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/history.db"


def test_a_writer_killed_a_hundred_times_loses_nothing_it_had_acknowledged(tmp_path: Path) -> None:
    """kill -9 at any moment; each time the history opens and has every append that had returned."""
    program = Path(__file__).with_name("killed_writer.py")
    command = [sys.executable, str(program), f"sqlite:///{tmp_path}/history.db", "100"]
    quiet = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=quiet)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert result["missing"] == []
    assert result["rounds"] == 100
    assert result["acknowledged"] >= 50


def limit_pages(history: SqlHistory, pages: int) -> None:
    with history._engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def test_a_full_disk_is_an_error_and_afterwards_all_is_well_again(file: str) -> None:
    history = SqlHistory(file, resolution=1.0)
    history.append([(NAME, GOLD, 1.0)], AT)
    with history._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limit_pages(history, pages + 2)
    new = [(NAME, GOLD | {"pool": f"New {i} {'x' * 500}"}, 2.0) for i in range(50)]
    with pytest.raises(HistoryError, match=r"^history cannot be written: database or disk is full$"):
        history.append([(NAME, GOLD, 2.0), *new], AT + 1)
    assert all_of(history) == [1.0]
    limit_pages(history, 2**30)
    history.append([(NAME, GOLD, 3.0), *new], AT + 2)
    assert all_of(history) == [1.0, 3.0]
    for name, labels, value in new:
        assert history.range(name, labels, 0, 2 * AT, 1.0).values.tolist() == [value]
    history.close()
    raw = sa.create_engine(file)
    with raw.connect() as connection:
        ghosts = "SELECT count(*) FROM ebbtide_series WHERE id NOT IN (SELECT series_id FROM ebbtide_samples)"
        assert connection.exec_driver_sql(ghosts).scalar_one() == 0
        orphans = "SELECT count(*) FROM ebbtide_samples WHERE series_id NOT IN (SELECT id FROM ebbtide_series)"
        assert connection.exec_driver_sql(orphans).scalar_one() == 0
    raw.dispose()


def test_nothing_of_a_failed_append_is_kept(file: str) -> None:
    history = SqlHistory(file)

    def failing() -> Iterator[Sample]:
        yield NAME, GOLD, 1.0
        raise RuntimeError("a bug behind the samples")

    with pytest.raises(RuntimeError):
        history.append(failing(), AT)
    assert all_of(history) == []
    history.append([(NAME, GOLD, 2.0)], AT)
    assert all_of(history) == [2.0]
    history.close()


def test_a_number_the_database_cannot_hold_is_an_error_in_one_line(file: str) -> None:
    history = SqlHistory(file)
    with pytest.raises(HistoryError, match="a text or number that the database cannot hold"):
        history.append([(NAME, GOLD, 1.0)], 1e30)
    history.close()


def test_a_history_of_a_newer_version_is_refused(file: str) -> None:
    SqlHistory(file).close()
    raw = sa.create_engine(file)
    with raw.begin() as connection:
        connection.exec_driver_sql(f"UPDATE ebbtide_history_version SET version = {SCHEMA_VERSION + 1}")
    raw.dispose()
    with pytest.raises(HistoryError, match=rf"written by a newer version of ebbtide \(schema {SCHEMA_VERSION + 1}\)"):
        SqlHistory(file)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_text("Dear diary, " * 100)
    with pytest.raises(HistoryError, match=r"history\.db: file is not a database$"):
        SqlHistory(f"sqlite:///{tmp_path}/history.db")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"nowhere/history\.db: unable to open database file"):
        SqlHistory(f"sqlite:///{tmp_path}/nowhere/history.db")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ebb:hunter2@127.0.0.1:{port}/ebbtide",
        "postgresql+nodriver://ebb:hunter2@127.0.0.1/ebbtide",
        "nodatabase://ebb:hunter2@127.0.0.1/ebbtide",
        "://ebb:hunter2@127.0.0.1",
        "postgresql+psycopg://ebb:hunter2@127.0.0.1:port/ebbtide",
        "postgresql+psycopg://ebb:hunter2/ebbtide",
        "postgresql+psycopg://ebb:p@hunter2@127.0.0.1/ebbtide",
        "postgresql+psycopg://ebb@127.0.0.1:{port}/ebbtide?password=hunter2",
    ],
)
def test_a_store_that_cannot_be_opened_says_why_without_the_password(url: str) -> None:
    with pytest.raises(HistoryError) as caught:
        SqlHistory(url.format(port=free_port()))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) > 20
    assert "hunter2" not in message


@pytest.mark.server
def test_a_password_that_postgresql_refuses_is_not_shown(database: str) -> None:
    wrong = database.replace("ebb@", "nobody:hunter2@")
    with pytest.raises(HistoryError, match=r'role "nobody" does not exist') as caught:
        SqlHistory(wrong)
    assert "hunter2" not in str(caught.value)
    assert "nobody:***@" in str(caught.value)


@pytest.mark.server
def test_a_postgresql_that_went_away_is_an_error_and_is_found_again(database: str) -> None:
    history = SqlHistory(database, resolution=1.0)
    history.append([(NAME, GOLD, 1.0)], AT)
    admin = sa.create_engine(database.rpartition("/")[0] + "/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 't%%'")
    admin.dispose()
    history.append([(NAME, GOLD, 2.0)], AT + 1)
    assert all_of(history) == [1.0, 2.0]
    history.close()
