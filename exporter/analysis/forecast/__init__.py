"""When a pool will be full, and how much will be used until then, with honest bounds, from its own past.

clean -> daily -> drift (steps, season, regimes, line) -> paths -> first passage of the peak.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypedDict, cast

import numpy as np

from exporter.analysis.forecast.clean import clean
from exporter.analysis.forecast.daily import Days, daily, stuck
from exporter.analysis.forecast.drift import Growth, growth, relative_growth
from exporter.analysis.forecast.ets import LEAST_DAYS, simulate_ets
from exporter.analysis.forecast.paths import PATHS, simulate
from exporter.analysis.forecast.quality import backtest_error, is_anomalous
from exporter.analysis.forecast.series import DAY, BoolArray, FloatArray, Paths

__all__ = ["DAY", "FloatArray", "Forecast", "Method", "Need", "forecast", "need"]

Method = Literal["simulation", "ets", "blend"]
_NO_STATEMENT = ("no_data", "too_short", "no_capacity")
_LONGEST_HISTORY_S = 1100 * DAY
# A logarithm no forecast goes beyond: a thousand times what is used now.
_MOST_LOG = math.log(1000.0)


class Forecast(TypedDict):
    """Offsets t in seconds from the last sample, curves in bytes, times to full in seconds (inf, nan: see forecast).

    lo and hi of further levels are there when asked for. peak_p90: of the highest use so far, for need.
    """

    t: FloatArray
    p50: FloatArray
    lo80: FloatArray
    hi80: FloatArray
    lo95: FloatArray
    hi95: FloatArray
    peak_p90: FloatArray
    ttf_p10_s: float
    ttf_p50_s: float
    ttf_p90_s: float
    growth_bytes_per_day: float
    season_period_s: float
    regime_start_s: float
    anomalies: BoolArray
    anomalous: bool
    error_ratio: float
    history_s: float
    status: str
    method: str


class Need(NamedTuple):
    """Capacity to have (bytes) and the seconds from the last sample by which it has to be ordered (inf: not yet)."""

    capacity: float
    order_by_s: float


class _Futures(NamedTuple):
    """(days, PATHS) changes from start, sorted along the paths: close of each day, highest peak so far."""

    close: Paths
    highest: Paths
    growth: Growth
    start: float
    relative: bool

    def used(self, paths: Paths, share: float) -> FloatArray:
        """(days + 1,) quantile of what is used, beginning with now."""
        change = paths[:, min(PATHS - 1, max(0, round(share * PATHS - 0.5)))].astype(np.float64)
        values = self.start + np.append(0.0, np.minimum(change, _MOST_LOG) if self.relative else change)
        used: FloatArray = np.exp(values) if self.relative else np.maximum(values, 0.0)
        return used


def forecast(
    timestamps: FloatArray,
    used: FloatArray,
    capacity: float,
    horizon_s: float,
    *,
    step_s: float = DAY,
    levels: Iterable[float] = (0.8, 0.95),
    method: Method = "simulation",
) -> Forecast:
    """When the pool will be full, and how much will be used until then, if it goes on as it did.

    timestamps: (n,) unix seconds in any order and spacing; used: (n,) bytes, NaN where a poll failed;
    capacity: bytes as it is now; horizon_s, step_s: seconds from the last sample and between the returned points.
    ttf_*: inf means not within the horizon, nan no statement, and `status` says why: ok, early (under 14 days),
    bounds_only (under 3 days: no median), too_short (under a day or 12 samples), no_data, no_capacity.
    season_period_s: 0 without one; anomalies: (n,) readings left out as bad; anomalous: the newest reading is outside
    the 95 % band of one step; error_ratio: rolling-origin error over a fortnight, as part of what is used;
    regime_start_s: unix seconds since when it has grown as it grows now.

    Full is when the highest reading of a day reaches the capacity: pools fail at the peak of a cycle, not at its mean.
    method: simulation; ets (statsmodels, after the same cleaning); blend, half of the futures from each.

    >>> t = np.arange(60) * DAY / 2
    >>> result = forecast(t, 300e9 + 50e9 * t / DAY, capacity=2000e9, horizon_s=365 * DAY)
    >>> round(result["ttf_p50_s"] / DAY, 2)
    4.5
    """
    t, y, bad = clean(timestamps, used)
    t, y = t[t >= t[-1:] - _LONGEST_HISTORY_S], y[t >= t[-1:] - _LONGEST_HISTORY_S]
    offsets: FloatArray = np.arange(1, int(horizon_s // step_s) + 1, dtype=np.float64) * step_s
    bands = sorted({0.8, 0.95, *levels})
    status = _status(t, capacity)
    history_s = float(t[-1] - t[0]) if t.size else 0.0
    if status in _NO_STATEMENT:
        return _nothing(offsets, bands, bad, history_s, status)

    days = daily(t, y)
    count = days.close.size
    moving = np.flatnonzero(~stuck(days.close))
    scale = float(np.abs(y).max()) or 1.0
    days = Days(days.close[moving] / scale, days.peak[moving] / scale, days.readings)
    newest = float(y[-1]) / scale
    linear = growth(days.close)
    futures = _futures(linear, days, newest, max(1, math.ceil(horizon_s / DAY)), method)
    found = futures.growth

    grid = np.arange(futures.close.shape[0] + 1)

    def curve(paths: Paths, share: float) -> FloatArray:
        values: FloatArray = np.interp(offsets / DAY, grid, futures.used(paths, share) * scale)
        return values

    def date(share: float) -> float:
        seconds = _first_passage(futures.used(futures.highest, share)[1:], newest, capacity / scale)
        return seconds if seconds <= horizon_s else math.inf

    unit = math.exp(futures.start) if futures.relative else 1.0
    since = moving[-1 - found.regime_days]
    answer = {
        "t": offsets, "p50": curve(futures.close, 0.5), "peak_p90": curve(futures.highest, 0.9),
        "ttf_p10_s": date(0.9), "ttf_p50_s": math.nan if status == "bounds_only" else date(0.5),
        "ttf_p90_s": date(0.1), "growth_bytes_per_day": found.shrunk * scale * unit,
        "season_period_s": found.season_days * DAY,
        "regime_start_s": max(float(t[0]), float(t[-1]) - (count - 1 - since) * DAY), "anomalies": bad,
        "anomalous": is_anomalous(linear, newest - float(days.close[-1])),
        "error_ratio": backtest_error(days.close), "history_s": history_s, "status": status,
        "method": method if method == "simulation" or found.days >= LEAST_DAYS else "simulation",
    }  # fmt: skip
    for level in bands:
        answer[f"lo{_name(level)}"] = curve(futures.close, (1 - level) / 2)
        answer[f"hi{_name(level)}"] = curve(futures.close, (1 + level) / 2)
    return cast(Forecast, answer)


def need(result: Forecast, capacity: float, lead_time_s: float, cover_s: float, target: float = 1.0) -> Need:
    """What to have when an order takes lead_time_s and is to last for cover_s, used to no more than target (ratio).

    Capacity: P90 of the highest use from now to lead time and cover, over the target. Order by: P10 of the time until
    the target of today's capacity is passed, less the lead time; negative when that is past. NaN without statement.
    """
    if result["status"] in _NO_STATEMENT:
        return Need(math.nan, math.nan)
    highest = result["peak_p90"]
    needed = float(np.interp(lead_time_s + cover_s, result["t"], highest)) / target
    at = int(np.searchsorted(highest, target * capacity))
    return Need(needed, float(result["t"][at]) - lead_time_s if at < highest.size else math.inf)


def _status(t: FloatArray, capacity: float) -> str:
    if t.size == 0:
        return "no_data"
    length = t[-1] - t[0]
    if length < DAY or t.size < 12:
        return "too_short"
    if not math.isfinite(capacity) or capacity <= 0:
        return "no_capacity"
    if length < 3 * DAY:
        return "bounds_only"
    return "early" if length < 14 * DAY else "ok"


def _nothing(offsets: FloatArray, bands: list[float], bad: BoolArray, history_s: float, status: str) -> Forecast:
    nothing = np.full(offsets.size, math.nan)
    answer = {
        "t": offsets, "p50": nothing, "peak_p90": nothing, "ttf_p10_s": math.nan, "ttf_p50_s": math.nan,
        "ttf_p90_s": math.nan, "growth_bytes_per_day": math.nan, "season_period_s": 0.0, "regime_start_s": math.nan,
        "anomalies": bad, "anomalous": False, "error_ratio": math.nan, "history_s": history_s, "status": status,
        "method": "none",
    }  # fmt: skip
    return cast(Forecast, answer | {f"{side}{_name(level)}": nothing for level in bands for side in ("lo", "hi")})


def _name(level: float) -> str:
    return f"{100 * level:g}"


def _futures(linear: Growth, known: Days, newest: float, days: int, method: Method) -> _Futures:
    """Paths around the growth found, in the logarithm where growth is relative; all in units of the largest reading."""
    close, peak, readings = known
    log = relative_growth(close, linear)
    found, relative = (linear, False) if log is None else (log, True)
    if relative:
        close, peak, newest = np.log(close), np.log(peak), math.log(newest)
    # Where one reading is all that has jumped it may be a bad one; nobody can tell yet.
    start = float(close[-1] - (found.innovation[-1] if found.steps[-1] and readings < 3 else 0.0))
    excess, jump = peak - close, newest - start
    if abs(jump) < 6 * float(np.median(np.abs(found.innovation - np.median(found.innovation)))) + 1e-9:
        jump = 0.0
    if method == "simulation" or found.days < LEAST_DAYS:
        ends, tops = simulate(found, excess, jump, days)
    else:
        calm = close - np.concatenate([_after(found), [0.0]])
        ends, tops = simulate_ets(found, calm, excess, days)
        if method == "blend":
            ours = simulate(found, excess, jump, days)
            ends, tops = (
                np.concatenate([a[:, ::2], b[:, ::2]], axis=1) for a, b in zip(ours, (ends, tops), strict=True)
            )
    highest = np.maximum.accumulate(tops, axis=0)
    return _Futures(np.sort(ends, axis=1), np.sort(highest, axis=1), found, start, relative)


def _after(found: Growth) -> FloatArray:
    """(n,) what steps added after each close."""
    sizes = np.where(found.steps, found.innovation, 0.0)
    later: FloatArray = -np.cumsum(sizes[::-1])[::-1]
    return later


def _first_passage(highest: FloatArray, newest: float, capacity: float) -> float:
    """Seconds until a curve that never falls reaches the capacity, inf when it does not."""
    if newest >= capacity:
        return 0.0
    at = int(np.searchsorted(highest, capacity))
    if at == highest.size:
        return math.inf
    before = float(highest[at - 1]) if at else newest
    return (at + (capacity - before) / (float(highest[at]) - before)) * DAY
