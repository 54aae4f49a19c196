"""Pages of the job list, over POST /Jobs, or GET /Job where that is unknown or refused.

The API knows no snapshot, only "ended at most so many seconds ago", an offset and a limit; the list moves while it is
read. What makes an offset safe is that the far end of the list stands still: with every request the look-back grows
by the time that has passed. Then no job leaves the list, and one that starts only moves others to a higher offset,
where they come once more and none is skipped, in whichever order the server lists them. Pages overlap by a few jobs,
against the second to which a look-back is rounded.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from exporter.errors import SourceGarbled, reading
from exporter.http import dig
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, identity, number, rows

POST_JOBS = "POST /Jobs"
GET_JOB = "GET /Job"

PAGE = 1000
_SHARED = 10


@dataclass(frozen=True)
class JobPage:
    """next: the offset from which to go on; total: of the whole list, as of now."""

    endpoint: str
    summaries: list[Row]
    next: int
    total: int | None

    @property
    def is_last(self) -> bool:
        return self.total is not None and self.next >= self.total


@dataclass(frozen=True)
class JobList:
    """Jobs that run, and those that ended since a moment.

    lookback: seconds from that moment to `asked_at`, which is a reading of time.monotonic().
    """

    client: CommvaultClient
    lookback: float
    asked_at: float

    def pages(self, offset: int = 0) -> Iterator[JobPage]:
        before: set[str] = set()
        while True:
            endpoint, payload = self._ask(offset)
            if payload.get("jobs") is None:
                # No jobs is a total of 0 without a list; an answer without either is none.
                dig(payload, "totalRecordsWithoutPaging", endpoint=endpoint)
                return
            listed = rows(payload, "jobs", endpoint)
            if not listed:
                return
            with reading(endpoint):
                summaries = {identity(s, "jobId"): s for s in (summary_of(job, endpoint) for job in listed)}
                total = number(payload, "totalRecordsWithoutPaging")
            if before == set(summaries):
                raise SourceGarbled(f"{endpoint}: the server repeats a page, whatever offset it is asked for")
            offset += len(listed)
            if total is None or offset < total:
                offset -= min(_SHARED, len(listed) // 10)
            new = [summary for job_id, summary in summaries.items() if job_id not in before]
            page = JobPage(endpoint, new, offset, None if total is None else int(total))
            yield page
            if page.is_last or not new:
                return
            before = set(summaries)

    def _ask(self, offset: int) -> tuple[str, Row]:
        lookup = math.ceil(self.lookback + time.monotonic() - self.asked_at)
        client = self.client
        return client.first(
            {
                POST_JOBS: lambda: (POST_JOBS, client.post("/Jobs", json=_body(lookup, offset))),
                GET_JOB: lambda: (GET_JOB, _get(client, lookup, offset)),
            }
        )


def summary_of(job: Row, endpoint: str) -> Row:
    summary: Row = dig(job, "jobSummary", endpoint=endpoint, expect=dict)
    return summary


def _body(lookup: int, offset: int) -> dict[str, object]:
    return {
        "scope": 1,
        "category": 0,
        "pagingConfig": {"sortDirection": 1, "sortField": "jobId", "offset": offset, "limit": PAGE},
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
    paging = {"limit": str(PAGE), "offset": str(offset)}
    # An empty filter is all types of job; without one there are backups only.
    filters = {
        "completedJobLookupTime": lookup,
        "jobCategory": "All",
        "jobFilter": "",
        "hideAdminJobs": "false",
        "showAgedJobs": "true",
    }
    return client.get("/Job", params={**filters, **paging}, headers=paging)
