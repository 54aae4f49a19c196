"""When a pool is full: series with a known answer, and what must hold for every series."""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from exporter.analysis import forecast as module
from exporter.analysis.forecast import DAY, FloatArray, Forecast, clean, forecast

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


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(module).failed == 0


# Known answers


@pytest.mark.parametrize("days", [4, 15, 60])
def test_a_straight_line_is_full_where_it_meets_the_capacity(days: float) -> None:
    t, used = line(300.0, 5.0, days)
    result = forecast(t, used, used[-1] + 50.0, YEAR)
    assert times(result) == pytest.approx([10 * DAY] * 3, rel=1e-6)
    assert result["growth_bytes_per_day"] == pytest.approx(5.0)
    assert result["p50"][:10] == pytest.approx(used[-1] + 5.0 * np.arange(1, 11))
    assert result["method"] == "theil_sen"


def test_a_noisy_line_is_bracketed() -> None:
    t, used = line(300.0, 5.0, 60, noise=3.0)
    low, middle, high = times(forecast(t, used, 300 + 5 * 60 + 100.0, YEAR))
    assert low < 20 * DAY < high
    assert middle == pytest.approx(20 * DAY, rel=0.1)


def test_a_pool_that_gets_fuller_every_night_is_full_at_a_peak_at_the_earliest() -> None:
    t = hourly(60)
    used = 300.0 + 1.0 * (t - t[0]) / DAY + np.where((t // HOUR) % 24 < 6, 30.0, 0.0)
    low, middle, _ = times(forecast(t, used, used[-1] + 100.0, YEAR))
    assert low < middle - 20 * DAY


def test_growth_that_began_lately_counts_by_the_last_30_days() -> None:
    t = hourly(120)
    day = (t - t[0]) / DAY
    used = np.where(day < 85, 100.0, 100.0 + 10 * (day - 85))
    assert forecast(t, used, 1e4, YEAR)["growth_bytes_per_day"] == pytest.approx(10.0)


def test_beyond_the_horizon_is_never() -> None:
    t, used = line(300.0, 5.0, 60)
    assert times(forecast(t, used, used[-1] + 5 * 366, YEAR)) == [math.inf] * 3
    assert times(forecast(t, used, used[-1] + 5 * 364, YEAR)) == pytest.approx([364 * DAY] * 3)


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
    _, kept = clean(t, 500.0 + 20 * teeth)
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
    assert after["ttf_p50_s"] - before["ttf_p50_s"] == pytest.approx(100 * DAY)


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


# What holds for every series


@dataclass(frozen=True)
class Past:
    t: FloatArray
    used: FloatArray
    capacity: float


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    """Whole seconds and bytes, as sources tell them; some readings failed."""
    n = draw(st.integers(12, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    gaps = rng.integers(1, draw(st.sampled_from([600, 3600, 86400])), n)
    t = 1_772_442_000.0 + np.cumsum(gaps).astype(np.float64)
    shape = draw(st.sampled_from(["walk", "line", "steps", "teeth", "noise"]))
    scale = float(draw(st.sampled_from([10, 10**6, 10**12])))
    x = np.linspace(0, 1, n)
    used = {
        "walk": np.cumsum(rng.normal(0.05, 1, n)) + 50,
        "line": 10 + draw(st.floats(-5, 90)) * x + rng.normal(0, 1, n),
        "steps": 10 + 30 * np.floor(x * draw(st.integers(1, 4))),
        "teeth": 10 + 40 * x + 20 * ((x * 13) % 1),
        "noise": rng.uniform(0, 100, n),
    }[shape]
    used = np.floor(np.maximum(used, 0) * scale)
    failed = draw(npst.arrays(np.bool_, n, elements=st.booleans(), fill=st.just(False)))
    used = np.where(failed, draw(st.sampled_from([np.nan, 0.0])), used)
    capacity = float(math.floor(draw(st.floats(0.1, 300)) * scale))
    return Past(t, used, capacity)


EVERY = settings(max_examples=100, deadline=None)


@EVERY
@given(pasts())
def test_every_answer_is_in_order(past: Past) -> None:
    result = forecast(past.t, past.used, past.capacity, YEAR)
    low, middle, high = times(result)
    if result["method"] != "none":
        assert 0 <= low <= high
        assert math.isnan(middle) or low <= middle <= high
        for lower, upper in pairwise(BANDS):
            assert (result[lower] <= result[upper]).all()  # type: ignore[literal-required]
        assert (result["lo95"] >= 0).all()
    assert {result[band].shape for band in (*BANDS, "t")} == {(365,)}  # type: ignore[literal-required]


@EVERY
@given(pasts())
def test_the_same_past_gives_the_same_answer(past: Past) -> None:
    before = past.used.copy()
    assert same(forecast(past.t, past.used, past.capacity, YEAR), forecast(past.t, past.used, past.capacity, YEAR))
    assert np.array_equal(before, past.used, equal_nan=True)


@EVERY
@given(pasts(), st.integers(-20, 20))
def test_the_unit_of_bytes_does_not_matter(past: Past, power: int) -> None:
    """Powers of two are exact in floating point, so nothing but the forecast itself can make a difference."""
    k = 2.0**power
    one = forecast(past.t, past.used, past.capacity, YEAR)
    other = forecast(past.t, past.used * k, past.capacity * k, YEAR)
    assert np.array_equal(times(one), times(other), equal_nan=True)
    assert np.array_equal(one["hi80"] * k, other["hi80"], equal_nan=True)


@EVERY
@given(pasts(), st.integers(-10_000, 10_000))
def test_the_clock_does_not_matter(past: Past, days: int) -> None:
    one = forecast(past.t, past.used, past.capacity, YEAR)
    other = forecast(past.t + days * DAY, past.used, past.capacity, YEAR)
    assert same(one, other)


@EVERY
@given(pasts(), st.floats(1.0, 10.0))
def test_more_capacity_is_never_full_sooner(past: Past, factor: float) -> None:
    assume(past.capacity > 0)
    smaller = times(forecast(past.t, past.used, past.capacity, YEAR))
    larger = times(forecast(past.t, past.used, past.capacity * factor, YEAR))
    assert all(math.isnan(a) or a <= b for a, b in zip(smaller, larger, strict=True))


@EVERY
@given(
    npst.arrays(np.float64, st.integers(0, 60), elements=st.floats(allow_nan=True, width=32)),
    st.floats(allow_nan=True, width=32),
)
def test_no_numbers_can_break_it(used: FloatArray, capacity: float) -> None:
    t = np.arange(used.size) * 6 * HOUR
    with np.errstate(all="ignore"):
        result = forecast(t, used, capacity, YEAR)
    assert result["status"] in ("ok", "early", "bounds_only", "too_short", "no_data", "no_capacity")


def test_a_long_past_is_quick() -> None:
    """10,000 pools are forecast within minutes only if none of them takes longer than this, by far."""
    t = np.arange(0, 60 * DAY, 60.0)
    used = 300.0 + t / DAY
    thinned, _ = module._thin(t[t > 30 * DAY], used[t > 30 * DAY])
    assert thinned.size <= 241
    assert thinned[-1] == t[-1]
