"""What is published of Veeam's jobs, sessions and repositories."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.findings import Findings
from exporter.metrics import measure
from exporter.metrics import veeam_jobs as families
from exporter.model import BackupJob, Inventory, JobRun, OperationJobs, Repository, SessionHistory

JOB = BackupJob(id="j1", name="Web")
RUN = JobRun(job_id="j1", result="failed", ended_at=900.0, duration_seconds=60.0, read_bytes=5.0)
PRUNING = OperationJobs(
    operation="retention", running=0, finished_24h=2, failed_24h=1, finished_30d=30, failed_30d=1,
    finished_total={"success": 5, "partial": 4, "failed": 3, "killed": 2, "other": 1}, last_success_at=None,
    last_completion_at=900.0, last_duration_seconds=1.0,
)  # fmt: skip


def published(subject, **answers):
    """Samples by family, those without any left out."""
    found = Findings("vbr01", Inventory(**answers), 1000.0)
    measured = measure(subject, subject.records(found))
    return {one.family.name.removeprefix("ebbtide_veeam_"): dict(one.rows) for one in measured if one.rows}


@pytest.mark.parametrize(
    "subject",
    [families.BACKUP_JOB, families.SESSION_TYPE, families.SESSIONS, families.REPOSITORY, families.EXTENT],
    ids=lambda subject: subject.fed_by[0],
)
def test_what_was_never_answered_is_absent(subject):
    assert published(subject) == {}


def test_a_job_of_which_nothing_else_is_known_says_no_more():
    assert set(published(families.BACKUP_JOB, backup_jobs=(JOB,))) == {"job_info", "job_last_result"}


def test_the_last_run_shows_through_a_running_session():
    history = SessionHistory(types=(), runs=(RUN,))
    samples = published(families.BACKUP_JOB, backup_jobs=(replace(JOB, running=True),), sessions=history)
    assert samples["job_last_result"] == {
        ("Web", "success"): 0, ("Web", "warning"): 0, ("Web", "failed"): 1, ("Web", "none"): 0,
    }  # fmt: skip
    assert samples["job_running"] == {("Web",): 1}
    assert samples["job_last_session_duration_seconds"] == {("Web",): 60}
    assert samples["job_last_session_read_bytes"] == {("Web",): 5}
    assert "job_last_session_transferred_bytes" not in samples


def test_long_term_points_by_period():
    samples = published(families.BACKUP_JOB, backup_jobs=(replace(JOB, gfs={"weekly": 4, "yearly": 1}),))
    assert samples["job_gfs_restore_points"] == {("Web", "weekly"): 4, ("Web", "yearly"): 1}


def test_sessions_are_counted_in_the_words_of_veeam():
    samples = published(families.SESSION_TYPE, sessions=SessionHistory(types=(PRUNING,), runs=()))
    assert samples["sessions_completed_total"] == {
        ("retention", "success"): 5, ("retention", "warning"): 4, ("retention", "failed"): 3,
        ("retention", "canceled"): 2, ("retention", "other"): 1,
    }  # fmt: skip
    assert samples["session_type_last_completion_timestamp_seconds"] == {("retention",): 900}
    assert "session_type_last_success_timestamp_seconds" not in samples


def test_how_much_of_the_past_is_there():
    history = SessionHistory(types=(), runs=(), fill_ratio=0.25)
    assert published(families.SESSIONS, sessions=history) == {"sessions_fill_ratio": {(): 0.25}}
    assert published(families.SESSION_TYPE, sessions=history) == {}


def test_only_extents_have_an_info_of_extents():
    alone = Repository(id="r1", name="Alone", used_bytes=7.0, immutable_seconds=0.0)
    extent = Repository(id="r2", name="E1", scale_out="SOBR", tier="performance", extent_statuses=("sealed", "pending"))
    assert published(families.EXTENT, repositories=(alone, extent)) == {
        "scale_out_extent_info": {("E1", "SOBR", "performance", "sealed,pending"): 1}
    }
    assert published(families.REPOSITORY, repositories=(alone, extent)) == {
        "repository_backup_bytes": {("Alone",): 7}, "repository_immutable_seconds": {("Alone",): 0},
    }  # fmt: skip
