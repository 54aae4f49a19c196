"""What a pool's growth is made of: steps, season, the line of the last regime, and what is left of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from exporter.analysis.forecast.regimes import given_back, regime_starts
from exporter.analysis.forecast.season import find_season, phase_of, phases
from exporter.analysis.forecast.series import BoolArray, FloatArray, IntArray
from exporter.analysis.forecast.steps import Event, find_steps

# Of fewer days a slope is believed sooner: hardly any pool is born flat.
YOUNG_DAYS = 14
_BLOCK = 7
_LONGEST_BLOCK = 14
_LEAST_LASTING = 0.05
_LOG_DAYS = 60
_BENT = 1.8
# A slope of two standard errors counts half.
_DOUBT = 4.0
# Of today's growth what there may have been before a new job began: no doubt about it, no longer.
_IDLE, _BUSY = 0.1, 0.25


@dataclass(frozen=True)
class Growth:
    """A series of daily closes (n + 1,) taken apart; everything per day and in the unit of the series.

    slope, slope_error: of the last regime; residual (n + 1,): closes less steps, season and the line of their regime;
    innovation (n,): daily changes less season and slope, steps included; steps (n,): which changes are jumps;
    jumps: sizes of those that came once; regular: those that come again; profile (period,): what the season adds
    k + 1 days from now; starts: first change of each regime; block: days that are redrawn together; lasting, pull:
    shares of a block's change that stay and of today's residual that go; bend: Student's t of growth that grows;
    before: mean daily change until the last regime.
    """

    slope: float
    slope_error: float
    residual: FloatArray
    innovation: FloatArray
    steps: BoolArray
    jumps: FloatArray
    regular: list[Event]
    profile: FloatArray
    starts: list[int]
    block: int
    lasting: float
    pull: float
    bend: float
    before: float

    @property
    def days(self) -> int:
        return self.innovation.size

    @property
    def regime_days(self) -> int:
        return self.days - self.starts[-1]

    @property
    def season_days(self) -> int:
        return self.profile.size or (round(self.regular[0].every) if self.regular else 0)

    @property
    def shrunk(self) -> float:
        """The slope, nearer to 0 the less it stands out of its error."""
        if self.slope_error == 0:
            return self.slope
        t2 = (self.slope / self.slope_error) ** 2
        return self.slope * t2 / (t2 + (0.25 if self.days < YOUNG_DAYS else _DOUBT))

    @property
    def ramp(self) -> float:
        """How far it looks like a new job, whose growth ends with its retention: 0 to 1, 1 where it began from idle."""
        if self.starts[-1] == 0 or self.slope <= 0:
            return 0.0
        return min(1.0, max(0.0, (_BUSY - abs(self.before) / self.slope) / (_BUSY - _IDLE)))

    @property
    def freedom(self) -> float:
        return max(2.0, self.regime_days / self.block - 2)

    def season(self, days: int) -> FloatArray:
        """What season and regular jumps add 1 to `days` days from now."""
        added = np.resize(self.profile, days) if self.profile.size else np.zeros(days)
        for event in self.regular:
            times = np.arange(1, days // int(event.every) + 3)
            at = np.rint(times * event.every).astype(np.intp) - event.ago - 1
            added += np.cumsum(np.bincount(at[(at >= 0) & (at < days)], minlength=days)) * event.size
        return added

    def expected(self, days: int) -> FloatArray:
        """(days,) change of the close 1 to `days` days from now, if nothing happens."""
        return self.shrunk * np.arange(1, days + 1) + self.season(days) - self.pull * float(self.residual[-1])


def growth(close: FloatArray) -> Growth:
    """Take a series apart: steps, then season, then regimes, then the least squares line of the last of them.

    >>> result = growth(np.arange(40.0))
    >>> result.slope, result.regime_days, result.season_days
    (1.0, 39, 0)
    """
    change = np.diff(close)
    n = change.size
    steps, regular = find_steps(change)
    calm = _without(change, steps)
    seasonal, profile = np.zeros(n), np.empty(0)
    period = find_season(_winsorised(calm))
    if period:
        means = phases(_winsorised(calm), period)[0]
        means -= means.mean()
        seasonal, profile = means[phase_of(n, period)], np.cumsum(means)
        if not regular:
            more, regular = find_steps(change - seasonal)
            steps = steps | more
        calm = _without(change - seasonal, steps)
    starts = regime_starts(calm)
    residual, slopes = _lines(np.concatenate([[0.0], np.cumsum(calm)]), starts)
    last = residual[starts[-1] :]
    block = period if 0 < period <= _LONGEST_BLOCK else min(_BLOCK, max(1, n // 4))
    variance, lasting = _lasting(last, block)
    lengths = np.diff([*starts, n])
    return Growth(
        slope=slopes[-1],
        slope_error=_slope_error(variance, lasting, min(block, max(1, (last.size - 1) // 4)), last.size - 1),
        residual=residual, innovation=change - seasonal - np.repeat(slopes, lengths), steps=steps,
        jumps=np.empty(0) if regular else (change - seasonal - calm)[steps], regular=regular, profile=profile,
        starts=starts, block=block, lasting=lasting, pull=_pull(last, block, lasting), bend=_bend(calm[starts[-1] :]),
        before=float(calm[: starts[-1]].mean()) if starts[-1] else 0.0,
    )  # fmt: skip


def relative_growth(close: FloatArray, linear: Growth) -> Growth | None:
    """Growth of the logarithm, where that is the better way to see it: the more there is, the more is added.

    Its regime must be two months and no shorter than the linear one, in which growth grows; in the logarithm it does
    not, or far less.
    """
    if linear.slope <= 0 or linear.days < _LOG_DAYS or not (close > 0).all():
        return None
    log = growth(np.log(close))
    bend = _bend(np.diff(close)[-log.regime_days :])
    long = log.regime_days >= max(_LOG_DAYS, linear.regime_days)
    return log if long and bend > _BENT and abs(log.bend) < 0.5 * bend else None


def _without(change: FloatArray, steps: BoolArray) -> FloatArray:
    return np.where(steps, np.median(change[~steps]), change) if steps.any() else change


def _winsorised(change: FloatArray) -> FloatArray:
    """The three largest and smallest cut to the fourth: one of them makes no season."""
    if change.size < 21:
        return change
    ordered = np.sort(change)
    return np.clip(change, ordered[3], ordered[-4])


def _line(level: FloatArray) -> tuple[FloatArray, float]:
    """Least squares line through equidistant values, and its slope."""
    x = np.arange(level.size) - (level.size - 1) / 2
    slope = float(x @ level) / float(x @ x)
    return level.mean() + slope * x, slope


def _lines(level: FloatArray, starts: list[int]) -> tuple[FloatArray, list[float]]:
    """Residuals around a line for each regime, and the slopes."""
    residual, slopes = np.empty(level.size), []
    for a, b in zip(starts, [*starts[1:], level.size - 1], strict=True):
        line, slope = _line(level[a : b + 1])
        residual[a : b + 1] = level[a : b + 1] - line
        slopes.append(slope)
    return residual, slopes


def _lasting(residual: FloatArray, block: int) -> tuple[float, float]:
    """Variance of a block's change, and the share of it that lasts: 1 for a random walk, 0 around a line.

    A walk's changes over three blocks vary three times as much as over one, those around a line as much.
    """
    n = residual.size - 1
    if n < 4 * block:
        block = max(1, n // 4)
    if n < 3 * block:
        return float(np.mean(np.diff(residual) ** 2)), 1.0
    one, three = (float(np.mean((residual[w:] - residual[:-w]) ** 2)) for w in (block, 3 * block))
    if one <= 0:
        return 0.0, 0.0
    # The line took some of the walk with it.
    kept = 1 - 1.3 * 3 * block / (n + 3 * block)
    return one, min(1.0, max(_LEAST_LASTING, (three / kept - one) / (2 * one)))


def _pull(residual: FloatArray, block: int, lasting: float) -> float:
    """Share of today's residual that is gone a block later: by regression, corrected for the bias of few blocks."""
    n = residual.size - 1
    energy = float(residual[:-block] @ residual[:-block])
    if n < 4 * block or energy <= 0:
        return 0.0
    kept = float(residual[:-block] @ residual[block:]) / energy
    kept += (2 + 4 * max(0.0, kept)) * block / n
    return min(1 - lasting, max(0.0, 1 - kept))


