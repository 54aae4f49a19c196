"""All that `ebbtide forecast` knows of a pool; its details are computed when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from exporter.analysis.drivers import Drivers, drivers
from exporter.analysis.forecast import DAY, Forecast, forecast
from exporter.findings.config import HORIZON_S, ForecastSettings
from exporter.findings.forecasts import Name, Past, pool_forecast
from exporter.model import PoolForecast

# The labels of ebbtide_pool_reclaimable_bytes, the simplest first.
SCENARIOS = ("pruning_fixed", "cycles_optimised", "both")
_IN_A_HURRY = 2


class GivenBack(NamedTuple):
    """What it would change if `bytes` (at most) were freed once; to_buy: bytes, None where nothing can be said.

    long_run_seconds: until it is full if growth also returns to its long run; None where it is near that.
    """

    bytes: float
    found: PoolForecast
    to_buy: float | None
    long_run_seconds: float | None


@dataclass(frozen=True)
class Outlook:
    """at: now, in unix seconds; reclaimable: bytes by scenario; fill_rate: what if it filled by so many bytes a day."""

    name: Name
    past: Past
    at: float
    settings: ForecastSettings
    reclaimable: Mapping[str, float] = field(default_factory=dict)
    fill_rate: float | None = None

    @cached_property
    def result(self) -> Forecast:
        return self._forecast(self.past.capacity)

    @cached_property
    def found(self) -> PoolForecast:
        return self._found(self.past.capacity, self.result)

    @cached_property
    def drivers(self) -> Drivers | None:
        return drivers(self.past.timestamps, self.past.used)

    @cached_property
    def given_back(self) -> Mapping[str, GivenBack]:
        """By scenario, the least first. Space that is freed once is as good as capacity that is bought."""
        sizes = {name: self.reclaimable[name] for name in SCENARIOS if self.reclaimable.get(name, 0.0) > 0}
        if not self.is_known:
            return {}
        least = sorted(sizes, key=lambda name: sizes[name])
        # Both is no scenario where one of them frees nothing.
        return {name: self._given_back(sizes[name]) for name in least if name != "both" or len(least) == len(SCENARIOS)}

    @property
    def is_known(self) -> bool:
        """Whether there is a statement at all."""
        return self.found.p10_seconds is not None

    @property
    def used(self) -> float:
        """The newest reading; NaN without one."""
        known = self.past.used[np.isfinite(self.past.used)]
        return float(known[-1]) if known.size else math.nan

    @property
    def share(self) -> float:
        """Of the capacity, that is used; NaN where there is none."""
        return self.used / self.past.capacity if self.past.capacity else math.nan

    @property
    def free(self) -> float:
        return self.past.capacity - min(self.used, self.past.capacity)

    @property
    def to_buy(self) -> float | None:
        """Bytes; None where nothing can be said."""
        return self._to_buy(0.0)

    @property
    def hurry(self) -> float | None:
        """How many times as fast as in the long run it grows, where that also grows and it is twice as fast or more."""
        rate = (self.found.fill_bytes_per_second or 0.0) * DAY
        if self.drivers is None or not 0 < _IN_A_HURRY * self.drivers.long_run <= rate:
            return None
        return rate / self.drivers.long_run

    @property
    def what_if_seconds(self) -> float | None:
        """Until it is full at `fill_rate`; NaN where sizes are unknown, None where nobody asked."""
        if self.fill_rate is None:
            return None
        if self.fill_rate > 0 or not self.free > 0:
            return self.free / max(self.fill_rate, 1.0) * DAY
        return math.inf

    def _forecast(self, capacity: float) -> Forecast:
        return forecast(self.past.timestamps, self.past.used, capacity, HORIZON_S, method=self.settings.method)

    def _found(self, capacity: float, result: Forecast) -> PoolForecast:
        newest = float(self.past.timestamps[-1]) if self.past.timestamps.size else self.at
        return pool_forecast(self.name[1], self.name[2], capacity, newest, result, self.at, self.settings)

    def _given_back(self, size: float) -> GivenBack:
        capacity = self.past.capacity + size
        found, long_run = self._found(capacity, self._forecast(capacity)), None
        if self.hurry is not None and self.drivers:
            long_run = (self.free + size) / self.drivers.long_run * DAY
        return GivenBack(size, found, self._to_buy(size), long_run)

    def _to_buy(self, freed: float) -> float | None:
        needed, order_by = self.found.recommended_capacity_bytes, self.found.order_by_at
        if needed is None or order_by is None:
            return None
        return max(0.0, needed - freed / self.settings.target - self.past.capacity)
