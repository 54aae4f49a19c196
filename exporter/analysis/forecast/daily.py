"""One value a day: what is used at the hour of the last reading, and the highest of the day."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exporter.analysis.forecast.series import DAY, BoolArray, FloatArray

# Of fewer days each reading counts: the mean of a day instead of its end.
_YOUNG = 14
_STUCK_DAYS = 3
_STUCK_TIMES = 2


class Days(NamedTuple):
    """close, peak (n,) bytes of the last n days, newest last; a day without readings lies between its neighbours.

    readings: how many the newest day has.
    """

    close: FloatArray
    peak: FloatArray
    readings: int


def daily(t: FloatArray, y: FloatArray) -> Days:
    """Days end at the hour of the last reading, so that the hour of day cancels in their differences.

    The close is the median of the day's last three readings, moved by what this makes of it on most days: in a pool
    that is emptied every night shortly before the last reading, the median is always too high.

    >>> hours = np.arange(0, 49) * 3600.0
    >>> daily(hours, hours / 3600).close
    array([ 0., 24., 48.])
    """
    late = min(0.25 * float(np.median(np.diff(t))), 0.1 * DAY)
    age = np.floor((t[-1] - t + late) / DAY)
    last = np.flatnonzero(np.append(age[1:] != age[:-1], True))
    first = np.append(0, last[:-1] + 1)
    middle = np.sort(np.stack([y[last], y[np.maximum(last - 1, first)], y[np.maximum(last - 2, first)]]), axis=0)[1]
    count = last - first + 1
    close, many = y[last], count > 2
    if many.any():
        close = np.where(many, middle + np.median((close - middle)[many]), close)
    # Of the first day there may be only its end.
    part = int(last.size > 2 and count[0] < 0.6 * count[1])
    if age[0] < _YOUNG and last.size > 2:
        mean = np.add.reduceat(y, first) / count
        close[part:] = mean[part:] + np.median((close - mean)[part:])
    peak = np.maximum.reduceat(y, first)
    if part:
        peak[0] = close[0] + np.median(peak[1:] - close[1:])
    whole = np.arange(-age[0], 1.0)
    # Where a day has but one reading at another hour, the close lies between two of them.
    close = np.interp(whole, (t[last] - t[-1]) / DAY, close)
    peak = np.maximum(np.interp(whole, -age[last], peak), close)
    return Days(close, peak, int(count[-1]))


def stuck(close: FloatArray) -> BoolArray:
    """(n,) days on which the pool sat full before it was extended: jobs failed, growth did not end.

    Three days or more of hardly any change at the highest level so far, which is left upwards.
    """
    change = np.diff(close)
    found = np.zeros(close.size, dtype=bool)
    if change.size < 10:
        return found
    usual = float(np.quantile(np.abs(change), 0.75))
    still = np.abs(change) < 0.15 * usual
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    runs = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= _STUCK_DAYS]
    # A pool that often rests does so by itself.
    for start, end in runs if len(runs) <= _STUCK_TIMES else ():
        if start < 5 or end > change.size - 2:
            continue
        level = float(close[start : end + 1].max())
        grew = close[start] > close[start - 5] and close[: start + 1].max() <= level + usual
        left = close[end + 1 :].max() > level + 2 * usual and close[end + 2 :].min() > level
        if grew and left:
            found[start + 1 : end + 1] = True
    return found
