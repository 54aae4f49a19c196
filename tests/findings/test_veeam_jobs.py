"""What is found of a job in its state, its sessions, its backups and its repository."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.findings import Findings
from exporter.model import (
    DAY,
    HOUR,
    BackupChain,
    BackupJob,
    Inventory,
    JobRun,
    Pool,
    Repository,
    SessionHistory,
)
from tests.inventories import AT

JOB = BackupJob(id="j1", name="Daily", repository="Repo", repository_id="r1", last_result="success",
                last_run_at=AT - 2 * HOUR, retention_seconds=14 * DAY)  # fmt: skip
RUN = JobRun(job_id="j1", result="warning", ended_at=AT - HOUR, last_success_at=AT - HOUR)
CHAIN = BackupChain(
    backup="b1", job="Old name", job_id="j1", repository="Repo", repository_id="r1", files=4, data_bytes=400.0,
    stored_bytes=100.0, deduplicated_bytes=200.0, restore_points=7, oldest_at=AT - 9 * DAY, newest_at=AT - DAY,
)  # fmt: skip
OF_POINTS = replace(CHAIN, files=None, data_bytes=None, stored_bytes=None, deduplicated_bytes=None)
REPOSITORY = Repository(id="r1", name="Repo", immutable_seconds=7 * DAY)


def findings(jobs=(JOB,), runs=(), **said):
    history = SessionHistory(types=(), runs=tuple(runs))
    return Findings("vbr01", Inventory(backup_jobs=tuple(jobs), sessions=history, **said), AT)


def of(*jobs, **said):
    return {found.job.name: found for found in findings(jobs or (JOB,), **said).job_findings}["Daily"]


def test_a_source_that_said_nothing_of_sessions_has_jobs_all_the_same():
    found = Findings("vbr01", Inventory(backup_jobs=(JOB,)), AT)
    assert [(one.last_result, one.run) for one in found.job_findings] == [("success", None)]
    assert (found.session_types, found.session_histories, found.repositories) == ((), (), [])


def test_the_result_of_a_run_shows_while_the_state_hides_it():
    running = replace(JOB, last_result="none")
    assert of(running, runs=[RUN]).last_result == "warning"
    assert of(running).last_result == "none"
    assert of(JOB, runs=[RUN]).last_result == "success"


def test_a_success_older_than_all_sessions_is_known_by_its_begin():
    assert of(JOB).last_success_at == AT - 2 * HOUR
    assert of(replace(JOB, last_result="failed")).last_success_at is None
    assert of(replace(JOB, last_result="failed"), runs=[RUN]).last_success_at == AT - HOUR
    assert of(JOB, runs=[replace(RUN, last_success_at=AT - DAY)]).last_success_at == AT - 2 * HOUR


def test_a_run_is_found_by_the_id_of_its_job():
    other = replace(RUN, job_id="j2", result="failed")
    assert of(replace(JOB, last_result="none"), runs=[other]).run is None


def test_restore_points_of_all_backups_of_a_job():
    second = replace(CHAIN, backup="b2", restore_points=3, oldest_at=AT - 30 * DAY, newest_at=AT - HOUR)
    silent = replace(CHAIN, backup="b3", restore_points=None, oldest_at=None, newest_at=None)
    found = of(backups=(CHAIN, second, silent))
    assert (found.restore_points, found.oldest_at, found.newest_at) == (10, AT - 30 * DAY, AT - HOUR)


def test_a_job_without_backups_tells_nothing_of_restore_points():
    found = of(backups=(replace(CHAIN, job_id="j2"),))
    assert (found.restore_points, found.oldest_at, found.newest_at) == (None, None, None)


@pytest.mark.parametrize(("chain", "method"), [(CHAIN, "oldest_file"), (OF_POINTS, "oldest_restore_point")])
def test_effective_retention_stands_beside_the_configured_one(chain, method):
    [kept] = findings(backups=(chain,)).retention
    assert (kept.kind, kept.plan, kept.copy, kept.rule) == ("veeam", "Daily", "", "")
    assert (kept.configured_seconds, kept.latest_seconds, kept.method) == (14 * DAY, 9 * DAY, method)


def test_restore_points_alone_say_nothing_of_a_job_with_long_term_rules():
    job = replace(JOB, gfs={"weekly": 4})
    assert findings([job], backups=(OF_POINTS,)).retention == []
    assert len(findings([job], backups=(CHAIN,)).retention) == 1


def test_a_job_that_counts_restore_points_has_no_configured_time():
    [kept] = findings([replace(JOB, retention_seconds=None, retention_points=14)], backups=(CHAIN,)).retention
    assert kept.configured_seconds is None


def test_backups_of_a_job_that_is_listed_no_more_keep_its_name():
    orphan = replace(CHAIN, job_id="", job="")
    kept = findings(backups=(replace(CHAIN, job_id="j9"), orphan)).retention
    assert [(one.plan, one.configured_seconds) for one in kept] == [("Old name", None)]


def test_backups_without_files_have_a_retention_and_no_reduction():
    found = findings(backups=(OF_POINTS,), pools=(Pool(kind="veeam", name="Repo", id="r1"),))
    assert (found.job_reductions, found.reductions) == ([], [])
    assert len(found.retention) == 1


def test_immutability_is_that_of_the_repository():
    assert of(repositories=(REPOSITORY,)).immutable_seconds == 7 * DAY
    assert of(repositories=(replace(REPOSITORY, immutable_seconds=None),)).immutable_seconds is None
    assert of().immutable_seconds is None


def test_in_a_scale_out_repository_the_longest_of_the_performance_tier_counts():
    def extent(number, days, tier="performance"):
        seconds = None if days is None else days * DAY
        return Repository(id=f"e{number}", name="x", scale_out="Repo", tier=tier, immutable_seconds=seconds)

    job = replace(JOB, repository_id="sobr")
    extents = (extent(1, 0), extent(2, 9), extent(3, None), extent(4, 30, "capacity"))
    assert of(job, repositories=extents).immutable_seconds == 9 * DAY
    assert of(job, repositories=extents[:1]).immutable_seconds == 0
    assert of(job, repositories=extents[2:]).immutable_seconds is None


def test_a_repository_has_the_name_of_its_pool():
    pools = (Pool(kind="veeam", name="Repo", id="r1"), Pool(kind="veeam", name="Repo", id="r2"))
    found = findings(pools=pools, repositories=(REPOSITORY, replace(REPOSITORY, id="r3", name="Alone")))
    assert [one.pool for one in found.repositories] == ["Repo (#r1)", "Alone"]
