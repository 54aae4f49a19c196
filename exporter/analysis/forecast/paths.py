"""Futures: blocks of what really happened redrawn around an uncertain trend.

After Kumar & Chamness, arXiv 1901.10552 (probability of full by first passage), with simulated instead of Brownian
increments. The random numbers are always the same ones: the same past has the same future, in any unit, and from one
run to the next only the past makes a difference.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from exporter.analysis.forecast.drift import YOUNG_DAYS, Growth, block_starts
from exporter.analysis.forecast.series import FloatArray, Paths

PATHS = 300
_SEED = 20_120_809
# Of how many paths the newest reading is believed that nobody can tell from a bad one yet.
_BELIEVED = PATHS // 5
_YOUNG_DOUBT = 1.4


class Chances(NamedTuple):
    """Random numbers: which block, whether and how far growth changes (blocks, PATHS); slope and end, stratified."""

    which: FloatArray
    whether: FloatArray
    far: FloatArray
    slope: FloatArray
    end: FloatArray


@lru_cache(maxsize=64)
def chances(blocks: int) -> Chances:
    rng = np.random.default_rng([_SEED, blocks])
    strata = np.array([NormalDist().inv_cdf((i + 0.5) / PATHS) for i in range(PATHS)])
    shape = (blocks, PATHS)
    which, whether, far = rng.random(shape), rng.random(shape), rng.standard_normal(shape)
    return Chances(which, whether, far, rng.permutation(strata), rng.permutation(np.arange(1, PATHS + 1) / PATHS))


def simulate(growth: Growth, excess: FloatArray, jump: float, days: int) -> tuple[Paths, Paths]:
    """(days, PATHS) closes and peaks of each day, relative to today's close.

    excess: (n + 1,) how far each day's peak was above its close; jump: how far the newest reading is off the close.
    """
    block = growth.block
    blocks = math.ceil(days / block)
    chance = chances(blocks)
    ends, shapes, peaks = _library(growth, excess)
    index = (chance.which * ends.size).astype(np.intp)

    # Part of what a block adds stays, the rest is gone a block later, as is part of today's residual.
    added, stays = ends[index], growth.lasting
    level = math.sqrt(stays) * np.cumsum(added, axis=0) + math.sqrt((1 - stays) / 2) * added
    level += np.cumsum(_drift(growth, chance), axis=0) * block - growth.pull * float(growth.residual[-1])
    if growth.jumps.size:
        level += np.cumsum(_jumps(growth, chance), axis=0)
    if jump:
        level[:, :_BELIEVED] += jump

    before = np.concatenate([np.zeros((1, PATHS)), level[:-1]])
    step = (level - before) / block
    season = np.resize(growth.season(days), (blocks, block)) if growth.season_days else np.zeros((blocks, block))
    # Single precision of a change is more than enough, and takes half of the time from here on.
    start, rise, wave, runs, tops = (x.astype(np.float32) for x in (before, step, season, shapes, peaks))
    close, peak = np.empty((2, blocks, block, PATHS), dtype=np.float32)
    for day in range(block):
        line = start + np.float32(day + 1) * rise + wave[:, day : day + 1]
        np.add(line, runs[day][index], out=close[:, day])
        np.add(line, tops[day][index], out=peak[:, day])
    return close.reshape(-1, PATHS)[:days], peak.reshape(-1, PATHS)[:days]


def _drift(growth: Growth, chance: Chances) -> FloatArray:
    """(blocks, PATHS) slopes: as uncertain as the last one is, and changing as often as they did (and now and then).

    That of a new job falls back to what there was before.
    """
    doubt = math.sqrt(growth.freedom / (growth.freedom - 1)) * (_YOUNG_DOUBT if growth.days < YOUNG_DAYS else 1.0)
    slope = growth.shrunk + doubt * growth.slope_error * chance.slope
    months = growth.days / 30
    often = (len(growth.starts) - 0.5) / (months + 2) * growth.block / 30
    far = 0.5 * abs(growth.slope) + growth.slope_error
    slopes: FloatArray = slope + np.cumsum(np.where(chance.whether < often, chance.far * far, 0.0), axis=0)
    if growth.ramp:
        # Nobody knows the retention of a new job: what has lasted so long lasts as long again in half of the futures.
        times = np.where(chance.end < growth.ramp, growth.ramp / chance.end - 1, np.inf)
        left = np.clip(times * growth.regime_days / growth.block - np.arange(len(slopes))[:, None], 0, 1)
        slopes = growth.before + (slopes - growth.before) * left
    return slopes


def _jumps(growth: Growth, chance: Chances) -> FloatArray:
    """(blocks, PATHS) jumps of the sizes and as often as there were; any of them may be taken back."""
    count = growth.jumps.size
    often = (count - 0.5) / (growth.days + 90 / count) * growth.block
    sizes = np.concatenate([growth.jumps, -growth.jumps])
    u = chance.whether[::-1] / often
    return np.where(u < 1, sizes[np.minimum((u * sizes.size).astype(np.intp), sizes.size - 1)], 0.0)


def _library(growth: Growth, excess: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Real blocks: what each added (k,), how it ran between its ends (block, k), and that with its peaks."""
    block, r = growth.block, growth.residual
    first = block_starts(growth)
    ends = r[first + block] - r[first]
    count = max(2.0, first.size * (block if growth.profile.size == block else 1) / block)
    ends = (ends - ends.mean()) * math.sqrt(count / (count - 1)) * _burst(np.diff(r))
    day = np.arange(1, block + 1)[:, None]
    part = day / block
    shapes = r[first + day] - (r[first] * (1 - part) + r[first + block] * part)
    return ends, shapes, shapes + excess[first + day]


def _burst(change: FloatArray) -> float:
    """Widening for what comes in bursts (kurtosis over 4): the largest has not been seen yet."""
    variance = float(np.mean(change**2))
    kurtosis = float(np.mean(change**4)) / variance**2 if variance > 0 else 3.0
    return 1 + 0.15 * math.log(max(1.0, kurtosis / 4))
