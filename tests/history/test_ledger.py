"""What is remembered and is no number over time: jobs, tokens, and that it outlives a restart."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from exporter.errors import HistoryError
from exporter.history.ledger import Ledger
from exporter.history.ledger.jobs import BATCH
from exporter.history.sql import SqlHistory
from exporter.model import Job
from tests.servers import free_port

JOB = Job(
    id=1, operation="Backup", result="success", started_at=100.0, ended_at=200.0, client="web01", subclient="default",
    policy_id="3", application_bytes=1e12, media_bytes=None, client_id="17", aged=True, retained_until=None,
)  # fmt: skip


def test_what_is_put_is_got_and_the_last_counts(ledger: Ledger) -> None:
    state = ledger.state("vbr01")
    assert state.get("token") is None
    state.put("token", "one")
    state.put("token", "two\nünï \"'")
    assert state.get("token") == "two\nünï \"'"
    assert state.get("other") is None


def test_sources_do_not_see_each_others_memory(ledger: Ledger) -> None:
    one, other = ledger.state("cs01"), ledger.state("cs02")
    one.put("token", "t")
    one.add_jobs([JOB])
    assert other.get("token") is None
    assert list(other.jobs(0)) == []
    assert other.add_jobs([JOB]) == 1


def test_a_job_comes_back_as_it_was(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    assert state.add_jobs([JOB]) == 1
    assert list(state.jobs(0)) == [JOB]


def test_a_job_told_again_is_stored_once_and_not_changed(ledger: Ledger) -> None:
    """The vendor's list overlaps from poll to poll."""
    state = ledger.state("cs01")
    assert state.add_jobs([JOB, replace(JOB, id=2)]) == 2
    assert state.add_jobs([replace(JOB, result="failed"), replace(JOB, id=3)]) == 1
    assert [(job.id, job.result) for job in state.jobs(0)] == [(1, "success"), (2, "success"), (3, "success")]
    assert state.add_jobs([]) == 0


