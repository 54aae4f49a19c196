"""Lines of a MediaAgent's logs: in which form they are, what the known ones say, and when that was.

`pid tid MM/DD HH:MM:SS job|### store-group-partition-split Function line message`, in the local time of the MediaAgent
and without a year. Only the few messages are known that the vendor's own tests look for; whatever else a line says is
counted and not judged. Lines are bytes: nothing promises that they are UTF-8, and what is sought in them is ASCII.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

LOGS = ("SIDBPrune", "SIDBPhysicalDeletes", "SIDBEngine", "CVMA")

# Of a longer line only the beginning is looked at.
_LONGEST = 4096

_LINE = re.compile(
    rb"\s*[0-9a-fA-F]+\s+[0-9a-fA-F]+\s+"
    rb"((?:0[1-9]|1[0-2])/(?:0[1-9]|[12]\d|3[01]) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)\s+"
    rb"(?:###|\d+)\s+(.*)",
    re.DOTALL,
)
_PARTITION = re.compile(rb"(\d+)-\d+-(\d+)-\d+(?=\s|$)")
_PHASE = re.compile(rb"(?<![\d-])(\d+)-([23])(?!\d)")
_PRUNED_FILE = re.compile(rb" Pruned AfId .* completely")
_SWEPT = re.compile(rb"Total \[\d+\], Approx Valid \[\d+\]")
_SWITCHED = re.compile(rb"Pruning is \[(\w+)\] now")
_FINALIZED = b" Finalizing SI entries in chunk"
_DISABLING = b"Disabling pruning control flag"
_CORRUPT = re.compile(rb"Marked the DDB as corrupted|Marking DDB Corrupt")


@dataclass(frozen=True, slots=True)
class Event:
    """kind: logical, physical, chunk, sweep, enabled, disabled or corrupted; store_id "": the line does not say."""

    kind: str
    when: bytes
    store_id: str
    partition: str = ""


def parse(log: str, line: bytes) -> Event | None:
    """What a line of a log says, None where it says nothing known. ValueError: it has not the form of a line."""
    found = _LINE.match(line[:_LONGEST])
    if found is None:
        raise ValueError("not a line of this log")
    when, message = found.groups()
    if log == "SIDBPrune":
        return _pruning(when, message)
    if log == "SIDBPhysicalDeletes":
        return _deletion(when, message, line)
    if log == "SIDBEngine":
        return _engine(when, message)
    return None


def moment(when: bytes, zone: ZoneInfo, latest: float) -> float | None:
    """The last time up to `latest` that a clock in that zone showed `MM/DD HH:MM:SS`; None: it never does.

    Of the hour that a change to winter time shows twice, the first is taken.
    """
    month, day, hour, minute, second = (int(when[i : i + 2]) for i in (0, 3, 6, 9, 12))
    year = datetime.fromtimestamp(latest, zone).year
    # Nine years, for the 29th of February.
    for candidate in range(year, year - 9, -1):
        try:
            at = datetime(candidate, month, day, hour, minute, second, tzinfo=zone).timestamp()
        except ValueError:
            continue
        if at <= latest:
            return at
    return None


def _pruning(when: bytes, message: bytes) -> Event | None:
    if _PRUNED_FILE.search(message):
        kind, phase = "logical", b"2"
    elif _FINALIZED in message:
        kind, phase = "physical", b"3"
    else:
        return None
    stores = [store for store, of in _PHASE.findall(message) if of == phase]
    store = stores[0].decode() if stores else _partition(message)[0]
    return Event(kind, when, store) if store else None


def _deletion(when: bytes, message: bytes, line: bytes) -> Event | None:
    tokens = line[:_LONGEST].split(None, 8)
    if len(tokens) < 8 or not tokens[7].isdigit():
        return None
    return Event("chunk", when, _partition(message)[0])


def _engine(when: bytes, message: bytes) -> Event | None:
    if _SWEPT.search(message):
        kind = "sweep"
    elif switched := _SWITCHED.search(message):
        kind = "enabled" if switched[1] == b"Enabled" else "disabled"
    elif _DISABLING in message:
        kind = "disabled"
    elif _CORRUPT.search(message):
        kind = "corrupted"
    else:
        return None
    store, partition = _partition(message)
    return Event(kind, when, store, partition) if store else None


def _partition(message: bytes) -> tuple[str, str]:
    """The ids of store and partition that a message begins with."""
    found = _PARTITION.match(message)
    return (found[1].decode(), found[2].decode()) if found else ("", "")
