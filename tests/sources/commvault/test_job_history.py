"""What finished and running jobs come to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.fill import Fill
from exporter.model import DAY, HOUR, Job
from exporter.sources.commvault.job_history import job_history

from .conftest import AT

DONE = Fill(AT - 35 * DAY, AT - 35 * DAY, 35 * DAY, AT - 35 * DAY, done=True)


def job(job_id, operation="data_aging", result="success", *, at=AT - HOUR, took=600.0):
    return Job(id=job_id, operation=operation, result=result, started_at=at, ended_at=at + took)


@pytest.fixture
def operation(memory):
    def figures(name, *jobs, running=0, fill=DONE):
        memory.add_jobs(jobs)
        [found] = [o for o in job_history(AT, memory, {name: running}, fill).operations if o.operation == name]
        return found

    return figures


def test_every_operation_is_there_from_the_start_with_zeros(memory):
    history = job_history(AT, memory, {}, DONE)
    assert [o.operation for o in history.operations] == [
        "backup_full",
        "backup_incremental",
        "backup_synthetic_full",
        "data_aging",
        "auxiliary_copy",
        "ddb_backup",
        "ddb_verification",
        "ddb_space_reclamation",
        "disaster_recovery_backup",
        "restore",
        "other",
    ]
    assert {(o.running, o.finished_24h, o.failed_30d, o.last_success_at) for o in history.operations} == {
        (0, 0, 0, None)
    }
    assert history.operations[0].finished_total == {"success": 0, "partial": 0, "failed": 0, "killed": 0, "other": 0}
    assert history.fill_ratio == 1


def test_counts_and_running_jobs_stand_together(operation):
    found = operation("data_aging", job(1), job(2, result="failed"), job(3, at=AT - 3 * DAY), running=2)
    assert (found.running, found.finished_24h, found.failed_24h) == (2, 2, 1)
    assert (found.finished_30d, found.failed_30d) == (3, 1)
    assert found.finished_total == {"success": 2, "partial": 0, "failed": 1, "killed": 0, "other": 0}


def test_a_job_that_seems_to_end_before_it_starts_took_no_time(operation):
    assert operation("restore", job(1, "restore", took=-5.0)).last_duration_seconds == 0


def test_while_the_past_is_read_there_are_no_counts_that_lack_it(memory):
    memory.add_jobs([job(1)])
    reading = replace(DONE, done=False, known_from=AT - 31 * DAY, offset=300, total=1200)
    history = job_history(AT, memory, {"restore": 1}, reading)
    assert (history.operations, history.fill_ratio) == ((), 0.25)


def test_counts_are_told_as_soon_as_all_is_known_that_they_count(operation):
    """The totals still grow by the past, so they wait for its end."""
    found = operation("data_aging", job(1), fill=replace(DONE, done=False, known_from=AT - 32 * DAY))
    assert (found.finished_24h, found.finished_30d, found.finished_total) == (1, 1, {})


def test_a_fill_is_not_whole_before_it_is_done():
    reading = replace(DONE, done=False, offset=1300, total=1200)
    assert reading.ratio == 0.999
    assert replace(reading, total=0).ratio == 0
