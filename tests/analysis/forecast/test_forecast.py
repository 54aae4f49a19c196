"""When a pool is full: series with a known answer, thin history, and readings as they really come."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from exporter.analysis.forecast import DAY, FloatArray, Forecast, Method, forecast, need
from exporter.analysis.forecast.clean import clean

HOUR = DAY / 24
YEAR = 365 * DAY
BANDS = ("lo95", "lo80", "p50", "hi80", "hi95")


def hourly(days: float) -> FloatArray:
    return 1_772_442_000.0 + np.arange(round(days * 24) + 1) * HOUR


def line(start: float, per_day: float, days: float, noise: float = 0.0) -> tuple[FloatArray, FloatArray]:
    t = hourly(days)
    return t, start + per_day * (t - t[0]) / DAY + np.random.default_rng(7).normal(0, noise or 0.0, t.size)


def times(result: Forecast) -> list[float]:
    return [result["ttf_p10_s"], result["ttf_p50_s"], result["ttf_p90_s"]]


def same(one: Forecast, other: Forecast) -> bool:
    return all(np.array_equal(one[key], other[key], equal_nan=True) if key not in ("status", "method")  # type: ignore[literal-required]
               else one[key] == other[key] for key in one)  # type: ignore[literal-required]  # fmt: skip


# Known answers


@pytest.mark.parametrize("days", [4, 15, 60])
def test_a_straight_line_is_full_where_it_meets_the_capacity(days: float) -> None:
    t, used = line(300.0, 5.0, days)
    result = forecast(t, used, used[-1] + 50.0, YEAR)
    assert times(result) == pytest.approx([10 * DAY] * 3, rel=1e-6)
    assert result["growth_bytes_per_day"] == pytest.approx(5.0)
    assert result["p50"][:10] == pytest.approx(used[-1] + 5.0 * np.arange(1, 11))
    assert result["method"] == "simulation"


def test_a_noisy_line_is_full_when_its_noise_first_reaches_the_capacity() -> None:
    """The line does after 20 days, the highest of 24 readings a day with a spread of 3 somewhat sooner."""
    t, used = line(300.0, 5.0, 60, noise=3.0)
    low, middle, high = times(forecast(t, used, 300 + 5 * 60 + 100.0, YEAR))
    assert low < middle < high < 20 * DAY
    assert middle == pytest.approx(19 * DAY, rel=0.05)


def test_a_pool_that_gets_fuller_every_night_is_full_at_a_peak() -> None:
    """It has 100 to go by day and 30 less at night."""
    t = hourly(60)
    used = 300.0 + 1.0 * (t - t[0]) / DAY + np.where((t // HOUR) % 24 < 6, 30.0, 0.0)
    assert forecast(t, used, used[-1] + 100.0, YEAR)["ttf_p50_s"] == pytest.approx(70 * DAY, rel=0.02)


def test_growth_that_began_lately_counts_from_where_it_began() -> None:
    t = hourly(120)
    day = (t - t[0]) / DAY
    used = np.where(day < 85, 100.0, 100.0 + 10 * (day - 85))
    result = forecast(t, used, 1e4, YEAR)
    assert result["growth_bytes_per_day"] == pytest.approx(10.0, rel=0.02)
    assert result["regime_start_s"] == pytest.approx(t[0] + 85 * DAY, abs=2 * DAY)


def test_a_new_job_on_an_idle_pool_may_reach_its_retention_before_the_pool_is_full() -> None:
    """Idle for 60 days, growing by 10 a day for 20, 600 to go: in 60 days, or in most of the futures never."""
    t = hourly(80)
    day = (t - t[0]) / DAY
    used = 100 + 10 * np.maximum(day - 60, 0.0) + np.random.default_rng(4).normal(0, 0.5, t.size)
    low, middle, _ = times(forecast(t, used, 900.0, YEAR))
    assert low == pytest.approx(60 * DAY, rel=0.1)
    assert middle > 200 * DAY
    # Until the job is twice as old as now, most of them say what the line says: 10 days here.
    assert 10 * DAY < forecast(t, used, 400.0, YEAR)["ttf_p50_s"] < 12 * DAY


def test_growth_that_grew_out_of_growth_is_no_new_job() -> None:
    t = hourly(80)
    day = (t - t[0]) / DAY
    used = 100 + 4 * day + 6 * np.maximum(day - 60, 0.0) + np.random.default_rng(4).normal(0, 0.5, t.size)
    assert forecast(t, used, used[-1] + 600.0, YEAR)["ttf_p50_s"] == pytest.approx(60 * DAY, rel=0.1)


def test_growth_by_a_part_of_what_is_there_is_full_sooner_than_a_line_says() -> None:
    """Twice as much every 60 days: from 800 to 1600 in 60, which the last 30 days' line would reach after 76."""
    t = hourly(120)
    used = 200.0 * 2 ** ((t - t[0]) / (60 * DAY)) * (1 + np.random.default_rng(3).normal(0, 0.002, t.size))
    assert forecast(t, used, 1600.0, YEAR)["ttf_p50_s"] == pytest.approx(60 * DAY, rel=0.05)