def test_jobs_come_by_their_end_from_a_moment_on(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    state.add_jobs(replace(JOB, id=i, ended_at=float(end)) for i, end in ((1, 300), (2, 100), (3, 200), (4, 200)))
    assert [job.id for job in state.jobs(0)] == [2, 3, 4, 1]
    assert [job.id for job in state.jobs(200)] == [3, 4, 1]
    assert [job.id for job in state.jobs(301)] == []


def test_jobs_can_be_asked_for_by_operation(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    state.add_jobs(replace(JOB, id=i, operation=o) for i, o in enumerate(("Backup", "Restore", "Aux Copy")))
    assert [job.operation for job in state.jobs(0, operations=("Backup", "Aux Copy"))] == ["Backup", "Aux Copy"]
    assert list(state.jobs(0, operations=())) == []


def test_more_jobs_than_fit_a_batch_come_back_each_once(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    jobs = [replace(JOB, id=i, ended_at=float(i // 7)) for i in range(2 * BATCH + 5)]
    assert state.add_jobs(iter(jobs)) == len(jobs)
    assert list(state.jobs(0)) == jobs


def test_the_ledger_may_be_used_while_jobs_are_read(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    state.add_jobs(replace(JOB, id=i) for i in range(3))
    for job in state.jobs(0):
        state.put("last", str(job.id))
        state.add_jobs([replace(job, id=job.id + 100, ended_at=0.0)])
    assert state.get("last") == "2"
    assert len(list(state.jobs(0))) == 6


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    for step in range(2):
        ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
        state = ledger.state("cs01")
        if step == 0:
            state.put("token", "t")
            state.add_jobs([JOB])
        assert (state.get("token"), list(state.jobs(0))) == ("t", [JOB])
        ledger.close()


def test_many_sources_write_at_once(ledger: Ledger) -> None:
    def write(source: str) -> int:
        state = ledger.state(source)
        for i in range(10):
            state.put("n", str(i))
        return sum(state.add_jobs([replace(JOB, id=i)]) for i in range(10))

    sources = [f"cs{i}" for i in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(write, sources)) == [10] * 4
    assert [ledger.state(source).get("n") for source in sources] == ["9"] * 4


def test_a_reader_does_not_undo_what_a_writer_has_begun() -> None:
    """A database in memory is one connection."""
    ledger = Ledger("sqlite://")
    state, ended = ledger.state("cs01"), threading.Event()

    def read() -> None:
        while not ended.wait(0.001):
            state.get("x")

    with ThreadPoolExecutor(1) as threads:
        reader = threads.submit(read)
        added = sum(state.add_jobs([replace(JOB, id=i)]) for i in range(200))
        ended.set()
        reader.result(10)
    assert (added, len(list(state.jobs(0)))) == (200, 200)
    ledger.close()


def test_history_and_ledger_live_in_one_database(url: str) -> None:
    history, ledger = SqlHistory(url), Ledger(url)
    history.append([("ebbtide_pool_free_bytes", {"source": "cs01"}, 1.0)], 1000.0)
    ledger.state("cs01").put("k", "v")
    assert history.range("ebbtide_pool_free_bytes", {"source": "cs01"}, 0, 2000, 1).values.tolist() == [1.0]
    assert ledger.state("cs01").get("k") == "v"
    history.close()
    ledger.close()


def test_a_ledger_that_cannot_be_opened_says_why_without_the_password(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("Dear diary, " * 100)
    for url in (f"sqlite:///{tmp_path}/ledger.db", f"postgresql+psycopg://ebb:hunter2@127.0.0.1:{free_port()}/x"):
        with pytest.raises(HistoryError, match=r"^ledger ") as caught:
            Ledger(url)
        assert "hunter2" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_full_disk_is_an_error_without_what_was_to_be_written(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    state = ledger.state("cs01")
    state.put("token", "old")
    with ledger._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(HistoryError, match=r"^ledger cannot be written: database or disk is full$") as caught:
        state.put("token", "hunter2" * 10_000)
    assert "hunter2" not in str(caught.value)
    assert state.get("token") == "old"
    with pytest.raises(HistoryError, match=r"^ledger cannot be written: "):
        state.add_jobs(replace(JOB, id=i, client="x" * 1000) for i in range(100))
    assert list(state.jobs(0)) == []
    ledger.close()


def test_a_text_no_database_can_hold_is_an_error_in_one_line(ledger: Ledger) -> None:
    """JSON may hold half a character, and a number of any size."""
    with pytest.raises(HistoryError, match=r"^ledger cannot be written: "):
        ledger.state("cs01").add_jobs([replace(JOB, client="\ud800")])
    with pytest.raises(HistoryError, match=r"^ledger cannot be written: "):
        ledger.state("cs01").add_jobs([replace(JOB, id=10**30)])
    assert ledger.state("cs01").add_jobs([JOB]) == 1


def test_a_ledger_whose_table_is_gone_cannot_be_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger, raw = Ledger(url), sa.create_engine(url)
    with raw.begin() as connection:
        connection.exec_driver_sql("DROP TABLE ebbtide_jobs")
        connection.exec_driver_sql("DROP TABLE ebbtide_memory")
    raw.dispose()
    for read in (lambda: ledger.state("cs01").get("k"), lambda: list(ledger.state("cs01").jobs(0))):
        with pytest.raises(HistoryError, match=r"^ledger cannot be read: no such table: ebbtide_"):
            read()
    ledger.close()


def test_a_version_is_stored_when_it_differs_from_the_newest(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    state.add_versions("rule", 100.0, {"a": "1", "b": "1", "never there": None})
    state.add_versions("rule", 200.0, {"a": "1", "b": "2"})
    state.add_versions("rule", 300.0, {"a": "1", "b": None})
    state.add_versions("plan", 400.0, {"a": "9"})
    assert state.latest_versions("rule") == {"a": (100.0, "1"), "b": (300.0, None)}
    assert ledger.state("cs02").latest_versions("rule") == {}
    with ledger._engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ebbtide_versions").scalar_one() == 5


def test_a_clock_that_is_set_back_does_not_hide_the_newest_version(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    for at, value in ((100.0, "1"), (100.0, "2"), (50.0, "3"), (60.0, "3")):
        state.add_versions("rule", at, {"a": value})
    assert state.latest_versions("rule") == {"a": (102.0, "3")}


OLD_SCHEMA = (
    "CREATE TABLE ebbtide_memory (source TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "
    "PRIMARY KEY (source, key))",
    "CREATE TABLE ebbtide_jobs (source TEXT NOT NULL, id BIGINT NOT NULL, operation TEXT NOT NULL, "
    "result TEXT NOT NULL, started_at DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION NOT NULL, "
    "client TEXT NOT NULL, subclient TEXT NOT NULL, policy_id TEXT NOT NULL, application_bytes DOUBLE PRECISION, "
    "media_bytes DOUBLE PRECISION, PRIMARY KEY (source, id))",
    "CREATE INDEX ebbtide_jobs_ended ON ebbtide_jobs (source, ended_at)",
    "INSERT INTO ebbtide_memory VALUES ('cs01', 'token', 't')",
    "INSERT INTO ebbtide_jobs VALUES ('cs01', 1, 'restore', 'success', 100, 200, 'web01', 'default', '3', 1e12, NULL)",
)


def test_a_ledger_of_the_first_schema_is_brought_up_to_date(lasting_url: str) -> None:
    raw = sa.create_engine(lasting_url)
    with raw.begin() as connection:
        for statement in OLD_SCHEMA:
            connection.exec_driver_sql(statement)
    raw.dispose()
    for _ in range(2):
        ledger = Ledger(lasting_url)
        state = ledger.state("cs01")
        assert state.get("token") == "t"
        old = replace(JOB, operation="restore", client_id="", aged=None)
        assert list(state.jobs(0)) == [old]
        assert [o.finished_total for o in state.operations(1e9)] == [{"success": 1}]
        assert state.add_jobs([old]) == 0
        ledger.close()
