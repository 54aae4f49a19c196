"""One scan of a directory tree: chooses who walks it, and adds up what they count."""

from __future__ import annotations

import dataclasses
import errno
import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Protocol

from exporter.errors import SourceUnreachable
from exporter.sources.filesystem.crew import LOST, Crew, alone, processes, threads
from exporter.sources.filesystem.links import Links
from exporter.sources.filesystem.pace import Bucket, Pauses
from exporter.sources.filesystem.subtree import Part, Rules, Subtree, Walker, ignore
from exporter.sources.filesystem.tally import ERRORS, Tally, settled
from exporter.sources.filesystem.text import readable
from exporter.sources.filesystem.walk import device_of, walk
from exporter.sources.filesystem.width import LOCAL_SECONDS, Width

# Looked at to see how fast the filesystem answers.
_FIRST_ENTRIES = 1_000
# What is done by then is not worth starting processes for.
_SMALL_ENTRIES = 20_000
_MOST_THREADS = 64
# A second in any case: to stay below needs no second worker, and one alone keeps to a limit exactly.
_ENTRIES_OF_ONE = 50_000
# Each part of a large directory lists it whole.
_MOST_PARTS = 16
# What a disk that dies answers, or a server that is gone: so many in a row, and the rest is not asked.
_BROKEN = ("EIO", "EUCLEAN", "EBADMSG", "ESTALE", "ENXIO", "ENODEV", "ENOTCONN", "EHOSTDOWN", "ETIMEDOUT")
_BROKEN_IN_A_ROW = 100
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan is. directory: the one to be walked next, None at the end."""

    entries: int
    errors: int
    directory: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """Who walks, and how politely; none of it changes the result.

    workers: processes for a local disk, None for one a core. executor: makes another kind of executor, which can walk
    `workers` parts at once; lost: what its futures raise when a worker died. should_stop: a scan ends soon after it
    says so. progress: told of each part that came back.
    """

    workers: int | None = None
    executor: Callable[[], Executor] | None = None
    lost: tuple[type[Exception], ...] = ()
    entries_per_second: float | None = None
    pauses: Pauses = field(default_factory=Pauses)
    walker: Walker = walk
    should_stop: Callable[[], bool] = lambda: False
    progress: Callable[[Progress], None] = ignore


class Book(Protocol):
    """What a scan writes into: where to begin, what came back, what it all amounts to."""

    # Whether it wants a record of each directory.
    keeps_records: bool
    links: Links

    def begin(self, rules: Rules, tick: Callable[[int], None]) -> list[Subtree]: ...

    def take(self, part: Part) -> list[Subtree]: ...

    def finish(self) -> Tally:
        """Without its links."""
        ...


class Sum:
    """Adds up, and forgets all of it when the scan does not end."""

    keeps_records = False

    def begin(self, rules: Rules, tick: Callable[[int], None]) -> list[Subtree]:  # noqa: ARG002 - as every book
        self._tally = Tally(rules.depth, rules.top)
        self.links = Links()
        return [Subtree(b"")]

    def take(self, part: Part) -> list[Subtree]:
        self.links.take(part.tally)
        self._tally.merge(part.tally)
        return part.left

    def finish(self) -> Tally:
        return self._tally


def scan(rules: Rules, how: How | None = None, book: Book | None = None) -> tuple[Tally, int]:
    """The settled tally of the tree below rules.root, and the device it is on; the rules need not know it.

    Raises OSError when the root cannot be read, SourceUnreachable when it was told to stop or its workers keep dying.
    """
    how = how or How()
    book = book or Sum()
    entries = errors = broken = 0

    def stop_if_told() -> None:
        if how.should_stop():
            raise SourceUnreachable(f"{readable(rules.root)}: the scan was stopped")

    def take(part: Part) -> list[Subtree]:
        nonlocal entries, errors, broken
        entries += part.entries
        errors += sum(row[ERRORS] for row in part.tally.own.values())
        failed = sum(part.tally.errors[name] for name in _BROKEN)
        broken = broken + failed if failed >= part.entries else 0
        left = book.take(part)
        if broken >= _BROKEN_IN_A_ROW:
            raise OSError(errno.EIO, "one error after the other, as of a broken disk", rules.root)
        how.progress(Progress(entries, errors, left[-1].path if left else None))
        return left

    bucket = Bucket(how.entries_per_second, stop_if_told)

    def tick(some: int) -> None:
        bucket.take(some)
        while how.pauses.reason() is not None:
            bucket.sleep(_LOOK_SECONDS)
            stop_if_told()

    tick(0)
    rules = dataclasses.replace(
        rules,
        device=device_of(rules.root),
        inode=os.stat(rules.root).st_ino,
        capacity=_capacity_of(rules.root),
        keep_records=book.keeps_records,
    )
    left = book.begin(rules, tick)
    if left:
        begin = partial(how.walker, tick=tick)
        first = alone(rules, left, partial(begin, budget=_FIRST_ENTRIES), how.pauses)
        left = take(first)
        latency = first.stat_seconds / first.entries if first.entries else 0.0
        crew = _crew(how, bucket, latency)
        if left and crew.remote and how.executor is None:
            left = take(alone(rules, left, partial(begin, budget=_SMALL_ENTRIES), how.pauses))
        if left:
            crew.walk(dataclasses.replace(rules, parts=_parts(book, crew)), left, take)
    return settled(book.finish(), rules.categories, rules.floor, book.links.each()), rules.device


def _capacity_of(root: str) -> int:
    if not hasattr(os, "statvfs"):
        return 0
    answer = os.statvfs(root)
    return answer.f_blocks * (answer.f_frsize or answer.f_bsize)


def _crew(how: How, bucket: Bucket, latency: float) -> Crew:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = how.workers or cores
    if how.executor is not None:
        return Crew(
            how.executor, count, how.walker, remote=True, bucket=bucket, pauses=how.pauses, lost=(*LOST, *how.lost)
        )
    if latency >= LOCAL_SECONDS:
        return Crew(
            partial(threads, _MOST_THREADS), _MOST_THREADS, how.walker, width=Width(latency), bucket=bucket,
            pauses=how.pauses,
        )  # fmt: skip
    if count == 1 or (how.entries_per_second or inf) <= _ENTRIES_OF_ONE:
        return Crew(partial(threads, 1), 1, how.walker, bucket=bucket, pauses=how.pauses)
    return Crew(partial(processes, count), count, how.walker, remote=True, bucket=bucket, pauses=how.pauses)


def _parts(book: Book, crew: Crew) -> int:
    """Into how many a large directory is split; one that gets a record of its own is not."""
    return 1 if book.keeps_records else min(crew.size, _MOST_PARTS)
