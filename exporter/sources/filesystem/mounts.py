"""Mounted filesystems: how much fits, how much is free, in bytes and in files.

/proc/self/mountinfo says what is mounted, statvfs how full it is. Where there is no mountinfo (Windows, macOS), the
drives and volumes are asked. A bind mount of what is shown elsewhere is left out; other mounts of one device (btrfs
subvolumes, bind mounts of a directory) stay, and carry the shortest of their mountpoints as `Pool.shared`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future
from fnmatch import fnmatchcase

from exporter.model import Mount, Poll, Pool
from exporter.sources.filesystem.client import FilesystemClient, Usage
from exporter.sources.filesystem.config import MountFilter
from exporter.sources.filesystem.mountinfo import Entry, parse
from exporter.sources.filesystem.text import errno_name, readable

# Interfaces of the kernel: they hold no data, and many answer statvfs with zeros.
PSEUDO_TYPES = frozenset((
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
    "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs",
    "tracefs",
))  # fmt: skip
_WINDOWS_DRIVE_NOT_READY = 21


def fetch(client: FilesystemClient, poll: Poll) -> tuple[Mount, ...]:  # noqa: ARG001 - the same for every collector
    table = client.mount_table()
    if table is None:
        entries = select(map(_drive, client.drives()), client.settings.mounts)
        answers = client.usage.ask(e.mountpoint for e in entries)
        entries = [e for e in entries if not _is_no_drive(answers[e.mountpoint])]
    else:
        entries = select(parse(table), client.settings.mounts)
        answers = client.usage.ask(e.mountpoint for e in entries)
    shared = _shared(entries)
    return tuple(_mount(e, answers[e.mountpoint], shared.get(e.number, "")) for e in entries)


def select(entries: Iterable[Entry], wanted: MountFilter) -> list[Entry]:
    """The wanted ones, and of those that show the same part of the same device the shortest mountpoint."""
    kept = [e for e in entries if _is_wanted(e, wanted)]
    first: dict[tuple[str, bytes], Entry] = {}
    for entry in sorted(kept, key=lambda e: len(e.mountpoint)):
        first.setdefault((entry.number, entry.root), entry)
    return [e for e in kept if first[e.number, e.root] is e]


def _is_wanted(entry: Entry, wanted: MountFilter) -> bool:
    mountpoint = readable(entry.mountpoint)
    if _matches(mountpoint, wanted.exclude) or (wanted.include and not _matches(mountpoint, wanted.include)):
        return False
    # In a container "/" is an overlay, and the disk nevertheless. A drive has no known type.
    if mountpoint == "/" or not entry.fstype:
        return True
    if wanted.include_types:
        return _matches(entry.fstype, wanted.include_types)
    return entry.fstype not in PSEUDO_TYPES and not _matches(entry.fstype, wanted.exclude_types)


def _matches(text: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)


def _shared(entries: list[Entry]) -> dict[str, str]:
    """For each device with several mounts, the shortest of their mountpoints."""
    mounts = Counter(e.number for e in entries)
    by_length = sorted(entries, key=lambda e: -len(e.mountpoint))
    return {e.number: readable(e.mountpoint) for e in by_length if mounts[e.number] > 1}


def _mount(entry: Entry, answer: Future[Usage], shared: str) -> Mount:
    error = None
    usage = Usage(None, None)
    if not answer.done():
        error = "stuck"
    else:
        try:
            usage = answer.result()
        except OSError as failure:
            error = errno_name(failure)
    return Mount(
        pool=Pool(
            kind="filesystem",
            name=readable(entry.mountpoint),
            capacity_bytes=usage.capacity_bytes,
            free_bytes=usage.free_bytes,
            status="offline" if error else "online",
            pool_type=entry.fstype,
            location=entry.device,
            shared=shared,
        ),
        device=entry.device,
        fstype=entry.fstype,
        read_only=entry.read_only or usage.read_only,
        atime=entry.atime,
        error=error,
        files=usage.files,
        files_free=usage.files_free,
    )


def _drive(path: str) -> Entry:
    name = path.encode("utf-8", "surrogateescape")
    return Entry(0, 0, number=path, root=b"", mountpoint=name, fstype="", device=path, read_only=False, atime="")


def _is_no_drive(answer: Future[Usage]) -> bool:
    """Whether the letter belongs to no drive, or to one without a medium."""
    error = answer.exception() if answer.done() else None
    return isinstance(error, FileNotFoundError) or getattr(error, "winerror", None) == _WINDOWS_DRIVE_NOT_READY
