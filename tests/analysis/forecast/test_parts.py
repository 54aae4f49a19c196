"""The steps of a forecast, each with an answer worked out by hand."""

from __future__ import annotations

import doctest
from importlib import import_module

import numpy as np
import pytest

from exporter.analysis.forecast.clean import clean, excursions
from exporter.analysis.forecast.daily import daily, stuck
from exporter.analysis.forecast.drift import growth, relative_growth
from exporter.analysis.forecast.paths import PATHS, simulate
from exporter.analysis.forecast.quality import is_anomalous
from exporter.analysis.forecast.regimes import given_back, regime_starts
from exporter.analysis.forecast.season import find_season, phases
from exporter.analysis.forecast.series import DAY, FloatArray
from exporter.analysis.forecast.steps import Event, find_steps

HOUR = DAY / 24


def noise(n: int, spread: float = 1.0, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).normal(0, spread, n)


@pytest.mark.parametrize("name", ["", ".clean", ".daily", ".drift", ".quality", ".regimes", ".season", ".steps"])
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    module = import_module(f"exporter.analysis.forecast{name}")
    tried = doctest.testmod(module, extraglobs={"np": np, "DAY": DAY})
    assert (tried.attempted > 0, tried.failed) == (True, 0)


# Cleaning


@pytest.mark.parametrize("wide", [1, 2, 3])
def test_an_excursion_of_up_to_three_readings_is_bad(wide: int) -> None:
    y = 100 + noise(200)
    y[50 : 50 + wide] += 60
    assert list(np.flatnonzero(excursions(y))) == list(range(50, 50 + wide))


def test_four_readings_off_the_level_are_no_excursion() -> None:
    y = 100 + noise(200)
    y[50:54] += 60
    assert not excursions(y).any()


def test_a_step_is_no_excursion() -> None:
    y = 100 + noise(200)
    y[50:] += 60
    assert not excursions(y).any()


def test_the_newest_readings_are_kept_whatever_they_are() -> None:
    y = 100 + noise(200)
    y[-2:] += 60
    assert not excursions(y).any()


def test_of_readings_of_one_instant_the_middle_one_counts() -> None:
    t = np.array([2.0, 1.0, 1.0, 1.0])
    assert list(clean(t, np.array([9.0, 5.0, 7.0, 6.0])).y) == [6.0, 9.0]


def test_zeros_are_readings_where_there_is_nothing_else() -> None:
    assert clean(np.arange(5.0), np.zeros(5)).y.size == 5


# Days


def test_a_day_ends_at_the_hour_of_the_newest_reading() -> None:
    t = np.arange(0, 73) * HOUR
    days = daily(t, np.where(t / HOUR % 24 == 6, 50.0, 10.0))
    assert list(days.close) == [10, 10, 10, 10]
    assert list(days.peak) == [50, 50, 50, 50]


def test_a_pool_emptied_an_hour_before_the_newest_reading_closes_empty() -> None:
    hours = np.arange(0, 30 * 24 + 1)
    used = 10.0 * ((hours + 1) % 24)
    assert daily(hours * HOUR, used).close == pytest.approx(np.full(31, used[-1]))


def test_days_without_readings_lie_between_their_neighbours() -> None:
    t = np.arange(0, 20 * 24 + 1) * HOUR
    keep = (t < 5 * DAY) | (t > 15 * DAY)
    assert daily(t[keep], t[keep] / DAY).close == pytest.approx(np.arange(21), abs=0.05)


def test_older_days_of_one_reading_at_another_hour_are_moved_to_ours() -> None:
    t = np.concatenate([np.arange(0.6, 20) * DAY, np.arange(20 * 24, 34 * 24 + 1) * HOUR])
    assert np.diff(daily(t, t / DAY).close) == pytest.approx(np.ones(33), abs=0.05)


def test_a_rest_at_the_top_that_ends_upwards_is_a_full_pool() -> None:
    close = np.concatenate([np.arange(20.0), np.full(10, 19.0), np.arange(20.0, 30.0)])
    assert list(np.flatnonzero(stuck(close))) == list(range(20, 30))


@pytest.mark.parametrize(
    "close",
    [
        np.concatenate([np.arange(20.0), np.full(10, 19.0)]),
        np.concatenate([np.full(20, 5.0), np.arange(20.0) + 5]),
        np.repeat(np.arange(12.0), 7),
        np.concatenate([np.arange(20.0), np.full(10, 19.0), np.arange(19.0, 9.0, -1)]),
    ],
    ids=["still resting", "nothing before", "a rest every week", "left downwards"],
)
def test_other_rests_are_none(close: FloatArray) -> None:
    assert not stuck(close).any()


# Steps and season


def test_growth_that_goes_on_is_no_step() -> None:
    change = np.concatenate([np.ones(60) + noise(60, 0.1), np.full(3, 20.0)])
    assert not find_steps(change)[0][60]


def test_pruning_whenever_enough_has_come_is_no_step() -> None:
    change = np.ones(80) + noise(80, 0.1)
    change[[21, 43, 60, 78]] = [-20, -21, -16, -17]
    assert not find_steps(change)[0].any()


