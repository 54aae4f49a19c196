"""Counts and rhythms out of finished jobs."""

from __future__ import annotations

import pytest

from exporter.model import DAY, HOUR, Job
from exporter.sources.commvault.job_history import job_history, policy_fulls

from .conftest import AT

WINDOW = 70 * DAY


def job(job_id, operation="backup_full", result="success", *, at=AT - HOUR, took=600.0, **given):
    """A job that started at `at`."""
    usual = {"client": "file0001", "subclient": "default", "policy_id": "1371"} | given
    return Job(id=job_id, operation=operation, result=result, started_at=at, ended_at=at + took, **usual)


@pytest.fixture
def operation(memory):
    """The figures of an operation over given jobs."""

    def figures(name, *jobs, running=0, window=WINDOW):
        memory.add_jobs(jobs)
        history = job_history(AT, memory, {name: running}, window)
        [found] = [o for o in history.operations if o.operation == name]
        return found

    return figures


def test_every_operation_is_there_from_the_start_with_zeros(memory):
    history = job_history(AT, memory, {}, WINDOW)
    assert [o.operation for o in history.operations] == [
        "backup_full",
        "backup_incremental",
        "backup_synthetic_full",
        "data_aging",
        "auxiliary_copy",
        "ddb_verification",
        "ddb_space_reclamation",
        "restore",
        "other",
    ]
    assert {(o.running, o.finished_24h, o.failed_24h, o.last_success_at) for o in history.operations} == {
        (0, 0, 0, None)
    }
    assert history.policies == ()


def test_the_last_day_is_counted_by_the_end_of_a_job(operation):
    found = operation(
        "data_aging",
        job(1, "data_aging", at=AT - DAY - 500),
        job(2, "data_aging", at=AT - DAY - 700),
        job(3, "data_aging", "failed"),
        job(4, "data_aging", "killed"),
        job(5, "data_aging", "partial"),
        running=2,
    )
    assert (found.finished_24h, found.failed_24h, found.running) == (4, 2, 2)


def test_a_partial_result_is_an_end_and_no_success(operation):
    found = operation(
        "data_aging",
        job(1, "data_aging", at=AT - 3 * HOUR),
        job(2, "data_aging", "partial", at=AT - 2 * HOUR, took=900.0),
    )
    assert found.last_success_at == AT - 3 * HOUR + 600
    assert (found.last_completion_at, found.last_duration_seconds) == (AT - 2 * HOUR + 900, 900)


def test_the_last_success_is_looked_for_beyond_the_day_as_far_as_the_window(operation):
    old = job(1, "ddb_verification", at=AT - 40 * DAY)
    older = job(2, "ddb_verification", at=AT - 71 * DAY)
    failed = job(3, "ddb_verification", "failed", at=AT - 2 * HOUR)
    assert operation("ddb_verification", older).last_success_at is None
    found = operation("ddb_verification", old, failed)
    assert (found.last_success_at, found.last_completion_at) == (AT - 40 * DAY + 600, AT - 2 * HOUR + 600)
    assert (found.finished_24h, found.failed_24h) == (1, 1)


def test_a_job_that_seems_to_end_before_it_starts_took_no_time(operation):
    assert operation("restore", job(1, "restore", took=-5.0)).last_duration_seconds == 0


def weeks(*fulls, client="file0001", subclient="default", policy_id="1371", every=7, incrementals=True, first_id=1):
    """Fulls on the given days before AT, an incremental on each day between."""
    named = {"client": client, "subclient": subclient, "policy_id": policy_id}
    jobs = []
    for day in range(max(fulls), min(fulls) - 1, -1):
        if day in fulls:
            jobs.append(job(first_id + day, "backup_full", at=AT - day * DAY, **named))
        elif incrementals:
            jobs.append(job(first_id + day, "backup_incremental", at=AT - day * DAY - 2 * HOUR, **named))
    return jobs


def by_end(jobs):
    return sorted(jobs, key=lambda j: j.ended_at)


def test_fulls_come_in_the_rhythm_of_the_successful_ones():
    [policy] = policy_fulls(weeks(28, 21, 14, 7, 0))
    assert policy.policy_id == "1371"
    assert policy.full_interval_seconds == 7 * DAY
    assert policy.last_incremental_gap_seconds == DAY + 2 * HOUR


def test_without_incrementals_the_gap_is_the_interval():
    [policy] = policy_fulls(weeks(21, 14, 7, 0, incrementals=False))
    assert policy.last_incremental_gap_seconds == policy.full_interval_seconds == 7 * DAY


