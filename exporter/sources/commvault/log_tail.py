"""Files that grow and rotate, read on from where the last poll ended.

A file is known by how it begins, for its first line has a time, a process and a thread, and not by its inode, which
changes with each copy and on many a share: a file renamed from name.log to name_1.log is read on, a new or truncated
one from its beginning, and a second copy of the same file not at all.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from exporter.model import DAY

CHUNK = 1 << 20

# Rotated out; until then it may be away for a while, as it is copied anew.
_FORGOTTEN_AFTER = 7 * DAY
_HEAD = 1024

Failures = dict[str, OSError]


@dataclass(frozen=True, slots=True)
class LogFile:
    """folder: of which MediaAgent, "" in the directory itself; log: the name without rotation and ending."""

    path: Path
    folder: str
    log: str
    size: int
    modified_at: float


@dataclass(slots=True)
class Position:
    """How far a file has been read that begins with `head_size` bytes of that digest."""

    folder: str
    log: str
    seen_at: float
    head_size: int = 0
    digest: str = ""
    offset: int = 0

    def begins(self, head: bytes) -> bool:
        return len(head) >= self.head_size and _digest(head[: self.head_size]) == self.digest


def find(directory: Path, logs: Iterable[str], failures: Failures) -> list[LogFile]:
    """The files of these logs, rotated ones too, in a directory and the folders in it.

    Raises OSError where the directory cannot be listed; a folder that cannot be is put into `failures`.
    """
    known = {log.lower(): log for log in logs}
    names = re.compile(rf"({'|'.join(known)})(?:_\d+)?\.log", re.IGNORECASE)
    with os.scandir(directory) as entries:
        folders = sorted(entry.name for entry in entries if entry.is_dir())
    found = []
    for folder in ("", *folders):
        try:
            with os.scandir(directory / folder) as entries:
                for entry in entries:
                    if (name := names.fullmatch(entry.name)) and entry.is_file():
                        status = entry.stat()
                        log = known[name[1].lower()]
                        found.append(LogFile(Path(entry.path), folder, log, status.st_size, status.st_mtime))
        except OSError as error:
            failures[str(directory / folder)] = error
    return found


def place(
    files: Iterable[LogFile], positions: list[Position], at: float, failures: Failures
) -> list[tuple[LogFile, Position]]:
    """Each file with its position, which is one of `positions`; those of new files are added, of old ones removed."""
    known: dict[tuple[str, str], list[Position]] = defaultdict(list)
    for position in positions:
        known[position.folder, position.log].append(position)
    placed: dict[int, tuple[LogFile, Position]] = {}
    # Of several copies the longest.
    for file in sorted(files, key=lambda f: -f.size):
        try:
            head = _head(file.path)
        except OSError as error:
            failures[str(file.path)] = error
            continue
        found = next((p for p in known[file.folder, file.log] if p.begins(head)), None)
        if not head or id(found) in placed:
            continue
        if found is None:
            found = Position(file.folder, file.log, at)
            positions.append(found)
            known[file.folder, file.log].append(found)
        found.head_size, found.digest, found.seen_at = len(head), _digest(head), at
        placed[id(found)] = file, found
    positions[:] = [p for p in positions if p.seen_at >= at - _FORGOTTEN_AFTER]
    return list(placed.values())


def _head(path: Path) -> bytes:
    """How a file begins; b"" until its first line is complete."""
    with path.open("rb") as file:
        found = file.read(_HEAD)
    return found if len(found) == _HEAD or b"\n" in found else b""


def _digest(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=16).hexdigest()


def lines(path: Path, position: Position, budget: int) -> Iterator[list[bytes]]:
    """Complete lines from the position on, about `budget` bytes of them; it moves behind those already taken.

    A line longer than CHUNK comes in pieces. Raises OSError.
    """
    end = position.offset + budget
    with path.open("rb") as file:
        while position.offset < end:
            file.seek(position.offset)
            data = file.read(CHUNK)
            whole = data.rfind(b"\n") + 1 or (CHUNK if len(data) == CHUNK else 0)
            if not whole:
                return
            yield data[:whole].split(b"\n")
            position.offset += whole
