"""Processes for what takes long: they leave the interpreter to polls and scrapes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Scrapes and polls come first.
_NICE = 10


class Workers(Executor):
    """Starts a process when it is needed, up to `count`. One that dies fails what was under way; the next call goes on.

    Spawned, because a fork of a process with threads may hang.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._ended = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Raises BrokenProcessPool after shutdown."""
        with self._lock:
            if self._ended:
                raise BrokenProcessPool("the workers have ended")
            if self._pool is not None:
                try:
                    return self._pool.submit(fn, *args, **kwargs)
                except BrokenProcessPool:
                    self._pool.shutdown(wait=False)
            self._pool = ProcessPoolExecutor(self._count, multiprocessing.get_context("spawn"), _begin)
            return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._lock:
            self._ended = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait, cancel_futures=cancel_futures)


def _begin() -> None:
    """In the worker: Ctrl-C is for the service, and without the service, however it ended, there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
