"""Calls that may never return: each in a daemon thread of its own, waited for no longer than a deadline.

A system call on a dead mount cannot be cancelled, not even by SIGKILL, so a pool of workers would lose one for ever to
each such mount. Here those behind it wait for half the deadline at most, and there is never a second call for a key
while the first is out.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from exporter.errors import SourceUnreachable

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Call(Generic[T]):
    started: float
    future: Future[T] = field(default_factory=Future)


class Calls(Generic[K, T]):
    """`work(key)` for many keys at once.

    deadline: seconds an answer may take. workers: how many calls run at a time; after half the deadline all the rest
    is started at once, so that each has some time left. keep_late: an answer that came after the deadline is given to
    who asks next; else it is dropped.
    """

    def __init__(self, work: Callable[[K], T], deadline: float, *, workers: int = 16, keep_late: bool = False) -> None:
        self._work = work
        self._deadline = deadline
        self._workers = workers
        self._keep_late = keep_late
        self._lock = threading.Lock()
        self._calls: dict[K, _Call[T]] = {}
        self._closed: Future[None] = Future()

    def ask(self, keys: Iterable[K]) -> dict[K, Future[T]]:
        """A future for each key, in their order; one that is not done had no answer within the deadline.

        A key that was without answer before and still is costs no wait.
        """
        keys = tuple(dict.fromkeys(keys))
        begun = time.monotonic()
        end, halfway = begun + self._deadline, begun + self._deadline / 2
        asked = self._late_answers(keys)
        waiting = deque(key for key in keys if key not in asked)
        running: list[_Call[T]] = []
        while True:
            if self._closed.done():
                raise SourceUnreachable("the exporter is stopping")
            now = time.monotonic()
            running = [call for call in running if not call.future.done() and now < end]
            while waiting and (len(running) < self._workers or now >= halfway):
                key = waiting.popleft()
                asked[key] = call = self._call(key, now)
                if now < call.started + self._deadline:
                    running.append(call)
            if not running:
                break
            awaited: set[Future[Any]] = {self._closed, *(call.future for call in running)}
            wait(awaited, timeout=max(0.0, (halfway if waiting else end) - now), return_when=FIRST_COMPLETED)
        with self._lock:
            for key, call in asked.items():
                if call.future.done() and self._calls.get(key) is call:
                    del self._calls[key]
        return {key: asked[key].future for key in keys}

    def close(self) -> None:
        """Return at once; calls that are out stay out, and end with the process at the latest."""
        with self._lock:
            if not self._closed.done():
                self._closed.set_result(None)

    def _late_answers(self, keys: tuple[K, ...]) -> dict[K, _Call[T]]:
        with self._lock:
            late = {key: call for key, call in self._calls.items() if call.future.done()}
            for key in late:
                del self._calls[key]
        return {key: late[key] for key in keys if key in late} if self._keep_late else {}

    def _call(self, key: K, now: float) -> _Call[T]:
        with self._lock:
            call = self._calls.get(key)
            if call is None:
                call = _Call(now)
                threading.Thread(target=self._run, args=(key, call.future), name=f"ask {key!r}", daemon=True).start()
                self._calls[key] = call
        return call

    def _run(self, key: K, future: Future[T]) -> None:
        try:
            answer = self._work(key)
        except BaseException as error:  # noqa: BLE001 - raised again where the future is read
            future.set_exception(error)
        else:
            future.set_result(answer)
