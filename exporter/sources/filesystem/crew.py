"""Walks the parts of a tree on any executor: hands out subtrees, takes what comes back, survives lost workers."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
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
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import SourceUnreachable
from exporter.sources.filesystem.pace import Bucket, Pauses, be_nice
from exporter.sources.filesystem.subtree import Part, Rules, Subtree, Walker
from exporter.sources.filesystem.walk import walk
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

        Raises what the walker, take and bucket.should_stop raise; SourceUnreachable when workers keep dying.
        """
        frontier = list(subtrees)
        out: dict[Future[Part], Sequence[Subtree]] = {}
        lost: Counter[Subtree] = Counter()
        executor, broken = self.hire(), False
        try:
            while frontier or out:
                self.bucket.should_stop()
                if self.pauses.reason() is not None:
                    if not out:
                        self.bucket.sleep(_LOOK_SECONDS)
                elif not broken:
                    broken = not self._hand_out(executor, rules, frontier, out)
                for future in wait(out, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED).done:
                    subtrees = out.pop(future)
                    try:
                        part = future.result()
                    except self.lost as error:
                        broken = True
                        frontier.extend(subtrees)
                        lost.update(subtrees)
                        if lost.most_common(1)[0][1] > _LOSSES:
                            raise SourceUnreachable("the workers of the scan died again and again") from error
                    else:
                        if self.width is not None:
                            self.width.note(part.entries, part.stat_seconds, time.monotonic())
                        frontier.extend(take(part))
                if broken and not out:
                    log.warning("a worker of the scan died; what it had open is walked again")
                    executor.shutdown(wait=False, cancel_futures=True)
                    executor, broken = self.hire(), False
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def _hand_out(
        self, executor: Executor, rules: Rules, frontier: list[Subtree], out: dict[Future[Part], Sequence[Subtree]]
    ) -> bool:
        """Keep all at work; False if the executor takes no more."""
        # One waits for each that works, so that no worker waits for us.
        tasks = self.width.now if self.width is not None else self.size * (2 if self.remote else 1)
        while frontier and len(out) < tasks:
            count = max(1, min(_SUBTREES, len(frontier) // (2 * tasks)))
            subtrees = frontier[-count:]
            few = len(frontier) < tasks and tasks > 1
            budget, seconds = (_FEW_ENTRIES, _FEW_SECONDS) if few else (_ENTRIES, _SECONDS)
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
            del frontier[-count:]
            out[future] = subtrees
        return True


def _walk_there(
    walker: Walker, rules: Rules, subtrees: Sequence[Subtree], budget: int, seconds: float, rate: float | None
) -> Part:
    return walker(rules, subtrees, budget=budget, seconds=seconds, tick=Bucket(rate).take)


class Inline(Executor):
    """Runs what is submitted at once, in the thread that submits it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - raised again where the future is read
            future.set_exception(error)
        return future


def processes(count: int) -> Executor:
    """Local worker processes, which let all others go first.

    They are forked from a server without threads: a fork of this process could take a lock along that nobody opens.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(count, mp_context=context, initializer=_begin_work)


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
