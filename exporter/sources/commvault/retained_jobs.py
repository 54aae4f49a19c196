"""What each copy keeps and for which reason, and what has aged there and is still listed.

GET /V4/Plan/BackupDestination/{id}/Jobs, one call per copy and day, with all jobs since ever: the default is those of
the last 24 hours, and there are no pages. The copies are those of GET /Plan or what stands in for it, asked for once a
day. Releases without the V4 API cannot tell.

A job is on several copies of its plan: its data has aged when none keeps it any more. So what a copy kept is remembered
across restarts; what it kept before and neither it nor another one keeps now has aged, listed or not.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.errors import reading
from exporter.model import DAY, Poll, RetainedSet, State
from exporter.sources.commvault import plans
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, amount, flag, number, rows, text
from exporter.sources.commvault.job_words import result_of

JOBS = "GET /V4/Plan/BackupDestination/{id}/Jobs"

_EVER = 1  # 0 might pass for a parameter that was not given.
_WITH_AGED = 2
_FOR_EVER = 36500 * DAY
# By the letters of a text whose words are not published; those of the vendor's report on retention are.
_REASONS = {
    "jobrunning": "job_running",
    "notcopied": "not_copied",
    "tobecopied": "not_copied",
    "infinite": "infinite",
    "manual": "manual",
    "extended": "extended_retention",
}
_RETAINED_BY = {1: "basic", 2: "extended_retention", 4: "manual"}
_RETAINED_BY_WORDS = {"basic retention": 1, "extended retention": 2, "user": 4}


@dataclass(frozen=True, slots=True)
class CopyJob:
    """A job on a copy. reason: why the copy keeps it, "" once it has aged; until: math.inf for ever."""

    id: int
    reason: str
    bytes: float | None
    until: float | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a copy keeps of a job."""

    bytes: float | None
    until: float | None


def fetch(client: CommvaultClient, poll: Poll) -> tuple[RetainedSet, ...]:
    siblings = {copy_id: copies for copies in _copies(client, poll.at) for copy_id in copies}

    def ask(copy_id: str) -> RetainedSet:
        span = {"view": "custom", "agedData": _WITH_AGED, "startTime": _EVER, "endTime": int(poll.at)}
        jobs = parse(client.get("/V4/Plan/BackupDestination/{}/Jobs", copy_id, params=span), poll.at)
        others = [other for other in siblings[copy_id] if other != copy_id]
        return _noted(copy_id, others, jobs, poll.state)

    return tuple(client.round_of("retained", DAY).read(list(siblings), poll.at, ask).values())


def first_copy_only(client: CommvaultClient, poll: Poll) -> None:
    """Let one copy pass for all: one long answer instead of hundreds."""
    listed = [copies for copies in _listed(client) if copies]
    client.round_of("copies", DAY).read([plans.LIST], poll.at, lambda _: [copies[:1] for copies in listed[:1]])


def parse(payload: Any, at: float) -> list[CopyJob]:
    with reading(JOBS):
        return [_job(row, at) for row in rows(payload, "jobs", JOBS)]


def _copies(client: CommvaultClient, at: float) -> Sequence[Sequence[str]]:
    """The ids of the copies, plan by plan."""
    remembered: dict[str, Any] = client.round_of("copies", DAY).read([plans.LIST], at, lambda _: _listed(client))
    copies: Sequence[Sequence[str]] = remembered[plans.LIST]
    return copies


def _listed(client: CommvaultClient) -> list[list[str]]:
    return [[copy.id for copy in plan.copies] for plan in plans.read(client)[0]]


def _job(row: Row, at: float) -> CopyJob:
    job_id, told = number(row, "jobId"), number(row, "retainUntil")
    if job_id is None:
        raise KeyError("jobId")
    until = None if not told else math.inf if told < 0 or told > at + _FOR_EVER else told
    # Soft-aged: the rule has let go of it, and only a later synthetic full will free it.
    aged = flag(row, "isAged") or flag(row, "isSoftAged")
    return CopyJob(int(job_id), "" if aged else _reason(row, until, at), amount(row, "dataWritten"), until)