def test_a_pool_with_a_weekly_full_is_forecast_with_its_week() -> None:
    t = hourly(70)
    day = (t - t[0]) / DAY
    used = 500.0 + day + np.where((day + 0.5) % 7 < 2, 20.0, 0.0)
    result = forecast(t, used, 700.0, YEAR)
    assert result["season_period_s"] == 7 * DAY
    ahead = day[-1] + np.arange(1, 15)
    assert result["p50"][:14] == pytest.approx(500 + ahead + np.where((ahead + 0.5) % 7 < 2, 20.0, 0.0), abs=1.0)
    assert result["ttf_p50_s"] / DAY + 70 == pytest.approx(181.5, abs=1)


def test_a_month_end_is_found_after_three_of_them() -> None:
    t = hourly(100)
    day = (t - t[0]) / DAY
    used = 500.0 + day + np.where(day % 30 < 5, 50.0, 0.0)
    result = forecast(t, used, 2000.0, YEAR)
    assert result["season_period_s"] == 30 * DAY
    assert result["p50"][[18, 20, 24, 26]] - used[-1] == pytest.approx([19, 71, 75, 27], abs=3)


def test_a_client_that_was_onboarded_once_is_no_growth() -> None:
    t, used = line(300.0, 2.0, 60, noise=0.5)
    used[t > t[0] + 40 * DAY] += 200.0
    result = forecast(t, used, used[-1] + 100.0, YEAR)
    assert result["growth_bytes_per_day"] == pytest.approx(2.0, rel=0.05)
    assert result["ttf_p50_s"] == pytest.approx(50 * DAY, rel=0.1)


def test_the_time_a_pool_sat_full_before_it_was_extended_is_no_calm_time() -> None:
    """30 days growing by 5, 12 days full, extended, since then 10 days growing by 5."""
    t = hourly(52)
    day = (t - t[0]) / DAY
    used = (
        300 + 5 * np.where(day < 30, day, np.maximum(30.0, day - 12)) + np.random.default_rng(2).normal(0, 0.01, t.size)
    )
    result = forecast(t, used, used[-1] + 100.0, YEAR)
    assert result["growth_bytes_per_day"] == pytest.approx(5.0, rel=0.02)
    assert result["ttf_p50_s"] == pytest.approx(20 * DAY, rel=0.02)
    assert result["regime_start_s"] == pytest.approx(t[0], abs=DAY)


def test_beyond_the_horizon_is_never() -> None:
    t, used = line(300.0, 5.0, 60)
    assert forecast(t, used, used[-1] + 5 * 370, YEAR)["ttf_p50_s"] == math.inf
    assert forecast(t, used, used[-1] + 5 * 360, YEAR)["ttf_p50_s"] == pytest.approx(360 * DAY, rel=0.01)


# How much is said after how much history


@pytest.mark.parametrize(
    ("days", "step", "status"),
    [(0.5, HOUR, "too_short"), (0.99, HOUR, "too_short"), (1, HOUR, "bounds_only"), (2.9, HOUR, "bounds_only"),
     (3, HOUR, "early"), (13.9, HOUR, "early"), (14, HOUR, "ok"), (10, DAY, "too_short"), (30, DAY, "ok"),
     (20, 6 * HOUR, "ok"), (20, HOUR / 12, "ok")],
)  # fmt: skip
def test_how_much_is_said_depends_on_how_much_is_known(days: float, step: float, status: str) -> None:
    t = np.arange(0, days * DAY + 1, step)
    result = forecast(t, 100.0 + t / DAY, 300.0, YEAR)
    assert result["status"] == status
    assert result["history_s"] == t[-1]
    said = [not math.isnan(x) for x in times(result)]
    assert said == {"too_short": [False] * 3, "bounds_only": [True, False, True]}.get(status, [True] * 3)


