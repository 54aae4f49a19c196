"""Veeam jobs and repositories graded by what their sessions stored, under the names that other metrics have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from exporter.analysis.efficiency import efficiencies
from exporter.findings.names import distinct
from exporter.model import DAY, BackupJob, Efficiency, Grading, Reductions, State

# Sessions are kept for so much longer than the longest window, for a window that is made longer.
_SPARE = 30 * DAY
_FORGOT_AT, _JOBS = "efficiency.forgot_at", "efficiency.jobs"


def forget_old_sessions(grading: Grading, state: State, at: float) -> None:
    """Once a day."""
    if at - float(state.get(_FORGOT_AT) or "-inf") >= DAY:
        state.forget_reductions(at - grading.longest_window_seconds - _SPARE)
        state.put(_FORGOT_AT, repr(at))


def remember_jobs(jobs: Sequence[BackupJob], state: State) -> None:
    """For a report, which asks no server and yet calls jobs as the metrics do."""
    if jobs:
        state.put(_JOBS, json.dumps([(job.id, job.name, job.repository) for job in jobs]))


def remembered_jobs(state: State) -> list[BackupJob]:
    """With no more than their names, and where they lie."""
    return [BackupJob(id=i, name=name, repository=place) for i, name, place in json.loads(state.get(_JOBS) or "[]")]


def grade_jobs(
    jobs: Sequence[BackupJob], repositories: Mapping[str, str], grading: Grading, state: State, at: float
) -> tuple[Efficiency, ...]:
    """Every job and repository with sessions in the ledger; repositories: names by id."""
    sessions = state.reductions(at - grading.longest_window_seconds)
    return efficiencies(named(sessions, jobs, repositories), grading, at)


def named(sessions: Reductions, jobs: Sequence[BackupJob], repositories: Mapping[str, str]) -> Reductions:
    """Jobs are called as the server does, by id, or by name where a feed knows no ids; other jobs as they were told.

    repositories: names by id; a session that names none lies where its job does.
    """
    by_id = {job.id: job for job in jobs}
    by_name = {job.name: job for job in jobs}
    known = {
        (job_id, job): by_id[job_id] if job_id in by_id else by_name[job]
        for job_id, job, _ in sessions.jobs
        if job_id in by_id or (not job_id and job in by_name)
    }
    told = dict.fromkeys((job_id, job) for job_id, job, _ in sessions.jobs if (job_id, job) not in known)
    others = [BackupJob(id=job_id, name=job) for job_id, job in told]
    apart = distinct([*jobs, *others], lambda j: j.name, lambda j, name: replace(j, name=name))[len(jobs) :]
    called = known | dict(zip(told, apart, strict=True))
    return replace(
        sessions,
        jobs=tuple(
            (job.id, job.name, repositories.get(repository, repository) or job.repository)
            for job_id, name, repository in sessions.jobs
            for job in (called[job_id, name],)
        ),
    )
