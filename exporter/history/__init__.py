"""Past values of families, by the name and labels that Prometheus scrapes: one question, two answerers.

`range` asks the exporter's own SQL store or a Prometheus-compatible server; who asks cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# (metric name, labels, value)
Sample = tuple[str, Mapping[str, str], float]


@dataclass(frozen=True)
class Series:
    """timestamps: (n,) unix seconds, ascending; values: (n,)."""

    timestamps: FloatArray
    values: FloatArray


class History(Protocol):
    def append(self, samples: Iterable[Sample], at: float) -> None:
        """Remember the samples as of the moment `at`. Raises HistoryError; nothing of a failed call is kept."""

    def range(self, name: str, labels: Mapping[str, str], start: float, end: float, step: float) -> Series:
        """The series with these labels, the last value of every `step` seconds that has one.

        Raises HistoryError. No such series: two empty arrays.
        """

    def close(self) -> None: ...