def _slope_error(variance: float, lasting: float, block: int, n: int) -> float:
    """Standard error of a least squares slope: 1.2 q / n for a walk of q a day, 12 s2 / n3 for noise around a line."""
    walk, noise = lasting * variance / block, (1 - lasting) * variance / 2
    return math.sqrt(1.2 * walk / n + 12 * noise / n**3)


def _bend(change: FloatArray) -> float:
    """Student's t of the trend in daily changes."""
    n = change.size
    if n < 12:
        return 0.0
    fitted, slope = _line(change)
    rest = change - fitted
    variance, back, sxx = float(rest @ rest) / (n - 2), given_back(rest), n**3 / 12
    error = math.sqrt(variance * ((1 - 2 * back) / sxx + back * n**2 / 2 / sxx**2))
    return slope / error if error > 0 else 0.0


def block_starts(growth: Growth) -> IntArray:
    """First residuals of the blocks that may be redrawn: of the last regime if it holds five, within one regime.

    Blocks of a season begin where it begins; without one anywhere.
    """
    block, n = growth.block, growth.days
    stride = block if growth.profile.size == block else 1
    oldest = growth.starts[-1] if growth.regime_days >= 5 * block else 0
    first = np.arange(n - block, oldest - 1, -stride)
    if oldest < growth.starts[-1]:
        bounds = np.array(growth.starts[1:])[:, None]
        first = first[~((first < bounds) & (first + block > bounds)).any(axis=0)]
    return first if first.size else np.array([n - block])
