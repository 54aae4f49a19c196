"""Past values of families, by the name and labels that Prometheus scrapes: one question, two answerers.

`range` and `ranges` ask the exporter's own SQL store or a Prometheus-compatible server; who asks cannot tell them
apart: same steps, same moments, same values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# (metric name, labels, value)
Sample = tuple[str, Mapping[str, str], float]

# Which value of a step stands for it.
Of = Literal["last", "min", "max"]


@dataclass(frozen=True)
class Series:
    """timestamps: (n,) unix seconds, ascending; values: (n,)."""

    timestamps: FloatArray
    values: FloatArray


NOTHING = Series(np.empty(0), np.empty(0))


@dataclass(frozen=True)
class Steps:
    """Whole steps counted back from `end`: number k is the time (end - (k + 1) * seconds, end - k * seconds]."""

    end: float
    seconds: int
    count: int

    @classmethod
    def between(cls, start: float, end: float, step: float) -> Steps:
        seconds = math.ceil(max(1.0, min(step, end - start)))
        return cls(end, seconds, max(1, math.floor((end - start) / seconds)))

    @property
    def start(self) -> float:
        return self.end - self.count * self.seconds

    def moments(self, numbers: FloatArray) -> FloatArray:
        """When the steps of these numbers end."""
        return self.end - numbers * self.seconds


class History(Protocol):
    def append(self, samples: Iterable[Sample], at: float) -> None:
        """Remember the samples as of the moment `at`. Raises HistoryError; nothing of a failed call is kept."""

    def range(
        self, name: str, labels: Mapping[str, str], start: float, end: float, step: float, of: Of = "last"
    ) -> Series:
        """One value for every step that has any, at the moment the step ends; `labels` are all the series has.

        Steps are whole seconds, counted back from `end`; `start` itself belongs to none. A step without a sample has
        no value, however long the steps are: nothing is carried over a gap. No such series: two empty arrays.
        Raises HistoryError.
        """

    def ranges(
        self,
        name: str,
        matching: Mapping[str, str],
        by: Sequence[str],
        start: float,
        end: float,
        step: float,
        of: Of = "last",
    ) -> dict[tuple[str, ...], Series]:
        """Like `range`, for every series of `name` whose labels hold `matching`, in one question.

        The key is the values of the labels `by`; series that agree in them are one. Those without a value are absent.
        """

    def close(self) -> None: ...
