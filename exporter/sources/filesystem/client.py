"""Everything that asks the operating system, behind deadlines: mount table, sizes, walks."""

from __future__ import annotations

import os
import shutil
import string
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.model import MINUTE
from exporter.sources.filesystem.calls import Calls
from exporter.sources.filesystem.config import FilesystemSettings, ScanSettings
from exporter.sources.filesystem.configured import scan_configured
from exporter.sources.filesystem.index import Trust
from exporter.sources.filesystem.mountinfo import MOUNTINFO, mount_of, read_mounts
from exporter.sources.filesystem.pace import be_nice
from exporter.sources.filesystem.scan import Progress
from exporter.sources.filesystem.tally import Tally

LOOK_INTERVAL = 15 * MINUTE

if TYPE_CHECKING:
    Statvfs = Callable[[bytes], os.statvfs_result]
# Windows has none.
STATVFS: Statvfs | None = getattr(os, "statvfs", None)


@dataclass(frozen=True, slots=True)
class Usage:
    """Sizes of a filesystem in bytes; None where it does not tell."""

    capacity_bytes: int | None
    free_bytes: int | None
    files: int | None = None
    files_free: int | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Walked:
    """A finished walk, when it ran by time.monotonic(), and which filesystem it was on.

    device: st_dev of the root; trust: None without an index; fsid: as statvfs tells it, 0 for unknown; mountpoint:
    where the filesystem of the root was mounted; atime: how it keeps the time of reading, "" for unknown.
    """

    tally: Tally
    device: int
    trust: Trust | None
    started: float
    ended: float
    fsid: int
    mountpoint: str
    atime: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """A walk under way: when it began (unix seconds), and how far it is."""

    started_at: float
    entries: int = 0
    errors: int = 0


class FilesystemClient:
    """statvfs and mountinfo are where sizes and the mount table come from; drives replace a missing table."""

    def __init__(
        self,
        settings: FilesystemSettings,
        statvfs: Statvfs | None = STATVFS,
        mountinfo: Path = MOUNTINFO,
        drives: Callable[[], Iterable[str]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.drives = drives or listed_drives
        self._statvfs = statvfs
        self._mountinfo = mountinfo
        self._closing = threading.Event()
        self._clock = clock
        self.began_at = clock()
        # By the path of the settings: walks under way, and why the last one had no result, "" if it had one.
        self.running: dict[str, Running] = {}
        self.failures: dict[str, str] = {}
        self.usage = Calls(self._usage, settings.timeout)
        # Half the interval: a fetch that waits for a long walk is back before its last answer expires.
        half = (settings.intervals.scans or LOOK_INTERVAL) / 2
        self.walks = Calls(self._walk_nicely, half, workers=1, keep_late=True)

    def mount_table(self) -> bytes | None:
        """The content of mountinfo; None on a system that has none."""
        try:
            return self._mountinfo.read_bytes()
        except FileNotFoundError:
            return None

    def close(self) -> None:
        self._closing.set()
        self.usage.close()
        self.walks.close()

    def _usage(self, mountpoint: bytes) -> Usage:
        if self._statvfs is None:
            # On Windows "free" is already what the user's quota leaves.
            total, _, free = shutil.disk_usage(os.fsdecode(mountpoint))
            return Usage(total, free)
        return usage(self._statvfs(mountpoint))

    def _walk_nicely(self, settings: ScanSettings) -> Walked:
        be_nice()
        return self._walk(settings)

    def _walk(self, settings: ScanSettings) -> Walked:
        started = time.monotonic()
        running = self.running[settings.path] = Running(self._clock())

        def note(progress: Progress) -> None:
            self.running[settings.path] = replace(running, entries=progress.entries, errors=progress.errors)

        try:
            mounts = read_mounts(self._mountinfo)
            tally, device, trust = scan_configured(settings, mounts, should_stop=self._closing.is_set, progress=note)
            fsid = self._statvfs(os.fsencode(settings.path)).f_fsid if self._statvfs else 0
            root = os.path.realpath(settings.path)
            mount = mount_of(mounts, os.fsencode(root))
            atime = mount.atime if mount else ""
        finally:
            del self.running[settings.path]
        return Walked(tally, device, trust, started, time.monotonic(), fsid, _mountpoint(root), atime)


def _mountpoint(path: str) -> str:
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path


def usage(answer: os.statvfs_result) -> Usage:
    """Sizes count in f_frsize units; zero blocks or files is how a filesystem says that it has no such number."""
    unit = answer.f_frsize or answer.f_bsize
    return Usage(
        capacity_bytes=answer.f_blocks * unit if answer.f_blocks else None,
        # f_bfree would count the blocks that only root may still write.
        free_bytes=answer.f_bavail * unit if answer.f_blocks else None,
        files=answer.f_files or None,
        files_free=answer.f_favail if answer.f_files else None,
        read_only=bool(answer.f_flag & os.ST_RDONLY),
    )


def listed_drives() -> tuple[str, ...]:
    """Drive letters on Windows (all of them before Python 3.12: absent ones fail later), else / and the volumes."""
    if os.name == "nt":
        list_drives: Callable[[], list[str]] | None = getattr(os, "listdrives", None)
        return tuple(list_drives() if list_drives else (f"{letter}:\\" for letter in string.ascii_uppercase))
    volumes = Path("/Volumes")
    return ("/", *(str(v) for v in (sorted(volumes.iterdir()) if volumes.is_dir() else ()) if not v.is_symlink()))