def _reason(row: Row, until: float | None, at: float) -> str:
    """By the text where its words are known, else by the rule that keeps the job.

    That days keep a job while retainUntil lies ahead, and cycles from then on, is inferred.
    """
    if result_of(text(row, "status")) is None:
        return "job_running"
    letters = re.sub("[^a-z]", "", text(row, "retentionReason").lower())
    if by_letters := next((reason for part, reason in _REASONS.items() if part in letters), ""):
        return by_letters
    is_days, is_cycles = "day" in letters, "cycle" in letters
    by_rule = _RETAINED_BY.get(_retained_by(row), "other")
    if by_rule != "basic" and not (by_rule == "other" and (is_days or is_cycles)):
        return by_rule
    if until == math.inf:
        return "infinite"
    if is_days != is_cycles:
        return "basic_days" if is_days else "basic_cycles"
    return "other" if until is None else "basic_days" if until > at else "basic_cycles"


def _retained_by(row: Row) -> int:
    told = number(row, "retainedBy")
    return int(told) if told else _RETAINED_BY_WORDS.get(text(row, "strRetainedBy").strip().lower(), 0)


def _noted(copy_id: str, others: Iterable[str], jobs: Iterable[CopyJob], state: State) -> RetainedSet:
    """What the copy keeps now; the ledger is told of each job, and of those that have gone since the call before."""
    listed = {job.id: job for job in jobs}
    kept = {job.id: _Kept(job.bytes, job.until) for job in listed.values() if job.reason}
    aged = {job.id: job for job in listed.values() if not job.reason}
    before = _remembered(state, copy_id) or {}
    gone = {job_id: was for job_id, was in before.items() if job_id not in kept}
    elsewhere = [_remembered(state, other) or {} for other in others]
    until = {job_id: _latest(found, (o[job_id] for o in elsewhere if job_id in o)) for job_id, found in kept.items()}
    state.note_retained(until, {*aged, *gone}.difference(*elsewhere))
    state.put(_key(copy_id), json.dumps({job_id: (found.bytes, found.until) for job_id, found in kept.items()}))
    total_jobs, total_bytes = _counted(state, copy_id, gone.values())
    by_reason: dict[str, list[CopyJob]] = defaultdict(list)
    for job_id in kept:
        by_reason[listed[job_id].reason].append(listed[job_id])
    sizes = {reason: _size(found) for reason, found in by_reason.items()}
    return RetainedSet(
        copy_id=copy_id,
        jobs={reason: len(found) for reason, found in by_reason.items()},
        bytes={reason: size for reason, size in sizes.items() if size is not None},
        aged_jobs=len(aged),
        aged_bytes=_size(aged.values()),
        aged_total_jobs=total_jobs,
        aged_total_bytes=total_bytes,
    )


def _remembered(state: State, copy_id: str) -> Mapping[int, _Kept] | None:
    """What a copy kept when it was last asked; None: it never was."""
    told = state.get(_key(copy_id))
    return None if told is None else {int(job_id): _Kept(*found) for job_id, found in json.loads(told).items()}


def _counted(state: State, copy_id: str, gone: Collection[_Kept]) -> tuple[int, float]:
    """Jobs and bytes that the copy has let go of so far; sizes that are unknown count as nothing."""
    key = f"{_key(copy_id)}.aged"
    jobs, size = json.loads(state.get(key) or "[0, 0.0]")
    jobs, size = jobs + len(gone), size + math.fsum(job.bytes or 0.0 for job in gone)
    if gone:
        state.put(key, json.dumps([jobs, size]))
    return jobs, size


def _key(copy_id: str) -> str:
    return f"retained.{copy_id}"


def _latest(here: _Kept, elsewhere: Iterable[_Kept]) -> float | None:
    return max((kept.until for kept in (here, *elsewhere) if kept.until is not None), default=None)


def _size(jobs: Iterable[CopyJob | _Kept]) -> float | None:
    """Of all of them together; None where one does not tell."""
    sizes = [job.bytes for job in jobs]
    known = [size for size in sizes if size is not None]
    return math.fsum(known) if len(known) == len(sizes) else None
