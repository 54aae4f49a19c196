"""The first fill of the ledger: a million jobs, page by page, in slices of a few minutes.

After each page State holds how far the list has been read, so a process that is killed goes on from there: an offset
stays safe for as long as one likes (see job_pages), and jobs that began after the fill did are the business of the
polls that go on beside it. CommServes list the newest jobs first, though nothing says they must; where a page shows
it, the fill also knows from which moment on it has everything.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from exporter.model import DAY, Job, Poll, State
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.job_pages import JobList, JobPage
from exporter.sources.commvault.job_parse import parse

log = logging.getLogger(__name__)

SLICE_SECONDS = 200.0
_SAY_EVERY_SECONDS = 10.0
_KEY = "jobs.fill"


@dataclass(frozen=True)
class Fill:
    """since: unix seconds, where the list that is read ends; offset: how far it has been read, of `total` jobs.

    complete_from: where the ledger begins once the fill is done. known_from: so far, all that began since is there.
    """

    since: float
    complete_from: float
    lookback: float
    known_from: float
    offset: int = 0
    total: int = 0
    done: bool = False

    @property
    def ratio(self) -> float:
        if self.done:
            return 1.0
        return min(self.offset / self.total, 0.999) if self.total else 0.0


def current(state: State, at: float, lookback: float, gap_since: float | None) -> Fill:
    """The fill that State remembers, or a new one: at first, when lookback was changed, after a gap.

    gap_since: up to when the ledger is complete, when that is too long ago to be read at once.
    """
    remembered = state.get(_KEY)
    fill = Fill(**json.loads(remembered)) if remembered else None
    if fill is None:
        fill = Fill(at - lookback, at - lookback, lookback, at)
    elif fill.done and gap_since is not None:
        fill = Fill(gap_since, fill.complete_from, fill.lookback, at)
    # A day's grace is for clocks that are set back.
    elif at - lookback < fill.complete_from - DAY if fill.done else lookback != fill.lookback:
        known_from = fill.complete_from if fill.done else fill.known_from
        fill = Fill(at - lookback, at - lookback, lookback, known_from)
    _save(state, fill)
    return fill


def go_on(fill: Fill, client: CommvaultClient, poll: Poll, asked_at: float, seconds: float) -> Fill:
    """The fill after more of it, for about so many seconds. Raises SourceError; what was read until then stays."""
    begun = said = time.monotonic()
    jobs = JobList(client, poll.at - fill.since, asked_at)
    for page in jobs.pages(fill.offset):
        finished = parse(page.summaries, page.endpoint).finished
        poll.state.add_jobs(finished)
        fill = _after(fill, page, finished)
        _save(poll.state, fill)
        now = time.monotonic()
        if now - said >= _SAY_EVERY_SECONDS:
            said = now
            log.info("%s: jobs: %s of about %s read", client.host, f"{fill.offset:,}", f"{fill.total:,}")
        if now - begun >= seconds and not page.is_last:
            return fill
    fill = replace(fill, done=True)
    _save(poll.state, fill)
    log.info("%s: jobs: all read, %s of them", client.host, f"{fill.offset:,}")
    return fill


def pretend_done(state: State, at: float, lookback: float) -> None:
    _save(state, Fill(at - lookback, at - lookback, lookback, at, done=True))


def progress(state: State) -> Fill | None:
    remembered = state.get(_KEY)
    return Fill(**json.loads(remembered)) if remembered else None


def _after(fill: Fill, page: JobPage, finished: Sequence[Job]) -> Fill:
    known_from = fill.known_from
    ids = [job.id for job in finished]
    if finished and ids == sorted(ids, reverse=True):
        # What began after the first job of the page has a higher id and came before it.
        known_from = min(known_from, max(job.started_at for job in finished))
    return replace(fill, offset=max(fill.offset, page.next), total=page.total or 0, known_from=known_from)


def _save(state: State, fill: Fill) -> None:
    state.put(_KEY, json.dumps(asdict(fill)))
