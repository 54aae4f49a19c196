"""A jobSummary of the CommServe as a Job: ids, moments, sizes and results in their many spellings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.errors import SourceGarbled, reading
from exporter.model import Job
from exporter.sources.commvault.fields import Row, amount, flag, number, part, text
from exporter.sources.commvault.job_pages import POST_JOBS
from exporter.sources.commvault.job_words import operation_of, result_of


@dataclass(frozen=True)
class Page:
    """running: operations of the jobs that have not ended, by job id."""

    finished: tuple[Job, ...]
    running: dict[int, str]


def parse(summaries: Iterable[Row], endpoint: str = POST_JOBS) -> Page:
    """summaries: the jobSummary objects of an answer."""
    finished: list[Job] = []
    running: dict[int, str] = {}
    with reading(endpoint):
        for summary in summaries:
            if flag(summary, "isVisible") is False:
                continue
            operation = operation_of(text(summary, "jobType"), text(summary, "backupLevelName"), _level(summary))
            result = result_of(summary["status"])
            if result is None:
                running[_id(summary)] = operation
            # A state unknown to us may be one of waiting: stored now, the real end would never be.
            elif result != "other" or number(summary, "jobEndTime"):
                finished.append(_job(summary, operation, result, endpoint))
    return Page(tuple(finished), running)


def _job(summary: Row, operation: str, result: str, endpoint: str) -> Job:
    subclient, destination = part(summary, "subclient"), part(summary, "destinationClient")
    started, ended = _moments(summary, endpoint)
    return Job(
        id=_id(summary),
        operation=operation,
        result=result,
        started_at=started,
        ended_at=ended,
        client=text(subclient, "clientName") or text(summary, "destClientName") or text(destination, "clientName"),
        client_id=_reference(subclient, "clientId") or _reference(destination, "clientId"),
        subclient=_subclient(subclient),
        policy_id=_reference(part(summary, "storagePolicy"), "storagePolicyId"),
        application_bytes=amount(summary, "sizeOfApplication"),
        media_bytes=amount(summary, "sizeOfMediaOnDisk"),
        # A job is stored when it has just ended: that its data is not aged yet says nothing about later.
        aged=flag(summary, "isAged") or None,
    )


def _reference(row: Row, field: str) -> str:
    """The id of something else; 0 is none."""
    found = number(row, field)
    return f"{found:.0f}" if found else ""


def _id(summary: Row) -> int:
    found = number(summary, "jobId")
    if found is None:
        raise KeyError("jobId")
    return int(found)


def _level(summary: Row) -> int | None:
    found = number(summary, "backupLevel")
    return None if found is None else int(found)


def _subclient(subclient: Row) -> str:
    """Every client has a subclient "default" per agent and backup set, so the path to it is its name."""
    steps = (text(subclient, field) for field in ("appName", "instanceName", "backupsetName", "subclientName"))
    return "/".join(filter(None, steps))


def _moments(summary: Row, endpoint: str) -> tuple[float, float]:
    """Start and end. Not every release tells the end; 0 is none; a job that failed to start may have no start."""
    start = number(summary, "jobStartTime")
    elapsed = amount(summary, "jobElapsedTime")
    end = number(summary, "jobEndTime") or number(summary, "lastUpdateTime")
    if not end and start and elapsed is not None:
        end = start + elapsed
    if not end:
        raise SourceGarbled(f"{endpoint}: job {_id(summary)} has no jobEndTime, lastUpdateTime or jobElapsedTime")
    return start or end - (elapsed or 0.0), end
