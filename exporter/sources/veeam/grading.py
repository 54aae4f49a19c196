"""`efficiency:` of a Veeam source: what its efficiency scores mean, for all jobs and for classes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

from pydantic import Field, model_validator

from exporter.model import Benchmarks, EfficiencyTerms, Grading
from exporter.settings import Duration, Settings

Ratio = Annotated[float, Field(gt=0, le=1000, description="x:1, where 1 means that nothing was saved")]
Weight = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]


class WeightSettings(Settings):
    dedup: Weight | None = None
    compression: Weight | None = None
    trend: Weight | None = None
    consistency: Weight | None = None
    anomaly: Weight | None = None


class BenchmarkSettings(Settings):
    fair: Annotated[Ratio | None, Field(description="mean ratio that earns 50 points")] = None
    good: Annotated[Ratio | None, Field(description="mean ratio that earns 75 points")] = None
    excellent: Annotated[Ratio | None, Field(description="mean ratio that earns 90 points")] = None
    points_above: Annotated[float | None, Field(ge=0, le=100, description="for every 1x above excellent")] = None


class TermsSettings(Settings):
    """What is left out stays as it is: see EfficiencyTerms."""

    weights: WeightSettings = WeightSettings()
    dedup: BenchmarkSettings = BenchmarkSettings()
    compression: BenchmarkSettings = BenchmarkSettings()
    window: Annotated[Duration | None, Field(description="how far back sessions count; 90d")] = None
    minimum_sessions: Annotated[int | None, Field(ge=10, description="fewer have no score; 30")] = None
    dead_band_ratio: Annotated[float | None, Field(ge=0, lt=1, description="changes within it are no trend; 0.05")] = (
        None
    )
    significance: Annotated[Probability | None, Field(description="p below which a trend is believed; 0.05")] = None
    target_dedup_ratio: Annotated[Ratio | None, Field(description="for the optimization potential; 2.5")] = None
    target_compression_ratio: Annotated[Ratio | None, Field(description="for the optimization potential; 1.8")] = None
    smallest_data_bytes: Annotated[int | None, Field(ge=1, description="sessions with less do not count; 1 MiB")] = None

    def applied(self, to: EfficiencyTerms) -> EfficiencyTerms:
        """Raises ValueError when they do not go together."""
        numbers = self.model_dump(
            exclude_none=True,
            include={*TermsSettings.model_fields} - {"weights", "dedup", "compression", "window"},
        )
        return replace(
            to,
            weights={**to.weights, **self.weights.model_dump(exclude_none=True)},
            dedup=_benchmarks("dedup", self.dedup, to.dedup),
            compression=_benchmarks("compression", self.compression, to.compression),
            window_seconds=to.window_seconds if self.window is None else self.window,
            **numbers,
        )


class ClassSettings(TermsSettings):
    jobs: Annotated[tuple[str, ...], Field(min_length=1, description='names with wildcards, such as "SQL-*"')]


class EfficiencySettings(TermsSettings):
    classes: Annotated[
        tuple[ClassSettings, ...], Field(description="jobs for which something differs; the first that fits holds")
    ] = ()

    @property
    def grading(self) -> Grading:
        usual = self.applied(EfficiencyTerms())
        return Grading(usual=usual, classes=tuple(_terms(one, usual) for one in self.classes))

    @model_validator(mode="after")
    def _goes_together(self) -> EfficiencySettings:
        _ = self.grading
        return self


def _terms(found: ClassSettings, usual: EfficiencyTerms) -> tuple[tuple[str, ...], EfficiencyTerms]:
    with _said_of(f"class {', '.join(found.jobs)}"):
        return found.jobs, found.applied(usual)


def _benchmarks(name: str, changes: BenchmarkSettings, to: Benchmarks) -> Benchmarks:
    with _said_of(name):
        return replace(to, **changes.model_dump(exclude_none=True))


@contextmanager
def _said_of(what: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
