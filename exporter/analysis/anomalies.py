"""How far the newest day lies from what is usual, in robust standard deviations.

A day is compared with the median of its weekday where a week shows, else with that of all days; the unit is the
median absolute deviation (MAD), made as large as a standard deviation of normal noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from exporter.analysis.forecast.clean import clean
from exporter.model import DAY, Unusual

FloatArray = NDArray[np.float64]

# What is looked back on: whole weeks, and three month-ends wherever it begins.
DAYS = 98
# Weekly fulls have come three times by then.
LEAST_SPAN_DAYS = 21
LEAST_DAYS = 8

# Of normal noise.
_SD_PER_MAD = 1.4826
# What has happened so often does not lie further out than this many deviations.
_TIMES = 3
_WEEK = 7
_WEEK_SHOWS = 0.7
# Two readings at most so far apart tell what was used at the midnight between them.
_GAP_S = DAY / 2
# Hardly a change: this part of the capacity in a day, of the usual growth, of a duration.
_LEAST_OF_CAPACITY = 0.001
_LEAST_OF_FILL = 0.1
_LEAST_OF_DURATION = 0.1


def fill_anomaly(timestamps: FloatArray, used: FloatArray, capacity: float, at: float) -> Unusual | None:
    """The fill rate of the last whole day (UTC) before `at`, in bytes per second.

    timestamps: (n,) unix seconds; used: (n,) bytes; capacity: bytes. A day at whose ends used space is not known has
    no rate. Less than a thousandth of the capacity in a day, or a tenth of the usual, is no deviation at all.

    >>> days = np.arange(0, 60.0) * DAY
    >>> grows = 100e9 * np.arange(60.0)
    >>> fill_anomaly(days, grows, 50e12, at=59.5 * DAY).deviation
    0.0
    >>> grows[-1] += 400e9
    >>> round(fill_anomaly(days, grows, 50e12, at=59.5 * DAY).deviation, 1)
    8.0
    """
    t, y, _ = clean(timestamps, used)
    rates = np.diff(_at_midnights(t, y, at)) / DAY
    usual = float(np.nanmedian(rates)) if np.isfinite(rates).any() else 0.0
    return _unusual(rates, max(_LEAST_OF_CAPACITY * capacity / DAY, _LEAST_OF_FILL * abs(usual)))


def duration_anomaly(seconds: FloatArray) -> Unusual | None:
    """seconds: (n,) median duration of the runs of each day, newest last, NaN without any.

    Compared in the logarithm: twice as long lies as far out as half as long.
    """
    return _unusual(
        np.log(np.maximum(seconds, 1.0)), math.log1p(_LEAST_OF_DURATION), lambda log: round(math.exp(log), 3)
    )


def count_anomaly(counts: FloatArray) -> Unusual | None:
    """counts: (n,) events of each day, newest last, NaN before the first day on which something could have happened.

    Compared as roots, in which counts of independent events have a standard deviation of about 1 whatever their mean:
    F. J. Anscombe, The transformation of Poisson, binomial and negative-binomial data, Biometrika 35 (1948).
    """
    return _unusual(2 * np.sqrt(counts + 0.375), 1.0, lambda root: max(0.0, round(root * root / 4 - 0.375, 3)))


def _unusual(days: FloatArray, least: float, unit: Callable[[float], float] = float) -> Unusual | None:
    """days: (n,), newest last, which is the one in question; least: the smallest deviation that counts as one."""
    past = days[-1 - DAYS : -1]
    known = np.flatnonzero(np.isfinite(past))
    if known.size < LEAST_DAYS or past.size - known[0] < LEAST_SPAN_DAYS:
        return None
    # By how many days before the one in question, in weeks: 0 is its weekday.
    phase = np.arange(past.size, 0, -1) % _WEEK
    usual = _by_weekday(past, phase)
    beyond = _beyond(past, phase, usual)
    spread = _SD_PER_MAD * float(np.nanmedian(np.abs(past - usual[phase])))
    newest = float(days[-1])
    baseline = unit(float(usual[0]))
    if not math.isfinite(newest):
        return Unusual(None, baseline, None)
    out = float(_beyond(np.array([newest]), np.zeros(1, np.int64), usual)[0])
    same_side = np.sort(np.abs(beyond[np.isfinite(beyond) & (np.sign(beyond) == np.sign(out))]))
    often = float(same_side[-_TIMES]) / _TIMES if same_side.size >= _TIMES else 0.0
    return Unusual(unit(newest), baseline, round(out / max(spread, often, least), 3))


def _beyond(values: FloatArray, phase: NDArray[np.int64], usual: FloatArray) -> FloatArray:
    """How far each lies outside of what is usual on its weekday and the two beside it.

    A run near midnight (UTC) changes its weekday with daylight saving, or when it is late.
    """
    near = np.stack([usual[(phase + shift) % _WEEK] for shift in (-1, 0, 1)])
    outside: FloatArray = values - np.clip(values, near.min(axis=0), near.max(axis=0))
    return outside


def _by_weekday(past: FloatArray, phase: NDArray[np.int64]) -> FloatArray:
    """(7,) the median of each phase where that explains the days clearly better than one median of all."""
    overall = float(np.nanmedian(past))
    flat = np.abs(past - overall)
    # One day that stands out far must not decide.
    most = float(np.nanquantile(flat, 0.9))
    usual = np.full(_WEEK, overall)
    errors = np.minimum(flat, most)
    for number in range(_WEEK):
        of_phase = np.flatnonzero((phase == number) & np.isfinite(past))
        if of_phase.size >= _TIMES:
            usual[number] = np.median(past[of_phase])
            errors[of_phase] = np.minimum(np.abs(past[of_phase] - _medians_of_others(past[of_phase])), most)
    shows = np.nansum(errors) < _WEEK_SHOWS * np.nansum(np.minimum(flat, most))
    return usual if shows else np.full(_WEEK, overall)


def _medians_of_others(values: FloatArray) -> FloatArray:
    """(n,) for each value the median of the n - 1 others.

    >>> _medians_of_others(np.array([1.0, 5.0, 2.0]))
    array([3.5, 1.5, 3. ])
    """
    order = np.argsort(values, kind="stable")
    ranked, rank = values[order], np.empty(values.size, np.int64)
    rank[order] = np.arange(values.size)
    low, high = (values.size - 2) // 2, (values.size - 1) // 2
    others: FloatArray = (ranked[low + (rank <= low)] + ranked[high + (rank <= high)]) / 2
    return others


def _at_midnights(t: FloatArray, y: FloatArray, at: float) -> FloatArray:
    """(DAYS + 2,) what was used at each midnight up to the last before `at`; NaN where nobody looked."""
    midnights = math.floor(at / DAY) * DAY - np.arange(DAYS + 1, -1, -1) * DAY
    if t.size < 2:
        return np.full(midnights.size, math.nan)
    after = np.searchsorted(t, midnights)
    inside = np.clip(after, 1, t.size - 1)
    near = t[inside] - t[inside - 1] <= _GAP_S
    seen = (after < t.size) & ((after > 0) & near | (t[np.minimum(after, t.size - 1)] == midnights))
    return np.where(seen, np.interp(midnights, t, y), math.nan)
