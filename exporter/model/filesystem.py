"""What a host has mounted, and what a walk of it counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.model.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mounted filesystem: its pool, and what only filesystems have.

    atime: when reading a file is noted, "noatime", "relatime" or "strictatime"; "" where the system does not tell.
    """

    pool: Pool
    device: str
    fstype: str
    read_only: bool
    atime: str = ""
    # Why it could not be read ("EIO", "stuck"); None when it could.
    error: str | None = None
    files: float | None = None
    files_free: float | None = None


class Share(NamedTuple):
    """A part of the files of a tree."""

    files: int
    apparent_bytes: int
    allocated_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one walk of a directory tree counted.

    vanished: entries deleted while it ran. trusted_directories: of an incremental scan, those that were not read again
    since they looked unchanged; oldest_trusted_at: when the one of them was read that waits longest; kept_directories:
    those that could not be read and count as they last did. mountpoint, atime: of the filesystem the root is on, as
    Mount has them. sizes, modified, accessed, categories, owners: its regular files told apart, the ages by the whole
    days since mtime and atime, owners by uid. rollup: the largest directories down to the configured depth with all
    below them, by path relative to the root; incomplete: those of them in which something could not be read.
    """

    root: str
    completed_at: float
    duration_seconds: float
    files: int
    directories: int
    apparent_bytes: int
    allocated_bytes: int
    errors: Mapping[str, int]
    symlinks: int | None = None
    vanished: int | None = None
    trusted_directories: int | None = None
    oldest_trusted_at: float | None = None
    kept_directories: int | None = None
    mountpoint: str = ""
    atime: str = ""
    sizes: Mapping[str, Share] = field(default_factory=dict)
    modified: Mapping[str, Share] = field(default_factory=dict)
    accessed: Mapping[str, Share] = field(default_factory=dict)
    categories: Mapping[str, Share] = field(default_factory=dict)
    owners: Mapping[str, Share] = field(default_factory=dict)
    rollup: Mapping[str, Share] = field(default_factory=dict)
    incomplete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanState:
    """How it goes with the scans of a root.

    due_at: when the next one is due, or was. success: whether the last one ended with a result; None before the first.
    started_at, entries, errors: of the one that runs at present; None while none does.
    """

    root: str
    due_at: float
    success: bool | None = None
    started_at: float | None = None
    entries: int | None = None
    errors: int | None = None
