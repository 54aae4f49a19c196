"""When each pool will be full, from its own past."""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import Executor

import numpy as np

from exporter.analysis.forecast import Forecast, forecast
from exporter.history import FloatArray, History
from exporter.model import DAY, HOUR, Pool, PoolForecast

_FORECAST_HISTORY_S = 60 * DAY
_HORIZON_S = 365 * DAY
_FULL_RATIO = 0.01


def forecast_pools(
    source: str, pools: Iterable[Pool], history: History, at: float, executor: Executor
) -> tuple[PoolForecast, ...]:
    """When each pool of known size will be full, from its own past; HistoryError when that cannot be read."""
    asked = []
    for pool in pools:
        if pool.free_bytes is None or not pool.capacity_bytes:
            continue
        timestamps, used = _used(source, pool, history, at)
        asked.append((pool, timestamps, executor.submit(forecast, timestamps, used, pool.capacity_bytes, _HORIZON_S)))
    return tuple(_pool_forecast(pool, timestamps, future.result(), at) for pool, timestamps, future in asked)


def _used(source: str, pool: Pool, history: History, at: float) -> tuple[FloatArray, FloatArray]:
    """Used bytes over time; the capacity of each moment counts, so an extended pool did not lose data."""
    labels = {"source": source, "kind": pool.kind, "pool": pool.name}
    start = at - _FORECAST_HISTORY_S
    free = history.range("ebbtide_pool_free_bytes", labels, start, at, HOUR)
    capacity = history.range("ebbtide_pool_capacity_bytes", labels, start, at, HOUR)
    moments, of_free, of_capacity = np.intersect1d(free.timestamps, capacity.timestamps, return_indices=True)
    return _while_it_could_grow(moments, free.values[of_free], capacity.values[of_capacity])


def _while_it_could_grow(moments: FloatArray, free: FloatArray, capacity: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(moments, used bytes) without the time a pool sat full before it was extended: jobs failed, it was not calm.

    What lies before moves up to what lies after, so that the standstill is no part of the slope.
    """
    stuck = (free <= _FULL_RATIO * capacity) & (capacity < capacity[-1:])
    waited = np.diff(moments, append=moments[-1:]) * stuck
    moved = moments + np.cumsum(waited[::-1])[::-1]
    return moved[~stuck], (capacity - free)[~stuck]


def _pool_forecast(pool: Pool, timestamps: FloatArray, result: Forecast, at: float) -> PoolForecast:
    age = max(0.0, at - float(timestamps[-1])) if timestamps.size else 0.0

    def seconds(value: float) -> float | None:
        return None if math.isnan(value) else max(0.0, value - age)

    growth = result["growth_bytes_per_day"]
    return PoolForecast(
        kind=pool.kind, pool=pool.name, status=result["status"], history_seconds=result["history_s"],
        p10_seconds=seconds(result["ttf_p10_s"]), p50_seconds=seconds(result["ttf_p50_s"]),
        p90_seconds=seconds(result["ttf_p90_s"]),
        fill_bytes_per_second=None if math.isnan(growth) else growth / DAY,
    )  # fmt: skip
