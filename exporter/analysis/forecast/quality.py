"""How good the forecast was, and whether the newest reading is what was to be expected."""

from __future__ import annotations

import math

import numpy as np

from exporter.analysis.forecast.drift import Growth, growth
from exporter.analysis.forecast.series import FloatArray

_AHEAD = 14
_ORIGINS = 2
_LEAST = 14


def backtest_error(close: FloatArray) -> float:
    """Mean error of forecasts from up to two earlier days for the fortnight after, as part of what was used then.

    NaN without a fortnight to learn from before the first of them.

    >>> round(backtest_error(np.arange(100.0, 160.0)), 6)
    0.0
    """
    errors = []
    for k in range(1, _ORIGINS + 1):
        origin = close.size - k * _AHEAD
        if origin < _LEAST:
            break
        known, came = close[:origin], close[origin : origin + _AHEAD]
        expected = np.maximum(known[-1] + growth(known).expected(_AHEAD), 0.0)
        errors.append(float(np.mean(np.abs(expected - came))) / max(float(np.mean(came)), 1e-12))
    return float(np.mean(errors)) if errors else math.nan


def is_anomalous(growth: Growth, off: float) -> bool:
    """Whether today's change is outside the 95 % of those before it; off: the newest reading less today's close."""
    past = growth.innovation[-91:-1]
    if past.size < _LEAST:
        return False
    low, high = np.quantile(past, (0.025, 0.975))
    slack = 1e-6 + 0.1 * (high - low)
    return not low - slack <= growth.innovation[-1] + off <= high + slack
