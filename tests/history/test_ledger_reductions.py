"""What sessions stored, in the ledger: told once, kept or forgotten, and as columns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from exporter.errors import HistoryError
from exporter.history.ledger import Ledger
from exporter.history.ledger.tables import reductions as table
from exporter.model import SessionReduction

SESSION = SessionReduction(
    session_id="s1", job_id="id-1", job="Job", repository="Repository", at=100.0, data_bytes=400e9, stored_bytes=120e9,
    dedup_ratio=100 / 60, compression_ratio=2.0,
)  # fmt: skip

# A database in memory ends with its process.
on_disk = pytest.mark.parametrize("url", ["file", pytest.param("postgresql", marks=pytest.mark.server)], indirect=True)


def told(session_id: str, at: float, **changes: object) -> SessionReduction:
    return replace(SESSION, session_id=session_id, at=at, **changes)  # type: ignore[arg-type]


def test_sessions_come_back_as_columns_by_job_and_time(ledger: Ledger) -> None:
    state = ledger.state("vbr01")
    added = state.add_reductions([
        told("a", 300.0, is_full=True), told("b", 200.0, is_full=False), told("c", 100.0),
        told("d", 150.0, job_id="id-2", job="Other", repository="", data_bytes=1.0, stored_bytes=2.0, dedup_ratio=3.0),
    ])  # fmt: skip
    assert added == 4
    found = state.reductions(0.0)
    assert len(found) == 4
    by_job = {found.jobs[code]: found.at[found.job_of == code].tolist() for code in set(found.job_of.tolist())}
    assert by_job == {("id-1", "Job", "Repository"): [100, 200, 300], ("id-2", "Other", ""): [150]}
    assert np.all(np.diff(found.job_of) >= 0)
    mine = found.job_of == found.jobs.index(("id-1", "Job", "Repository"))
    assert found.is_full[mine].tolist() == [-1, 0, 1]
    [other] = np.flatnonzero(~mine)
    columns = (found.data_bytes, found.stored_bytes, found.dedup_ratio, found.compression_ratio)
    assert [column[other] for column in columns] == [1.0, 2.0, 3.0, 2.0]


def test_of_a_session_the_first_word_counts(ledger: Ledger) -> None:
    state = ledger.state("vbr01")
    assert state.add_reductions([SESSION, SESSION]) == 1
    assert state.add_reductions([replace(SESSION, dedup_ratio=9.0, job="Renamed")]) == 0
    found = state.reductions(0.0)
    assert (found.dedup_ratio.tolist(), found.jobs) == ([100 / 60], (("id-1", "Job", "Repository"),))
    # One session may store for several jobs.
    assert state.add_reductions([replace(SESSION, job_id="id-2")]) == 1


def test_without_an_id_the_name_tells_jobs_apart(ledger: Ledger) -> None:
    state = ledger.state("vbr01")
    assert state.add_reductions([told("a", 1.0, job_id=""), told("a", 1.0, job_id="", job="Other")]) == 2
    assert state.add_reductions([told("a", 1.0, job_id="")]) == 0


def test_only_sessions_since_a_moment_are_read(ledger: Ledger) -> None:
    state = ledger.state("vbr01")
    state.add_reductions([told("a", 100.0), told("b", 200.0)])
    assert state.reductions(100.5).at.tolist() == [200.0]
    assert state.reductions(100.0).at.tolist() == [100.0, 200.0]
    empty = state.reductions(300.0)
    assert (len(empty), empty.jobs) == (0, ())


def test_sources_do_not_see_each_others_sessions(ledger: Ledger) -> None:
    for source in ("vbr01", "vbr02"):
        assert ledger.state(source).add_reductions([SESSION]) == 1
    assert ledger.state("vbr01").forget_reductions(1e9) == 1
    assert len(ledger.state("vbr02").reductions(0.0)) == 1


def test_old_sessions_are_forgotten(ledger: Ledger) -> None:
    state = ledger.state("vbr01")
    state.add_reductions([told("a", 100.0), told("b", 200.0)])
    assert state.forget_reductions(200.0) == 1
    assert state.reductions(0.0).at.tolist() == [200.0]
    assert state.forget_reductions(200.0) == 0


@on_disk
def test_sessions_survive_a_restart(url: str) -> None:
    for added in (1, 0):
        ledger = Ledger(url)
        assert ledger.state("vbr01").add_reductions([SESSION]) == added
        ledger.close()


@on_disk
def test_a_ledger_of_an_earlier_version_gets_the_table_and_keeps_what_it_holds(url: str) -> None:
    before = Ledger(url)
    before.state("vbr01").put("key", "value")
    with before._engine.begin() as connection:
        table.drop(connection)
    before.close()
    ledger = Ledger(url)
    assert ledger.state("vbr01").add_reductions([SESSION]) == 1
    assert ledger.state("vbr01").get("key") == "value"
    ledger.close()


def test_more_sessions_than_a_batch_are_all_stored_and_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.history.ledger.reductions._BATCH", 3)
    monkeypatch.setattr("exporter.history.ledger.reductions._CHUNK", 4)
    state = ledger.state("vbr01")
    assert state.add_reductions(told(str(n), float(n), job_id=f"id-{n % 2}") for n in range(10)) == 10
    assert sorted(state.reductions(0.0).at.tolist()) == list(range(10))


@on_disk
def test_two_processes_that_tell_the_same_sessions_store_them_once(url: str) -> None:
    ledgers = [Ledger(url), Ledger(url)]
    sessions = [told(str(n), float(n)) for n in range(2000)]
    with ThreadPoolExecutor(2) as threads:
        added = threads.map(lambda ledger: ledger.state("vbr01").add_reductions(sessions), ledgers)
        assert sum(added) == len(sessions)
    for ledger in ledgers:
        ledger.close()


def test_a_ledger_that_cannot_be_written_is_said_in_one_line(ledger: Ledger) -> None:
    with ledger._engine.begin() as connection:
        connection.execute(sa.schema.DropTable(table))
    with pytest.raises(HistoryError, match="ledger cannot be written"):
        ledger.state("vbr01").add_reductions([SESSION])
