"""The walk of parts of a directory tree, in Python. Nothing is opened but directories.

Directories are opened and entries statted relative to the descriptor of their parent: it is cheaper than whole paths,
and a path may be longer than the 4,096 bytes a system call takes. Windows has no such calls and goes by path.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from math import inf
from typing import Any
from zlib import crc32

from exporter.sources.filesystem.counting import Counting, Directory, blocks_of, join
from exporter.sources.filesystem.opening import Opener
from exporter.sources.filesystem.record import Record
from exporter.sources.filesystem.selection import Selection
from exporter.sources.filesystem.subtree import Part, Rules, Subtree, System, ignore
from exporter.sources.filesystem.tally import ALLOCATED, BLOCK, DIRECTORIES, ERRORS, VANISHED, Tally, largest
from exporter.sources.filesystem.text import errno_name

OPEN_DIRECTORIES = 64
SPLIT_ABOVE = 20_000
AT_A_TIME = 256
# Longer ones are nobody's data, and a thousand of them would fill the memory.
LONGEST_PATH = 1 << 20
# Broken directories have been seen to list for ever.
MOST_IN_DIRECTORY = 100_000_000


def walk(
    rules: Rules,
    subtrees: Sequence[Subtree],
    *,
    budget: float = inf,
    seconds: float = inf,
    tick: Callable[[int], None] = ignore,
    system: System | None = None,
) -> Part:
    """A Walker. Raises OSError when the root cannot be opened, or is on another device than the rules say."""
    walker = _Walk(rules, tick, system or System())
    try:
        return walker.run(subtrees, budget, time.monotonic() + seconds)
    finally:
        walker.close()


def unanswered(rules: Rules, subtree: Subtree) -> Part:
    """The part of a directory that was asked and does not answer."""
    walker = _Walk(rules, ignore, System())
    return walker.unanswered(subtree)


def device_of(root: str, system: System | None = None) -> int:
    """st_dev of the root. Raises OSError when it cannot be listed."""
    system = system or System()
    opener = Opener(system)
    handle, status = opener.root(root)
    try:
        system.scandir(handle).close()
    finally:
        opener.close(handle)
    return status.st_dev


def _too_many(listing: Iterator[Any]) -> Iterator[Any]:
    """Nothing; raises OSError if more is listed."""
    for _ in listing:
        raise OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW))
    yield from ()


class _Walk:
    def __init__(self, rules: Rules, tick: Callable[[int], None], system: System) -> None:
        self._rules = rules
        self._tick = tick
        self._system = system
        self._opener = Opener(system)
        self._selection = Selection(rules) if rules.exclude or rules.include else None
        self._part = Part(Tally(rules.depth, rules.top))
        self._stack: list[Directory] = []
        self._counting = Counting(rules, self._part.tally.cells)

    def run(self, subtrees: Sequence[Subtree], budget: float, until: float) -> Part:
        part = self._part
        root, status = self._opener.root(self._rules.root)
        try:
            if status.st_dev != self._rules.device:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), self._rules.root)
            for number, subtree in enumerate(subtrees):
                if part.entries >= budget or time.monotonic() >= until:
                    part.left.extend(subtrees[number:])
                    break
                self._enter(subtree, root)
                while self._stack:
                    here = self._stack[-1]
                    if not here.waiting:
                        self._opener.close(self._stack.pop().handle)
                    elif len(self._stack) >= OPEN_DIRECTORIES or part.entries >= budget or time.monotonic() >= until:
                        part.left.extend(Subtree(join(here.path, name), blocks) for name, blocks in here.waiting)
                        here.waiting.clear()
                    else:
                        name, blocks = here.waiting.pop()
                        self._enter(Subtree(join(here.path, name), blocks), root, here.handle, name)
        finally:
            self._opener.close(root)
        return part

    def unanswered(self, subtree: Subtree) -> Part:
        here = self._directory(subtree.path)
        self._note(here, OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))
        if subtree.share is None:
            here.row[DIRECTORIES] += 1
            here.row[ALLOCATED] += subtree.blocks * BLOCK
        self._record(here, None)
        return self._part

    def close(self) -> None:
        while self._stack:
            self._opener.close(self._stack.pop().handle)

    def _enter(self, subtree: Subtree, root: Any, parent: Any = None, name: str = "") -> None:
        path = subtree.path
        here = self._directory(path)
        status: os.stat_result | None = None
        try:
            if self._is_to_be_entered(path):
                here.handle, status = (
                    self._opener.follow(root, path) if parent is None else self._opener.below(parent, name)
                )
        except FileNotFoundError:
            here.row[VANISHED] += 1
            self._record(here, None)
            return
        except OSError as error:
            self._note(here, error)
        if here.handle is not None:
            self._stack.append(here)
        # Something may have been mounted here since it was listed.
        if status is not None and status.st_dev != self._rules.device:
            self._record(here, None)
            return
        if subtree.share is None:
            here.row[DIRECTORIES] += 1
            here.row[ALLOCATED] += (subtree.blocks if status is None else blocks_of(status)) * BLOCK
        if here.handle is not None:
            try:
                self._list(here, subtree.share)
            except OSError as error:
                self._note(here, error)
        self._record(here, status)
        if subtree.alone:
            here.waiting.clear()

    def _directory(self, path: bytes) -> Directory:
        tally = Tally(self._rules.depth, self._rules.top) if self._rules.keep_records else self._part.tally
        return Directory(path, None, tally, tally.row(path), time.time())

    def _is_to_be_entered(self, path: bytes) -> bool:
        if len(path) > LONGEST_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return self._rules.max_depth is None or not path or path.count(b"/") + 1 < self._rules.max_depth

    def _list(self, here: Directory, share: tuple[int, int] | None) -> None:
        self._tick(0)
        with self._system.scandir(here.handle) as listing:
            entries: Iterator[Any] = chain(islice(listing, MOST_IN_DIRECTORY), _too_many(listing))
            if self._rules.parts > 1 and share is None:
                begin = list(islice(entries, SPLIT_ABOVE + 1))
                if len(begin) > SPLIT_ABOVE:
                    parts = self._rules.parts
                    self._part.left.extend(Subtree(here.path, share=(number, parts)) for number in range(parts))
                    return
                entries = chain(begin, entries)
            elif share is not None:
                number, parts = share
                entries = (e for e in entries if crc32(os.fsencode(e.name)) % parts == number)
            while some := list(islice(entries, AT_A_TIME)):
                self._look_at(here, some)
                self._tick(len(some))
                self._part.entries += len(some)
        self._counting.close(here, in_parts=share is not None)

    def _look_at(self, here: Directory, entries: list[Any]) -> None:
        if self._selection is not None:
            entries = self._selection.of(here.path, entries)
        started = time.perf_counter()
        try:
            # On Windows the listing knows neither links nor devices.
            if self._system.by_descriptor:
                statuses = [entry.stat(follow_symlinks=False) for entry in entries]
            else:
                statuses = [os.lstat(entry) for entry in entries]
        except OSError:
            entries, statuses = self._stat_each(here, entries)
        self._part.stat_seconds += time.perf_counter() - started
        self._counting.count(here, entries, statuses)

    def _stat_each(self, here: Directory, entries: list[Any]) -> tuple[list[Any], list[os.stat_result]]:
        found, statuses = [], []
        for entry in entries:
            try:
                statuses.append(entry.stat(follow_symlinks=False) if self._system.by_descriptor else os.lstat(entry))
            except FileNotFoundError:
                here.row[VANISHED] += 1
            except OSError as error:
                self._note(here, error)
            else:
                found.append(entry)
        return found, statuses

    def _record(self, here: Directory, status: os.stat_result | None) -> None:
        if self._rules.keep_records:
            # What went wrong may go well the next time, and leaves no trace in the directory.
            whole = status is not None and here.handle is not None and not here.row[ERRORS] and not here.row[VANISHED]
            state = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns) if status is not None and whole else None
            waiting = tuple((os.fsencode(name), blocks) for name, blocks in here.waiting)
            tally = here.tally
            record = Record(
                here.path, bool(here.row[DIRECTORIES]), here.read_at, state, here.content.pack(here.row),
                dict(tally.errors), here.apparent, here.allocated, tuple(largest(tally.large, tally.top)),
                tuple(tally.links.items()), waiting, unread=here.handle is None and bool(here.row[ERRORS]),
            )  # fmt: skip
            self._part.records.append(record)
            self._part.tally.merge(tally)

    def _note(self, here: Directory, error: OSError) -> None:
        # Deleted since it was listed: that is life, not an error.
        here.row[ERRORS] += 1
        here.tally.errors[errno_name(error)] += 1
