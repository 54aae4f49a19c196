"""When each pool will be full, and what it will need, from its own past."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from exporter.analysis.anomalies import fill_anomaly
from exporter.analysis.forecast import Forecast, forecast, need
from exporter.errors import WorkerError
from exporter.findings.config import HORIZON_S, ForecastSettings
from exporter.history import NOTHING, FloatArray, History, Series
from exporter.model import DAY, HOUR, Pool, PoolForecast

HORIZONS = {"30d": 30 * DAY, "90d": 90 * DAY, "365d": 365 * DAY}

HISTORY_S = 1100 * DAY
# Older than this, a day is its close and its peak.
HOURLY_S = 14 * DAY
# Forecasts in one task: a fraction of a second; and tasks that wait at a time, so that all sources take turns.
_IN_TASK = 20
_AHEAD = 4

# source, kind, pool
Name = tuple[str, str, str]


class Past(NamedTuple):
    """What a pool used (n,) bytes, when (n,) unix seconds, its newest capacity (bytes), and what it was then (n,)."""

    timestamps: FloatArray
    used: FloatArray
    capacity: float
    capacities: FloatArray


class Asked(NamedTuple):
    """A pool, or a group as one, and its past as in Past."""

    pool: Pool
    timestamps: FloatArray
    used: FloatArray


def forecast_pools(
    source: str, pools: Iterable[Pool], history: History, at: float, executor: Executor, settings: ForecastSettings
) -> tuple[PoolForecast, ...]:
    """When each pool of known size will be full; HistoryError when its past cannot be read, WorkerError."""
    known = [pool for pool in pools if pool.free_bytes is not None and pool.capacity_bytes]
    if not known:
        return ()
    past = pasts(history, {"source": source}, at)
    nothing = Past(NOTHING.timestamps, NOTHING.values, math.nan, NOTHING.values)
    asked = [Asked(pool, *past.get((source, pool.kind, pool.name), nothing)[:2]) for pool in known]
    return tuple(forecast_all(asked, at, executor, settings))


def forecast_all(
    asked: Sequence[Asked], at: float, executor: Executor, settings: ForecastSettings
) -> list[PoolForecast]:
    """One each, in the same order; WorkerError."""
    waiting: deque[Future[list[PoolForecast]]] = deque()
    found: list[PoolForecast] = []
    try:
        for start in range(0, len(asked), _IN_TASK):
            if len(waiting) == _AHEAD:
                found += waiting.popleft().result()
            waiting.append(executor.submit(_forecast_some, asked[start : start + _IN_TASK], at, settings))
        for future in waiting:
            found += future.result()
    except (BrokenExecutor, CancelledError):
        raise WorkerError("a process that computes forecasts has ended; the next forecast gets a new one") from None
    return found


def pasts(history: History, matching: Mapping[str, str], at: float) -> dict[Name, Past]:
    """Three years of every pool whose labels hold `matching`: hourly of late, before that each day's close and peak.

    The capacity of each moment counts, so an extended pool did not lose data.
    """
    by = ("source", "kind", "pool")
    older, middle = at - HISTORY_S, math.floor((at - HOURLY_S) / DAY) * DAY
    free, capacity = "ebbtide_pool_free_bytes", "ebbtide_pool_capacity_bytes"
    old_free = history.ranges(free, matching, by, older, middle, DAY)
    least_free = history.ranges(free, matching, by, older, middle, DAY, "min")
    old_capacity = history.ranges(capacity, matching, by, older, middle, DAY)
    new_free = history.ranges(free, matching, by, middle, at, HOUR)
    new_capacity = history.ranges(capacity, matching, by, middle, at, HOUR)

    def past(name: tuple[str, ...]) -> Past:
        closes, sizes = _used(old_free.get(name, NOTHING), old_capacity.get(name, NOTHING))
        peaks, _ = _used(least_free.get(name, NOTHING), old_capacity.get(name, NOTHING))
        recent, new_sizes = _used(new_free.get(name, NOTHING), new_capacity.get(name, NOTHING))
        higher = peaks.values > closes.values
        # The peak was some time of the day; a moment before its end it does not get into the next.
        moments = np.concatenate([peaks.timestamps[higher] - 1, closes.timestamps, recent.timestamps])
        values = np.concatenate([peaks.values[higher], closes.values, recent.values])
        order = np.argsort(moments, kind="stable")
        newest = [*old_capacity.get(name, NOTHING).values[-1:], *new_capacity.get(name, NOTHING).values[-1:]]
        capacities = np.concatenate([sizes[higher], sizes, new_sizes])
        return Past(moments[order], values[order], float(newest[-1]), capacities[order])

    names = {*old_capacity, *new_capacity}
    return {(name[0], name[1], name[2]): past(name) for name in sorted(names)}


def reclaimable(history: History, matching: Mapping[str, str], at: float) -> dict[Name, dict[str, float]]:
    """What could be freed at most in each pool whose labels hold `matching`, by scenario, as last known this week."""
    by = ("source", "kind", "pool", "scenario")
    found: dict[Name, dict[str, float]] = {}
    for (source, kind, pool, scenario), series in history.ranges(
        "ebbtide_pool_reclaimable_bytes", matching, by, at - 7 * DAY, at, DAY
    ).items():
        if series.values.size:
            found.setdefault((source, kind, pool), {})[scenario] = float(series.values[-1])
    return found


def _used(free: Series, capacity: Series) -> tuple[Series, FloatArray]:
    """What was used, and the capacity at these moments."""
    moments, of_free, of_capacity = np.intersect1d(free.timestamps, capacity.timestamps, return_indices=True)
    sizes = capacity.values[of_capacity]
    return Series(moments, sizes - free.values[of_free]), sizes


def _forecast_some(asked: Sequence[Asked], at: float, settings: ForecastSettings) -> list[PoolForecast]:
    """What a worker is given."""
    found = []
    for pool, timestamps, used in asked:
        capacity = pool.capacity_bytes or math.nan
        result = forecast(timestamps, used, capacity, HORIZON_S, method=settings.method)
        newest = float(timestamps[-1]) if timestamps.size else at
        one = pool_forecast(pool.kind, pool.name, capacity, newest, result, at, settings)
        found.append(replace(one, fill=fill_anomaly(timestamps, used, capacity, at)))
    return found


def pool_forecast(
    kind: str, pool: str, capacity: float, newest: float, result: Forecast, at: float, settings: ForecastSettings
) -> PoolForecast:
    """A forecast as of the moment `at`; newest: when the last reading was, from which the forecast counts."""
    age = max(0.0, at - newest)
    status = result["status"]
    if status in ("no_data", "too_short", "no_capacity"):
        return PoolForecast(
            kind=kind, pool=pool, status=status, method=result["method"], history_seconds=result["history_s"]
        )

    def seconds(value: float) -> float | None:
        return None if math.isnan(value) else max(0.0, value - age)

    def used(curve: FloatArray) -> dict[str, float | None]:
        return {name: float(np.interp(age + ahead, result["t"], curve)) for name, ahead in HORIZONS.items()}

    needed = need(result, capacity, settings.lead_time, settings.cover, settings.target)
    # Under three days there are bounds and nothing between them, and nothing to spend money on.
    vague = status == "bounds_only"
    return PoolForecast(
        kind=kind, pool=pool, status=status, method=result["method"], history_seconds=result["history_s"],
        p10_seconds=seconds(result["ttf_p10_s"]), p50_seconds=seconds(result["ttf_p50_s"]),
        p90_seconds=seconds(result["ttf_p90_s"]),
        fill_bytes_per_second=_known(result["growth_bytes_per_day"] / DAY),
        used_bytes={} if vague else used(result["p50"]),
        used_low_bytes=used(result["lo80"]), used_high_bytes=used(result["hi80"]),
        season_seconds=result["season_period_s"], regime_start_at=_known(result["regime_start_s"]),
        anomalous=result["anomalous"], outliers=int(result["anomalies"].sum()),
        error_ratio=_known(result["error_ratio"]),
        recommended_capacity_bytes=None if vague else _known(needed.capacity),
        order_by_at=None if vague or math.isnan(needed.order_by_s) else newest + needed.order_by_s,
    )  # fmt: skip


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
