"""The job history: what ran, what failed, and how often each policy really gets a full.

POST /Jobs, or GET /Job where that is unknown or refused. Finished jobs go to the ledger page by page; what the
Inventory gets is read back from there, so a million jobs need no more memory than a page of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exporter.errors import SourceGarbled, reading
from exporter.model import DAY, HOUR, Job, JobHistory, Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, amount, flag, number, part, text
from exporter.sources.commvault.job_history import job_history
from exporter.sources.commvault.job_words import operation_of, result_of

POST_JOBS = "POST /Jobs"
GET_JOB = "GET /Job"

_PAGE = 500
_OVERLAP = 2 * HOUR
# Two fulls a month apart always lie within it, once the ledger reaches back that far.
_WINDOW = 70 * DAY
# What the ledger holds of this source, in unix seconds: complete from, complete until.
_FROM, _UNTIL = "jobs.from", "jobs.until"


@dataclass(frozen=True)
class Page:
    """running: operations of the jobs that have not ended, by job id."""

    finished: tuple[Job, ...]
    running: dict[int, str]


def fetch(client: CommvaultClient, poll: Poll) -> JobHistory:
    since = _known_until(client, poll)
    lookup = client.lookback if since is None else max(0.0, poll.at - since) + _OVERLAP
    running: dict[int, str] = {}
    for endpoint, summaries in client.pages(_asker(client, math.ceil(lookup))):
        page = parse(summaries, endpoint)
        running |= page.running
        poll.state.add_jobs(page.finished)
    if since is None:
        poll.state.put(_FROM, repr(poll.at - lookup))
    poll.state.put(_UNTIL, repr(poll.at))
    window = max(client.lookback, _WINDOW)
    return job_history(poll.at, poll.state, Counter(running.values()), window, anew=since is None)


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
    subclient = part(summary, "subclient")
    destination = text(summary, "destClientName") or text(part(summary, "destinationClient"), "clientName")
    policy = number(part(summary, "storagePolicy"), "storagePolicyId")
    started, ended = _moments(summary, endpoint)
    return Job(
        id=_id(summary),
        operation=operation,
        result=result,
        started_at=started,
        ended_at=ended,
        client=text(subclient, "clientName") or destination,
        subclient=_subclient(subclient),
        policy_id=f"{policy:.0f}" if policy else "",
        application_bytes=amount(summary, "sizeOfApplication"),
        media_bytes=amount(summary, "sizeOfMediaOnDisk"),
    )


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


def _known_until(client: CommvaultClient, poll: Poll) -> float | None:
    """Up to when the ledger is complete; None when it is to be filled: at first, and when lookback was made longer."""
    if poll.since is not None:
        return poll.since
    start, until = poll.state.get(_FROM), poll.state.get(_UNTIL)
    if start is None or until is None or poll.at - client.lookback < float(start):
        return None
    return float(until)


def _asker(client: CommvaultClient, lookup: int) -> Callable[[int], tuple[str, Row]]:
    """Asks for jobs that run, or ended at most `lookup` seconds ago by the clock of the CommServe."""

    def ask(offset: int) -> tuple[str, Row]:
        return client.first(
            {
                POST_JOBS: lambda: (POST_JOBS, client.post("/Jobs", json=_body(lookup, offset))),
                GET_JOB: lambda: (GET_JOB, _get(client, lookup, offset)),
            }
        )

    return ask


def _body(lookup: int, offset: int) -> dict[str, object]:
    return {
        "scope": 1,
        "category": 0,
        "pagingConfig": {"sortDirection": 1, "sortField": "jobId", "offset": offset, "limit": _PAGE},
        "jobFilter": {
            "completedJobLookupTime": lookup,
            # Aged is the data and not the run, which counts as a full all the same.
            "showAgedJobs": True,
            # Hidden by default: Data Aging and everything else the CommServe does for itself.
            "hideAdminJobs": False,
            "clientList": [],
            "jobTypeList": [],
        },
    }


def _get(client: CommvaultClient, lookup: int, offset: int) -> Row:
    # Documented as headers, understood as parameters by some releases.
    paging = {"limit": str(_PAGE), "offset": str(offset)}
    # An empty filter is all types of job; without one there are backups only.
    filters = {
        "completedJobLookupTime": lookup,
        "jobCategory": "All",
        "jobFilter": "",
        "hideAdminJobs": "false",
        "showAgedJobs": "true",
    }
    return client.get("/Job", params={**filters, **paging}, headers=paging)
