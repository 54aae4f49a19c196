"""Since when does a pool grow as it grows now?"""

from __future__ import annotations

import numpy as np

from exporter.analysis.forecast.series import FloatArray

_LIMIT = 3.6
_SHORTEST = 6
# What stops or starts at once is seen sooner.
_SHORTEST_SUDDEN = 3
_LIMIT_SUDDEN = 8.0
_BORROWED = 1


def regime_starts(change: FloatArray, shortest: int = _SHORTEST) -> list[int]:
    """Indices of daily changes where growth changed for good, oldest first; the first is 0.

    Splits are scanned for the largest Welch statistic of the two means, then the newer part again.

    >>> regime_starts(np.r_[np.tile([1.0, 1.2], 20), np.tile([5.0, 5.2], 10)])
    [0, 40]
    """
    starts = [0]
    back = given_back(change)
    while True:
        rest = change[starts[-1] :]
        split, t = best_split(rest, shortest, back)
        if t < _LIMIT:
            split, t = best_split(rest, _SHORTEST_SUDDEN, back)
            if t < _LIMIT_SUDDEN or split < shortest:
                return starts
        starts.append(starts[-1] + split)


def given_back(change: FloatArray) -> float:
    """Share of a day's change that the next day gives back, 0 to 0.48: noise around a level (0.5) or a walk (0)."""
    centred = change - change.mean()
    energy = float(centred @ centred)
    return min(0.48, max(0.0, -float(centred[1:] @ centred[:-1]) / energy)) if energy > 0 else 0.0


def best_split(change: FloatArray, shortest: int, back: float = 0.0) -> tuple[int, float]:
    """(index, statistic) of the split where the means of both sides differ most; variances per side."""
    n = change.size
    k = np.arange(shortest, n - shortest + 1)
    if k.size == 0:
        return 0, 0.0
    total, squares = np.cumsum(change), np.cumsum(change**2)
    m1, m2 = total[k - 1] / k, (total[-1] - total[k - 1]) / (n - k)
    v1 = (squares[k - 1] - k * m1**2) / (k - 1)
    v2 = (squares[-1] - squares[k - 1] - (n - k) * m2**2) / (n - k - 1)
    # A handful of days may look calm by chance.
    v = ((k - 1) * v1 + (n - k - 1) * v2) / (n - 2)
    v1, v2 = (((m - 1) * own + _BORROWED * v) / (m - 1 + _BORROWED) for m, own in ((k, v1), (n - k, v2)))
    floor = 1e-6 * float(np.mean(change**2)) + 1e-300
    # Of what is given back only both ends count in a mean.
    c1, c2 = ((1 - 2 * back) / m + 2 * back / m**2 for m in (k, n - k))
    t = np.abs(m1 - m2) / np.sqrt(np.maximum(v1, floor) * c1 + np.maximum(v2, floor) * c2)
    at = int(np.argmax(t))
    return int(k[at]), float(t[at])
