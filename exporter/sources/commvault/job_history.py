"""What the finished jobs in the ledger come to: counts per operation, and the rhythm of fulls per policy."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import count, takewhile
from statistics import median

from exporter.model import DAY, Job, JobHistory, OperationJobs, PolicyFulls, State
from exporter.sources.commvault.job_words import FULLS, INCREMENTAL, OPERATIONS

_POLICIES = "jobs.policies"
# 400,000 backups take half a minute to read, and fulls come by the day: such a result is kept for an hour.
_KEPT_SECONDS_PER_BACKUP = 0.01


def job_history(
    at: float, state: State, running: Mapping[str, int], window: float, *, anew: bool = False
) -> JobHistory:
    """window: seconds before `at` within which last successes and the intervals of fulls are looked for.

    anew: what was found before does not count, because the ledger has been filled since.
    """
    tallies = {operation: _Tally() for operation in OPERATIONS}
    for job in _ended(state, at - DAY, at, OPERATIONS):
        tallies[job.operation].count(job)
    # Most have succeeded within the day; for the few that have not, further back.
    unsuccessful = [operation for operation, tally in tallies.items() if tally.last_success_at is None]
    earlier = {operation: _Tally() for operation in unsuccessful}
    for job in _ended(state, at - window, at, unsuccessful):
        earlier[job.operation].count(job)
    operations = (
        tally.operation_jobs(operation, running.get(operation, 0), earlier.get(operation, tally))
        for operation, tally in tallies.items()
    )
    return JobHistory(tuple(operations), _policies(at, state, window, anew=anew))


def _ended(state: State, since: float, at: float, operations: Iterable[str]) -> Iterator[Job]:
    """Jobs by their end; one after `at` is of no concern, since `at` may lie in the past."""
    return takewhile(lambda job: job.ended_at <= at, state.jobs(since, operations=operations))


def _policies(at: float, state: State, window: float, *, anew: bool) -> tuple[PolicyFulls, ...]:
    kept = json.loads((not anew and state.get(_POLICIES)) or "{}")
    if kept and kept["at"] <= at < kept["good_until"]:
        return tuple(PolicyFulls(**policy) for policy in kept["policies"])
    read = count()
    backups = _ended(state, at - window, at, (*FULLS, INCREMENTAL))
    found = policy_fulls(job for job, _ in zip(backups, read, strict=False))
    good_until = at + next(read) * _KEPT_SECONDS_PER_BACKUP
    state.put(_POLICIES, json.dumps({"at": at, "good_until": good_until, "policies": [asdict(p) for p in found]}))
    return found


@dataclass
class _Tally:
    finished: int = 0
    failed: int = 0
    last: Job | None = None
    last_success_at: float | None = None

    def count(self, job: Job) -> None:
        """Jobs come in the order in which they ended."""
        self.finished += 1
        self.failed += job.result in ("failed", "killed")
        self.last = job
        if job.result == "success":
            self.last_success_at = job.ended_at

    def operation_jobs(self, operation: str, running: int, longer: _Tally) -> OperationJobs:
        last = longer.last
        return OperationJobs(
            operation=operation,
            running=running,
            finished_24h=self.finished,
            failed_24h=self.failed,
            last_success_at=longer.last_success_at,
            last_completion_at=last.ended_at if last else None,
            last_duration_seconds=max(0.0, last.ended_at - last.started_at) if last else None,
        )


@dataclass
class _Rhythm:
    """Cycles of one subclient so far: seconds from full to full, and from the last incremental to the full."""

    full_at: float | None = None
    incremental_at: float | None = None
    intervals: array[float] = field(default_factory=lambda: array("d"))
    gaps: array[float] = field(default_factory=lambda: array("d"))

    def count(self, job: Job) -> None:
        if job.operation == INCREMENTAL:
            self.incremental_at = job.started_at
            return
        if self.full_at is not None and job.started_at > self.full_at:
            interval = job.started_at - self.full_at
            gap = interval if self.incremental_at is None else job.started_at - self.incremental_at
            self.intervals.append(interval)
            self.gaps.append(gap if 0 < gap <= interval else interval)
        self.full_at, self.incremental_at = job.started_at, None


def policy_fulls(backups: Iterable[Job]) -> tuple[PolicyFulls, ...]:
    """Per policy the median over its subclients of each one's own median; backups in the order they ended.

    A full that completed with errors opens a cycle like any other, one that failed does not.
    """
    rhythms: dict[tuple[str, str, str], _Rhythm] = defaultdict(_Rhythm)
    for job in backups:
        if job.policy_id and job.result in ("success", "partial"):
            rhythms[job.policy_id, job.client, job.subclient].count(job)
    by_policy: dict[str, list[_Rhythm]] = defaultdict(list)
    for (policy_id, _, _), rhythm in rhythms.items():
        if rhythm.intervals:
            by_policy[policy_id].append(rhythm)
    return tuple(
        PolicyFulls(
            policy_id=policy_id,
            full_interval_seconds=median(median(r.intervals) for r in found),
            last_incremental_gap_seconds=median(median(r.gaps) for r in found),
        )
        for policy_id, found in sorted(by_policy.items())
    )
