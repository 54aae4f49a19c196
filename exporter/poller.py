"""When each collector is polled: one scheduled job per (source, collector), on threads that the source owns.

Every source has a thread pool of its own, as large as its collectors are many: a source that hangs for minutes can
use up its own threads and nobody else's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from exporter.board import Board
from exporter.model import CollectorState
from exporter.watch import Watch

log = logging.getLogger(__name__)
# "Maximum number of running instances reached" is our overdue state, said better.
logging.getLogger("apscheduler").setLevel(logging.CRITICAL)

_HEARTBEAT_S = 1.0
_LARGEST_JITTER_S = 30.0


class Poller:
    def __init__(self, board: Board, *, clock: Callable[[], float] = time.time) -> None:
        self._board = board
        self._clock = clock
        self._lock = threading.Lock()
        self._watches: dict[str, Watch] = {}
        self._beat_at = time.monotonic()
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._scheduler.add_executor(ThreadPoolExecutor(1), "heartbeat")

    def start(self, watches: Iterable[Watch]) -> None:
        self.replace(watches)
        self._scheduler.add_job(self._beat, IntervalTrigger(seconds=_HEARTBEAT_S), id="heartbeat", executor="heartbeat")
        self._scheduler.start()

    def replace(self, watches: Iterable[Watch]) -> None:
        """Watch these from now on; a Watch that is here already goes on undisturbed."""
        with self._lock:
            wanted = {watch.source.name: watch for watch in watches}
            for name, watch in list(self._watches.items()):
                if wanted.get(name) is not watch:
                    self._forget(name, watch)
            for name, watch in wanted.items():
                if name not in self._watches:
                    self._watches[name] = watch
                    self._schedule(watch)

    def poll_now(self, source: str, collector: str | None = None) -> list[str]:
        """Bring the next poll forward to now; which collectors that are. KeyError: no such source or collector."""
        watch = self._watches[source]
        names = list(watch.collectors) if collector is None else [watch.collectors[collector].name]
        for name in names:
            self._scheduler.modify_job(_job_id(source, name), next_run_time=datetime.now(UTC))
        return names

    def states(self) -> Sequence[CollectorState]:
        """How every collector is doing and when it is polled next."""
        next_polls = {job.id: job.next_run_time.timestamp() for job in self._scheduler.get_jobs() if job.next_run_time}
        return [replace(s, next_poll_at=next_polls.get(_job_id(s.source, s.collector))) for s in self._board.states()]

    def ups(self) -> dict[str, bool | None]:
        """Whether the last contact with each source succeeded; None before the first."""
        return {name: watch.up for name, watch in list(self._watches.items())}

    @property
    def ready(self) -> bool:
        """Whether every collector has been tried once."""
        return all(watch.tried for watch in list(self._watches.values()))

    @property
    def healthy(self) -> bool:
        return bool(self._scheduler.running) and time.monotonic() - self._beat_at < 60 * _HEARTBEAT_S

    def stop(self) -> None:
        """Schedule nothing any more and close the sources; does not wait for polls that hang."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for watch in self._watches.values():
            watch.close()

    def _schedule(self, watch: Watch) -> None:
        name = watch.source.name
        watch.announce()
        watch.follow_up = lambda what, _: self._bring_forward(name, what)
        self._scheduler.add_executor(ThreadPoolExecutor(len(watch.collectors) + 1), _executor(name))
        for collector in watch.collectors.values():
            jitter = min(collector.interval / 10, _LARGEST_JITTER_S)
            self._scheduler.add_job(
                self._poll,
                IntervalTrigger(seconds=collector.interval, jitter=jitter),
                args=(watch, collector.name),
                id=_job_id(name, collector.name),
                executor=_executor(name),
                next_run_time=datetime.now(UTC),
            )

    def _poll(self, watch: Watch, collector: str) -> None:
        watch.poll(collector, self._clock())

    def _bring_forward(self, source: str, collector: str) -> None:
        try:
            self._scheduler.modify_job(_job_id(source, collector), next_run_time=datetime.now(UTC))
        except JobLookupError:
            log.debug("%s/%s is not scheduled any more", source, collector)

    def _forget(self, name: str, watch: Watch) -> None:
        for collector in watch.collectors:
            try:
                self._scheduler.remove_job(_job_id(name, collector))
            except JobLookupError:
                log.debug("%s/%s was not scheduled", name, collector)
        self._scheduler.remove_executor(_executor(name), shutdown=False)
        del self._watches[name]
        watch.close()

    def _beat(self) -> None:
        now = self._clock()
        for watch in list(self._watches.values()):
            watch.mark_overdue(now)
        self._beat_at = time.monotonic()


def _job_id(source: str, collector: str) -> str:
    return f"{source}/{collector}"


def _executor(source: str) -> str:
    return f"source {source}"