NO_STATEMENT: dict[str, tuple[FloatArray, FloatArray, float, str]] = {
    "empty": (np.empty(0), np.empty(0), 100.0, "no_data"),
    "all NaN": (hourly(30), np.full(721, np.nan), 100.0, "no_data"),
    "all infinite": (hourly(30), np.full(721, np.inf), 100.0, "no_data"),
    "one sample": (hourly(0), np.array([50.0]), 100.0, "too_short"),
    "two samples a month apart": (np.array([0.0, 30 * DAY]), np.array([50.0, 60.0]), 100.0, "too_short"),
    "one instant again and again": (np.zeros(100), np.full(100, 50.0), 100.0, "too_short"),
    "capacity 0": (*line(50.0, 1.0, 30), 0.0, "no_capacity"),
    "capacity NaN": (*line(50.0, 1.0, 30), math.nan, "no_capacity"),
    "capacity infinite": (*line(50.0, 1.0, 30), math.inf, "no_capacity"),
}


@pytest.mark.parametrize("case", NO_STATEMENT)
def test_where_nothing_can_be_said_nothing_is_said_and_why(case: str) -> None:
    t, used, capacity, status = NO_STATEMENT[case]
    result = forecast(t, used, capacity, YEAR)
    assert (result["status"], result["method"]) == (status, "none")
    assert all(math.isnan(x) for x in times(result))
    assert math.isnan(result["growth_bytes_per_day"])
    assert all(np.isnan(result[band]).all() and result[band].shape == (365,) for band in BANDS)  # type: ignore[literal-required]


# Readings as they really come


def reference() -> tuple[FloatArray, FloatArray, float]:
    t, used = line(300.0, 5.0, 60, noise=1.0)
    return t, used, 300 + 5 * 60 + 100.0


def _infinite(t: FloatArray, used: FloatArray) -> tuple[FloatArray, FloatArray]:
    used[[5, 700, 1400]] = [np.inf, -np.inf, np.nan]
    return t, used


def _zeros(t: FloatArray, used: FloatArray) -> tuple[FloatArray, FloatArray]:
    used[np.random.default_rng(1).choice(used.size, 100, replace=False)] = 0.0
    return t, used


def _missing(t: FloatArray, used: FloatArray) -> tuple[FloatArray, FloatArray]:
    keep = np.sort(np.random.default_rng(1).choice(used.size, round(used.size * 0.55), replace=False))
    return t[keep], used[keep]


def _hole(t: FloatArray, used: FloatArray) -> tuple[FloatArray, FloatArray]:
    keep = (t < t[-1] - 25 * DAY) | (t > t[-1] - 5 * DAY)
    return t[keep], used[keep]


def _spikes(t: FloatArray, used: FloatArray) -> tuple[FloatArray, FloatArray]:
    used[[50, 900, 1200, 1400]] *= [5, 0.01, 3, 2]
    return t, used


