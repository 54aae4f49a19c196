"""Samples by metric name, from a page in the text format or from an answer of Prometheus."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Sample:
    labels: Labels
    value: float

    def at(self, *labels: str) -> tuple[str, ...]:
        return tuple(self.labels.get(label, "") for label in labels)


class Samples:
    def __init__(self, found: Iterable[tuple[str, Labels, float]]) -> None:
        self._by_name: dict[str, list[Sample]] = {}
        for name, labels, value in found:
            self._by_name.setdefault(name, []).append(Sample(labels, value))

    def of(self, name: str, **matching: str) -> list[Sample]:
        """The samples of a metric whose labels have these values."""
        return [s for s in self._by_name.get(name, ()) if matching.items() <= s.labels.items()]

    def values(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """The greatest value for each combination of these labels, as `max by` has it."""
        found: dict[tuple[str, ...], float] = {}
        for sample in self.of(name):
            key = sample.at(*labels)
            found[key] = max(sample.value, found.get(key, sample.value))
        return found

    def named(self) -> Iterable[tuple[str, Sample]]:
        return ((name, sample) for name, samples in self._by_name.items() for sample in samples)

    def __or__(self, other: Samples) -> Samples:
        return Samples((name, one.labels, one.value) for both in (self, other) for name, one in both.named())


def from_page(page: str, names: Collection[str]) -> Samples:
    """What a page in the text format says of these metrics. Raises ValueError where it is no such page."""
    from prometheus_client.parser import text_string_to_metric_families

    # A page may hold a hundred thousand lines, and a check wants a few.
    # Only a newline ends one: names may hold what Python also takes for the end of a line.
    wanted = [line for line in page.split("\n") if line.partition("{")[0].partition(" ")[0] in names]
    families = text_string_to_metric_families("\n".join([*wanted, ""]))
    return Samples((s.name, s.labels, float(s.value)) for family in families for s in family.samples)


def from_vector(result: Iterable[Any], name: str = "") -> Samples:
    """An instant vector of Prometheus' HTTP API. name: for results of expressions, which have none."""
    return Samples((name or one["metric"]["__name__"], one["metric"], float(one["value"][1])) for one in result)
