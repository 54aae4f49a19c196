"""What a check found, and how a plugin says it: one line, performance data, then the objects worst first."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from nagiosplugin import Performance, Range

LISTED = 20
# A graph's data source name has 19 characters.
_UNIQUE = 19


class State(IntEnum):
    """The exit codes of the plugin guidelines."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3

    @property
    def badness(self) -> int:
        """A known evil is worse than an unknown one."""
        return {State.OK: 0, State.UNKNOWN: 1, State.WARNING: 2, State.CRITICAL: 3}[self]


@dataclass(frozen=True)
class Limits:
    warning: Range | None = None
    critical: Range | None = None

    def state(self, value: float) -> State:
        if self.critical is not None and value not in self.critical:
            return State.CRITICAL
        if self.warning is not None and value not in self.warning:
            return State.WARNING
        return State.OK


@dataclass(frozen=True)
class Finding:
    """One object and its state. rank: the lower, the earlier among those of the same state."""

    name: str
    state: State
    text: str
    rank: float = 0.0
    performance: Performance | None = None


@dataclass(frozen=True)
class Verdict:
    """check: its name; what: the plural of its objects; counts: performance data that is about no single object."""

    check: str
    what: str
    findings: Sequence[Finding]
    counts: Sequence[Performance] = ()
    causes: Sequence[str] = field(default=())

    @property
    def state(self) -> State:
        """The worst of all; UNKNOWN where nothing was found."""
        return max((f.state for f in self.findings), key=lambda state: state.badness, default=State.UNKNOWN)

    def render(self) -> str:
        found = sorted(self.findings, key=lambda f: (-f.state.badness, f.rank, f.name))
        head = f"{self.check.upper()} {self.state.name}: {self._summary(found)}"
        rows = [*self.counts, *(f.performance for f in self.findings if f.performance)]
        performance = " ".join(map(str, _distinct(rows if len(rows) <= LISTED else _worst(self.counts, found))))
        lines = [f"{f.state.name}: {f.name} {f.text}" for f in found[:LISTED] if len(found) > 1 or self.causes]
        if len(found) > LISTED:
            lines.append(f"and {len(found) - LISTED} more")
        lines += [f"Cause: {cause}" for cause in self.causes]
        return "\n".join([_clean(head) + (f" | {performance}" if performance else ""), *map(_clean, lines)])

    def _summary(self, found: Sequence[Finding]) -> str:
        if not found:
            return f"no {self.what} are known"
        bad = [f for f in found if f.state is not State.OK]
        first = f"{found[0].name} {found[0].text}"
        if len(found) == 1:
            return first
        if not bad:
            return f"{len(found)} {self.what}; {first}"
        return f"{first} ({len(bad)} of {len(found)} {self.what} not OK)" if len(bad) > 1 else first


def unknown(check: str, reason: str) -> str:
    return _clean(f"{check.upper()} UNKNOWN: {' '.join(reason.split())}")


def label(name: str) -> str:
    """A name as a label of performance data: no quotes and no = in it."""
    return " ".join(name.replace("'", "_").replace("=", "_").replace("|", "_").split()) or "_"


def plain(value: float) -> str:
    """A number without an exponent, or U where none can be said.

    >>> plain(2e-05), plain(1209600.0), plain(float("inf"))
    ('0.00002', '1209600', 'U')
    """
    if value != value or value in (float("inf"), float("-inf")):
        return "U"
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _clean(line: str) -> str:
    """The pipe begins performance data, and a line is one line."""
    return " ".join(line.replace("|", "/").split())


def _distinct(rows: Iterable[Performance]) -> list[Performance]:
    """Labels that differ in their first 19 characters; those that do not get a part of their checksum there."""
    rows = list({row.label: row for row in rows}.values())
    starts = [row.label[:_UNIQUE] for row in rows]
    return [
        row._replace(label=f"{row.label[: _UNIQUE - 6]}~{zlib.crc32(row.label.encode()) & 0xFFFFF:05x}")
        if starts.count(start) > 1
        else row
        for row, start in zip(rows, starts, strict=True)
    ]


def _worst(counts: Sequence[Performance], found: Sequence[Finding]) -> list[Performance]:
    """Of many objects only the worst, under one name: a set of labels that changed by the minute makes no graph."""
    worst = next(f.performance for f in found if f.performance)
    return [*counts, worst._replace(label="worst")]
