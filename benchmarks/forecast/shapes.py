"""Eighteen shapes of used bytes as storage shows them, each with parameters of its own drawn from a seed.

Hours are the grid, the growth of a usual day the unit; the future is as long as the horizon.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
HORIZON = 365
HOURS = 24


Spoilt = tuple[FloatArray, FloatArray, NDArray[np.bool_]]
Spoil = Callable[[np.random.Generator, FloatArray, FloatArray], Spoilt]


@dataclass
class Draft:
    """Hourly used over history and future, before readings are spoilt."""

    y: FloatArray
    days: int
    season: int | None = None
    regime: float | None = None
    never: bool | None = None
    spoil: Spoil | None = None


def _noise(rng: np.random.Generator, n: int, sd: float, phi: float = 0.0) -> FloatArray:
    e = rng.normal(0, sd, n)
    if phi:
        steps = e * math.sqrt(1 - phi * phi)
        for i in range(1, n):
            steps[i] += phi * steps[i - 1]
        return steps
    return e


def _grid(rng: np.random.Generator, low: int = 60, high: int = 120) -> tuple[int, FloatArray]:
    """Days of history, and days since its start for every hour of history and future; growth is 1 a day on average."""
    days = int(rng.integers(low, high + 1))
    return days, np.arange((days + HORIZON) * HOURS + 1) / HOURS


def _base(rng: np.random.Generator) -> float:
    """What is stored already, in days of growth."""
    return float(np.exp(rng.uniform(math.log(40), math.log(1500))))


def _usual(rng: np.random.Generator, x: FloatArray) -> FloatArray:
    """Noise of a day's growth: working hours, and jobs of different size."""
    day = x.size // HOURS + 1
    jobs = np.repeat(rng.gamma(1 / rng.uniform(0.05, 0.5) ** 2, 1.0, day), HOURS)[: x.size]
    jobs /= jobs.mean()
    return np.concatenate([[0.0], np.cumsum(jobs[:-1] / HOURS)])


