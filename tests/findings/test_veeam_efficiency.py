"""Sessions get the names that the server has for their jobs and repositories, and old ones are forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from exporter.findings.veeam_efficiency import forget_old_sessions, grade_jobs, remember_jobs, remembered_jobs
from exporter.history.ledger import Ledger
from exporter.model import DAY, GIBIBYTE, BackupJob, Efficiency, EfficiencyTerms, Grading, SessionReduction, State
from tests.inventories import AT


@pytest.fixture
def state() -> Iterator[State]:
    ledger = Ledger("sqlite://")
    yield ledger.state("vbr01")
    ledger.close()


def daily(
    count: int, job_id: str = "id-1", job: str = "Job", repository: str = "Repo", age: float = 0.0
) -> list[SessionReduction]:
    return [
        SessionReduction(
            session_id=f"{job_id}/{job}/{repository}/{n}", job_id=job_id, job=job, repository=repository,
            at=AT - age - n * DAY, data_bytes=100.0 * GIBIBYTE, stored_bytes=25.0 * GIBIBYTE, dedup_ratio=2.0,
            compression_ratio=2.0,
        )
        for n in range(count)
    ]  # fmt: skip


def graded(
    state: State, jobs: list[BackupJob] | None = None, repositories: dict[str, str] | None = None
) -> list[Efficiency]:
    return list(grade_jobs(jobs or [], repositories or {}, Grading(), state, AT))


def jobs_of(found: list[Efficiency]) -> list[tuple[str, int]]:
    return [(e.job, e.sessions) for e in found if e.job]


def test_a_job_is_called_as_the_server_calls_it_now(state: State) -> None:
    state.add_reductions(daily(30, job="Old name"))
    assert jobs_of(graded(state, [BackupJob(id="id-1", name="New name")])) == [("New name", 30)]
    assert jobs_of(graded(state)) == [("Old name", 30)]


def test_sessions_of_a_feed_without_ids_join_those_of_the_job_of_that_name(state: State) -> None:
    state.add_reductions([*daily(20, job_id=""), *daily(10, age=20 * DAY)])
    [job] = [e for e in graded(state, [BackupJob(id="id-1", name="Job")]) if e.job]
    assert (job.job_id, job.sessions, job.status) == ("id-1", 30, "ok")


def test_a_stranger_with_the_name_of_a_job_does_not_take_it(state: State) -> None:
    state.add_reductions([*daily(5), *daily(6, job_id="id-2")])
    assert jobs_of(graded(state, [BackupJob(id="id-1", name="Job")])) == [("Job", 5), ("Job (#id-2)", 6)]
    assert jobs_of(graded(state)) == [("Job (#id-1)", 5), ("Job (#id-2)", 6)]


def test_a_repository_that_is_told_by_its_id_gets_its_name(state: State) -> None:
    state.add_reductions(daily(30, repository="r-7"))
    job, repository = graded(state, repositories={"r-7": "Hardened"})
    assert (job.repository, repository.repository) == ("Hardened", "Hardened")


def test_a_session_that_names_no_repository_lies_where_its_job_does(state: State) -> None:
    state.add_reductions(daily(30, repository=""))
    job, repository = graded(state, [BackupJob(id="id-1", name="Job", repository="Hardened")])
    assert (job.repository, repository.repository, repository.sessions) == ("Hardened", "Hardened", 30)
    assert [e.repository for e in graded(state)] == [""]


def test_jobs_are_remembered_until_the_server_tells_of_others(state: State) -> None:
    assert remembered_jobs(state) == []
    remember_jobs([BackupJob(id="id-1", name="Füße", repository="Hardened", objects=3)], state)
    remember_jobs([], state)
    assert remembered_jobs(state) == [BackupJob(id="id-1", name="Füße", repository="Hardened")]


def test_sessions_are_forgotten_a_month_after_the_longest_window_and_not_more_than_once_a_day(state: State) -> None:
    long = Grading(classes=((("*",), replace(EfficiencyTerms(), window_seconds=120 * DAY)),))
    state.add_reductions(daily(200))
    forget_old_sessions(long, state, AT)
    assert len(state.reductions(0.0)) == 151
    forget_old_sessions(Grading(), state, AT + DAY - 1)
    assert len(state.reductions(0.0)) == 151
    forget_old_sessions(Grading(), state, AT + DAY)
    assert len(state.reductions(0.0)) == 120
