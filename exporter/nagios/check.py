"""What a check is, and what it is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from nagiosplugin import Performance, Range

from exporter.nagios.samples import Sample, Samples
from exporter.nagios.thresholds import Thresholds
from exporter.nagios.verdict import Finding, Limits, State, Verdict, label, plain

STALE = "ebbtide_collector_age_seconds_per_interval_seconds"
# Recorded by rules/causes.yaml.
CAUSE = "source_kind_pool_problem_cause:ebbtide_cause:score"
CAUSES = 5
# What Prometheus adds at a scrape.
_SCRAPED = ("job", "instance")
HEALTH = (
    "ebbtide_source_up",
    "ebbtide_collector_success",
    "ebbtide_collector_interval_seconds",
    "ebbtide_collector_last_success_timestamp_seconds",
)


@dataclass(frozen=True)
class Selection:
    """Which objects, as in a shell; and ranges instead of the thresholds of the rules."""

    source: str = "*"
    name: str = "*"
    warning: Range | None = None
    critical: Range | None = None


@dataclass(frozen=True)
class Data:
    """now: unix seconds, the moment of the samples."""

    samples: Samples
    thresholds: Thresholds
    now: float
    selection: Selection = Selection()

    def each(self, metric: str, name: str = "", **matching: str) -> list[Sample]:
        """The selected samples. name: the label that is compared with the selected name."""
        return [
            sample
            for sample in self.samples.of(metric, **matching)
            if fnmatchcase(sample.labels.get("source", ""), self.selection.source)
            and (not name or fnmatchcase(sample.labels.get(name, ""), self.selection.name))
        ]

    def of(self, metric: str, name: str = "", **matching: str) -> list[Sample]:
        """As `each`, an object that several exporters see once, by its greatest value, as the rules take it."""
        found: dict[frozenset[tuple[str, str]], Sample] = {}
        for sample in self.each(metric, name, **matching):
            labels = {label: value for label, value in sample.labels.items() if label not in _SCRAPED}
            key = frozenset(labels.items())
            known = found[key].value if key in found else sample.value
            found[key] = Sample(labels, max(known, sample.value))
        return list(found.values())

    def threshold(self, quantity: str, labels: Mapping[str, str], **more: str) -> float | None:
        return self.thresholds.of(quantity, {**labels, **more})

    def limits(self, form: str, warning: float | None = None, critical: float | None = None) -> Limits:
        """The selected ranges, else those of the rules, written in this form: "{}:" is bad below, "~:{}" above."""
        chosen = self.selection
        return Limits(chosen.warning or _range(form, warning), chosen.critical or _range(form, critical))

    def by_severity(self, quantity: str, labels: Mapping[str, str], form: str, scale: float = 1.0) -> Limits:
        """The limits of the rules that have one number per severity."""
        warning, critical = (self.threshold(quantity, labels, severity=s) for s in ("warning", "critical"))
        return self.limits(
            form,
            None if warning is None else warning * scale,
            None if critical is None else critical * scale,
        )

    def stale(self, collectors: Collection[str]) -> Iterator[Finding]:
        """What is unknown, because one of these collectors has not succeeded for too many of its intervals."""
        limit = self.threshold(STALE, {}, severity="warning")
        for source, collector, age in self.ages():
            if collector in collectors and limit is not None and age > limit:
                yield Finding(f"{source}/{collector}", State.UNKNOWN, overdue(age))

    def ages(self) -> list[tuple[str, str, float]]:
        """(source, collector, age of its data in its intervals); infinite: polled, and never with success."""
        last = self.samples.values("ebbtide_collector_last_success_timestamp_seconds", "source", "collector")
        success = self.samples.values("ebbtide_collector_success", "source", "collector")
        found = []
        for sample in self.of("ebbtide_collector_interval_seconds"):
            key = sample.labels["source"], sample.labels["collector"]
            if key in last and sample.value > 0:
                found.append((*key, (self.now - last[key]) / sample.value))
            elif success.get(key) == 0:
                found.append((*key, float("inf")))
        return sorted(set(found))


@dataclass(frozen=True)
class Check:
    """alerts: those that come to the same verdict. reads: metrics. asks: PromQL for what only Prometheus can tell.

    what: the plural of the objects; collectors: without whose data they are unknown; kinds: of sources that have
    them. problem: whose causes the rules rank.
    """

    name: str
    help: str
    what: str
    alerts: tuple[str, ...]
    reads: tuple[str, ...]
    judge: Callable[[Data], Iterable[Finding | Performance]]
    collectors: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("commvault", "veeam", "filesystem")
    asks: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def metrics(self) -> frozenset[str]:
        return frozenset({*self.reads, *HEALTH, *([CAUSE] if self.problem else [])})

    def run(self, data: Data) -> Verdict:
        found = [*self.judge(data), *data.stale(self.collectors)]
        findings = [f for f in found if isinstance(f, Finding)]
        counts = [f for f in found if isinstance(f, Performance)]
        return Verdict(self.name, self.what, findings, counts, _causes(data, self.problem, findings))


def _causes(data: Data, problem: str, findings: Iterable[Finding]) -> list[str]:
    """What the rules think lies behind the trouble, likeliest first; known where Prometheus was asked."""
    bad = {f.name for f in findings if f.state in (State.WARNING, State.CRITICAL)}
    scores = sorted(data.of(CAUSE, problem=problem), key=lambda s: -s.value)
    # Those of a pool that is in trouble itself, else those of the source whose objects are.
    sources = {name.partition("/")[0] for name in bad}
    exact = [s for s in scores if s.value > 0 and name_of(s, "pool") in bad]
    others = [s for s in scores if s.value > 0 and s.labels["source"] in sources]
    return [
        f"{name_of(s, 'pool')}: {s.labels['cause'].replace('_', ' ')} ({s.value:.0f} points)"
        for s in (exact or others)[:CAUSES]
    ]


def name_of(sample: Sample, *labels: str) -> str:
    """cs01/Gold; a mountpoint brings its own slash: fs01/srv."""
    return "/".join(
        part.removeprefix("/") if n else part for n, part in enumerate(sample.at("source", *labels)) if part
    )


def performance(
    name: str, value: float, unit: str = "", limits: Limits | None = None, least: float | None = None
) -> Performance:
    warning, critical = (limits.warning, limits.critical) if limits else (None, None)
    number = plain(value)
    return Performance(label(name), number, unit if number != "U" else "", warning or "", critical or "", least)


def _range(form: str, number: float | None) -> Range | None:
    if number is not None and math.isinf(number):
        # Ranges know no infinity: everything is beyond it, or nothing.
        return Range("@~:") if (number > 0) == (form == "{}:") else None
    return None if number is None else Range(form.format(plain(number)))


def overdue(age: float) -> str:
    return "has never succeeded" if age == float("inf") else f"has not succeeded for {age:.1f} of its intervals"
