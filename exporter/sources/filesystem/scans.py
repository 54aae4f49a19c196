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

from exporter.errors import EbbtideError, SourceError, SourceRefused, SourceUnreachable
from exporter.model import Poll, Scan, ScanState, Share, State
from exporter.sources.filesystem.client import FilesystemClient, Walked
from exporter.sources.filesystem.config import ScanSettings
from exporter.sources.filesystem.report import Report, report_of
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

    A root that fails keeps its last result and does not fail the others; raises the errors of the roots as one if
    none is left that did not fail.
    """
    begun = time.monotonic()
    remembered = _remembered(poll.state)
    configured = {readable(scan.path): scan for scan in client.settings.scan}
    last = {root: remembered[root] for root in configured if root in remembered}
    due = {scan: root for root, scan in configured.items() if is_due(client, scan, last.get(root), poll.at)}
    failed: dict[str, EbbtideError] = {}
    for scan, walk in client.walks.ask(due).items():
        if not walk.done():
            continue
        root = due[scan]
        try:
            walked = walk.result()
            if why := doubt(walked, last.get(root)):
                raise SourceUnreachable(f"{root}: {why}")
        except OSError as error:
            failed[root] = _failure(root, error)
        except EbbtideError as error:
            failed[root] = error
        else:
            last[root], report = parse(root, walked, ended_at=poll.at + walked.ended - begun)
            poll.state.put(report_key(root), json.dumps(report))
        _note(client, scan.path, failed.get(root))
    for root in remembered.keys() - configured.keys():
        poll.state.put(report_key(root), "")
    if last != remembered:
        poll.state.put(_KEY, json.dumps({root: dataclasses.asdict(known) for root, known in last.items()}))
    if failed and not last.keys() - failed.keys():
        raise type(next(iter(failed.values())))("; ".join(map(str, failed.values())))
    return tuple(last[root].scan for root in configured if root in last)


def fetch_states(client: FilesystemClient, poll: Poll) -> tuple[ScanState, ...]:
    """How it goes with the scans of each root, in the order of the configuration."""
    remembered = _remembered(poll.state)
    states = []
    for scan in client.settings.scan:
        root = readable(scan.path)
        last, running, failure = remembered.get(root), client.running.get(scan.path), client.failures.get(scan.path)
        states.append(
            ScanState(
                root=root,
                due_at=_due_at(client, scan, last),
                success=not failure if failure is not None else True if last else None,
                started_at=running.started_at if running else None,
                entries=running.entries if running else None,
                errors=running.errors if running else None,
            )
        )
    return tuple(states)


def report_key(root: str) -> str:
    """Under which the state of a source has the report of a root, as JSON; "" for none any more."""
    return f"scan:{root}"


def _note(client: FilesystemClient, path: str, error: EbbtideError | None) -> None:
    message = "" if error is None else str(error)
    if message and message != client.failures.get(path):
        log.warning("%s", message)
    client.failures[path] = message


def parse(root: str, walked: Walked, ended_at: float) -> tuple[Last, Report]:
    tally = walked.tally
    summary = summarize(tally, ended_at)
    rollup = [directory for directory in summary.rollup[: _DIRECTORIES + 1] if directory.path]
    duration = walked.ended - walked.started
    scan = Scan(
        root=root,
        completed_at=ended_at,
        duration_seconds=duration,
        files=tally.files,
        directories=tally.directories,
        apparent_bytes=tally.apparent_bytes,
        allocated_bytes=tally.allocated_bytes,
        errors=dict(tally.errors),
        symlinks=tally.symlinks,
        vanished=tally.vanished,
        trusted_directories=walked.trust.directories if walked.trust else None,
        oldest_trusted_at=walked.trust.oldest if walked.trust else None,
        kept_directories=walked.trust.kept if walked.trust else None,
        mountpoint=readable(walked.mountpoint),
        atime=walked.atime,
        sizes=summary.sizes,
        modified=summary.modified,
        accessed=summary.accessed,
        categories=summary.categories,
        owners=summary.owners,
        rollup={d.path: Share(d.files, d.apparent_bytes, d.allocated_bytes) for d in rollup},
        incomplete=tuple(d.path for d in rollup if not d.complete),
    )
    report = report_of(root, tally, summary, completed_at=ended_at, duration_seconds=duration)
    return Last(scan, walked.device, walked.fsid, walked.mountpoint), report


def is_due(client: FilesystemClient, scan: ScanSettings, last: Last | None, at: float) -> bool:
    """A scan of an interval is due at once; that of a schedule waits for its hour."""
    if last is None and scan.schedule is None:
        return True
    # A start in the future was a wrong clock.
    return at < _started(client, last) or at >= _due_at(client, scan, last)


def _due_at(client: FilesystemClient, scan: ScanSettings, last: Last | None) -> float:
    """Counted from the start of the last walk, or its hour would wander."""
    if last is None and scan.schedule is None:
        return client.began_at
    return scan.due_after(_started(client, last))


def _started(client: FilesystemClient, last: Last | None) -> float:
    return last.scan.completed_at - last.scan.duration_seconds if last else client.began_at


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
        state.put(_KEY, "{}")
        return {}


def _scan(known: dict[str, Any]) -> Scan:
    shares = {name: {key: Share(*share) for key, share in known.get(name, {}).items()} for name in _SHARES}
    return Scan(**{**known, **shares, "incomplete": tuple(known.get("incomplete", ()))})
