"""Finished jobs in the ledger: counted once, aggregated, kept or forgotten, and as columns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from exporter.history.ledger import Ledger
from exporter.history.ledger.jobs import BATCH
from exporter.model import DAY, Job, Series
from exporter.model.jobs import FULL, INCREMENTAL, RESULTS, SYNTHETIC_FULL

JOB = Job(id=1, operation="data_aging", result="success", started_at=100.0, ended_at=200.0, client="web01")


def ended(job_id: int, at: float, result: str = "success", operation: str = "data_aging", took: float = 60.0) -> Job:
    return replace(JOB, id=job_id, operation=operation, result=result, started_at=at - took, ended_at=at)


def test_operations_count_the_last_day_and_month_up_to_a_moment(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    at = 100 * DAY
    state.add_jobs([
        ended(1, at - 40 * DAY), ended(2, at - 20 * DAY, "failed"), ended(3, at - DAY - 1, "killed"),
        ended(4, at - DAY), ended(5, at - 10, "partial", took=25.0), ended(6, at + 1, "failed"),
        ended(7, at, "other", "restore"),
    ])  # fmt: skip
    aging, restore = state.operations(at)
    assert (aging.operation, aging.running) == ("data_aging", 0)
    assert (aging.finished_24h, aging.failed_24h, aging.finished_30d, aging.failed_30d) == (2, 0, 4, 2)
    assert (aging.last_success_at, aging.last_completion_at) == (at - DAY, at - 10)
    assert aging.last_duration_seconds == 25
    assert aging.finished_total == {"failed": 2, "killed": 1, "partial": 1, "success": 2}
    assert (restore.operation, restore.last_success_at, restore.last_completion_at) == ("restore", None, at)
    assert ledger.state("cs02").operations(at) == []


def test_an_operation_whose_jobs_all_lie_ahead_has_no_last(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    state.add_jobs([ended(1, 500.0)])
    [found] = state.operations(400.0)
    assert (found.last_completion_at, found.last_duration_seconds, found.finished_total) == (None, None, {"success": 1})


def total(ledger: Ledger) -> int:
    return sum(sum(o.finished_total.values()) for o in ledger.state("cs01").operations(1e9))


def test_each_job_counts_once_across_restarts(lasting_url: str) -> None:
    for _ in range(2):
        ledger = Ledger(lasting_url)
        ledger.state("cs01").add_jobs([ended(1, 100.0), ended(1, 100.0), ended(2, 100.0, "failed")])
        assert total(ledger) == 2
        ledger.close()


def test_forgetting_old_jobs_leaves_the_totals_and_counts_none_again(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    state.add_jobs([ended(1, 100.0), ended(2, 200.0), ended(3, 300.0)])
    assert state.forget_jobs(200.0) == 1
    assert [job.id for job in state.jobs(0)] == [2, 3]
    assert state.add_jobs([ended(1, 100.0), ended(4, 400.0)]) == 1
    assert state.forget_jobs(50.0) == 0
    assert state.add_jobs([ended(1, 100.0)]) == 0
    assert total(ledger) == 4


def test_jobs_are_forgotten_in_many_batches(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.history.ledger.jobs._DELETED_AT_ONCE", 3)
    state = ledger.state("cs01")
    state.add_jobs(ended(n, float(n)) for n in range(10))
    ledger.state("cs02").add_jobs([ended(1, 1.0)])
    assert state.forget_jobs(8.0) == 8
    assert [job.id for job in state.jobs(0)] == [8, 9]
    assert len(list(ledger.state("cs02").jobs(0))) == 1


def test_two_processes_that_add_the_same_jobs_count_them_once(lasting_url: str) -> None:
    ledgers = [Ledger(lasting_url), Ledger(lasting_url)]
    jobs = [ended(n, float(n)) for n in range(3 * BATCH)]
    with ThreadPoolExecutor(2) as threads:
        added = threads.map(lambda ledger: ledger.state("cs01").add_jobs(jobs), ledgers)
        assert sum(added) == len(jobs)
    assert total(ledgers[0]) == len(jobs)
    for ledger in ledgers:
        ledger.close()


def test_what_is_kept_and_what_is_aged_is_noted_on_the_jobs(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    state.add_jobs(ended(n, float(n)) for n in range(1, 5))
    state.note_retained({1: 900.0, 2: None, 77: 1.0}, [3, 78])
    assert {job.id: (job.aged, job.retained_until) for job in state.jobs(0)} == {
        1: (False, 900.0),
        2: (False, None),
        3: (True, None),
        4: (None, None),
    }
    state.note_retained({}, [1])
    assert next(state.jobs(0)).aged is True
    assert state.count_jobs(0) == {False: 1, True: 2, None: 1}


def test_the_newest_jobs_of_a_client_by_name_or_id(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    clients = (("Web01", "7"), ("web01", "8"), ("sql01", "9"))
    state.add_jobs(
        replace(ended(n, float(n)), client=clients[n % 3][0], client_id=clients[n % 3][1]) for n in range(2 * BATCH)
    )
    state.note_retained({0: None, 3: None, 5: None}, [])
    assert [job.id for job in state.newest_jobs(0)] == list(range(2 * BATCH))[::-1]
    assert [job.id for job in state.newest_jobs(1994, client="WEB01")] == [1999, 1998, 1996, 1995]
    assert [job.id for job in state.newest_jobs(1994, client="9")] == [1997, 1994]
    assert [job.id for job in state.newest_jobs(0, client="7", retained=True)] == [3, 0]


def test_backups_are_columns_by_series_and_start(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    given = (
        # id, policy, client, subclient, operation, result, start, bytes, aged
        (1, "9", "b", "default", FULL, "success", 100.0, 10.0, None),
        (2, "3", "b", "default", INCREMENTAL, "partial", 300.0, None, None),
        (3, "3", "a", "default", SYNTHETIC_FULL, "failed", 200.0, 30.0, None),
        (4, "3", "b", "default", FULL, "killed", 200.0, 40.0, True),
        (5, "3", "b", "default", INCREMENTAL, "other", 300.0, 50.0, None),
        (6, "3", "b", "default", "data_aging", "success", 300.0, 60.0, None),
        (7, "3", "b", "default", FULL, "success", 99.0, 70.0, None),
        (8, "3", "b", "default", FULL, "success", 400.1, 80.0, None),
    )
    state.add_jobs(
        Job(id=i, policy_id=policy, client=client, subclient=sub, operation=op, result=result, started_at=start,
            ended_at=start + 50, media_bytes=size, aged=aged)
        for i, policy, client, sub, op, result, start, size, aged in given
    )  # fmt: skip
    state.note_retained({1: None}, [])
    found = state.backups(100.0, 400.0)
    assert found.series == (Series("3", "a", "default"), Series("3", "b", "default"), Series("9", "b", "default"))
    assert found.job_id.tolist() == [3, 4, 2, 5, 1]
    assert found.series_of.tolist() == [0, 1, 1, 1, 2]
    assert found.started_at.tolist() == [200, 200, 300, 300, 100]
    assert (found.ended_at - found.started_at).tolist() == [50] * 5
    assert found.is_full.tolist() == [True, True, False, False, True]
    assert found.is_synthetic.tolist() == [True, False, False, False, False]
    assert [RESULTS[code] for code in found.result] == ["failed", "killed", "partial", "other", "success"]
    assert np.isnan(found.media_bytes[2])
    assert found.aged.tolist() == [-1, 1, -1, -1, 0]
    assert (found.series_of.dtype, found.job_id.dtype, found.is_full.dtype) == (np.int32, np.int64, np.bool_)


def test_no_backups_are_empty_columns(ledger: Ledger) -> None:
    found = ledger.state("cs01").backups(0, 1e9)
    assert (len(found), found.series, found.started_at.dtype) == (0, (), np.float64)


def test_runs_of_a_time_come_as_columns_with_whose_they_were_where_that_is_asked_for(ledger: Ledger) -> None:
    state = ledger.state("cs01")
    state.add_jobs(
        replace(ended(n, 100.0 * n, RESULTS[n % 5], f"op{n % 2}", took=n), client_id=f"c{n % 3}") for n in range(1, 9)
    )
    ledger.state("cs02").add_jobs([ended(99, 300.0)])
    found = state.runs(200.0, 700.0, clients=True)
    rows = zip(
        (found.operations[code] for code in found.operation_of), (found.clients[code] for code in found.client_of),
        (RESULTS[code] for code in found.result), found.ended_at - found.started_at, found.ended_at,
        strict=True,
    )  # fmt: skip
    assert sorted(rows, key=lambda row: row[-1]) == [
        (f"op{n % 2}", f"c{n % 3}", RESULTS[n % 5], float(n), 100.0 * n) for n in range(2, 8)
    ]
    without = state.runs(200.0, 700.0)
    assert (without.clients, set(without.client_of)) == (("",), {0})
    assert len(state.runs(0.0, 1.0).ended_at) == 0
