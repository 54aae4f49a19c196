"""What the efficiency score of a Veeam job means: weights, benchmarks and limits, and for which jobs they differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

from exporter.model.units import DAY, MEBIBYTE

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"dedup": 0.30, "compression": 0.25, "trend": 0.20, "consistency": 0.15, "anomaly": 0.10}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmarks:
    """Ratios (x:1) that earn 50, 75 and 90 points, and the points for every 1x above the last, up to 100.

    Raises ValueError when they do not rise.
    """

    fair: float
    good: float
    excellent: float
    points_above: float

    def __post_init__(self) -> None:
        if not 0 < self.fair < self.good < self.excellent:
            raise ValueError(f"fair {self.fair:g}, good {self.good:g} and excellent {self.excellent:g} must rise")


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencyTerms:
    """dead_band_ratio: a trend within it is none; significance: p below which a trend is believed.

    smallest_data_bytes: sessions with less say nothing. Raises ValueError when the weights do not sum to 1.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    dedup: Benchmarks = Benchmarks(fair=1.5, good=2.5, excellent=3.5, points_above=2.0)
    compression: Benchmarks = Benchmarks(fair=1.3, good=1.8, excellent=2.0, points_above=5.0)
    window_seconds: float = 90 * DAY
    minimum_sessions: int = 30
    dead_band_ratio: float = 0.05
    significance: float = 0.05
    target_dedup_ratio: float = 2.5
    target_compression_ratio: float = 1.8
    smallest_data_bytes: float = MEBIBYTE

    def __post_init__(self) -> None:
        total = sum(self.weights.values())
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            raise ValueError(f"the weights sum to {total:g}, not to 1")

    @property
    def target_ratio(self) -> float:
        return self.target_dedup_ratio * self.target_compression_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Grading:
    """The terms of all jobs, and of classes of jobs: (patterns of names, terms), of which the first match holds."""

    usual: EfficiencyTerms = field(default_factory=EfficiencyTerms)
    classes: tuple[tuple[tuple[str, ...], EfficiencyTerms], ...] = ()

    def of(self, job: str) -> EfficiencyTerms:
        return next((t for patterns, t in self.classes if any(fnmatchcase(job, p) for p in patterns)), self.usual)

    @property
    def longest_window_seconds(self) -> float:
        return max(terms.window_seconds for terms in (self.usual, *(terms for _, terms in self.classes)))
