"""One walk of a directory tree: how many files, how many bytes. Nothing is opened but directories.

Directories are opened and entries statted relative to the descriptor of their parent: it is cheaper than whole paths,
and a path may be longer than the 4,096 bytes a system call takes. Windows has no such calls and goes by path.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from exporter.errors import SourceUnreachable
from exporter.sources.filesystem.text import errno_name, readable

BY_DESCRIPTOR = os.scandir in os.supports_fd and os.open in os.supports_dir_fd
_OPEN_DIRECTORIES = 64
_STOP_EVERY = 256

# O_NONBLOCK: a FIFO put in the place of a directory must not block the open.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC"))
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_JUNCTION = getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0x400)

# Of NetApp, Isilon and snapper; of ZFS it is "snapshot" in ".zfs".
_SNAPSHOTS = frozenset((".snapshot", "~snapshot", ".snapshots"))


@dataclass(slots=True)
class Tally:
    """What a walk counted.

    files: everything that is no directory, symlinks too, a file of several names once; directories: with the root.
    apparent_bytes: st_size of files, as du since 9.2 has it; allocated_bytes: blocks of files and directories.
    errors: entries that could not be read, by errno name; what was deleted under way is none.
    device: st_dev of the root.
    """

    device: int = 0
    files: int = 0
    directories: int = 0
    apparent_bytes: int = 0
    allocated_bytes: int = 0
    errors: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Directory:
    name: str
    # A descriptor, or the path where there are none; None while closed to keep the number of open ones down.
    handle: int | str | None
    identity: tuple[int, int]
    # Only kept when there are globs of whole paths to match.
    path: str
    waiting: list[str] = field(default_factory=list)


def walk(
    root: bytes | str,
    *,
    exclude: Iterable[str] = (),
    should_stop: Callable[[], bool] = lambda: False,
    by_descriptor: bool = BY_DESCRIPTOR,
) -> Tally:
    """Count the tree below `root`, which may itself be a symlink; those inside are counted and not followed.

    exclude: globs of names, or of whole paths where they hold a slash; what matches is left out with all below it.
    Other filesystems mounted inside and snapshot directories are left out. Raises OSError when the root itself
    cannot be read, SourceUnreachable when should_stop said so.
    """
    walker = _Walk(os.fsdecode(root), tuple(exclude), should_stop, by_descriptor)
    try:
        return walker.run()
    finally:
        walker.close()


class _Walk:
    def __init__(
        self, root: str, exclude: tuple[str, ...], should_stop: Callable[[], bool], by_descriptor: bool
    ) -> None:
        self._root = root
        self._should_stop = should_stop
        self._by_descriptor = by_descriptor
        self._names = _pattern(glob for glob in exclude if "/" not in glob)
        self._paths = _pattern(glob for glob in exclude if "/" in glob)
        self._tally = Tally()
        self._linked: set[tuple[int, int]] = set()
        # The way from the root to here. Open are the root and the directories from _first_open on.
        self._stack: list[_Directory] = []
        self._first_open = 1

    def run(self) -> Tally:
        handle, status = self._open(self._root, None)
        tally = self._tally
        tally.device, tally.directories, tally.allocated_bytes = status.st_dev, 1, _allocated(status)
        name = os.path.basename(self._root.rstrip("/"))
        self._push(_Directory(name, handle, (status.st_dev, status.st_ino), self._root.rstrip("/")))
        self._list(self._stack[0])
        while self._stack:
            if self._stack[-1].waiting:
                self._descend(self._stack[-1])
            else:
                self._leave()
        return tally

    def close(self) -> None:
        for directory in self._stack:
            _close(directory)

    def _descend(self, parent: _Directory) -> None:
        name = parent.waiting.pop()
        try:
            handle, status = self._open(name, parent.handle)
        except OSError as error:
            self._note(error)
            return
        path = f"{parent.path}/{name}" if self._paths else ""
        child = _Directory(name, handle, (status.st_dev, status.st_ino), path)
        # Something may have been mounted here since it was listed.
        if status.st_dev != self._tally.device:
            _close(child)
            return
        self._push(child)
        try:
            self._list(child)
        except OSError as error:
            self._note(error)

    def _list(self, directory: _Directory) -> None:
        self._stop_if_told()
        with os.scandir(directory.handle) as entries:
            for number, entry in enumerate(entries, start=1):
                if number % _STOP_EVERY == 0:
                    self._stop_if_told()
                if self._is_excluded(directory, entry.name):
                    continue
                try:
                    # On Windows the listing knows neither links nor devices.
                    status = entry.stat(follow_symlinks=False) if self._by_descriptor else os.lstat(entry)
                except OSError as error:
                    self._note(error)
                    continue
                if stat.S_ISDIR(status.st_mode) and not getattr(status, "st_file_attributes", 0) & _JUNCTION:
                    self._count_directory(directory, entry.name, status)
                else:
                    self._count_file(status)

    def _count_directory(self, parent: _Directory, name: str, status: os.stat_result) -> None:
        if status.st_dev != self._tally.device or _is_snapshot(parent.name, name):
            return
        self._tally.directories += 1
        self._tally.allocated_bytes += _allocated(status)
        parent.waiting.append(name)

    def _count_file(self, status: os.stat_result) -> None:
        # st_dev is not compared with the root's: on an overlay of several filesystems it is that of the layer.
        if status.st_nlink > 1:
            identity = (status.st_dev, status.st_ino)
            if identity in self._linked:
                return
            self._linked.add(identity)
        self._tally.files += 1
        self._tally.apparent_bytes += status.st_size
        self._tally.allocated_bytes += _allocated(status)

    def _is_excluded(self, directory: _Directory, name: str) -> bool:
        if self._names and self._names.match(name):
            return True
        return self._paths is not None and self._paths.match(f"{directory.path}/{name}") is not None

    def _stop_if_told(self) -> None:
        if self._should_stop():
            raise SourceUnreachable(f"{readable(self._root)}: the scan was stopped")

    def _note(self, error: OSError) -> None:
        # Deleted since it was listed: that is life, not an error.
        if not isinstance(error, FileNotFoundError):
            self._tally.errors[errno_name(error)] += 1

    def _open(self, name: str, parent: int | str | None) -> tuple[int | str, os.stat_result]:
        if not self._by_descriptor:
            path = name if parent is None else os.path.join(str(parent), name)
            return path, os.stat(path)
        flags = _FLAGS if parent is None else _FLAGS | _NO_LINK
        descriptor = os.open(name, flags, dir_fd=None if parent is None else int(parent))
        try:
            return descriptor, os.fstat(descriptor)
        except OSError:
            os.close(descriptor)
            raise

    def _push(self, directory: _Directory) -> None:
        self._stack.append(directory)
        if self._by_descriptor and len(self._stack) - self._first_open > _OPEN_DIRECTORIES:
            _close(self._stack[self._first_open])
            self._first_open += 1

    def _leave(self) -> None:
        done = self._stack.pop()
        top = len(self._stack) - 1
        if 0 < top < self._first_open:
            self._first_open = top
            self._reopen(self._stack[top], below=done)
        _close(done)

    def _reopen(self, directory: _Directory, below: _Directory) -> None:
        """Open it again from its child, or step by step from the root where the child was moved or shut."""
        ways = [(below.handle, [".."]), (self._stack[0].handle, [d.name for d in self._stack[1:]])]
        for start, names in ways:
            if start is not None and (handle := self._follow(int(start), names, directory.identity)) is not None:
                directory.handle = handle
                return
        if directory.waiting:
            self._tally.errors["ESTALE"] += len(directory.waiting)
            directory.waiting.clear()

    def _follow(self, start: int, names: list[str], identity: tuple[int, int]) -> int | None:
        """The directory at the end of the names, if it is still the one it was."""
        here = start
        try:
            for name in names:
                step, status = self._open(name, here)
                if here != start:
                    os.close(here)
                here = int(step)
        except OSError:
            if here != start:
                os.close(here)
            return None
        if (status.st_dev, status.st_ino) == identity:
            return here
        os.close(here)
        return None


def _pattern(globs: Iterable[str]) -> re.Pattern[str] | None:
    alternatives = [fnmatch.translate(glob) for glob in globs]
    return re.compile("|".join(alternatives)) if alternatives else None


def _is_snapshot(parent: str, name: str) -> bool:
    return name in _SNAPSHOTS or (name == "snapshot" and parent == ".zfs")


def _allocated(status: os.stat_result) -> int:
    """Blocks are 512 bytes, whatever st_blksize says; Windows has none, and the size has to do."""
    blocks: int | None = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else blocks * 512


def _close(directory: _Directory) -> None:
    if isinstance(directory.handle, int):
        os.close(directory.handle)
        directory.handle = None
