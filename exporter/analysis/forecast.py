"""When a pool will be full: a robust line through its used bytes, with honest bounds.

One straight line is enough for a first statement. What stands behind `forecast` may grow (seasons, regimes,
simulation) without its callers noticing: they know its arguments and what it returns, nothing else.
"""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

DAY = 86400.0
_WINDOW_S = 30 * DAY
_POINTS = 240
_Z = {0.8: 1.2816, 0.95: 1.96}
# How far out of the band of its neighbours a reading must be to count as one bad reading.
_OUTLIER_MADS = 8.0
_NEARLY_FULL = 1e-9


class Forecast(TypedDict):
    """Offsets t in seconds from the last sample, curves in bytes, times to full in seconds (inf, nan: see forecast)."""

    t: FloatArray
    p50: FloatArray
    lo80: FloatArray
    hi80: FloatArray
    lo95: FloatArray
    hi95: FloatArray
    ttf_p10_s: float
    ttf_p50_s: float
    ttf_p90_s: float
    growth_bytes_per_day: float
    history_s: float
    status: str
    method: str


def forecast(
    timestamps: FloatArray,
    used: FloatArray,
    capacity: float,
    horizon_s: float,
    *,
    step_s: float = DAY,
) -> Forecast:
    """When the pool will be full, and how much will be used until then, if it goes on as it did.

    timestamps: (n,) unix seconds in any order and spacing; used: (n,) bytes, NaN where a poll failed;
    capacity: bytes as it is now; horizon_s, step_s: seconds from the last sample and between the returned points.
    ttf_*: inf means not within the horizon, nan no statement, and `status` says why: ok, early (under 14 days),
    bounds_only (under 3 days: no median), too_short (under a day or 12 samples), no_data, no_capacity.

    The slope is Theil-Sen's over the last 30 days, its interval Sen's (1968) widened for autocorrelated residuals;
    full is when the line plus the spread of the readings around it reaches the capacity, because pools fail at the
    peak of a cycle and not at its mean.

    >>> t = np.arange(60) * DAY / 2
    >>> result = forecast(t, 300e9 + 50e9 * t / DAY, capacity=2000e9, horizon_s=365 * DAY)
    >>> round(result["ttf_p50_s"] / DAY, 2)
    4.5
    """
    t, y = clean(timestamps, used)
    offsets: FloatArray = np.arange(1, int(horizon_s // step_s) + 1, dtype=np.float64) * step_s
    status = _status(t, capacity)
    history_s = float(t[-1] - t[0]) if t.size else 0.0
    if status in ("no_data", "too_short", "no_capacity"):
        nothing = np.full(offsets.size, math.nan)
        return Forecast(
            t=offsets, p50=nothing, lo80=nothing, hi80=nothing, lo95=nothing, hi95=nothing,
            ttf_p10_s=math.nan, ttf_p50_s=math.nan, ttf_p90_s=math.nan,
            growth_bytes_per_day=math.nan, history_s=history_s, status=status, method="none",
        )  # fmt: skip

    # Seconds from the last reading: the answer must not depend on when it is asked.
    t = t - t[-1]
    t, y = _thin(t[t >= -_WINDOW_S], y[t >= -_WINDOW_S])
    slope, slopes, residuals = _theil_sen(t, y)
    level = float(np.median(y - slope * t))
    spread_low, spread_high = (float(q) for q in np.quantile(residuals, (0.1, 0.9)))
    peak = max(level + max(0.0, spread_high), float(y[-1]))

    def curve(rate: float, spread: float) -> FloatArray:
        values: FloatArray = np.maximum(0.0, level + rate * offsets + spread)
        return values

    # A pool that is full now is full whatever its line says; one that is not is not full at the line's level either.
    full = float(y[-1]) >= capacity

    def time_to_full(start: float, rate: float) -> float:
        if full:
            return 0.0
        seconds = max(capacity - start, capacity * _NEARLY_FULL) / rate if rate > 0 else math.inf
        return seconds if seconds <= horizon_s else math.inf

    # One reading that jumps may be a bad one: it moves the early bound, and the median only when others agree.
    start = float(np.median(y[-3:] - slope * t[-3:]))
    p50 = time_to_full(start, slope)
    p10 = min(p50, time_to_full(peak, slopes[0.8][1]))
    p90 = max(p50, time_to_full(start, slopes[0.8][0]))
    return Forecast(
        t=offsets,
        p50=curve(slope, 0.0),
        lo80=curve(slopes[0.8][0], min(0.0, spread_low)),
        hi80=curve(slopes[0.8][1], max(0.0, spread_high)),
        lo95=curve(slopes[0.95][0], min(0.0, 2 * spread_low)),
        hi95=curve(slopes[0.95][1], max(0.0, 2 * spread_high)),
        ttf_p10_s=p10,
        ttf_p50_s=math.nan if status == "bounds_only" else p50,
        ttf_p90_s=p90,
        growth_bytes_per_day=slope * DAY,
        history_s=history_s,
        status=status,
        method="theil_sen",
    )


def clean(timestamps: FloatArray, used: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Finite readings in order of time, one an instant, without lone zeros and lone spikes (failed scrapes)."""
    t = np.asarray(timestamps, dtype=np.float64)
    y = np.asarray(used, dtype=np.float64)
    good = np.isfinite(t) & np.isfinite(y)
    t, y = t[good], y[good]
    if (y > 0).any():
        t, y = t[y > 0], y[y > 0]
    t, first = np.unique(t, return_index=True)
    y = y[first]
    if y.size >= 5:
        neighbours = np.median(np.stack([y[:-4], y[1:-3], y[3:-1], y[4:]]), axis=0)
        away = np.abs(y[2:-2] - neighbours)
        limit = _OUTLIER_MADS * max(float(np.median(away)), float(np.median(np.abs(np.diff(y)))))
        keep = np.ones(y.size, dtype=bool)
        keep[2:-2] = away <= limit
        # Much that looks out of line is the process itself: a short sawtooth.
        if (~keep).mean() <= 0.03:
            t, y = t[keep], y[keep]
    return t, y


def _status(t: FloatArray, capacity: float) -> str:
    if t.size == 0:
        return "no_data"
    length = t[-1] - t[0]
    if length < DAY or t.size < 12:
        return "too_short"
    if not math.isfinite(capacity) or capacity <= 0:
        return "no_capacity"
    if length < 3 * DAY:
        return "bounds_only"
    return "early" if length < 14 * DAY else "ok"


def _thin(t: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """At most _POINTS points: medians of equal stretches of time; the last reading stays as it is."""
    if t.size <= _POINTS:
        return t, y
    edges = np.linspace(t[0], t[-1], _POINTS)
    bucket = np.searchsorted(edges, t[:-1], side="right")
    starts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))
    groups = zip(np.split(t[:-1], starts[1:]), np.split(y[:-1], starts[1:]), strict=True)
    points = [(float(np.median(a)), float(np.median(b))) for a, b in groups]
    points.append((float(t[-1]), float(y[-1])))
    thinned = np.array(points, dtype=np.float64)
    return thinned[:, 0], thinned[:, 1]


def _theil_sen(t: FloatArray, y: FloatArray) -> tuple[float, dict[float, tuple[float, float]], FloatArray]:
    """Median slope, (low, high) slope for each level, and the residuals around the median line."""
    n = t.size
    i, j = np.triu_indices(n, k=1)
    pairwise = np.sort((y[j] - y[i]) / (t[j] - t[i]))
    slope = float(np.median(pairwise))
    line: FloatArray = y - slope * t
    residuals: FloatArray = line - np.median(line)
    variance = float(np.dot(residuals, residuals))
    correlation = float(np.dot(residuals[1:], residuals[:-1])) / variance if variance > 0 else 0.0
    correlation = min(0.95, max(0.0, correlation))
    widening = math.sqrt((1 + correlation) / (1 - correlation))
    sigma = math.sqrt(n * (n - 1) * (2 * n + 5) / 18.0) * widening

    def bounds(z: float) -> tuple[float, float]:
        low = int(max(0, math.floor((pairwise.size - z * sigma) / 2)))
        high = int(min(pairwise.size - 1, math.ceil((pairwise.size + z * sigma) / 2)))
        return min(slope, float(pairwise[low])), max(slope, float(pairwise[high]))

    return slope, {level: bounds(z) for level, z in _Z.items()}, residuals
