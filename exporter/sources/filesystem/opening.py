"""Opening directories without following links, leaving traces or needing short paths."""

from __future__ import annotations

import errno
import os
from typing import Any

from exporter.sources.filesystem.subtree import System

# O_NONBLOCK: a FIFO put in the place of a directory must not block the open.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC"))
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_ATIME = getattr(os, "O_NOATIME", 0)


class Opener:
    """Handles of directories: descriptors, or paths on Windows, which cannot open by descriptor."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._no_atime = _NO_ATIME

    def root(self, path: str) -> tuple[Any, os.stat_result]:
        """The root of a tree, which may be a symlink."""
        if not self._system.by_descriptor:
            return path, os.stat(path)
        return self._checked(self._open(path, 0, None))

    def below(self, parent: Any, name: str) -> tuple[Any, os.stat_result]:
        if not self._system.by_descriptor:
            path = os.path.join(parent, name)
            return path, os.lstat(path)
        return self._checked(self._open(name, _NO_LINK, parent))

    def follow(self, root: Any, path: bytes) -> tuple[Any, os.stat_result]:
        """Step by step from the root, so that no link on the way leads elsewhere and the path may be of any length."""
        if not self._system.by_descriptor:
            return self.below(root, os.fsdecode(path))
        here = root
        for name in os.fsdecode(path or b".").split("/"):
            try:
                step = self._open(name, _NO_LINK, here)
            finally:
                if here != root:
                    os.close(here)
            here = step
        return self._checked(here)

    def close(self, handle: Any) -> None:
        if isinstance(handle, int):
            os.close(handle)

    def _open(self, path: str, flags: int, parent: int | None) -> int:
        try:
            return self._system.open(path, _FLAGS | flags | self._no_atime, dir_fd=parent)
        except PermissionError as error:
            # Only the owner may ask that the time of reading is left as it is; EACCES is a directory shut to us.
            if error.errno != errno.EPERM or not self._no_atime:
                raise
        self._no_atime = 0
        return self._open(path, flags, parent)

    def _checked(self, descriptor: int) -> tuple[int, os.stat_result]:
        try:
            return descriptor, os.fstat(descriptor)
        except OSError:
            os.close(descriptor)
            raise
