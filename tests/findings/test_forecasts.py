"""Forecasts of many pools, by processes that may die, from years of past."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
import pytest

from exporter.analysis.forecast import forecast
from exporter.config import parse
from exporter.errors import ConfigError, WorkerError
from exporter.findings.config import ForecastSettings
from exporter.findings.forecasts import forecast_pools, pasts
from exporter.findings.workers import Workers
from exporter.history import Series
from exporter.history.sql import SqlHistory
from exporter.model import DAY, HOUR, Pool
from exporter.service import Service
from tests.conftest import AtOnce
from tests.inventories import AT

MIDNIGHT = math.floor(AT / DAY) * DAY


class Made:
    """A history of pools that fill by one a day, of 100."""

    def __init__(self, pools: int, days: int = 20) -> None:
        self.names = [("fs01", "filesystem", f"/data{number}") for number in range(pools)]
        self.days = days

    def ranges(
        self, name: str, _matching: object, _by: object, start: float, end: float, step: float, *_of: str
    ) -> dict[tuple[str, ...], Series]:
        moments = np.arange(max(start, AT - self.days * DAY), end, 6 * HOUR)
        free = 50.0 - (moments - AT) / DAY
        series = Series(moments, free if "free" in name else np.full(moments.size, 100.0))
        return dict.fromkeys(self.names, series) if moments.size else {}

    @property
    def pools(self) -> list[Pool]:
        return [Pool(kind=k, name=n, capacity_bytes=100.0, free_bytes=50.0) for _, k, n in self.names]


class Counting(AtOnce):
    def __init__(self) -> None:
        self.open = self.most = self.tasks = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks += 1
        self.open += 1
        self.most = max(self.most, self.open)
        future = super().submit(fn, *args, **kwargs)
        result = future.result

        def taken(timeout: float | None = None) -> Any:
            self.open -= 1
            return result(timeout)

        future.result = taken  # type: ignore[method-assign]
        return future


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    made = Workers(1)
    yield made
    made.shutdown()


def test_a_thousand_filesystems_are_forecast_in_small_tasks_of_which_few_wait() -> None:
    made, executor = Made(1000), Counting()
    found = forecast_pools("fs01", made.pools, made, AT, executor, ForecastSettings())  # type: ignore[arg-type]
    assert [one.pool for one in found] == [pool.name for pool in made.pools]
    assert {one.status for one in found} == {"ok"}
    assert (executor.tasks, executor.most) == (50, 4)


def test_a_worker_that_dies_fails_one_forecast_and_the_next_has_a_new_one(workers: Workers) -> None:
    made = Made(3)
    dead = workers.submit(os.getpid).result()
    killed = workers.submit(signal.pause)
    os.kill(dead, signal.SIGKILL)
    with pytest.raises(BrokenProcessPool):
        killed.result(timeout=10)
    found = forecast_pools("fs01", made.pools, made, AT, workers, ForecastSettings())  # type: ignore[arg-type]
    assert [one.status for one in found] == ["ok"] * 3
    assert workers.submit(os.getpid).result() not in (dead, os.getpid())


@pytest.mark.parametrize("ending", [BrokenProcessPool(), CancelledError()])
def test_a_forecast_whose_worker_ends_says_so(ending: Exception) -> None:
    class Broken(AtOnce):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(ending)
            return future

    made = Made(1)
    with pytest.raises(WorkerError, match="next forecast gets a new one"):
        forecast_pools("fs01", made.pools, made, AT, Broken(), ForecastSettings())  # type: ignore[arg-type]


def test_what_has_ended_computes_no_more_and_ending_waits_for_nobody() -> None:
    made = Workers(1)
    process = made.submit(os.getpid).result()
    hanging = [made.submit(signal.pause) for _ in range(4)]
    made.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(BrokenProcessPool, match="ended"):
        made.submit(os.getpid)
    os.kill(process, signal.SIGKILL)
    for one in hanging:
        with pytest.raises((BrokenProcessPool, CancelledError)):
            one.result(timeout=10)


def test_a_service_that_forecast_nothing_has_started_no_process_and_ends(tmp_path: Any) -> None:
    service = Service(parse(f"history: {{url: 'sqlite:///{tmp_path}/h.db'}}\nforecast: {{workers: 3}}"))
    service.close()
    with pytest.raises(BrokenProcessPool):
        service._executor.submit(os.getpid)


# The past


def test_a_past_of_years_has_each_day_with_its_close_and_its_peak() -> None:
    """Emptied every night from 300 to 100; what fails a job is the 300."""
    history = SqlHistory("sqlite://", resolution=1.0, raw=1000 * DAY)
    labels = {"source": "cs01", "kind": "commvault", "pool": "Gold"}
    for day in range(60):
        for hour, used in ((2, 100.0), (12, 300.0), (23, 100.0)):
            samples = [
                ("ebbtide_pool_free_bytes", labels, 400.0 - used),
                ("ebbtide_pool_capacity_bytes", labels, 400.0),
            ]
            history.append(samples, MIDNIGHT - (60 - day) * DAY + hour * HOUR)
    found = pasts(history, {"source": "cs01"}, MIDNIGHT)
    history.close()
    [(name, past)] = found.items()
    assert name == ("cs01", "commvault", "Gold")
    assert past.capacity == 400.0
    assert (np.diff(past.timestamps) > 0).all()
    old = past.used[past.timestamps <= MIDNIGHT - 14 * DAY]
    assert old.tolist() == [300.0, 100.0] * 46
    result = forecast(past.timestamps, past.used, 299.0, 30 * DAY)
    assert result["ttf_p50_s"] <= DAY


def test_two_days_of_past_give_bounds_and_nothing_to_buy() -> None:
    made = Made(1, days=2)
    [one] = forecast_pools("fs01", made.pools, made, AT, AtOnce(), ForecastSettings())  # type: ignore[arg-type]
    assert one.status in ("bounds_only", "too_short")
    assert (one.p50_seconds, dict(one.used_bytes), one.recommended_capacity_bytes, one.order_by_at) == (
        None, {}, None, None,
    )  # fmt: skip


# Configuration


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lead_time: 200d, cover: 200d", "lead_time and cover together are longer than the year that is forecast"),
        ("interval: 5s", "interval is shorter than a minute"),
        ("method: guess", "method"),
        ("target: 1.5", "target"),
        ("workers: 0", "workers"),
    ],
)
def test_a_forecast_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(f"forecast: {{{text}}}")


def test_what_is_configured_is_what_is_forecast() -> None:
    settings = parse("forecast: {method: blend, target: 0.5, interval: 1h}").forecast
    made = Made(1, days=30)
    [one] = forecast_pools("fs01", made.pools, made, AT, AtOnce(), settings)  # type: ignore[arg-type]
    [usual] = forecast_pools("fs01", made.pools, made, AT, AtOnce(), ForecastSettings())  # type: ignore[arg-type]
    assert (one.method, usual.method) == ("blend", "simulation")
    assert one.order_by_at is not None
    assert usual.order_by_at is not None
    assert one.order_by_at < usual.order_by_at
