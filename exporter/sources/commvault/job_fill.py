"""The first fill of the ledger from the job list of a CommServe: a million jobs.

An offset stays safe in it (see job_pages). CommServes list the newest jobs first, though nothing says they must.
"""

from __future__ import annotations

from collections.abc import Iterator

from exporter import fill as filling
from exporter.fill import Fill, FillPage
from exporter.model import Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.job_pages import JobList
from exporter.sources.commvault.job_parse import parse


def go_on(fill: Fill, client: CommvaultClient, poll: Poll, asked_at: float, seconds: float) -> Fill:
    """The fill after more of it, for about so many seconds. Raises SourceError; what was read until then stays."""
    pages = _pages(JobList(client, poll.at - fill.since, asked_at), fill.offset)
    return filling.go_on(fill, pages, poll.state, f"{client.host}: jobs", seconds)


def _pages(jobs: JobList, offset: int) -> Iterator[FillPage]:
    for page in jobs.pages(offset):
        finished = parse(page.summaries, page.endpoint).finished
        ids = [job.id for job in finished]
        newest_first = bool(finished) and ids == sorted(ids, reverse=True)
        # What began after the first job of the page has a higher id and came before it.
        since = max(job.started_at for job in finished) if newest_first else None
        yield FillPage(finished, page.next, page.total, page.is_last, since)
