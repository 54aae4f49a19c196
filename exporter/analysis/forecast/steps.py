"""Jumps that happen once: a client onboarded, a mass delete. They move the level and are no growth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exporter.analysis.forecast.series import BoolArray, FloatArray, IntArray

_SCALES = 7.0
_RARE = 1 / 18
_LIKE = 0.25


class Event(NamedTuple):
    """A jump that comes regularly: days since the last one, mean days between them, mean size."""

    ago: int
    every: float
    size: float


def find_steps(change: FloatArray) -> tuple[BoolArray, list[Event]]:
    """(n,) which daily changes are jumps: far larger than usual, rare, no pruning; and those that come regularly.

    >>> steps, regular = find_steps(np.array([1, 2, 1, 2, 1, 2, 1, 50, 1, 2, 1, 2, 1, 2.0]))
    >>> steps.nonzero()[0], regular
    (array([7]), [])
    """
    nothing = np.zeros(change.size, dtype=bool)
    if change.size < 6:
        return nothing, []
    usual = np.median(change)
    away = np.abs(change - usual)
    scale = max(1.4826 * float(np.median(away)), 0.2 * float(np.mean(np.sort(away)[: int(0.8 * away.size)])))
    large = away > max(_SCALES * scale, 0.3 * abs(float(usual)))
    # What goes on the days after is growth.
    for i in np.flatnonzero(large):
        after = change[i + 1 : i + 6] - usual
        if after.size > 1 and abs(np.median(after)) > _LIKE * away[i]:
            large[i] = False
    at = np.flatnonzero(large)
    if at.size == 0:
        return nothing, []
    regular = [event for sign in (1, -1) if (event := _regular(at[np.sign(change[at]) == sign], change))]
    if regular:
        return large, regular
    if at.size > max(2, _RARE * change.size):
        # Bursts are the process; what dwarfs even them is not.
        large &= away > 4 * np.median(away[at])
        at = np.flatnonzero(large)
    if at.size > max(2, _RARE * change.size) or _pruning(at, change):
        return nothing, []
    return large, []


def _regular(at: IntArray, change: FloatArray) -> Event | None:
    """Three or more of like size at like distances of more than two weeks."""
    if at.size < 3:
        return None
    gaps, sizes = np.diff(at), change[at] - np.median(change)
    every = float(gaps.mean())
    alike = np.abs(gaps - every).max() < 0.12 * every and sizes.std() < 0.35 * abs(sizes.mean())
    if not alike or every < 15:
        return None
    return Event(change.size - 1 - int(at[-1]), every, float(sizes.mean()))


def _pruning(at: IntArray, change: FloatArray) -> bool:
    """Two or more drops, most of them about as large as what had come since the one before."""
    drops = at[change[at] < 0]
    if drops.size < 2 or 2 * drops.size < at.size:
        return False
    level = np.concatenate([[0.0], np.cumsum(change)])
    start = np.append(0, drops[:-1] + 1)
    came = level[drops] - level[start]
    whole = start > 0
    ratio = -change[drops] / np.where(came > 0, came, np.inf)
    alike = (ratio > 0.4) & (ratio < 1.7)
    return bool(alike[whole].mean() > 0.6)
