"""The newest finished run of every job, remembered in State: monthly jobs run once in 30 days, sessions are forgotten.

A run with warnings is a success here: it has left a restore point.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from exporter.errors import reading
from exporter.http import UnexpectedStatus
from exporter.model import JobRun, State
from exporter.sources.veeam.client import JOB_STATES, VeeamClient
from exporter.sources.veeam.fields import Row, optional, reference, text
from exporter.sources.veeam.session_parse import NOTHING_TOLD, SESSIONS, Ended, Moved, moved, total

TASKS = f"{SESSIONS}/{{}}/taskSessions"
SUCCESSES = ("success", "warning")
_STATES, _TASKS = f"GET {JOB_STATES}", f"GET {TASKS}"
_FIRST_WITH_TASKS, _FIRST_WITH_PROGRESS = "1.2-rev0", "1.3-rev0"
_MOST_ASKED = 5


@dataclass(frozen=True, slots=True)
class _Known:
    """asked: whether its tasks have been."""

    session: str
    run: JobRun
    asked: bool = False

    @property
    def lacks_bytes(self) -> bool:
        return self.run.processed_bytes is None


class Runs:
    """Of the jobs in rows of jobs/states; other jobs have none."""

    def __init__(self, states: Sequence[Row], state: State) -> None:
        self._state = state
        self._known: dict[str, _Known] = {}
        self._jobs: set[str] = set()
        self._job_of: dict[str, str] = {}
        self._progress: dict[str, Moved] = {}
        with reading(_STATES):
            for row in states:
                job = text(row, "id", endpoint=_STATES)
                last = reference(row, "sessionId", endpoint=_STATES).lower()
                self._jobs.add(job)
                self._job_of[last] = job
                self._progress[last] = moved(optional(row, "sessionProgress", dict, endpoint=_STATES), _STATES)
                if remembered := state.get(_key(job)):
                    self._known[job] = _read(remembered)

    def note(self, sessions: Iterable[Ended]) -> None:
        """Remember the newest run of each job among finished sessions, in any order."""
        changed: dict[str, _Known] = {}
        for session in sessions:
            # In 1.1-rev0 a session may name an activity, while the state of a job names its last session.
            job = self._job_of.get(session.id) or session.job_id
            if session.is_run and session.result != "none" and job in self._jobs:
                known = self._known.get(job)
                newer = _after(known, session, job, self._progress.get(session.id, NOTHING_TOLD))
                if newer != known:
                    self._known[job] = changed[job] = newer
        self._save(changed)

    def ask_tasks(self, client: VeeamClient) -> None:
        """Sum the tasks of the newest runs whose bytes nothing else tells: a few at each poll, each run once."""
        if client.speaks(_FIRST_WITH_PROGRESS) or not client.speaks(_FIRST_WITH_TASKS):
            return
        waiting = [(job, known) for job, known in self._known.items() if known.lacks_bytes and not known.asked]
        # Who waits longest, first: else jobs that run often would never let the others.
        waiting.sort(key=lambda item: item[1].run.ended_at)
        for job, known in waiting[:_MOST_ASKED]:
            self._known[job] = replace(known, run=_with_bytes(known.run, _of_tasks(client, known.session)), asked=True)
            self._save({job: self._known[job]})

    def all(self) -> tuple[JobRun, ...]:
        return tuple(known.run for known in self._known.values())

    def _save(self, changed: dict[str, _Known]) -> None:
        for job, known in changed.items():
            self._state.put(_key(job), json.dumps(asdict(known)))


def _after(known: _Known | None, session: Ended, job: str, of_state: Moved) -> _Known:
    bytes_moved = of_state if session.moved == NOTHING_TOLD else session.moved
    success_at = known.run.last_success_at if known else None
    if session.result in SUCCESSES:
        success_at = max(session.ended_at, success_at or 0.0)
    if known and known.session == session.id:
        return replace(known, run=_with_bytes(known.run, bytes_moved))
    if known and session.ended_at <= known.run.ended_at:
        return replace(known, run=replace(known.run, last_success_at=success_at))
    run = JobRun(
        job_id=job,
        result=session.result,
        ended_at=session.ended_at,
        duration_seconds=session.ended_at - session.started_at,
        last_success_at=success_at,
    )
    return _Known(session.id, _with_bytes(run, bytes_moved))


def _with_bytes(run: JobRun, found: Moved) -> JobRun:
    if found == NOTHING_TOLD:
        return run
    return replace(
        run, processed_bytes=found.processed, read_bytes=found.read, transferred_bytes=found.transferred
    )  # fmt: skip


def _of_tasks(client: VeeamClient, session: str) -> Moved:
    try:
        rows = list(client.pages(TASKS, session))
    except UnexpectedStatus as error:
        # The session has been deleted since.
        if error.status != 404:
            raise
        return NOTHING_TOLD
    with reading(_TASKS):
        return total(moved(optional(row, "progress", dict, endpoint=_TASKS), _TASKS) for row in rows)


def _read(remembered: str) -> _Known:
    fields = json.loads(remembered)
    return _Known(fields["session"], JobRun(**fields["run"]), fields["asked"])


def _key(job: str) -> str:
    return f"sessions.run/{job}"
