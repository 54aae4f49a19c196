"""What the logs of the MediaAgents say of pruning: a directory of them, mounted or collected, read on at each poll.

<directory>/SIDBPrune.log or <directory>/<MediaAgent>/SIDBPrune.log, likewise SIDBPhysicalDeletes, SIDBEngine and CVMA,
with their rotated ones. What was found so far, the counts and how far each file has been read are remembered together,
so that after a restart no line is counted twice or left out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from exporter.errors import ConfigError, SourceError, SourceRefused, SourceUnreachable
from exporter.model import DAY, LogReading, Poll, StoreEvidence
from exporter.sources.commvault import log_lines, log_tail
from exporter.sources.commvault.log_lines import LOGS, Event
from exporter.sources.commvault.log_tail import Position

log = logging.getLogger(__name__)

BYTES_PER_POLL = 64 * 1024 * 1024

_KEY = "media_agent_logs"
_EVIDENCE = {
    "logical": "logical_pruning_at",
    "physical": "physical_pruning_at",
    "chunk": "physical_pruning_at",
    "sweep": "mark_and_sweep_at",
    "corrupted": "corrupted_at",
}


class MediaAgentLogs:
    """A directory of logs, and the IANA name of the time zone of the MediaAgents that write them."""

    def __init__(self, directory: Path, time_zone: str, *, bytes_per_poll: int = BYTES_PER_POLL) -> None:
        self.directory = directory
        self.bytes_per_poll = bytes_per_poll
        self._said: set[str] = set()
        try:
            self.zone = ZoneInfo(time_zone)
        except (KeyError, ValueError, OSError):
            raise ConfigError(f"time_zone: {time_zone!r} is not a zone like Europe/Berlin") from None

    def judge(self, failures: Mapping[str, OSError], read: int) -> None:
        """Raise where nothing was read; else log each new failure once."""
        found = {path: _failure(path, error) for path, error in failures.items()}
        if not read:
            missing = SourceUnreachable(f"{self.directory}: no {', '.join(LOGS)} in it or in its folders")
            raise next(iter(found.values()), missing)
        for path in failures.keys() - self._said:
            log.warning("MediaAgent logs: %s", found[path])
        self._said = set(failures)


@dataclass
class Memory:
    """What State holds.

    evidence: moments by store id and field of StoreEvidence. switches: the last word on pruning, by store and
    partition: when, and whether it was switched off. Moments are unix seconds.
    """

    positions: list[Position] = field(default_factory=list)
    evidence: dict[str, dict[str, float]] = field(default_factory=dict)
    switches: dict[str, dict[str, tuple[float, bool]]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    bad_lines: dict[str, int] = field(default_factory=dict)
    deleted_chunks: int = 0

    def take(self, name: str, lines: Iterable[bytes], zone: ZoneInfo, latest: float) -> None:
        """Take in lines of the log `name`, none of which was written after `latest`; in any order."""
        minutes: dict[bytes, float | None] = {}
        total = bad = 0
        for line in lines:
            if not line or line.isspace():
                continue
            total += 1
            try:
                event = log_lines.parse(name, line)
            except ValueError:
                bad += 1
                continue
            if event is None:
                continue
            minute = event.when[:-2]
            if minute not in minutes:
                minutes[minute] = log_lines.moment(minute + b"00", zone, latest)
            begun = minutes[minute]
            if begun is None:
                bad += 1
            else:
                self._note(event, begun + int(event.when[-2:]))
        self.lines[name] = self.lines.get(name, 0) + total
        self.bad_lines[name] = self.bad_lines.get(name, 0) + bad

    def _note(self, event: Event, at: float) -> None:
        if event.kind == "chunk":
            self.deleted_chunks += 1
        if not event.store_id:
            return
        moments = self.evidence.setdefault(event.store_id, {})
        if moment := _EVIDENCE.get(event.kind):
            moments[moment] = max(at, moments.get(moment, at))
            return
        switches = self.switches.setdefault(event.store_id, {})
        if at >= switches.get(event.partition, (at, False))[0]:
            switches[event.partition] = (at, event.kind == "disabled")

    def reading(self) -> LogReading:
        return LogReading(
            stores=tuple(self._store(store_id) for store_id in sorted(self.evidence, key=lambda s: (len(s), s))),
            lines=dict(self.lines),
            bad_lines=dict(self.bad_lines),
            deleted_chunks=self.deleted_chunks,
        )

    def _store(self, store_id: str) -> StoreEvidence:
        disabled = [at for at, is_disabled in self.switches.get(store_id, {}).values() if is_disabled]
        return StoreEvidence(
            store_id=store_id, pruning_disabled_at=min(disabled, default=None), **self.evidence[store_id]
        )


def fetch(logs: MediaAgentLogs, poll: Poll) -> LogReading:
    """Raises SourceUnreachable or SourceRefused where the directory, or none of its logs, can be read."""
    memory = _recalled(poll.state.get(_KEY))
    failures: log_tail.Failures = {}
    try:
        files = log_tail.find(logs.directory, LOGS, failures)
    except OSError as error:
        raise _failure(logs.directory, error) from None
    placed = log_tail.place(files, memory.positions, poll.at, failures)
    budget = logs.bytes_per_poll
    # The newest first: what they say counts most, and the past can wait for the next poll.
    for file, position in sorted(placed, key=lambda found: -found[0].modified_at):
        begun = position.offset
        latest = min(file.modified_at, poll.at) + DAY
        try:
            for lines in log_tail.lines(file.path, position, budget):
                memory.take(file.log, lines, logs.zone, latest)
        except OSError as error:
            failures[str(file.path)] = error
        budget -= position.offset - begun
    logs.judge(failures, read=sum(str(file.path) not in failures for file in files))
    for file in files:
        memory.lines.setdefault(file.log, 0)
    poll.state.put(_KEY, json.dumps(asdict(memory)))
    return memory.reading()


def _recalled(text: str | None) -> Memory:
    if text is None:
        return Memory()
    remembered = json.loads(text)
    positions = [Position(**position) for position in remembered.pop("positions")]
    return Memory(positions=positions, **remembered)


def _failure(path: object, error: OSError) -> SourceError:
    refused = isinstance(error, PermissionError)
    reason = error.strerror or type(error).__name__
    return (SourceRefused if refused else SourceUnreachable)(f"{path}: {reason}")
