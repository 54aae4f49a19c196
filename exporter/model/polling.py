"""Sources and their collectors, what they may remember, and how their polls go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from exporter.model.efficiency import Grading
from exporter.model.jobs import Backups, Job, OperationJobs, Runs
from exporter.model.pools import Group
from exporter.model.veeam import Reductions, SessionReduction


class State(Protocol):
    """What a collector must remember across restarts; one per source."""

    def get(self, key: str) -> str | None: ...

    def put(self, key: str, value: str) -> None: ...

    def add_jobs(self, jobs: Iterable[Job]) -> int:
        """Store finished runs, each id once; how many were new."""

    def jobs(self, since: float, *, operations: Iterable[str] | None = None) -> Iterator[Job]:
        """Runs that ended at or after `since`, by end."""

    def forget_jobs(self, before: float) -> int:
        """Delete runs that ended before, and take none such any more; totals stay. How many there were."""

    def operations(self, at: float) -> list[OperationJobs]:
        """Finished runs by operation as of `at`, with running 0: one per operation ever seen."""

    def backups(self, since: float, until: float) -> Backups:
        """Fulls, synthetic fulls and incrementals of any result that started in between."""

    def runs(self, since: float, until: float, *, clients: bool = False) -> Runs:
        """Runs that ended in between, of any operation and result; clients: with the ids of whose they were."""

    def note_retained(self, retained: Mapping[int, float | None], aged: Iterable[int]) -> None:
        """Jobs that are still kept, with the moment until which, and jobs that are not; ids unknown are ignored."""

    def add_reductions(self, sessions: Iterable[SessionReduction]) -> int:
        """Store what sessions stored, each (job, session) once: the first word counts; how many were new."""

    def reductions(self, since: float) -> Reductions:
        """Those of sessions at or after `since`."""

    def forget_reductions(self, before: float) -> int:
        """Delete those of sessions before; how many there were."""

    def latest_versions(self, kind: str) -> dict[str, tuple[float, str | None]]:
        """The newest version of every record of a kind, by key: when it was first seen so, and its text."""

    def add_versions(self, kind: str, at: float, versions: Mapping[str, str | None]) -> None:
        """Record new versions, by key; None: the record is gone. One that equals the newest is not stored again."""


@dataclass(frozen=True)
class Poll:
    """What a fetch is given: when it is, when it last succeeded (None: never), and what it may remember."""

    at: float
    since: float | None
    state: State


@dataclass(frozen=True)
class Collector:
    """One thing asked of a source. `name` is the Inventory field it fills; `interval` is the default, in seconds.

    permission: what the account needs, in the vendor's words; it ends the message of a refusal.
    deadline: seconds after which a poll that has not ended counts as failed; None: its interval.
    before_check: makes a fetch with an empty State one of the short ones, where the first takes long.
    elsewhere: it asks something beside the source, and says nothing of whether that is up.
    """

    name: str
    fetch: Callable[[Any, Poll], Any]
    interval: float
    permission: str = ""
    deadline: float | None = None
    before_check: Callable[[Any, Poll], None] | None = None
    elsewhere: bool = False


def scheduled(collectors: Iterable[Collector], intervals: Mapping[str, float | bool | None]) -> tuple[Collector, ...]:
    """The collectors with their configured intervals; None keeps the default, False leaves the collector out."""
    return tuple(
        replace(c, interval=intervals.get(c.name) or c.interval)
        for c in collectors
        if intervals.get(c.name) is not False
    )


class Source(Protocol):
    """One configured system: its name and kind, its collectors with their intervals, and a client for them."""

    name: str
    kind: str
    host: str
    collectors: tuple[Collector, ...]
    client: Any

    @property
    def efficiency(self) -> Grading | None:
        """By what its jobs are graded; None: not at all."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorState:
    """How the polls of one collector go; `success` is None before the first has ended, and where the last found out
    that the source does not offer such a thing (reason "not_offered"), which is no failure."""

    source: str
    kind: str
    collector: str
    interval_seconds: float
    success: bool | None = None
    reason: str = ""
    error: str = ""
    last_poll_at: float | None = None
    last_success_at: float | None = None
    duration_seconds: float | None = None
    objects: int | None = None
    running_since: float | None = None
    next_poll_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """A configured source, and whether its last contact succeeded (None before the first)."""

    name: str
    kind: str
    host: str
    up: bool | None = None
    group: Group = field(default_factory=Group)
