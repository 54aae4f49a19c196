"""One source under watch: a poll asks it, remembers the answer, computes what follows and publishes that."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Sized
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from exporter.board import Board
from exporter.derived import Derived, derived
from exporter.errors import (
    ConfigError,
    HistoryError,
    NotOffered,
    SourceError,
    SourceGarbled,
    SourceRefused,
    WorkerError,
)
from exporter.findings import Findings, GroupOf
from exporter.findings.config import ForecastSettings
from exporter.history import History, Sample
from exporter.metrics import COLLECTOR, SOURCE, SUBJECTS, Measured, measure
from exporter.model import Collector, CollectorState, Inventory, Poll, Source, SourceState, State
from exporter.telemetry import Telemetry

log = logging.getLogger(__name__)

# What a poll showed is withdrawn this many intervals after it.
GOOD_FOR_INTERVALS = 3

_REASONS: dict[type[Exception], str] = {ConfigError: "config", HistoryError: "store", WorkerError: "worker"}


@dataclass(frozen=True)
class Surroundings:
    """What every watch shares."""

    board: Board
    history: History
    telemetry: Telemetry
    executor: Executor
    group_of: GroupOf
    forecast: ForecastSettings


class Watch:
    def __init__(self, source: Source, state: State, around: Surroundings) -> None:
        self.source = source
        self._state = state
        self._around = around
        self._lock = threading.Lock()
        self._inventory = Inventory()
        self.up: bool | None = None
        self._closed = False
        # Computes what an answer was awaited for; whoever schedules does it elsewhere, so that no poll waits.
        self.follow_up: Callable[[str, float], object] = self.poll
        self._history_failing = False
        found = derived(source, around.history, around.executor, around.forecast)
        self._derived = {d.name: d for d in found}
        self.collectors = {c.name: c for c in (*source.collectors, *map(self._as_collector, found))}
        self._states = {
            name: CollectorState(
                source=source.name, kind=source.kind, collector=name, interval_seconds=collector.interval
            )
            for name, collector in self.collectors.items()
        }

    def announce(self) -> None:
        """Show on the board that the source is there, before its first poll."""
        # From 0, else the first series that is dropped would be no increase.
        self._around.telemetry.series_dropped.labels(self.source.name, "duplicate")
        with self._lock:
            self._publish_states()

    @property
    def tried(self) -> bool:
        """Whether every collector has been polled once, failures included."""
        return all(state.last_poll_at is not None for state in self._states.values())

    def poll(self, name: str, at: float) -> CollectorState:
        """Poll one collector as of the moment `at`; never raises, whatever the source does."""
        collector = self.collectors[name]
        with self._lock:
            before = self._states[name]
            self._note(replace(before, running_since=at))
        started = time.monotonic()
        reason, error = "", ""
        contact: bool | None = True
        objects = before.objects
        try:
            value = collector.fetch(self.source.client, Poll(at, before.last_success_at, self._state))
            self._accept(collector, value, at)
            objects = len(value) if isinstance(value, Sized) else None
        except SourceError as failure:
            reason, error, contact = failure.reason, str(failure), failure.contact
            if isinstance(failure, SourceRefused) and failure.contact and collector.permission:
                error = f"{error}; needed: {collector.permission}"
        except (ConfigError, HistoryError, WorkerError) as failure:
            reason, error = _REASONS[type(failure)], str(failure)
            # Without its password there was no contact; a store of ours says nothing about the source.
            contact = False if reason == "config" else self.up
        except Exception as bug:
            log.exception("%s/%s: unexpected error", self.source.name, name)
            reason, error = "bug", f"unexpected {type(bug).__name__}, see the log"
        duration = time.monotonic() - started
        with self._lock:
            state = replace(
                self._states[name], success=_success(reason), reason=reason, error=error, last_poll_at=at,
                duration_seconds=duration, running_since=None, objects=objects,
                last_success_at=before.last_success_at if reason else at,
            )  # fmt: skip
            self._log_change(self._states[name], state)
            if name not in self._derived and not collector.elsewhere:
                self.up = contact
            self._note(state)
            inventory = self._inventory.fresh(at)
        if not reason:
            for what in self._derived.values():
                # What its schedule computed while the first answer was still being read is only a part.
                if name in what.after and (before.last_success_at is None or not getattr(inventory, what.name)):
                    self.follow_up(what.name, at)
        return state

    def mark_overdue(self, now: float) -> None:
        """Count polls as failed that run past their deadline: their source answers too slowly, or never."""
        with self._lock:
            for name, state in self._states.items():
                collector = self.collectors[name]
                deadline = collector.interval if collector.deadline is None else collector.deadline
                if state.running_since is None or state.reason == "overdue" or now - state.running_since <= deadline:
                    continue
                error = f"no answer after {deadline:.0f} s; the poll is still running"
                overdue = replace(state, success=False, reason="overdue", error=error, last_poll_at=state.running_since)
                self._log_change(state, overdue)
                if name not in self._derived and not collector.elsewhere:
                    self.up = False
                self._note(overdue)

    def publish_all(self, at: float) -> None:
        """Read every subject anew, as when groups have changed."""
        with self._lock:
            self._publish([s.name for s in self.collectors.values()], at, remember=False)
            self._publish_states()

    def close(self) -> None:
        """Off the board; a poll that still hangs finds nothing to publish on when it ends."""
        with self._lock:
            self._closed = True
        self._around.board.withdraw(self.source.name)
        # Closing may log out, which is counted; so the counters go last.
        self.source.close()
        self._around.telemetry.forget_source(self.source.name)

    def _as_collector(self, what: Derived) -> Collector:
        return Collector(what.name, lambda _, poll: what.compute(self._findings(poll.at), poll), what.interval)

    def _findings(self, at: float) -> Findings:
        return Findings(self.source.name, self._inventory.fresh(at), at, self._around.group_of)

    def _accept(self, collector: Collector, value: object, at: float) -> None:
        with self._lock:
            known = getattr(self._inventory.fresh(at), collector.name)
            # More often a lost permission, or a server that has just started, than the truth; it is believed when
            # what was known before has expired.
            if isinstance(value, Sized) and not value and known and collector.name not in self._derived:
                raise SourceGarbled(f"the answer is empty, where the last one had {len(known)} objects")
            expires_at = at + GOOD_FOR_INTERVALS * collector.interval
            self._inventory = self._inventory.with_answer(collector.name, value, at, expires_at)
            self._publish([collector.name], at, remember=True)

    def _publish(self, polled: list[str], at: float, *, remember: bool) -> None:
        findings = self._findings(at)
        expires_at = self._inventory.expires_at
        samples: list[Measured] = []
        for subject in SUBJECTS:
            if not any(name in subject.fed_by for name in polled):
                continue
            # A collector that has expired already feeds nothing into this; the others must not wait for it.
            good_until = min((expires_at[c] for c in subject.fed_by if expires_at.get(c, at) > at), default=math.inf)
            measured = measure(subject, subject.records(findings))
            self._show(subject.fed_by, measured, good_until)
            samples += measured
        if remember:
            self._remember(samples, at)

    def _show(self, fed_by: tuple[str, ...], measured: list[Measured], good_until: float) -> None:
        if self._closed:
            return
        subject = measured[0].family.subject
        source = self.source
        dropped = self._around.board.publish(source.name, source.kind, subject, measured, good_until)
        if dropped:
            self._around.telemetry.series_dropped.labels(source.name, "duplicate").inc(dropped)
            log.warning("%s: %d series with the same labels were left out of %s", source.name, dropped, fed_by)

    def _remember(self, measured: Iterable[Measured], at: float) -> None:
        samples: list[Sample] = [
            (m.family.name, dict(zip(m.family.labels, (self.source.name, *labels), strict=True)), value)
            for m in measured
            if m.family.kept
            for labels, value in m.rows
        ]
        if not samples:
            return
        try:
            self._around.history.append(samples, at)
            self._history_failing = False
        except HistoryError as error:
            self._around.telemetry.store_write_errors.inc()
            self._around.telemetry.store_samples_lost.inc(len(samples))
            if not self._history_failing:
                log.error("%s: %s; polling goes on, these samples are lost to it", self.source.name, error)
            self._history_failing = True

    def _note(self, state: CollectorState) -> None:
        self._states[state.collector] = state
        self._publish_states()

    def _publish_states(self) -> None:
        if self._closed:
            return
        board, source = self._around.board, self.source
        for state in self._states.values():
            board.note(state)
        board.publish(source.name, source.kind, COLLECTOR, measure(COLLECTOR, self._states.values()))
        if all(collector.elsewhere for collector in source.collectors):
            return
        group = self._around.group_of(source.name, "")
        itself = SourceState(name=source.name, kind=source.kind, host=source.host, up=self.up, group=group)
        board.publish(source.name, source.kind, SOURCE, measure(SOURCE, [itself]))

    def _log_change(self, before: CollectorState, after: CollectorState) -> None:
        if self._closed:
            return
        if after.success is False:
            self._around.telemetry.collector_failures.labels(after.source, after.collector, after.reason).inc()
        if after.reason == NotOffered.reason != before.reason:
            log.info("%s/%s: %s", after.source, after.collector, after.error)
        elif after.success is False and before.success is not False:
            log.warning("%s/%s: %s", after.source, after.collector, after.error)
        elif after.success and before.success is False:
            log.info("%s/%s: answers again", after.source, after.collector)


def _success(reason: str) -> bool | None:
    """Neither for what the source does not offer."""
    return None if reason == NotOffered.reason else not reason
