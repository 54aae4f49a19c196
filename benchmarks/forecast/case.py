"""One series up to now, a capacity, and what happened next: the truth a forecast is held to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.forecast.shapes import HORIZON, HOURS, SHAPES, FloatArray

DAY = 86400.0


@dataclass(frozen=True)
class Case:
    """One series up to now and its future: future_close[k] is used k+1 days after the last sample."""

    shape: str
    t: FloatArray
    used: FloatArray
    capacity: float
    future_close: FloatArray
    full_after_days: float
    outliers: NDArray[np.bool_]
    season_days: int | None = None
    regime_days: float | None = None


def capacity_of(rng: np.random.Generator, past: FloatArray, future: FloatArray, never: bool = False) -> float:
    """A capacity reached after 2 to 330 days, evenly over their logarithm, in about three of four cases."""
    if never or rng.random() > 0.78:
        return 1.3 * float(max(past[-30 * HOURS :].max(), future.max()))
    highest = np.maximum.accumulate(future)
    wanted = float(np.exp(rng.uniform(math.log(2), math.log(330))))
    # Anywhere in what the last fifth of the way brings, so that it is not just the one highest reading.
    capacity = float(rng.uniform(highest[int(0.8 * wanted * HOURS)], highest[int(wanted * HOURS)]))
    return max(capacity, 1.0005 * float(past[-3 * HOURS :].max()))


def case(shape: str, seed: int) -> Case:
    """The series number `seed` of a shape; capacity is drawn so that about three of four fill within the horizon."""
    rng = np.random.default_rng([sorted(SHAPES).index(shape), seed])
    draft = SHAPES[shape](rng)
    now = draft.days * HOURS
    y = np.maximum(draft.y, 0.0)
    past, future = y[: now + 1], y[now + 1 :]
    capacity = capacity_of(rng, past, future, never=bool(draft.never))
    hit = np.flatnonzero(future >= capacity)
    full_after = (hit[0] + 1) / HOURS if hit.size else math.inf
    scale = 1e9 * float(np.exp(rng.uniform(0, math.log(1e5))))
    t = 1.7e9 + float(rng.integers(0, 10**7)) + np.arange(now + 1) * 3600.0
    used, bad = past, np.zeros(past.size, dtype=bool)
    if draft.spoil:
        t, used, bad = draft.spoil(rng, t, past)
    return Case(
        shape, t, used * scale, capacity * scale, future[HOURS - 1 :: HOURS][:HORIZON] * scale, full_after, bad,
        draft.season, draft.regime,
    )  # fmt: skip
