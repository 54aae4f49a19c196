"""Sessions: everything that the server has done, counted by type and result, and the newest run of every job.

GET /api/v1/sessions. A poll asks for what ended since the newest end known, a little overlapping, for what runs, and
for jobs/states, which names the last session of each job: three calls. The past is filled in once, beside these polls,
newest first. Sessions that ended go to the ledger. Needs the role Backup Viewer.

Before 1.3 the server has no word for retention, agent and copy sessions and does not list them: those types are absent
then, and do not look as if they had stopped.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from exporter import fill as filling
from exporter.errors import reading
from exporter.fill import Fill, FillPage
from exporter.http import dig
from exporter.model import DAY, MINUTE, SESSION_TYPES, Poll, SessionHistory, State
from exporter.sources.veeam.client import JOB_STATES, PAGE, VeeamClient
from exporter.sources.veeam.fields import Row, enum, optional, text
from exporter.sources.veeam.session_parse import SESSIONS, Ended, parse
from exporter.sources.veeam.session_runs import Runs
from exporter.sources.veeam.session_words import FIRST_REVISIONS, session_type

log = logging.getLogger(__name__)

_SESSIONS = f"GET {SESSIONS}"

_OVERLAP = 15 * MINUTE
# A longer gap is filled like the past: in slices, and resumed when that breaks off.
_GAP = DAY
# When sessions were last listed, by our clock; when the newest of them ended, by that of the server.
_UNTIL, _NEWEST_END = "sessions.until", "sessions.newest_end"
_FORGOT_AT = "sessions.forgot_at"
# Long enough to see that a monthly kind of session has stopped appearing.
_KEPT = 100 * DAY


def fetch(client: VeeamClient, poll: Poll) -> SessionHistory:
    until, newest_end = _remembered(poll.state, _UNTIL), _remembered(poll.state, _NEWEST_END)
    # The clock of the server may be behind.
    since = min(moment for moment in (poll.at, until, newest_end) if moment is not None) - _OVERLAP
    gap_since = since if until is not None and poll.at - until > _GAP else None
    fill = filling.current(poll.state, poll.at, client.lookback, gap_since)
    if until is None or fill.since == gap_since:
        # What the fill will read need not be read here.
        since = poll.at - _OVERLAP
    runs = Runs(list(client.pages(JOB_STATES)), poll.state)
    ended = parse(client.pages(SESSIONS, **_newest_first(since)), zone=client.zone())
    _keep(ended, poll.state, runs)
    poll.state.put(_UNTIL, repr(poll.at))
    running = _running(client)
    if not fill.done:
        pages = _past(client, poll.state, runs, fill)
        fill = filling.go_on(fill, pages, poll.state, f"{client.host}: sessions", filling.SLICE_SECONDS)
    runs.ask_tasks(client)
    _forget_old(client, poll)
    known = [name for name in SESSION_TYPES if name not in FIRST_REVISIONS or client.speaks(FIRST_REVISIONS[name])]
    types = filling.operations(poll.at, poll.state, known, running, fill)
    return SessionHistory(types=types, runs=runs.all(), fill_ratio=fill.ratio)


def pretend_filled(client: VeeamClient, poll: Poll) -> None:
    """Let an empty State pass for one that has everything until now: one page, not all sessions."""
    filling.pretend_done(poll.state, poll.at, client.lookback)
    poll.state.put(_UNTIL, repr(poll.at))


def _past(client: VeeamClient, state: State, runs: Runs, fill: Fill) -> Iterator[FillPage]:
    """Pages from fill.offset on.

    What ends meanwhile comes first and moves the others to a higher offset, where they come once more: none is skipped.
    """
    offset = fill.offset
    before: set[str] = set()
    while True:
        params = {**_newest_first(fill.since), "skip": offset, "limit": PAGE}
        payload = client.get(SESSIONS, params=params).json()
        rows = dig(payload, "data", endpoint=_SESSIONS, expect=list)
        if not rows:
            return
        with reading(_SESSIONS):
            ids = {text(row, "id", endpoint=_SESSIONS) for row in rows}
            total = optional(payload.get("pagination") or {}, "total", int, endpoint=_SESSIONS)
        if ids == before:
            log.warning(
                "%s: %s repeats a page, whatever `skip` it is asked for: not all are read", client.host, _SESSIONS
            )
            return
        ended = parse(rows, zone=client.zone())
        _note(ended, state, runs)
        offset, before = offset + len(rows), ids
        is_last = total is not None and offset >= total
        ends = [session.ended_at for session in ended]
        oldest = min(ends) if ends and ends == sorted(ends, reverse=True) else None
        yield FillPage([session.job for session in ended], offset, total, is_last, oldest)
        if is_last:
            return


def _keep(ended: list[Ended], state: State, runs: Runs) -> None:
    state.add_jobs(session.job for session in ended)
    _note(ended, state, runs)


def _note(ended: list[Ended], state: State, runs: Runs) -> None:
    runs.note(ended)
    newest = max((session.ended_at for session in ended), default=None)
    known = _remembered(state, _NEWEST_END)
    if newest is not None and (known is None or newest > known):
        state.put(_NEWEST_END, repr(newest))


def _running(client: VeeamClient) -> Counter[str]:
    with reading(_SESSIONS):
        return Counter(
            session_type(_word(row, "sessionType"))
            for row in client.pages(SESSIONS, stateFilter="Working")
            if _word(row, "state") == "working"
        )


def _word(row: Row, field: str) -> str:
    return enum(text(row, field, endpoint=_SESSIONS))


def _newest_first(since: float) -> dict[str, object]:
    after = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"endedAfterFilter": after, "orderColumn": "EndTime", "orderAsc": "false"}


def _remembered(state: State, key: str) -> float | None:
    value = state.get(key)
    return None if value is None else float(value)


def _forget_old(client: VeeamClient, poll: Poll) -> None:
    forgot_at = _remembered(poll.state, _FORGOT_AT)
    if forgot_at is None or poll.at - forgot_at >= DAY:
        poll.state.forget_jobs(poll.at - max(_KEPT, client.lookback + DAY))
        poll.state.put(_FORGOT_AT, repr(poll.at))
