"""The mount table of Linux, /proc/self/mountinfo: what a path can reach."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from exporter.errors import reading
from exporter.sources.filesystem.text import readable

MOUNTINFO = Path("/proc/self/mountinfo")

_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the mount table. number: major:minor; root: what of the filesystem is mounted.

    atime: the option by which the time of reading is kept, "noatime", "relatime" or "strictatime"; "" if unknown.
    """

    id: int
    parent: int
    number: str
    root: bytes
    mountpoint: bytes
    fstype: str
    device: str
    read_only: bool
    atime: str


def read_mounts(path: Path = MOUNTINFO) -> tuple[Entry, ...]:
    """The mounts of this machine; none on a system that has no such table."""
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        return ()


def parse(table: bytes) -> tuple[Entry, ...]:
    """The mounts that a path can reach, in the order of the table; overmounted ones are hidden."""
    with reading("/proc/self/mountinfo"):
        return tuple(_visible([_entry(line) for line in table.split(b"\n") if line]))


def mount_of(entries: Iterable[Entry], path: bytes) -> Entry | None:
    """The mount that an absolute path without links lies in."""
    over = [e for e in entries if _is_in(path, e.mountpoint)]
    return max(over, key=lambda e: len(e.mountpoint), default=None)


def same_device_below(entries: Iterable[Entry], path: bytes) -> frozenset[bytes]:
    """Where below the path, and relative to it, its own device is mounted once more, which st_dev does not tell."""
    entries = tuple(entries)
    mount = mount_of(entries, path)
    return frozenset(
        e.mountpoint[len(path.rstrip(b"/")) + 1 :]
        for e in entries
        if mount is not None and e is not mount and e.number == mount.number and _is_in(e.mountpoint, path)
    )


def _is_in(path: bytes, directory: bytes) -> bool:
    return path == directory or path.startswith(directory.rstrip(b"/") + b"/")


def _entry(line: bytes) -> Entry:
    fields = line.split(b" ")
    mount_id, parent, number, root, mountpoint, option_list = fields[:6]
    options = option_list.split(b",")
    # Between the options and the dash stands any number of tags such as shared:1.
    dash = fields.index(b"-", 6)
    fstype, device, super_options = fields[dash + 1 : dash + 4]
    return Entry(
        id=int(mount_id),
        parent=int(parent),
        number=number.decode("ascii"),
        root=_unescape(root),
        mountpoint=_unescape(mountpoint),
        fstype=readable(_unescape(fstype)),
        device=readable(_unescape(device)),
        read_only=b"ro" in options or b"ro" in super_options.split(b","),
        # The table does not name the third: it is what is left.
        atime=next((o.decode() for o in options if o in (b"noatime", b"relatime")), "strictatime"),
    )


def _unescape(field: bytes) -> bytes:
    """Space, tab, newline, backslash and hash are written as three octal digits."""
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), field)


def _visible(entries: list[Entry]) -> list[Entry]:
    """Those on which a look-up of their own mountpoint ends: not what lies below a later mount."""
    ids = {e.id for e in entries}
    # The root mount is its own parent, or has one outside of this namespace.
    on = {(e.parent if e.parent in ids and e.parent != e.id else None, e.mountpoint): e for e in entries}

    def reached(path: bytes) -> Entry | None:
        here: Entry | None = None
        for prefix in accumulate(path.rstrip(b"/").split(b"/"), lambda a, b: a + b"/" + b):
            while above := on.get((here.id if here else None, prefix or b"/")):
                here = above
        return here

    return [e for e in entries if reached(e.mountpoint) is e]
