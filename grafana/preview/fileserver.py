"""Three made-up servers whose mounts fill by a formula, and a directory tree of real, empty files to scan."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GB, TB, DAY = 1e9, 1e12, 86400.0
_BLOCK = 4096
_AGE_DAYS = 1500
_OWNERS = {"design": 1001, "video": 1001, "finance": 1002, "research": 1003, "old-servers": 0, "build": 1004}


@dataclass(frozen=True)
class Mount:
    """Used bytes are `used` at the end of the made-up past; growth is of a day.

    swing: what a clean-up gives back, every `every` days. broken, read_only: for how many days up to that end.
    """

    path: str
    fstype: str
    device: str
    capacity: float
    used: float
    growth: float = 0.0
    swing: float = 0.0
    every: float = 7.0
    inodes: float = 0.2
    broken: float = 0.0
    read_only: float = 0.0

    def used_at(self, days: float) -> float:
        """Days from that end; negative before it."""
        tooth = (days / self.every + 0.35) % 1 - 0.6
        used = self.used + self.growth * days + self.swing * tooth
        return min(max(used, 0.02 * self.capacity), 0.998 * self.capacity)


SERVERS = {
    "files01": (
        Mount("/", "ext4", "/dev/vda1", 40 * GB, 21 * GB, 0.01 * GB),
        Mount("/srv/projects", "xfs", "/dev/mapper/data-projects", 8 * TB, 6.9 * TB, 21 * GB, 60 * GB),
        Mount("/srv/media", "xfs", "/dev/mapper/data-media", 20 * TB, 12.6 * TB, 35 * GB),
        Mount("/home", "ext4", "/dev/mapper/data-home", 2 * TB, 1.86 * TB, 4 * GB, 40 * GB, inodes=0.55),
    ),
    "db01": (
        Mount("/", "ext4", "/dev/vda1", 40 * GB, 17 * GB),
        Mount("/var/lib/postgresql", "xfs", "/dev/nvme0n1p1", 1 * TB, 0.918 * TB, 8.4 * GB, 6 * GB, 1.0),
        Mount("/backup", "xfs", "/dev/sdb1", 4 * TB, 2.3 * TB, 2 * GB, 900 * GB),
    ),
    "app01": (
        Mount("/", "ext4", "/dev/vda1", 40 * GB, 24 * GB, 0.05 * GB),
        Mount("/var/log", "ext4", "/dev/vdb1", 20 * GB, 11 * GB, 0.0, 8 * GB, inodes=0.965),
        Mount("/opt", "ext4", "/dev/vdc1", 60 * GB, 33 * GB, read_only=2.0),
        Mount("/mnt/exchange", "nfs4", "nas01.example.com:/exchange", 5 * TB, 3.1 * TB, 9 * GB, broken=0.4),
    ),
}
# Directory, ending of the files, how many at the end of the past, bytes of one.
_TREE = (
    ("design", ".dwg", 60, 900_000_000), ("design", ".pdf", 90, 12_000_000), ("video", ".mp4", 45, 4_200_000_000),
    ("finance", ".xlsx", 120, 3_000_000), ("finance", ".pdf", 160, 1_500_000), ("research", ".csv", 80, 700_000_000),
    ("research", ".zip", 30, 2_500_000_000), ("old-servers", ".vmdk", 12, 9_000_000_000),
    ("build", ".log", 140, 90_000_000),
)  # fmt: skip


class FileServers:
    """Stands `past` seconds before `end` until it is told to live on; after `go_live` by the wall clock."""

    def __init__(self, folder: Path, share: Path, end: float, past: float) -> None:
        self.root = share / "projects"
        self._folder = folder
        self._end = end
        self._moment: float | None = end - past
        self._files = sorted(_files(), key=lambda file: file[1])
        self.live_until(end - past)

    def live_until(self, moment: float) -> None:
        self._moment = moment
        while self._files and self._end - self._files[-1][1] <= moment:
            path, age, size = self._files.pop()
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as opened:
                opened.truncate(size)
            os.utime(file, (self._end - age, self._end - age))
            if os.geteuid() == 0:
                os.chown(file, _OWNERS[Path(path).parts[0]], 0)

    def go_live(self) -> None:
        self.live_until(self._end)
        self._moment = None

    def mountinfo(self, server: str) -> Path:
        """The mount table of a server as a file, in the format of the kernel."""
        path = self._folder / f"mountinfo.{server}"
        path.write_text(
            "".join(
                f"{20 + n} {20 if n else 1} 250:{n} / {m.path} rw,relatime - {m.fstype} {m.device} rw\n"
                for n, m in enumerate(SERVERS[server])
            )
        )
        return path

    def statvfs(self, server: str) -> Callable[[bytes], os.statvfs_result]:
        mounts = {os.fsencode(mount.path): mount for mount in SERVERS[server]}

        def answer(path: bytes) -> os.statvfs_result:
            mount = mounts.get(path)
            if mount is None:
                return os.statvfs(path)
            days = ((time.time() if self._moment is None else self._moment) - self._end) / DAY
            if max(-days, 0) < mount.broken:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            blocks = int(mount.capacity / _BLOCK)
            free = int((mount.capacity - mount.used_at(days)) / _BLOCK)
            files = int(mount.capacity / 16384)
            files_free = int(files * (1 - mount.inodes))
            flag = os.ST_RDONLY if max(-days, 0) < mount.read_only else 0
            return os.statvfs_result((_BLOCK, _BLOCK, blocks, free, free, files, files_free, files_free, flag, 255))

        return answer


def _files() -> list[tuple[str, float, int]]:
    """Path, age in seconds at the end and bytes of every file; the ages are those of a share that people work on."""
    made = []
    for directory, ending, count, size in _TREE:
        for n in range(count):
            share = (n + 0.5) / count
            age = _AGE_DAYS * share**2.5 * DAY
            made.append((f"{directory}/{2026 - int(age / DAY / 365)}/{n:04d}{ending}", age, int(size * (0.4 + share))))
    return made