def _doubled(t: FloatArray, used: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.repeat(t, 2), np.repeat(used, 2)


@pytest.mark.parametrize("spoil", [_infinite, _zeros, _missing, _hole, _spikes, _doubled], ids=lambda f: f.__name__[1:])
def test_readings_that_failed_change_little(
    spoil: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
) -> None:
    t, used, capacity = reference()
    before = times(forecast(t, used, capacity, YEAR))
    low, middle, high = times(forecast(*spoil(t.copy(), used.copy()), capacity, YEAR))
    assert middle == pytest.approx(before[1], rel=0.05)
    assert low <= 20 * DAY * 1.05
    assert high >= 20 * DAY * 0.95


def test_the_order_of_readings_does_not_matter() -> None:
    t, used, capacity = reference()
    shuffled = np.random.default_rng(3).permutation(t.size)
    assert same(forecast(t[shuffled], used[shuffled], capacity, YEAR), forecast(t, used, capacity, YEAR))


@pytest.mark.parametrize("step", [HOUR / 12, 6 * HOUR])
def test_how_often_a_pool_is_read_changes_little(step: float) -> None:
    t = np.arange(0, 60 * DAY, step)
    used = 300.0 + 5.0 * t / DAY + np.random.default_rng(5).normal(0, 1, t.size)
    assert forecast(t, used, 700.0, YEAR)["ttf_p50_s"] == pytest.approx(20 * DAY, rel=0.05)


def test_a_sawtooth_keeps_its_teeth() -> None:
    """A pool pruned every 12 hours is no series of bad readings."""
    t = hourly(40)
    teeth = ((t - t[0]) / HOUR) % 12
    kept = clean(t, 500.0 + 20 * teeth).y
    assert kept.size == t.size
    assert forecast(t, 500.0 + 20 * teeth, 2000.0, YEAR)["ttf_p50_s"] == math.inf


def test_a_pool_pruned_every_week_is_full_between_the_bounds() -> None:
    """It grows by 2 a day and is full when a peak, not the trend, meets the capacity: after 145 days."""
    t = hourly(70)
    day = (t - t[0]) / DAY
    used = 500.0 + 2 * day + 10 * (day % 7)
    low, middle, high = times(forecast(t, used, 1000.0, YEAR))
    assert low <= 145 * DAY <= high
    assert 145 * DAY / 2 <= middle <= 145 * DAY * 2


def test_a_constant_pool_is_never_full() -> None:
    t = hourly(60)
    result = forecast(t, np.full(t.size, 500.0), 1000.0, YEAR)
    assert times(result) == [math.inf] * 3
    assert result["p50"] == pytest.approx(500.0)


def test_an_empty_pool_is_never_full() -> None:
    t = hourly(60)
    result = forecast(t, np.zeros(t.size), 1000.0, YEAR)
    assert times(result) == [math.inf] * 3
    assert all((result[band] == 0).all() for band in BANDS)  # type: ignore[literal-required]


def test_a_shrinking_pool_is_never_full_and_never_less_than_empty() -> None:
    t, used = line(300.0, -4.0, 60)
    result = forecast(t, used, 1000.0, YEAR)
    assert times(result) == [math.inf] * 3
    assert all((result[band] >= 0).all() for band in BANDS)  # type: ignore[literal-required]
    assert result["p50"][-1] == 0


@pytest.mark.parametrize("growth", [5.0, 0.0, -5.0])
@pytest.mark.parametrize("over", [0.0, 50.0])
def test_a_full_pool_is_full_now(growth: float, over: float) -> None:
    t, used = line(600.0, growth, 60)
    assert times(forecast(t, used, float(used[-1]) - over, YEAR)) == [0.0, 0.0, 0.0]


def test_a_pool_that_was_extended_keeps_its_past_and_only_the_line_moves() -> None:
    t, used = line(300.0, 5.0, 60)
    before, after = (forecast(t, used, capacity, YEAR) for capacity in (700.0, 1200.0))
    assert np.array_equal(before["p50"], after["p50"])
    assert after["ttf_p50_s"] - before["ttf_p50_s"] == pytest.approx(100 * DAY, rel=0.01)


@pytest.mark.parametrize("jump", [250.0, -250.0])
def test_a_jump_of_the_very_last_reading_moves_the_early_bound_and_not_the_median(jump: float) -> None:
    """It may be a bad reading; nobody can tell yet."""
    t, used = line(300.0, 5.0, 60, noise=1.0)
    before = times(forecast(t, used, 900.0, YEAR))
    used[-1] += jump
    after = times(forecast(t, used, 900.0, YEAR))
    assert after[1] == pytest.approx(before[1], rel=0.02)
    assert after[0] <= before[0] * 1.01
    if jump > 0:
        assert after[0] < before[0] / 2


def test_a_jump_that_lasts_moves_the_median_too() -> None:
    t, used = line(300.0, 5.0, 60, noise=1.0)
    used[-3:] += 250.0
    assert forecast(t, used, 900.0, YEAR)["ttf_p50_s"] == pytest.approx(10 * DAY, rel=0.1)


def test_offsets_run_from_one_step_to_the_horizon() -> None:
    t, used = line(300.0, 5.0, 60)
    assert list(forecast(t, used, 900.0, 3.5 * DAY)["t"]) == [DAY, 2 * DAY, 3 * DAY]
    assert forecast(t, used, 900.0, DAY, step_s=6 * HOUR)["t"].size == 4
    assert forecast(t, used, 900.0, HOUR)["t"].size == 0


# What else is said


def test_only_the_newest_reading_can_be_anomalous() -> None:
    t, used = line(300.0, 5.0, 60, noise=1.0)
    used[-100] += 80.0
    assert not forecast(t, used, 1e4, YEAR)["anomalous"]
    used[-1] += 80.0
    assert forecast(t, used, 1e4, YEAR)["anomalous"]


def test_readings_left_out_are_named() -> None:
    t, used = line(300.0, 5.0, 60, noise=1.0)
    used[[50, 51, 700]] += 90.0
    used[900] = 0.0
    used[1000] = np.nan
    assert list(np.flatnonzero(forecast(t, used, 1e4, YEAR)["anomalies"])) == [50, 51, 700, 900]


def test_a_steady_pool_was_forecast_well_and_a_restless_one_was_not() -> None:
    t, used = line(300.0, 5.0, 60)
    assert forecast(t, used, 1e4, YEAR)["error_ratio"] == pytest.approx(0.0, abs=1e-9)
    used = 300.0 + np.cumsum(np.random.default_rng(1).normal(0, 5, t.size))
    assert forecast(t, used, 1e4, YEAR)["error_ratio"] > 0.05
    assert math.isnan(forecast(t[-240:], used[-240:], 1e4, YEAR)["error_ratio"])


def test_further_bands_are_given_when_asked_for() -> None:
    t, used = line(300.0, 5.0, 60, noise=2.0)
    result: dict[str, FloatArray] = dict(forecast(t, used, 1e4, YEAR, levels=(0.5,)))  # type: ignore[arg-type]
    assert (result["lo80"] <= result["lo50"]).all()
    assert (result["hi50"] <= result["hi80"]).all()


@pytest.mark.parametrize(("method", "later"), [("ets", 10), ("blend", 3)])
def test_a_second_opinion_expects_a_line_to_flatten(method: Method, later: float) -> None:
    t, used = line(300.0, 5.0, 60, noise=1.0)
    result = forecast(t, used, 700.0, 60 * DAY, method=method)
    assert result["method"] == method
    assert 19 * DAY <= result["ttf_p50_s"] <= (20 + later) * DAY
    assert same(result, forecast(t, used, 700.0, 60 * DAY, method=method))


def test_a_second_opinion_on_ten_days_is_the_first() -> None:
    t, used = line(300.0, 5.0, 10)
    assert forecast(t, used, 700.0, YEAR, method="ets")["method"] == "simulation"


def test_a_second_opinion_keeps_steps_out_of_the_level() -> None:
    t, used = line(300.0, 2.0, 60, noise=0.5)
    used[t > t[0] + 40 * DAY] += 200.0
    middle = forecast(t, used, 1e4, 30 * DAY, method="ets")["p50"]
    assert middle[-1] == pytest.approx(used[-1] + 60, abs=20)


# What to buy


def test_what_is_needed_is_the_highest_use_until_the_order_has_served() -> None:
    t, used = line(300.0, 5.0, 60)
    result = forecast(t, used, 1000.0, YEAR)
    capacity, order_by = need(result, 1000.0, lead_time_s=30 * DAY, cover_s=60 * DAY, target=0.9)
    assert capacity == pytest.approx(result["peak_p90"][89] / 0.9)
    assert capacity >= (600 + 90 * 5) / 0.9 * 0.99
    # 900 of 1000 are reached after 60 days at the latest, 30 less to order.
    assert 20 * DAY <= order_by <= 30 * DAY


def test_an_order_may_be_too_late_or_not_be_needed() -> None:
    t, used = line(300.0, 5.0, 60)
    assert need(forecast(t, used, 610.0, YEAR), 610.0, 30 * DAY, 60 * DAY).order_by_s < 0
    still = forecast(t, np.full(t.size, 300.0), 1000.0, YEAR)
    assert need(still, 1000.0, 30 * DAY, 60 * DAY) == (pytest.approx(300.0), math.inf)


def test_without_a_statement_there_is_nothing_to_buy() -> None:
    t, used = line(300.0, 5.0, 0.5)
    assert all(math.isnan(x) for x in need(forecast(t, used, 700.0, YEAR), 700.0, DAY, DAY))
