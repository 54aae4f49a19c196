"""The first fill of a ledger with finished jobs: page by page, in slices of a few minutes, and the counts meanwhile.

After each page State holds how far the list has been read, so a process that is killed goes on from there: the list
must be one in which an offset stays safe for as long as one likes. Jobs that end after the fill began are the business
of the polls that go on beside it. Where a page shows that the newest are listed first, the fill also knows from which
moment on it has everything.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from exporter.model import DAY, Job, OperationJobs, State
from exporter.model.jobs import RESULTS

log = logging.getLogger(__name__)

SLICE_SECONDS = 200.0
_SAY_EVERY_SECONDS = 10.0
_KEY = "jobs.fill"
# The longest window that is counted, and how long a job that ended in it may have run before.
_COUNTED = 30 * DAY + 2 * DAY
_NEVER_RAN = OperationJobs(
    operation="", running=0, finished_24h=0, failed_24h=0, finished_total=dict.fromkeys(RESULTS, 0),
    last_success_at=None, last_completion_at=None, last_duration_seconds=None,
)  # fmt: skip


@dataclass(frozen=True)
class FillPage:
    """next: the offset from which to go on; total: of the whole list, as of now.

    complete_since: all from this moment on is in this page and those before it; None: the page does not show it.
    """

    finished: Sequence[Job]
    next: int
    total: int | None
    is_last: bool
    complete_since: float | None = None


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
    fill = progress(state)
    if fill is None:
        fill = Fill(at - lookback, at - lookback, lookback, at)
    elif fill.done and gap_since is not None:
        fill = Fill(gap_since, fill.complete_from, fill.lookback, at)
    # A day's grace is for clocks that are set back.
    elif at - lookback < fill.complete_from - DAY if fill.done else lookback != fill.lookback:
        known_from = fill.complete_from if fill.done else fill.known_from
        fill = Fill(at - lookback, at - lookback, lookback, known_from)
    save(state, fill)
    return fill


def go_on(fill: Fill, pages: Iterable[FillPage], state: State, what: str, seconds: float) -> Fill:
    """The fill after more of it, for about so many seconds; what: how the log calls it.

    pages: those from fill.offset on. What was read until one of them raises stays.
    """
    begun = said = time.monotonic()
    for page in pages:
        state.add_jobs(page.finished)
        known_from = fill.known_from if page.complete_since is None else min(fill.known_from, page.complete_since)
        fill = replace(fill, offset=max(fill.offset, page.next), total=page.total or 0, known_from=known_from)
        save(state, fill)
        now = time.monotonic()
        if now - said >= _SAY_EVERY_SECONDS:
            said = now
            log.info("%s: %s of about %s read", what, f"{fill.offset:,}", f"{fill.total:,}")
        if now - begun >= seconds and not page.is_last:
            return fill
    fill = replace(fill, done=True)
    save(state, fill)
    log.info("%s: all read, %s of them", what, f"{fill.offset:,}")
    return fill


def pretend_done(state: State, at: float, lookback: float) -> None:
    save(state, Fill(at - lookback, at - lookback, lookback, at, done=True))


def progress(state: State) -> Fill | None:
    remembered = state.get(_KEY)
    return Fill(**json.loads(remembered)) if remembered else None


def save(state: State, fill: Fill) -> None:
    state.put(_KEY, json.dumps(asdict(fill)))


def operations(
    at: float, state: State, names: Iterable[str], running: Mapping[str, int], fill: Fill
) -> tuple[OperationJobs, ...]:
    """What the jobs in the ledger and the running ones come to, one for each name.

    None while the ledger lacks jobs that they would have to count. The totals wait for the end of the fill: a counter
    that grows by the past would look like a burst of jobs.
    """
    if not fill.done and fill.known_from > at - _COUNTED:
        return ()
    known = {found.operation: found for found in state.operations(at)}
    counted = []
    for name in names:
        found = known.get(name, _NEVER_RAN)
        totals = {**_NEVER_RAN.finished_total, **found.finished_total} if fill.done else {}
        counted.append(replace(found, operation=name, running=running.get(name, 0), finished_total=totals))
    return tuple(counted)
