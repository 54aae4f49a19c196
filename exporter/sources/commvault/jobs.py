"""The job history: what runs, what ended and how. Finished jobs go to the ledger page by page.

A poll asks for what runs and what ended since the poll before, and a little longer: one page or two. A job that ran
then and is now neither running nor listed as ended is asked for by its id. The past is filled in once, beside these
polls (see job_fill); until it reaches back as far as the counts of JobHistory need, there are none.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter

from exporter import fill as filling
from exporter.errors import SourceGarbled, SourceRefused
from exporter.model import DAY, MINUTE, JobHistory, Poll, State
from exporter.sources.commvault import job_fill
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import rows
from exporter.sources.commvault.job_history import job_history
from exporter.sources.commvault.job_pages import JobList, summary_of
from exporter.sources.commvault.job_parse import Page, parse

log = logging.getLogger(__name__)

ONE_JOB = "GET /Job/{id}"

_OVERLAP = 15 * MINUTE
# A longer gap is filled like the past: in slices, and resumed when that breaks off.
_GAP = DAY
_MOST_SINGLE_JOBS = 20
# Of the last poll that succeeded: its moment, and the ids that ran.
_UNTIL, _RUNNING = "jobs.until", "jobs.running"
_FORGOT_AT = "jobs.forgot_at"


def fetch(client: CommvaultClient, poll: Poll) -> JobHistory:
    asked_at = time.monotonic()
    until = last_poll(poll.state)
    gap_since = None if until is None or poll.at - until <= _GAP else until - _OVERLAP
    fill = filling.current(poll.state, poll.at, client.lookback, gap_since)
    # What the fill will read need not be read here.
    since = poll.at if until is None or fill.since == gap_since else min(until, poll.at)
    running = _recent(client, poll, JobList(client, poll.at - since + _OVERLAP, asked_at))
    if not fill.done:
        fill = job_fill.go_on(fill, client, poll, asked_at, filling.SLICE_SECONDS)
    _forget_old(client, poll)
    return job_history(poll.at, poll.state, Counter(running.values()), fill)


def pretend_filled(client: CommvaultClient, poll: Poll) -> None:
    """Let an empty State pass for one that has everything until now: one page instead of a million jobs."""
    filling.pretend_done(poll.state, poll.at, client.lookback)
    poll.state.put(_UNTIL, repr(poll.at))


def last_poll(state: State) -> float | None:
    """When what began before was last known to be complete; None: never."""
    until = state.get(_UNTIL)
    return None if until is None else float(until)


def _recent(client: CommvaultClient, poll: Poll, jobs: JobList) -> dict[int, str]:
    """Store what ended of late; the operations of what runs, by id."""
    running: dict[int, str] = {}
    ended: set[int] = set()
    for listed in jobs.pages():
        page = parse(listed.summaries, listed.endpoint)
        poll.state.add_jobs(page.finished)
        running |= page.running
        ended |= {job.id for job in page.finished}
    ran = json.loads(poll.state.get(_RUNNING) or "[]")
    vanished = sorted(set(ran) - set(running) - ended)
    for job_id in vanished[:_MOST_SINGLE_JOBS]:
        page = _one(client, job_id)
        poll.state.add_jobs(page.finished)
        running |= page.running
    poll.state.put(_RUNNING, json.dumps([*running, *vanished[_MOST_SINGLE_JOBS:]]))
    poll.state.put(_UNTIL, repr(poll.at))
    return running


def _one(client: CommvaultClient, job_id: int) -> Page:
    """The job, as long as the CommServe knows it: its history may have been deleted."""
    try:
        payload = client.get("/Job/{}", job_id)
        return parse([summary_of(job, ONE_JOB) for job in rows(payload, "jobs", ONE_JOB)], ONE_JOB)
    except (SourceGarbled, SourceRefused) as error:
        if not error.contact:
            raise
        log.warning("%s: job %d ran at the last poll and cannot be found any more: %s", client.host, job_id, error)
        return Page((), {})


def _forget_old(client: CommvaultClient, poll: Poll) -> None:
    forgot_at = float(poll.state.get(_FORGOT_AT) or "-inf")
    if poll.at - forgot_at >= DAY:
        poll.state.forget_jobs(poll.at - client.job_retention)
        poll.state.put(_FORGOT_AT, repr(poll.at))
