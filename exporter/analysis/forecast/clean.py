"""Readings as they come, put in order: failed ones and lone outliers told from the process itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exporter.analysis.forecast.series import BoolArray, FloatArray

_LONGEST = 3
_NOISES = 8.0
# Of readings that look out of line; more of them are the process itself, a short sawtooth.
_MOST = 0.03


class Cleaned(NamedTuple):
    """Good readings in order of time, one an instant: t (n,) unix seconds, y (n,) bytes; bad (m,) of all m given."""

    t: FloatArray
    y: FloatArray
    bad: BoolArray


def clean(timestamps: FloatArray, used: FloatArray) -> Cleaned:
    """Finite readings in order of time without failed scrapes and without excursions.

    A reading of 0 or less amid positive ones is a failed scrape. An excursion is at most three readings far from the
    level on both sides, which is the same; the newest readings have only one side, so they are kept.

    >>> clean(np.arange(6.0), np.array([1, 2, 0, 4, np.nan, 6.0])).y
    array([1., 2., 4., 6.])
    """
    t = np.asarray(timestamps, dtype=np.float64)
    y = np.asarray(used, dtype=np.float64)
    bad = np.zeros(t.size, dtype=bool)
    good = np.isfinite(t) & np.isfinite(y)
    if (y[good] > 0).any():
        bad |= good & (y <= 0)
        good &= ~bad
    index = np.flatnonzero(good)
    if index.size and not (np.diff(t[index]) > 0).all():
        index = index[np.lexsort((y[index], t[index]))]
        _, first, count = np.unique(t[index], return_index=True, return_counts=True)
        kept = index[first + count // 2]
    else:
        kept = index
    away = excursions(y[kept])
    if away.any():
        bad[index] |= np.isin(t[index], t[kept[away]])
        kept = kept[~away]
    return Cleaned(t[kept], y[kept], bad)


def excursions(y: FloatArray) -> BoolArray:
    """(n,) whether a reading belongs to an excursion; none does when too many look so."""
    found = np.zeros(y.size, dtype=bool)
    if y.size < 8:
        return found
    limit = _limit(y)
    for wide in range(_LONGEST, 0, -1):
        inner = np.lib.stride_tricks.sliding_window_view(y[1:-1], wide)
        before, after = y[: -wide - 1], y[wide + 1 :]
        over = inner.min(axis=1) - np.maximum(before, after)
        under = np.minimum(before, after) - inner.max(axis=1)
        depth = np.maximum(over, under)
        at = np.flatnonzero((depth > limit) & (np.abs(after - before) < 0.5 * depth))
        for k in range(wide):
            found[at + 1 + k] = True
    return found if found.mean() <= _MOST else np.zeros(y.size, dtype=bool)


def _limit(y: FloatArray) -> float:
    """How far is far: by what neighbours differ usually, and not by less than a part of the level."""
    change = np.abs(np.diff(y))
    usual = 1.4826 * float(np.median(change))
    # Where readings repeat themselves the median is 0.
    seldom = float(np.quantile(change, 0.9))
    return max(_NOISES * usual, 2 * seldom, 1e-4 * float(np.median(np.abs(y))))