def test_jumps_at_like_distances_will_come_again() -> None:
    change = np.ones(100) + noise(100, 0.1)
    change[[9, 39, 70, 99]] += 40.0
    found, [event] = find_steps(change)
    assert found.sum() == 4
    assert event == Event(0, 30.0, pytest.approx(40, abs=0.5))


@pytest.mark.parametrize("period", [7, 10, 14, 28])
def test_a_season_is_found_under_noise(period: int) -> None:
    shape = np.random.default_rng(period).normal(0, 3, period)
    assert find_season(np.tile(shape, 100 // period + 1)[:100] + noise(100)) == period


def test_noise_has_no_season() -> None:
    assert [find_season(noise(90, seed=seed)) for seed in range(40)].count(0) >= 38


def test_no_season_is_seen_in_less_than_three_cycles() -> None:
    shape = np.array([0, 0, 0, 0, 0, 10, -5.0])
    assert (find_season(np.tile(shape, 3)[:20]), find_season(np.tile(shape, 3))) == (0, 7)


def test_phases_count_from_the_newest_day() -> None:
    means, count = phases(np.array([1.0, 2, 3, 1, 2]), 3)
    assert (list(means), list(count)) == ([3, 1, 2], [1, 2, 2])


# Regimes and drift


def test_a_walk_gives_nothing_back_and_noise_around_a_level_half() -> None:
    assert given_back(noise(2000)) == pytest.approx(0, abs=0.05)
    assert given_back(np.diff(noise(2000))) == pytest.approx(0.48, abs=0.03)


def test_steady_growth_is_one_regime() -> None:
    assert sum(regime_starts(1 + noise(90, 0.5, seed)) == [0] for seed in range(40)) >= 36


def test_the_newest_of_three_regimes_is_found() -> None:
    change = np.concatenate([np.ones(40), np.full(40, 5.0), np.full(20, 0.2)]) + noise(100, 0.3)
    assert regime_starts(change)[-1] == 80


@pytest.mark.parametrize(("days", "found"), [(2, False), (3, True), (5, True)])
def test_growth_that_stops_at_once_is_seen_after_three_days(days: int, found: bool) -> None:
    change = np.concatenate([10 + noise(40, 0.5), noise(days, 0.5, seed=2)])
    assert regime_starts(change)[1:] == ([pytest.approx(40, abs=1)] if found else [])


def test_growth_that_slows_is_not_seen_so_soon() -> None:
    assert regime_starts(np.concatenate([10 + noise(40, 2.0), 8 + noise(5, 2.0, seed=2)])) == [0]


def test_a_slope_of_noise_shrinks_and_one_of_growth_does_not() -> None:
    flat = [growth(100 + np.cumsum(noise(60, seed=seed))) for seed in range(20)]
    grown = growth(100 + 3 * np.arange(61.0) + noise(61))
    assert np.median([found.shrunk / found.slope for found in flat]) < 0.8
    assert grown.shrunk == pytest.approx(grown.slope, rel=0.01)


def test_what_lasts_is_told_from_what_passes() -> None:
    walks = [growth(np.cumsum(noise(120, seed=seed))).lasting for seed in range(20)]
    level = [growth(100 + noise(121, seed=seed)).lasting for seed in range(20)]
    assert np.median(walks) > 0.6
    assert np.median(level) < 0.2


def test_doubling_is_relative_and_a_line_is_not() -> None:
    double, straight = 100 * 2 ** (np.arange(100) / 40), 100 + 2.0 * np.arange(100) + noise(100)
    relative = relative_growth(double, growth(double))
    assert relative is not None
    assert relative.slope == pytest.approx(np.log(2) / 40)
    assert relative_growth(straight, growth(straight)) is None


# Futures


def test_a_line_without_noise_has_one_future_at_first() -> None:
    found = growth(np.arange(60.0))
    close, peak = simulate(found, np.full(60, 0.5), 0.0, 30)
    assert np.median(close, axis=1) == pytest.approx(np.arange(1.0, 31))
    assert peak - close == pytest.approx(np.full((30, PATHS), 0.5), abs=1e-5)


def test_a_walk_spreads_with_the_root_of_time() -> None:
    found = growth(np.cumsum(noise(400)))
    close, _ = simulate(found, np.zeros(400), 0.0, 120)
    assert close[112].std() / close[27].std() == pytest.approx(2, rel=0.35)


def test_a_reading_nobody_can_tell_moves_a_fifth_of_the_futures() -> None:
    found = growth(np.arange(60.0))
    still, moved = (simulate(found, np.zeros(60), jump, 30)[0] for jump in (0.0, 40.0))
    assert list(np.unique(np.round(moved[-1] - still[-1], 3), return_counts=True)[1]) == [240, 60]


def test_a_change_no_day_before_has_seen_is_anomalous() -> None:
    found = growth(np.cumsum(np.ones(60) + noise(60, 0.2)))
    assert not is_anomalous(found, 0.0) or abs(found.innovation[-1]) > 0.3
    assert is_anomalous(found, 5.0)
    assert not is_anomalous(growth(np.arange(10.0)), 5.0)
