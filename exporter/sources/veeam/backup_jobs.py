"""Backup jobs: what they are, whether they are enabled and run, and how long they keep their backups.

GET /api/v1/jobs/states at every poll, GET /api/v1/jobs once an hour: definitions hold the retention and change rarely.
How the runs of a job went is the business of sessions: while a job runs, its state says "None" and hides the result
before. Needs the role Backup Viewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from exporter.errors import reading
from exporter.model import HOUR, JOB_RESULTS, BackupJob, Poll
from exporter.sources.veeam.client import JOB_STATES, VeeamClient
from exporter.sources.veeam.fields import Row, enum, moment, optional, reference, text
from exporter.sources.veeam.job_retention import NOT_TOLD, Retention, retention
from exporter.sources.veeam.job_words import job_type

JOBS = "/api/v1/jobs"
_STATES, _JOBS = f"GET {JOB_STATES}", f"GET {JOBS}"

# `Enabled` is the state of a policy and tells nothing about a run.
_RUNNING = {"running": True, "starting": True, "stopping": True, "inactive": False, "stopped": False, "disabled": False}


@dataclass(frozen=True, slots=True)
class Definition:
    disabled: bool | None = None
    retention: Retention = NOT_TOLD


_UNDEFINED = Definition()


def fetch(client: VeeamClient, poll: Poll) -> tuple[BackupJob, ...]:
    states = list(client.pages(JOB_STATES))
    round_ = client.round_of("job definitions", HOUR)
    [known] = round_.read(["all"], poll.at, lambda _: definitions(client.pages(JOBS))).values()
    return parse(states, known, client.repository_names(), zone=client.zone())


def definitions(rows: Iterable[Row]) -> dict[str, Definition]:
    """By the id of the job, from rows of jobs."""
    with reading(_JOBS):
        return {
            row["id"]: Definition(optional(row, "isDisabled", bool, endpoint=_JOBS), retention(row, endpoint=_JOBS))
            for row in rows
        }


def parse(
    states: Iterable[Row], known: Mapping[str, Definition], repositories: Mapping[str, str], *, zone: tzinfo
) -> tuple[BackupJob, ...]:
    """Rows of jobs/states with what the definitions say; repositories: names by id; zone: of times that name none."""
    with reading(_STATES):
        return tuple(_job(row, known.get(row["id"], _UNDEFINED), repositories, zone) for row in states)


def _job(row: Row, known: Definition, repositories: Mapping[str, str], zone: tzinfo) -> BackupJob:
    status = enum(text(row, "status", endpoint=_STATES))
    result = enum(optional(row, "lastResult", str, endpoint=_STATES))
    repository = reference(row, "repositoryId", endpoint=_STATES)
    return BackupJob(
        id=text(row, "id", endpoint=_STATES),
        name=text(row, "name", endpoint=_STATES),
        job_type=job_type(text(row, "type", endpoint=_STATES)),
        repository=optional(row, "repositoryName", str, endpoint=_STATES) or repositories.get(repository, ""),
        repository_id=repository,
        enabled=_is_enabled(status, known.disabled),
        running=_RUNNING.get(status),
        last_result=result if result in JOB_RESULTS else "none",
        last_run_at=moment(optional(row, "lastRun", str, endpoint=_STATES), zone),
        next_run_at=moment(optional(row, "nextRun", str, endpoint=_STATES), zone),
        objects=optional(row, "objectsCount", int, endpoint=_STATES),
        retention_seconds=known.retention.seconds,
        retention_points=known.retention.points,
        gfs=known.retention.gfs,
    )


def _is_enabled(status: str, is_disabled: bool | None) -> bool | None:
    """A disabled job that somebody started by hand has the status running: then only the definition tells."""
    if status in ("disabled", "inactive", "enabled"):
        return status != "disabled"
    if is_disabled is not None:
        return not is_disabled
    return True if status in _RUNNING else None
