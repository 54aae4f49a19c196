"""What a host has mounted, and what a walk of it counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.model.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mounted filesystem: its pool, and what only filesystems have."""

    pool: Pool
    device: str
    fstype: str
    read_only: bool
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
    since they looked unchanged; oldest_trusted_at: when the one of them was read that waits longest. sizes,
    modified, accessed, categories, owners: its regular files told apart, the ages by the whole days since mtime and
    atime, owners by uid. rollup: the largest directories down to the configured depth with all below them, by path
    relative to the root.
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
    sizes: Mapping[str, Share] = field(default_factory=dict)
    modified: Mapping[str, Share] = field(default_factory=dict)
    accessed: Mapping[str, Share] = field(default_factory=dict)
    categories: Mapping[str, Share] = field(default_factory=dict)
    owners: Mapping[str, Share] = field(default_factory=dict)
    rollup: Mapping[str, Share] = field(default_factory=dict)