def test_a_full_that_failed_makes_a_longer_cycle():
    jobs = weeks(14, 0)
    jobs.append(job(99, "backup_full", "failed", at=AT - 7 * DAY))
    [policy] = policy_fulls(by_end(jobs))
    assert policy.full_interval_seconds == 14 * DAY


def test_synthetic_fulls_and_fulls_with_errors_close_a_cycle():
    jobs = [
        job(1, at=AT - 14 * DAY),
        job(2, "backup_synthetic_full", at=AT - 7 * DAY),
        job(3, "backup_full", "partial", at=AT),
    ]
    [policy] = policy_fulls(jobs)
    assert policy.full_interval_seconds == 7 * DAY


def test_each_subclient_has_its_own_rhythm():
    """Two agents of one client with a weekly full each, three days apart, make no full every few days."""
    jobs = weeks(14, 7, 0, subclient="File System/default") + weeks(10, 3, subclient="SQL/default", first_id=100)
    [policy] = policy_fulls(by_end(jobs))
    assert policy.full_interval_seconds == 7 * DAY


def test_one_client_with_daily_fulls_does_not_speak_for_the_others():
    daily = weeks(*range(31), client="sql0001", first_id=1000)
    weekly = [weeks(14, 7, 0, client=f"file{n:04d}", first_id=2000 + 100 * n) for n in range(2)]
    [policy] = policy_fulls(by_end([*daily, *weekly[0], *weekly[1]]))
    assert policy.full_interval_seconds == 7 * DAY


def test_one_full_is_no_rhythm_and_a_job_without_policy_belongs_to_none():
    assert policy_fulls([job(1), *weeks(14, 7, 0, policy_id="", first_id=10)]) == ()


def test_policies_are_told_apart():
    jobs = weeks(14, 7, 0) + weeks(60, 30, 0, policy_id="1372", first_id=100)
    assert {p.policy_id: p.full_interval_seconds for p in policy_fulls(by_end(jobs))} == {
        "1371": 7 * DAY,
        "1372": 30 * DAY,
    }


def test_two_fulls_that_start_together_are_no_cycle():
    jobs = [job(1, at=AT - 7 * DAY), job(2, at=AT), job(3, at=AT)]
    assert [p.full_interval_seconds for p in policy_fulls(jobs)] == [7 * DAY]


def test_an_incremental_that_started_after_its_full_gives_no_gap():
    late = job(2, "backup_incremental", at=AT + 60, took=10.0)
    jobs = by_end([job(1, at=AT - 7 * DAY), late, job(3, at=AT, took=3600.0)])
    [policy] = policy_fulls(jobs)
    assert policy.last_incremental_gap_seconds == 7 * DAY


def test_rhythms_of_many_backups_are_not_computed_at_each_poll(memory):
    """Ten milliseconds each: 1,500 of them are read again after fifteen seconds, 400,000 after an hour."""
    memory.add_jobs(job(n, "backup_incremental", at=AT - 2 * DAY) for n in range(1500))
    memory.add_jobs(weeks(14, 7, first_id=5000))
    asked = [job_history(at, memory, {}, WINDOW) for at in (AT, AT + 5, AT + 14)]
    assert asked[0].policies == asked[1].policies == asked[2].policies
    assert asked[0].policies[0].full_interval_seconds == 7 * DAY
    incrementals_read = [operations for _, operations in memory.reads if operations == BACKUPS]
    assert len(incrementals_read) == 1

    memory.add_jobs([job(9000, at=AT + 13, took=1.0)])
    assert job_history(AT + 16, memory, {}, WINDOW).policies != asked[0].policies


BACKUPS = ("backup_full", "backup_synthetic_full", "backup_incremental")


def test_a_ledger_that_was_filled_since_is_read_anew(memory):
    memory.add_jobs(weeks(14, 7))
    job_history(AT, memory, {}, WINDOW)
    memory.add_jobs(weeks(60, 30, 0, policy_id="1372", first_id=100))
    assert len(job_history(AT, memory, {}, WINDOW).policies) == 1
    assert len(job_history(AT, memory, {}, WINDOW, anew=True).policies) == 2


def test_a_clock_that_was_set_back_does_not_keep_old_rhythms(memory):
    memory.add_jobs(weeks(14, 7, 0))
    job_history(AT, memory, {}, WINDOW)
    memory.add_jobs(weeks(60, 30, policy_id="1372", first_id=100))
    assert len(job_history(AT - HOUR, memory, {}, WINDOW).policies) == 2
