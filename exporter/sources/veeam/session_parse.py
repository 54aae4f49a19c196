"""Finished sessions as VBR lists them, and how much they moved.

A session has ended when its state is Stopped; Idle is a copy job that waits. Its result is an object, which says
None while it runs. What it moved is in the session itself from 1.3-rev2 on, before that in the state of its job
(1.3-rev0) or in its tasks (1.2), whose answers spell transferredSize with one r, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from uuid import UUID

from exporter.errors import reading
from exporter.model import JOB_RESULTS, Job
from exporter.sources.veeam.fields import Row, enum, moment, optional, reference, text
from exporter.sources.veeam.session_words import is_run, session_type

SESSIONS = "/api/v1/sessions"
_SESSIONS = f"GET {SESSIONS}"

_LEDGER_RESULTS = {"success": "success", "warning": "partial", "failed": "failed"}
_HALF = 64
_63_BITS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes: the logical size handled, what was read from the source, what was sent to the target."""

    processed: float | None = None
    read: float | None = None
    transferred: float | None = None


NOTHING_TOLD = Moved()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A finished session. type: one of SESSION_TYPES; result: one of JOB_RESULTS; is_run: of a job, not for it."""

    id: str
    name: str
    type: str
    is_run: bool
    job_id: str
    result: str
    is_canceled: bool
    started_at: float
    ended_at: float
    moved: Moved = NOTHING_TOLD

    @property
    def job(self) -> Job:
        """As the ledger keeps it; its id is made of the session's."""
        number = UUID(self.id).int
        return Job(
            id=(number >> _HALF ^ number) & _63_BITS,
            operation=self.type,
            result="killed" if self.is_canceled else _LEDGER_RESULTS.get(self.result, "other"),
            started_at=self.started_at,
            ended_at=self.ended_at,
            client=self.name,
            client_id=self.job_id,
        )


def parse(rows: Iterable[Row], *, zone: tzinfo) -> list[Ended]:
    """The finished ones among rows of sessions; zone: of times that name none."""
    with reading(_SESSIONS):
        return [ended for row in rows for ended in _ended(row, zone)]


def moved(progress: Row | None, endpoint: str) -> Moved:
    if not progress:
        return NOTHING_TOLD

    def size(*spellings: str) -> float | None:
        told = (optional(progress, spelling, int, endpoint=endpoint) for spelling in spellings)
        return next((float(bytes_) for bytes_ in told if bytes_ is not None), None)

    return Moved(size("processedSize"), size("readSize"), size("transferredSize", "transferedSize"))


def total(parts: Iterable[Moved]) -> Moved:
    """The sum of those that tell."""
    told = list(parts)
    return Moved(*(_sum(getattr(part, field) for part in told) for field in ("processed", "read", "transferred")))


def _ended(row: Row, zone: tzinfo) -> Iterator[Ended]:
    ended_at = moment(optional(row, "endTime", str, endpoint=_SESSIONS), zone)
    started_at = moment(text(row, "creationTime", endpoint=_SESSIONS), zone)
    word = enum(text(row, "sessionType", endpoint=_SESSIONS))
    if enum(text(row, "state", endpoint=_SESSIONS)) != "stopped" or ended_at is None:
        return
    outcome: Row = optional(row, "result", dict, endpoint=_SESSIONS) or {}
    result = enum(optional(outcome, "result", str, endpoint=_SESSIONS))
    yield Ended(
        id=str(UUID(text(row, "id", endpoint=_SESSIONS))),
        name=text(row, "name", endpoint=_SESSIONS),
        type=session_type(word),
        is_run=is_run(word),
        # 1.1-rev0 calls it activityId.
        job_id=reference(row, "jobId", endpoint=_SESSIONS) or reference(row, "activityId", endpoint=_SESSIONS),
        result=result if result in JOB_RESULTS else "none",
        is_canceled=optional(outcome, "isCanceled", bool, endpoint=_SESSIONS) is True,
        started_at=ended_at if started_at is None else min(started_at, ended_at),
        ended_at=ended_at,
        moved=moved(optional(row, "progress", dict, endpoint=_SESSIONS), _SESSIONS),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
