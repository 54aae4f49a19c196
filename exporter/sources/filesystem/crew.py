"""Walks the parts of a tree on any executor: hands out subtrees, takes what comes back, survives lost workers."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from exporter.errors import SourceUnreachable
from exporter.sources.filesystem.pace import Bucket, Pauses, be_nice
from exporter.sources.filesystem.subtree import Part, Rules, Subtree, Walker
from exporter.sources.filesystem.tally import Tally
from exporter.sources.filesystem.walk import unanswered, walk
from exporter.sources.filesystem.width import Width

LOST = (BrokenExecutor, CancelledError)

log = logging.getLogger(__name__)

# A part is long enough to be worth its way to another process, and short enough that losing one does not matter.
_ENTRIES, _SECONDS = 50_000, 0.5
# While there are too few subtrees to keep all at work.
_FEW_ENTRIES, _FEW_SECONDS = 2_000, 0.1
_SUBTREES = 256
_LOSSES = 5
_LOOK_SECONDS = 0.25
# A part that is out for longer, and for ten times the median, is on a worker or in a directory that answers no more.
_LEASE_SECONDS = 300.0
_MEDIANS = 10
_LEASES = 3
# An idle worker, or one between two parts, has done nothing at all by then.
_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Task:
    """What one future walks, from when and until when by time.monotonic()."""

    subtrees: Sequence[Subtree]
    since: float
    until: float


@dataclass(slots=True)
class _Leases:
    """How long parts may be out; each time one was not back, what was in it may be out twice as long, one by one."""

    again: list[Subtree] = field(default_factory=list)
    _late: Counter[Subtree] = field(default_factory=Counter)
    _took: deque[float] = field(default_factory=lambda: deque(maxlen=100))

    def of(self, subtrees: Sequence[Subtree]) -> _Task:
        median = sorted(self._took)[len(self._took) // 2] if self._took else 0.0
        now = time.monotonic()
        lease = max(_LEASE_SECONDS, _MEDIANS * median) * 2 ** self._late[subtrees[0]]
        return _Task(subtrees, now, now + lease)

    def back(self, task: _Task) -> None:
        self._took.append(time.monotonic() - task.since)

    def over(self, task: _Task) -> list[Subtree]:
        """Nobody waits for the task any more; those of which nobody will again."""
        self._late.update(task.subtrees)
        self.again += [subtree for subtree in task.subtrees if self._late[subtree] < _LEASES]
        return [subtree for subtree in task.subtrees if self._late[subtree] >= _LEASES]


@dataclass(slots=True)
class Crew:
    """Who walks. hire: makes the executor, and another one when it broke. size: how many parts it can walk at once.

    width: narrows and widens that while it runs. bucket: of the workers that can share one; remote ones get their
    share of its rate. lost: what a future raises when its worker died and the part is to be walked again.
    """

    hire: Callable[[], Executor]
    size: int = 1
    walker: Walker = walk
    remote: bool = False
    width: Width | None = None
    bucket: Bucket = field(default_factory=Bucket)
    pauses: Pauses = field(default_factory=Pauses)
    lost: tuple[type[Exception], ...] = LOST

    def walk(self, rules: Rules, subtrees: Iterable[Subtree], take: Callable[[Part], Iterable[Subtree]]) -> None:
        """Walk the subtrees, and those that `take` makes of each part that comes back, in no particular order.

        A directory that does not answer is an error that is counted (ETIMEDOUT), and its worker is left to itself.
        Raises what the walker, take and bucket.should_stop raise; SourceUnreachable when workers keep dying or none is
        left.
        """
        frontier = list(subtrees)
        out: dict[Future[Part], _Task] = {}
        lost: Counter[Subtree] = Counter()
        leases, stuck, given_up = _Leases(), list[Future[Part]](), list[Subtree]()
        executor, broken = self.hire(), False
        try:
            while frontier or leases.again or given_up or out:
                self.bucket.should_stop()
                if self.pauses.reason() is not None:
                    if not out:
                        self.bucket.sleep(_LOOK_SECONDS)
                elif not broken:
                    broken = not self._hand_out(executor, rules, frontier, leases, out)
                for future in wait(out, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED).done:
                    task = out.pop(future)
                    try:
                        part = future.result()
                    except self.lost as error:
                        broken = True
                        frontier.extend(task.subtrees)
                        lost.update(task.subtrees)
                        if lost.most_common(1)[0][1] > _LOSSES:
                            raise SourceUnreachable("the workers of the scan died again and again") from error
                    else:
                        leases.back(task)
                        if self.width is not None:
                            self.width.note(part.entries, part.stat_seconds, time.monotonic())
                        frontier.extend(take(part))
                for future in [future for future, task in out.items() if time.monotonic() >= task.until]:
                    if not future.cancel():
                        stuck.append(future)
                    given_up += leases.over(out.pop(future))
                stuck = [future for future in stuck if not future.done()]
                if len(stuck) >= self.size:
                    executor.shutdown(wait=False, cancel_futures=True)
                    stuck, broken = [], True
                if broken and not out:
                    log.warning("a worker of the scan died or answers no more; what it had open is walked again")
                    executor.shutdown(wait=False, cancel_futures=True)
                    executor, broken = self.hire(), False
                if given_up and not broken:
                    self._check_answers(executor)
                    while given_up:
                        take(unanswered(rules, given_up.pop()))
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def _check_answers(self, executor: Executor) -> None:
        # One that breaks just now will be replaced.
        with suppress(*self.lost):
            if not wait([executor.submit(os.getpid)], timeout=_ANSWER_SECONDS).done:
                raise SourceUnreachable("no worker of the scan answers")

    def _hand_out(
        self,
        executor: Executor,
        rules: Rules,
        frontier: list[Subtree],
        leases: _Leases,
        out: dict[Future[Part], _Task],
    ) -> bool:
        """Keep all at work; False if the executor takes no more."""
        # One waits for each that works, so that no worker waits for us.
        tasks = self.width.now if self.width is not None else self.size * (2 if self.remote else 1)
        while (leases.again or frontier) and len(out) < tasks:
            source, count = leases.again or frontier, max(1, min(_SUBTREES, len(frontier) // (2 * tasks)))
            few = len(frontier) < tasks and tasks > 1
            budget, seconds = (_FEW_ENTRIES, _FEW_SECONDS) if few else (_ENTRIES, _SECONDS)
            if leases.again:
                # That directory and none below it.
                count = budget = 1
            subtrees = source[-count:]
            try:
                if self.remote:
                    rate = self.bucket.rate and self.bucket.rate / self.size
                    future = executor.submit(_walk_there, self.walker, rules, subtrees, budget, seconds, rate)
                else:
                    future = executor.submit(
                        self.walker, rules, subtrees, budget=budget, seconds=seconds, tick=self.bucket.take
                    )
            except self.lost:
                return False
            del source[-count:]
            out[future] = leases.of(subtrees)
        return True


def _walk_there(
    walker: Walker, rules: Rules, subtrees: Sequence[Subtree], budget: int, seconds: float, rate: float | None
) -> Part:
    return walker(rules, subtrees, budget=budget, seconds=seconds, tick=Bucket(rate).take)


def alone(rules: Rules, subtrees: Sequence[Subtree], walker: Callable[..., Part], pauses: Pauses) -> Part:
    """The part that the walker comes back with; with all of it left, if it does not come back."""
    executor = threads(1)
    future = executor.submit(walker, rules, subtrees, seconds=_LEASE_SECONDS / 10)
    executor.shutdown(wait=False)
    until = time.monotonic() + _LEASE_SECONDS
    while not wait([future], timeout=_LOOK_SECONDS).done:
        if pauses.reason() is not None:
            until = time.monotonic() + _LEASE_SECONDS
        if time.monotonic() >= until:
            return Part(Tally(rules.depth, rules.top), left=list(subtrees))
    return future.result()


def processes(count: int) -> Executor:
    """Local worker processes, which let all others go first.

    They are forked from a server without threads: a fork of this process could take a lock along that nobody opens.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        # Windows.
        return ProcessPoolExecutor(count, initializer=_begin_work)
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with _without_ctrl_c():
        forkserver.ensure_running()
    return ProcessPoolExecutor(count, mp_context=context, initializer=_begin_work)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """What is started meanwhile is not ended by a Ctrl-C, which a terminal sends to all of us; we end it."""
    from multiprocessing import resource_tracker

    # It undoes the block when it is started itself.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_work() -> None:
    be_nice()
    threading.Thread(target=_end_with_parent, name="end with the parent", daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed sends no word to a worker, which would wait for more work for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def threads(count: int) -> Executor:
    return ThreadPoolExecutor(count, thread_name_prefix="scan", initializer=be_nice)
