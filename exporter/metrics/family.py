"""What a metric is here: a Family about a Subject, and how its samples are read from records.

A value of None is no sample. The label `source` is put in front of every sample by the Board.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.findings import Findings
from exporter.model import Unusual

Value = float | int | bool | None
Row = tuple[tuple[str, ...], float]


@dataclass(frozen=True)
class Subject:
    """What a family is about: which records, which labels name one, after whose poll they are read anew.

    of_source: false for what is said across sources, and has no label `source`.
    """

    labels: tuple[str, ...]
    fed_by: tuple[str, ...]
    records: Callable[[Findings], Iterable[Any]]
    name: Callable[[Any], tuple[str, ...]]
    of_source: bool = True


@dataclass(frozen=True, eq=False)
class Family:
    """One metric. `rows` reads (extra label values, value) from a record; kept: History remembers it."""

    name: str
    help: str
    type: str
    subject: Subject
    rows: Callable[[Any], Iterable[tuple[tuple[str, ...], Value]]]
    extra_labels: tuple[str, ...] = ()
    kept: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        source = ("source",) if self.subject.of_source else ()
        return (*source, *self.subject.labels, *self.extra_labels)


@dataclass(frozen=True)
class Measured:
    """The samples of one family for one source: (label values without source, value)."""

    family: Family
    rows: Sequence[Row]


def gauge(
    name: str,
    help: str,
    subject: Subject,
    value: Callable[[Any], Value],
    *,
    kept: bool = False,
) -> Family:
    return Family(name, help, "gauge", subject, lambda record: (((), value(record)),), kept=kept)


def gauge_by(
    name: str,
    help: str,
    subject: Subject,
    label: str,
    values: Callable[[Any], Mapping[str, Value]],
    *,
    kept: bool = False,
) -> Family:
    """A gauge with one more label; `values` maps its values to the samples."""
    return Family(
        name, help, "gauge", subject, lambda record: [((key,), v) for key, v in values(record).items()], (label,), kept
    )


def counter(
    name: str,
    help: str,
    subject: Subject,
    value: Callable[[Any], Value],
) -> Family:
    return Family(name, help, "counter", subject, lambda record: (((), value(record)),))


def counters(
    name: str,
    help: str,
    subject: Subject,
    labels: tuple[str, ...],
    values: Callable[[Any], Mapping[tuple[str, ...], Value]],
) -> Family:
    """A counter with more labels; `values` maps their values to the samples."""
    return Family(name, help, "counter", subject, lambda record: list(values(record).items()), labels)


def info(
    name: str,
    help: str,
    subject: Subject,
    labels: tuple[str, ...],
    values: Callable[[Any], tuple[str, ...]],
) -> Family:
    return Family(name, help, "info", subject, lambda record: ((values(record), 1),), labels)


def stateset(
    name: str,
    help: str,
    subject: Subject,
    label: str,
    states: tuple[str, ...],
    state: Callable[[Any], str],
) -> Family:
    """One series per state, exactly one of them 1; a state we do not know counts as the last one."""

    def rows(record: Any) -> list[tuple[tuple[str, ...], Value]]:
        current = state(record) if state(record) in states else states[-1]
        return [((s,), s == current) for s in states]

    return Family(name, help, "gauge", subject, rows, (label,))


def grouped(record: Any) -> tuple[str, ...]:
    """The values of GROUP for a record with a `group`."""
    return tuple(getattr(record.group, name) for name in GROUP)


def newest(of: Unusual | None) -> Value:
    return of.value if of else None


def baseline(of: Unusual | None) -> Value:
    return of.baseline if of else None


def deviation(of: Unusual | None) -> Value:
    return of.deviation if of else None


def flag(value: bool | None) -> str:
    return "" if value is None else str(value).lower()


GROUP = ("business_unit", "application", "site", "importance")
