"""What moved the used space of a pool: its long run, its steps, and how much of what came was freed again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exporter.analysis.forecast.clean import clean
from exporter.analysis.forecast.daily import daily, stuck
from exporter.analysis.forecast.drift import growth
from exporter.analysis.forecast.series import DAY, FloatArray

_LATELY_S = 14 * DAY
# Of the most that was ever used; less moves nobody's plans.
_LEAST_STEP = 1e-3


class Step(NamedTuple):
    """A change of level that was no growth: at the end of which day (unix seconds), and by how many bytes."""

    at: float
    bytes: float


class Drivers(NamedTuple):
    """long_run: bytes a day, the least squares line through all days but those it sat full; steps: oldest first.

    ingested, reclaimed: rises and falls from reading to reading in the last fortnight, in bytes a day. Lower bounds:
    what was freed and written again between two readings is seen by nobody.
    """

    long_run: float
    steps: tuple[Step, ...]
    ingested: float
    reclaimed: float


def drivers(timestamps: FloatArray, used: FloatArray) -> Drivers | None:
    """None for less than three days, of which there is nothing to say. Arrays as `forecast` takes them.

    >>> days = np.arange(30.0)
    >>> found = drivers(days * DAY, 100.0 + 2 * days + 50 * (days >= 20))
    >>> [(step.at / DAY, round(step.bytes)) for step in found.steps]
    [(20.0, 50)]
    """
    t, y, _ = clean(timestamps, used)
    if t.size < 3 or t[-1] - t[0] < 3 * DAY:
        return None
    close = daily(t, y).close
    moving = np.flatnonzero(~stuck(close))
    scale = float(np.abs(y).max()) or 1.0
    found = growth(close[moving] / scale)
    ends = t[-1] - (close.size - 1 - moving) * DAY
    large = np.flatnonzero(found.steps & (np.abs(found.innovation) > _LEAST_STEP))
    steps = tuple(Step(float(ends[k + 1]), scale * float(found.innovation[k])) for k in large)
    lately = t >= t[-1] - _LATELY_S
    change, over = np.diff(y[lately]), float(np.ptp(t[lately])) / DAY
    slope = float(np.polyfit(np.arange(moving.size), close[moving], 1)[0])
    rises, falls = float(change[change > 0].sum()), float(-change[change < 0].sum()) + 0.0
    return Drivers(slope, steps, rises / over, falls / over)