def linear(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    return Draft(_base(rng) + _usual(rng, x) + _noise(rng, x.size, rng.uniform(0.05, 1.0)), days)


def exponential(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    rate = math.log(2) / rng.uniform(60, 300)
    y = np.exp(rate * _usual(rng, x)) * (1 + _noise(rng, x.size, rate * rng.uniform(0.05, 0.6)))
    return Draft(y * _base(rng), days)


def weekly_full(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    size, hour = rng.uniform(3, 15), rng.uniform(0, 7)
    phase = (x - hour) % 7
    cycle = size * np.where(phase < 0.4, phase / 0.4, np.where(phase < rng.uniform(1, 4), 1.0, 0.0))
    level = _base(rng) + _usual(rng, x) * rng.choice([0.3, 1.0, 1.0])
    return Draft(level + cycle + _noise(rng, x.size, rng.uniform(0.1, 0.6)), days, season=7)


def prune_sawtooth(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    every = float(rng.choice([4, 5, 7, 7, 10, 14, 14, 21]))
    regular = every in (7, 10, 14) and rng.random() < 0.6
    daily = rng.uniform(2, 6)
    kept = 1 - 1 / daily
    y = np.empty(x.size)
    level, since, due = _base(rng), 0.0, every * rng.random()
    jobs = np.diff(_usual(rng, x), append=0.0)
    for i in range(x.size):
        level += daily * jobs[i]
        since += daily * jobs[i]
        if x[i] >= due:
            level -= since * kept * rng.uniform(0.85, 1.15)
            since = 0.0
            due += every if regular else every * rng.uniform(0.7, 1.3)
        y[i] = level
    return Draft(y + _noise(rng, x.size, 0.1), days, season=int(every) if regular else None)


def daily_sawtooth(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    size, hour = rng.uniform(2, 10), rng.random()
    return Draft(_base(rng) + _usual(rng, x) + size * ((x + hour) % 1.0) + _noise(rng, x.size, 0.2), days)


def retention_ramp(rng: np.random.Generator) -> Draft:
    """A new job grows until its retention begins to expire data."""
    days, x = _grid(rng)
    retention, began = float(rng.choice([14, 30, 30, 60, 90])), rng.uniform(0.1, 0.9) * days
    ramp = np.clip(x - began, 0, retention)
    ended = began + retention
    regime = days - (ended if ended < days - 7 else began)
    y = _base(rng) + ramp * rng.uniform(1, 3) + rng.choice([0.0, 0.1, 0.3]) * x
    y += _noise(rng, x.size, rng.uniform(0.05, 0.5))
    return Draft(y, days, regime=regime if regime >= 7 else None)


def steps(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    y = _base(rng) + _usual(rng, x) + _noise(rng, x.size, rng.uniform(0.05, 0.5))
    for _ in range(int(rng.integers(1, 5))):
        y[x > rng.uniform(2, days - 1)] += rng.choice([-1, 1, 1]) * rng.uniform(8, 50)
    return Draft(y, days)


def mass_delete(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    y = _base(rng) + 60 + _usual(rng, x) + _noise(rng, x.size, rng.uniform(0.05, 0.5))
    at = rng.uniform(5, days - 1)
    y[x > at] -= rng.uniform(0.15, 0.6) * y[int(at * HOURS)]
    return Draft(y, days)


def slope_change(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    ago = rng.uniform(8, min(60, days - 15))
    factor = float(rng.choice([rng.uniform(2, 6), rng.uniform(0.0, 0.4), -rng.uniform(0.2, 1.0)], p=[0.6, 0.3, 0.1]))
    u = _usual(rng, x)
    at = int((days - ago) * HOURS)
    y = _base(rng) + np.where(np.arange(x.size) < at, u, u[at] + factor * (u - u[at]))
    y += _noise(rng, x.size, rng.uniform(0.05, 0.5))
    return Draft(y, days, regime=ago)


def flat(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    kind = rng.random()
    y = np.full(x.size, _base(rng))
    y += _noise(rng, x.size, rng.uniform(0.0, 1.0), phi=float(rng.choice([0.0, 0.9, 0.98])))
    return Draft(y if kind < 0.9 else np.full(x.size, y[0]), days, never=True)


def shrinking(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    y = _base(rng) + days + 100 - rng.uniform(0.2, 1.0) * _usual(rng, x) + _noise(rng, x.size, rng.uniform(0.05, 1.0))
    return Draft(y, days, never=True)


def dirty(rng: np.random.Generator) -> Draft:
    draft = linear(rng)

    def spoil(rng: np.random.Generator, t: FloatArray, y: FloatArray) -> Spoilt:
        t, y, bad = t.copy(), y.copy(), np.zeros(y.size, dtype=bool)
        for _ in range(int(rng.integers(3, 15))):
            at, long = int(rng.integers(30, y.size - 30)), int(rng.integers(1, 4))
            factor = 1 + rng.choice([-1, 1]) * rng.uniform(0.05, 0.8) if rng.random() < 0.6 else rng.uniform(2, 5)
            change = (factor - 1) * y[at]
            if abs(change) < 6:
                change = math.copysign(rng.uniform(6, 30), change)
            y[at : at + long] = np.maximum(y[at : at + long] + change, 1.0)
            bad[at : at + long] = True
        zero = rng.random(y.size) < rng.choice([0.0, 0.005, 0.02])
        zero[-4:] = False
        y[zero] = 0.0
        bad |= zero
        keep = rng.random(y.size) >= rng.choice([0.0, 0.1, 0.45])
        if rng.random() < 0.5:
            hole = int(rng.integers(24, y.size - 30 * 24))
            keep[hole : hole + int(rng.uniform(1, 20) * 24)] = False
        keep[-3:] = True
        t, y, bad = t[keep], y[keep], bad[keep]
        y[rng.random(y.size) < 0.01] = np.nan
        twice = rng.integers(0, y.size, y.size // 50)
        order = rng.permutation(y.size + twice.size)
        return np.append(t, t[twice])[order], np.append(y, y[twice])[order], np.append(bad, bad[twice])[order]

    draft.spoil = spoil
    return draft


def expansion(rng: np.random.Generator) -> Draft:
    """Full, jobs fail, nothing moves; then it is extended and goes on as before."""
    days, x = _grid(rng, 70)
    stood = rng.uniform(3, 25)
    began = rng.uniform(20, days - stood - 5)
    u = _usual(rng, x)
    moved = np.interp(np.where(x < began, x, np.maximum(began, x - stood)), x, u)
    y = _base(rng) + moved + _noise(rng, x.size, rng.uniform(0.02, 0.3))
    clamped = (x >= began) & (x < began + stood)
    y[clamped] = y[int(began * HOURS)] + rng.normal(0, 0.01, int(clamped.sum()))
    return Draft(y, days)


def heavy_walk(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng)
    daily = rng.standard_t(3, days + HORIZON + 1) * rng.uniform(0.3, 2.0) + rng.uniform(0.0, 1.0)
    y = _base(rng) + 100 + np.interp(x, np.arange(daily.size), np.cumsum(daily))
    return Draft(np.maximum(y, 1.0), days)


def young(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng, 2, 5)
    y = _base(rng) + _usual(rng, x)
    y += rng.choice([0.0, 1.0]) * rng.uniform(0.3, 2) * np.sin(2 * np.pi * (x + rng.random()))
    return Draft(y + _noise(rng, x.size, rng.uniform(0.02, 0.4)), days)


def two_years(rng: np.random.Generator) -> Draft:
    days, x = _grid(rng, 730, 730)
    rate = np.ones(x.size)
    ago = 0.0
    for _ in range(int(rng.integers(1, 4))):
        ago = rng.uniform(20, 600)
        rate[x > days - ago] = rng.uniform(0.2, 3.0)
    y = _base(rng) + np.cumsum(rate * np.diff(_usual(rng, x), append=0.0)) + _noise(rng, x.size, rng.uniform(0.05, 0.6))
    for _ in range(int(rng.integers(0, 5))):
        y[x > rng.uniform(2, days - 3)] += rng.choice([-1, 1, 1]) * rng.uniform(10, 60)
    season = None
    if rng.random() < 0.5:
        y += rng.uniform(2, 6) * (((x + rng.uniform(0, 7)) % 7) < 2)
        season = 7
    return Draft(np.maximum(y, 1.0), days, season=season)


def month_end(rng: np.random.Generator) -> Draft:
    """A monthly full on the last day of calendar months, gone some days later; 100 to 200 days of it."""
    days, x = _grid(rng, 100, 200)
    start = rng.uniform(0, 30.4)
    lengths = np.tile([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], 3)
    ends = np.cumsum(np.roll(lengths, int(rng.integers(0, 12)))) - start
    y = _base(rng) + _usual(rng, x) + _noise(rng, x.size, rng.uniform(0.05, 0.5))
    size, stays = rng.uniform(8, 30), rng.uniform(3, 15)
    for end in ends:
        y[(x >= end) & (x < end + stays)] += size
    return Draft(y, days, season=30)


def surprise(rng: np.random.Generator) -> Draft:
    draft = linear(rng)
    at = draft.days * HOURS + int(rng.uniform(2, 60) * HOURS)
    if rng.random() < 0.5:
        draft.y[at:] += rng.choice([-1, 1, 1]) * rng.uniform(8, 50)
    else:
        draft.y[at:] = draft.y[at] + rng.uniform(0, 4) * (draft.y[at:] - draft.y[at])
    return draft


SHAPES: dict[str, Callable[[np.random.Generator], Draft]] = {
    f.__name__: f
    for f in (
        linear, exponential, weekly_full, prune_sawtooth, daily_sawtooth, retention_ramp, steps, mass_delete,
        slope_change, flat, shrinking, dirty, expansion, heavy_walk, young, two_years, month_end, surprise,
    )
}  # fmt: skip
