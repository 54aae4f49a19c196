"""Which entries of a directory count."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable
from typing import Any

from exporter.sources.filesystem.subtree import Rules

# Of NetApp, Isilon and snapper; of ZFS it is "snapshot" in ".zfs".
_SNAPSHOTS = frozenset((".snapshot", "~snapshot", ".snapshots"))


class Selection:
    """The globs of the rules; those with a slash are matched with the path as configured, root and all."""

    def __init__(self, rules: Rules) -> None:
        self._root = rules.root.rstrip("/")
        self._exclude_names, self._exclude_paths = _patterns(rules.exclude)
        self._include_names, self._include_paths = _patterns(rules.include)
        self._includes = bool(rules.include)

    def of(self, directory: bytes, entries: list[Any]) -> list[Any]:
        """Those that are not excluded; of the files, if any are included, only those."""
        here = f"{self._root}/{os.fsdecode(directory)}/" if directory else f"{self._root}/"
        return [e for e in entries if not self._is_excluded(here, e.name) and self._is_included(here, e)]

    def _is_excluded(self, here: str, name: str) -> bool:
        return _matches(self._exclude_names, name) or (
            self._exclude_paths is not None and _matches(self._exclude_paths, here + name)
        )

    def _is_included(self, here: str, entry: Any) -> bool:
        return (
            not self._includes
            or _matches(self._include_names, entry.name)
            or _matches(self._include_paths, here + entry.name)
            or entry.is_dir(follow_symlinks=False)
        )


def is_snapshot(directory: bytes, name: str) -> bool:
    return name in _SNAPSHOTS or (name == "snapshot" and directory.rpartition(b"/")[2] == b".zfs")


def _patterns(globs: Iterable[str]) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    """Of names, and of whole paths."""
    globs = tuple(globs)
    return _pattern(g for g in globs if "/" not in g), _pattern(g for g in globs if "/" in g)


def _pattern(globs: Iterable[str]) -> re.Pattern[str] | None:
    alternatives = [fnmatch.translate(glob) for glob in globs]
    return re.compile("|".join(alternatives)) if alternatives else None


def _matches(pattern: re.Pattern[str] | None, text: str) -> bool:
    return pattern is not None and pattern.match(text) is not None
