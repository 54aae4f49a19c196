"""Does growth depend on the day of the week, the fortnight, the month?"""

from __future__ import annotations

import numpy as np

from exporter.analysis.forecast.series import FloatArray, IntArray

PERIODS = (7, 10, 14, 28, 30, 31)
_CYCLES = 3


def find_season(change: FloatArray) -> int:
    """Period in days whose phases explain the daily changes best; 0 where none does better than chance.

    A longer period has to explain what it costs (BIC), so 14 is found only where every other week differs.

    >>> find_season(np.tile([1, 1, 1, 1, 1, 9, -5.0], 5))
    7
    """
    best, period = 0.0, 0
    n = change.size
    if n < _CYCLES * PERIODS[0]:
        return 0
    centred = change - change.mean()
    total = float(centred @ centred)
    if total <= 0:
        return 0
    for p in PERIODS:
        if n < _CYCLES * p:
            break
        means, count = phases(centred, p)
        explained = float(count @ means**2)
        left = max(total - explained, 1e-9 * total)
        f = (explained / (p - 1)) / (left / (n - p))
        gain = n * np.log(total / left) - 1.5 * p * np.log(n)
        if f > 2.2 and gain > best:
            best, period = gain, p
    return period


def phases(change: FloatArray, period: int) -> tuple[FloatArray, FloatArray]:
    """Mean change and number of days of each phase; phase period - 1 is that of the newest day."""
    phase = phase_of(change.size, period)
    count = np.bincount(phase, minlength=period).astype(np.float64)
    return np.bincount(phase, weights=change, minlength=period) / np.maximum(count, 1.0), count


def phase_of(n: int, period: int) -> IntArray:
    """(n,) phase of each of the last n days."""
    return (np.arange(n) - n) % period
