"""What a host has mounted, and what a walk of it counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one walk of a directory tree counted."""

    root: str
    completed_at: float
    duration_seconds: float
    files: int
    directories: int
    apparent_bytes: int
    allocated_bytes: int
    errors: Mapping[str, int]
