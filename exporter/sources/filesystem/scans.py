"""Counted directory trees: how many files and bytes, as of the last complete walk of each root.

A fetch starts the walks that are due and waits for them for a while; a longer one goes on in the background and is
collected by a later fetch. Until then, and between walks, a root keeps its last result, also across restarts.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from dataclasses import dataclass
from typing import Any

from exporter.errors import SourceError, SourceRefused, SourceUnreachable
from exporter.model import Poll, Scan, Share, State
from exporter.sources.filesystem.client import FilesystemClient, Walked
from exporter.sources.filesystem.summary import summarize
from exporter.sources.filesystem.text import errno_name, readable

log = logging.getLogger(__name__)

_KEY = "scans"
# Those of the roll-up that are shown as metrics; the root has families of its own.
_DIRECTORIES = 100
_SHARES = ("sizes", "modified", "accessed", "categories", "owners", "rollup")


@dataclass(frozen=True, slots=True)
class Last:
    """The last complete walk of a root, and which filesystem it was on."""

    scan: Scan
    device: int
    fsid: int
    mountpoint: str


def fetch(client: FilesystemClient, poll: Poll) -> tuple[Scan, ...]:
    """The last result of each root that has one, in the order of the configuration.

    Raises SourceUnreachable for roots that are gone, after the others were walked and remembered.
    """
    begun = time.monotonic()
    remembered = _remembered(poll.state)
    configured = {readable(scan.path): scan for scan in client.settings.scan}
    last = {root: remembered[root] for root in configured if root in remembered}
    due = {scan: root for root, scan in configured.items() if is_due(last.get(root), scan.interval, poll.at)}
    failures: list[SourceError] = []
    for scan, walk in client.walks.ask(due).items():
        if not walk.done():
            continue
        root = due[scan]
        try:
            walked = walk.result()
        except OSError as error:
            failures.append(_failure(root, error))
            continue
        if why := doubt(walked, last.get(root)):
            failures.append(SourceUnreachable(f"{root}: {why}"))
            continue
        last[root] = parse(root, walked, ended_at=poll.at + walked.ended - begun)
    if last != remembered:
        poll.state.put(_KEY, json.dumps({root: dataclasses.asdict(known) for root, known in last.items()}))
    if failures:
        raise type(failures[0])("; ".join(map(str, failures)))
    return tuple(last[root].scan for root in configured if root in last)


def parse(root: str, walked: Walked, ended_at: float) -> Last:
    tally = walked.tally
    summary = summarize(tally, ended_at)
    scan = Scan(
        root=root,
        completed_at=ended_at,
        duration_seconds=walked.ended - walked.started,
        files=tally.files,
        directories=tally.directories,
        apparent_bytes=tally.apparent_bytes,
        allocated_bytes=tally.allocated_bytes,
        errors=dict(tally.errors),
        symlinks=tally.symlinks,
        vanished=tally.vanished,
        trusted_directories=walked.trust.directories if walked.trust else None,
        oldest_trusted_at=walked.trust.oldest if walked.trust else None,
        sizes=summary.sizes,
        modified=summary.modified,
        accessed=summary.accessed,
        categories=summary.categories,
        owners=summary.owners,
        rollup={
            directory.path: Share(directory.files, directory.apparent_bytes, directory.allocated_bytes)
            for directory in summary.rollup[: _DIRECTORIES + 1]
            if directory.path
        },
    )
    return Last(scan, walked.device, walked.fsid, walked.mountpoint)


def is_due(last: Last | None, interval: float, at: float) -> bool:
    """Counted from the start of the last walk, or its hour would wander. A start in the future was a wrong clock."""
    if last is None:
        return True
    started = last.scan.completed_at - last.scan.duration_seconds
    return not started <= at < started + interval


def doubt(walked: Walked, last: Last | None) -> str | None:
    """Why the result is rather that of a filesystem which is not mounted than that of the root; None if it is not.

    One sign proves nothing: device numbers change at a restart, disks are replaced and directories emptied. Two do.
    """
    if last is None:
        return None
    other = walked.device != last.device and (not walked.fsid or walked.fsid != last.fsid)
    moved = walked.mountpoint != last.mountpoint
    emptied = bool(last.scan.files and not walked.tally.files)
    signs = {
        "on another filesystem than last time": other,
        f"part of {walked.mountpoint} and no longer of {last.mountpoint}": moved,
        "empty": emptied,
    }
    found = [sign for sign, is_there in signs.items() if is_there]
    return f"root is {', '.join(found)}" if len(found) > 1 else None


def _failure(root: str, error: OSError) -> SourceError:
    if isinstance(error, PermissionError):
        return SourceRefused(f"{root}: root cannot be read ({errno_name(error)})")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SourceUnreachable(f"{root}: root is gone ({errno_name(error)})")
    return SourceUnreachable(f"{root}: root cannot be read ({errno_name(error)})")


def _remembered(state: State) -> dict[str, Last]:
    text = state.get(_KEY)
    if text is None:
        return {}
    try:
        return {
            root: Last(_scan(known["scan"]), known["device"], known["fsid"], known["mountpoint"])
            for root, known in json.loads(text).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        log.warning("the remembered scans are not in a form of this release; every root is scanned anew")
        return {}


def _scan(known: dict[str, Any]) -> Scan:
    shares = {name: {key: Share(*share) for key, share in known.get(name, {}).items()} for name in _SHARES}
    return Scan(**{**known, **shares})
