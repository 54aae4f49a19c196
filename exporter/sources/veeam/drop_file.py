"""What a script on the backup server wrote of its sessions: one JSON file on a share, for servers whose REST API
does not tell deduplication and compression (before 1.2-rev0, VBR 12.3).

The script that is shipped is Export-VeeamSessions.ps1; files of others are read too, see drop_file_records.py. The
exporter reads this one file and nothing else, and needs no account of the backup server for it.
"""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from exporter.errors import SourceError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.model import DAY, MEBIBYTE, Poll, ReductionFeed, SessionReduction
from exporter.sources.veeam.drop_file_records import REASONS, Rejected, session
from exporter.sources.veeam.drop_file_values import lower_keys, moment_of, text_of
from exporter.sources.veeam.reduction import Unit

LARGEST = 64 * MEBIBYTE
SCHEMA_VERSION = 1


@dataclass
class DropFile:
    """unit: of ratios where neither the file nor the sizes beside them tell; zone: of times without one."""

    path: Path
    unit: Unit
    zone: tzinfo
    largest: int = LARGEST
    _read: tuple[tuple[int, int, int], ReductionFeed] | None = field(default=None, init=False)

    def fetch(self, poll: Poll) -> ReductionFeed:
        """Raises SourceUnreachable or SourceRefused where there is no file to read, SourceGarbled where it is no JSON.

        One that has not changed since is not read again.
        """
        try:
            found = self.path.stat()
            if self._read and self._read[0] == _version(found):
                return self._read[1]
            # A pipe would keep its reader waiting.
            if not stat.S_ISREG(found.st_mode):
                raise SourceUnreachable(f"{self.path}: not a file")
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                content = file.read(self.largest + 1)
        except OSError as error:
            raise _failure(self.path, error) from None
        if len(content) > self.largest:
            raise SourceGarbled(f"{self.path}: larger than {self.largest} bytes; let the script write fewer days")
        taken = parse(content, str(self.path), unit=self.unit, zone=self.zone, latest=poll.at + DAY)
        poll.state.add_reductions(taken.sessions)
        feed = ReductionFeed(
            sessions=len(taken.sessions),
            rejected=taken.rejected,
            modified_at=found.st_mtime,
            generated_at=taken.generated_at,
        )
        self._read = (_version(found), feed)
        return feed


@dataclass(frozen=True)
class Taken:
    """What a file held; rejected: records by reason, each of REASONS."""

    sessions: list[SessionReduction]
    rejected: Mapping[str, int]
    generated_at: float | None


def parse(content: bytes, path: str, *, unit: Unit, zone: tzinfo, latest: float) -> Taken:
    """A session that is there twice counts once. Raises SourceGarbled naming the place where it is not JSON."""
    payload = _decoded(content, path)
    envelope = lower_keys(payload)
    records = _listed(payload)
    generated_at = None
    if "sessions" in envelope:
        records = _listed(envelope["sessions"])
        unit = _unit(envelope, unit)
        _check_version(envelope.get("schema_version"), path)
        generated_at = _generated(envelope.get("generated_at"))
    taken: dict[tuple[str, str], SessionReduction] = {}
    rejected: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
    for record in records:
        try:
            found = session(record, unit, zone, latest)
        except Rejected as error:
            rejected[error.reason] += 1
            continue
        if found:
            taken.setdefault((found.job_id or found.job, found.session_id), found)
    return Taken([*taken.values()], dict(rejected), generated_at)


def _decoded(content: bytes, path: str) -> Any:
    """PowerShell 5.1 writes UTF-16, or UTF-8 with a mark, and nothing at all where there are no sessions."""
    encoding = json.detect_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise SourceGarbled(
            f"{path}: not {encoding} at byte {error.start} of {len(content)}: half written, or in another encoding"
        ) from None
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno} (character {error.pos} of {len(text)})"
        raise SourceGarbled(f"{path}: not JSON at {place}: half written?") from None
    except (ValueError, RecursionError) as error:
        raise SourceGarbled(f"{path}: not JSON that can be read: {type(error).__name__}") from None


def _listed(value: object) -> list[Any]:
    """A single record is not put into a list by PowerShell, and a list may be put into an object with its Count."""
    inner = lower_keys(value)
    if isinstance(inner.get("value"), list) and "count" in inner:
        value = inner["value"]
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _unit(envelope: Mapping[str, Any], unit: Unit) -> Unit:
    told = text_of(envelope.get("unit")).lower()
    return "percent" if told == "percent" else "ratio" if told == "ratio" else unit


def _check_version(version: object, path: str) -> None:
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise SourceGarbled(f"{path}: schema_version is {version}, and this release reads up to {SCHEMA_VERSION}")


def _generated(value: object) -> float | None:
    try:
        return moment_of(value, UTC)
    except ValueError:
        return None


def _version(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _failure(path: Path, error: OSError) -> SourceError:
    refused = isinstance(error, PermissionError)
    return (SourceRefused if refused else SourceUnreachable)(f"{path}: {error.strerror or type(error).__name__}")
