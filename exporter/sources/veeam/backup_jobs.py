"""Backup jobs: whether they are enabled, whether they run, and how the last finished run went.

GET /api/v1/jobs/states, /api/v1/jobs and /api/v1/sessions of the last days. While a job runs its state says "None" and
hides the result before, so the last ended session is read instead. Needs the role Backup Viewer.

A run with warnings is a success here: it has left a restore point. The end of the last success is remembered, because
sessions are read for a few days only and a monthly job succeeds once in 30.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from exporter.errors import reading
from exporter.model import DAY, JOB_RESULTS, BackupJob, Poll
from exporter.sources.veeam.client import JOB_STATES, VeeamClient
from exporter.sources.veeam.fields import Row, enum, moment, optional, reference, text

JOBS = "/api/v1/jobs"
SESSIONS = "/api/v1/sessions"
_STATES, _JOBS, _SESSIONS = f"GET {JOB_STATES}", f"GET {JOBS}", f"GET {SESSIONS}"

_LOOK_BACK = 3 * DAY
_SUCCESSES = ("success", "warning")
# `Enabled` is the state of a policy and tells nothing about a run.
_RUNNING = {"running": True, "starting": True, "stopping": True, "inactive": False, "stopped": False, "disabled": False}
# The same job changes its type with the upgrade to 13.
_RENAMED = {"backup": "VSphereBackup"}
# Runs of a job. Not what else is done in its name: Retention, DeleteBackup, RepositoryMaintenance, SqlLogBackup.
_RUNS = {
    "job", "backupjob", "agentbackup", "agentpolicy", "endpointbackup", "backupcopyjob", "replicajob",
    "fileserversave", "unstructureddatabackupcopy", "platformbackupjob", "irisbackup", "surebackupcontentscan",
}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """A finished run."""

    at: float
    result: str


def fetch(client: VeeamClient, poll: Poll) -> tuple[BackupJob, ...]:
    states = list(client.pages(JOB_STATES))
    created_after = datetime.fromtimestamp(poll.at - _LOOK_BACK, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    recent = {"createdAfterFilter": created_after, "orderColumn": "CreationTime", "orderAsc": "false"}
    remembered = {row["id"]: float(poll.state.get(_key(row["id"])) or 0.0) for row in states}
    jobs = parse(
        states,
        list(client.pages(JOBS)),
        list(client.pages(SESSIONS, **recent)),
        client.repository_names(),
        zone=client.zone(),
        successes=remembered,
    )
    for job in jobs:
        if job.last_success_at and job.last_success_at > remembered[job.id]:
            poll.state.put(_key(job.id), repr(job.last_success_at))
    return jobs


def parse(
    states: Iterable[Row],
    jobs: Iterable[Row],
    sessions: Iterable[Row],
    repositories: Mapping[str, str],
    *,
    zone: tzinfo,
    successes: Mapping[str, float],
) -> tuple[BackupJob, ...]:
    """Rows of jobs/states, jobs and sessions; repositories: names by id; successes: the last known ones by job id."""
    states = list(states)
    with reading(_JOBS):
        disabled = {row["id"]: optional(row, "isDisabled", bool, endpoint=_JOBS) for row in jobs}
    with reading(_SESSIONS):
        of_session = {
            session: row["id"] for row in states if (session := reference(row, "sessionId", endpoint=_STATES))
        }
        results, last_successes = _last_ended(sessions, of_session, zone)
    with reading(_STATES):
        return tuple(
            _job(
                row,
                disabled.get(row["id"]),
                results.get(row["id"]),
                max(successes.get(row["id"], 0.0), last_successes.get(row["id"], 0.0)),
                repositories,
                zone,
            )
            for row in states
        )


def _job(
    row: Row,
    is_disabled: bool | None,
    ended: Ended | None,
    success_at: float,
    repositories: Mapping[str, str],
    zone: tzinfo,
) -> BackupJob:
    status = enum(text(row, "status", endpoint=_STATES))
    result = enum(optional(row, "lastResult", str, endpoint=_STATES))
    started = moment(optional(row, "lastRun", str, endpoint=_STATES), zone)
    if result in _SUCCESSES and started:
        # It succeeded after it began: all that is known of a run older than the sessions that are read.
        success_at = max(success_at, started)
    elif result not in JOB_RESULTS or result == "none":
        result = ended.result if ended else "none"
    job_type = text(row, "type", endpoint=_STATES)
    return BackupJob(
        id=text(row, "id", endpoint=_STATES),
        name=text(row, "name", endpoint=_STATES),
        job_type=_RENAMED.get(enum(job_type), job_type),
        repository=optional(row, "repositoryName", str, endpoint=_STATES)
        or repositories.get(reference(row, "repositoryId", endpoint=_STATES), ""),
        enabled=_is_enabled(status, is_disabled),
        running=_RUNNING.get(status),
        last_result=result,
        last_run_at=started,
        last_success_at=success_at or None,
        objects=optional(row, "objectsCount", int, endpoint=_STATES),
    )


def _is_enabled(status: str, is_disabled: bool | None) -> bool | None:
    """A disabled job that somebody started by hand has the status running, so the definition is asked first."""
    if is_disabled is not None:
        return not is_disabled
    return status != "disabled" if status in (*_RUNNING, "enabled") else None


def _last_ended(
    sessions: Iterable[Row], of_session: Mapping[str, str], zone: tzinfo
) -> tuple[dict[str, Ended], dict[str, float]]:
    """By job id: the newest finished run, and the end of the newest successful one."""
    newest: dict[str, Ended] = {}
    successes: dict[str, float] = {}
    for row in sessions:
        if enum(text(row, "sessionType", endpoint=_SESSIONS)) not in _RUNS:
            continue
        outcome = optional(row, "result", dict, endpoint=_SESSIONS) or {}
        result = enum(optional(outcome, "result", str, endpoint=_SESSIONS))
        ended_at = moment(optional(row, "endTime", str, endpoint=_SESSIONS), zone)
        if ended_at is None or result not in JOB_RESULTS or result == "none":
            continue
        # 1.1-rev0 calls the job `activityId`; the state names its last session in every revision.
        job = of_session.get(row["id"]) or reference(row, "jobId", endpoint=_SESSIONS)
        job = job or reference(row, "activityId", endpoint=_SESSIONS)
        if job not in newest or ended_at > newest[job].at:
            newest[job] = Ended(ended_at, result)
        if result in _SUCCESSES:
            successes[job] = max(ended_at, successes.get(job, 0.0))
    return newest, successes


def _key(job: str) -> str:
    return f"backup_jobs/{job}/last_success_at"
