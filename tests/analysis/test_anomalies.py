"""What is unusual and what only looks so: on series whose answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from exporter.analysis.anomalies import DAYS, LEAST_SPAN_DAYS, count_anomaly, duration_anomaly, fill_anomaly
from exporter.model import DAY, HOUR, Unusual

FloatArray = NDArray[np.float64]
GB, TB = 1e9, 1e12
# A Thursday.
MIDNIGHT = 20_000 * DAY
AT = MIDNIGHT + 10 * HOUR
CAPACITY = 100 * TB
# As rules/thresholds.yaml has it.
FIRES = 5.0


def fill(daily: FloatArray, *, at: float = AT, capacity: float = CAPACITY) -> Unusual | None:
    """daily: (n,) bytes by which each day grew, the last one the whole day before `at`."""
    used = 40 * TB + np.append(0.0, np.cumsum(daily))
    midnights = math.floor(at / DAY) * DAY - np.arange(daily.size, -1, -1) * DAY
    return fill_anomaly(midnights, used, capacity, at)


def deviation(of: Unusual | None) -> float:
    assert of is not None
    assert of.deviation is not None
    return of.deviation


def noise(days: int, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).normal(1.0, 0.1, days)


def weekly(days: int, full: float = 10.0, seed: int = 1, shift: int = 0) -> FloatArray:
    """Relative to a usual night: `full` on one night of the week, which is the last of them at shift 0."""
    found = noise(days, seed)
    found[-1 - shift :: -7] *= full
    return found


# Fill rate


def test_a_day_that_grew_five_times_as_much_as_usual_stands_out_with_value_and_baseline() -> None:
    days = 400 * GB * noise(60)
    days[-1] = 2000 * GB
    found = fill(days)
    assert found is not None
    assert found.value == pytest.approx(2000 * GB / DAY)
    assert found.baseline == pytest.approx(400 * GB / DAY, rel=0.05)
    assert deviation(found) > 2 * FIRES


def test_a_usual_day_does_not() -> None:
    assert abs(deviation(fill(400 * GB * noise(60)))) < 3


def test_a_day_that_lost_what_others_gain_lies_below() -> None:
    days = 400 * GB * noise(60)
    days[-1] = -2000 * GB
    assert deviation(fill(days)) < -FIRES


@pytest.mark.parametrize("grew", [0.0, 400 * GB])
def test_where_no_day_differs_from_another_a_small_difference_is_none_and_a_large_one_is(grew: float) -> None:
    days = np.full(60, grew)
    assert deviation(fill(days)) == 0.0
    days[-1] += 0.0005 * CAPACITY
    assert 0 < deviation(fill(days)) <= 1
    days[-1] += 0.01 * CAPACITY
    assert FIRES < deviation(fill(days)) < 20


def test_an_empty_pool_that_stays_empty_is_usual() -> None:
    midnights = MIDNIGHT - np.arange(60.0)[::-1] * DAY
    assert fill_anomaly(midnights, np.zeros(60), CAPACITY, AT) == Unusual(0.0, 0.0, 0.0)


@pytest.mark.parametrize("every", [5, 9, 11])
def test_a_sawtooth_of_pruning_is_the_way_of_the_pool_at_each_of_its_days(every: int) -> None:
    days = 400 * GB * noise(200)
    days[::every] -= 400 * GB * every
    found = [deviation(fill(days[:end])) for end in range(100, 200)]
    assert max(map(abs, found)) < FIRES


def test_a_sawtooth_does_not_hide_a_day_that_outgrows_all_others() -> None:
    days = 400 * GB * noise(100)
    days[::9] -= 3600 * GB
    days[-1] = 4000 * GB
    assert deviation(fill(days)) > FIRES


@pytest.mark.parametrize("days", [LEAST_SPAN_DAYS + 1, 28, 60, 120])
def test_the_weekly_full_is_usual_on_its_day_from_the_fourth_on(days: int) -> None:
    found = [deviation(fill(400 * GB * weekly(days, shift=shift))) for shift in range(7)]
    assert max(map(abs, found)) < FIRES


def test_what_is_usual_on_the_day_of_the_full_is_its_size() -> None:
    found = fill(400 * GB * weekly(60))
    assert found is not None
    assert found.baseline == pytest.approx(4000 * GB / DAY, rel=0.1)


def test_as_much_as_a_full_in_the_middle_of_the_week_stands_out() -> None:
    days = 400 * GB * weekly(60, shift=3)
    days[-1] = 4000 * GB
    assert deviation(fill(days)) > FIRES


def test_a_full_that_did_not_come_is_seen_on_its_day() -> None:
    days = 400 * GB * weekly(90)
    days[-1] = 400 * GB
    found = fill(days)
    assert found is not None
    # Beside its neighbours in the week it is nothing: they are small, too.
    assert (found.deviation, found.baseline) == (pytest.approx(0.0, abs=2), pytest.approx(4000 * GB / DAY, rel=0.1))


def test_a_month_end_is_known_once_it_has_come_three_times() -> None:
    days = 400 * GB * noise(160)
    days[9::30] += 4000 * GB
    found = {end: deviation(fill(days[: end + 1])) for end in (69, 99, 129)}
    assert found[69] > FIRES
    assert found[99] < FIRES
    assert found[129] < FIRES


def test_a_holiday_with_nothing_to_back_up_raises_nothing_and_neither_does_the_day_after() -> None:
    days = 400 * GB * weekly(80, seed=3)
    days[-9:-5] = 0.0
    days[-5] *= 1.3
    assert max(deviation(fill(days[:end])) for end in range(70, 81)) < FIRES


@pytest.mark.parametrize("hour", [-1, 0, 23, 30])
@pytest.mark.parametrize("later", [-1, 1])
def test_a_change_of_daylight_saving_moves_no_full_into_another_day_of_the_week(hour: int, later: int) -> None:
    """A full of half an hour, at an hour of UTC that moves by one for good after sixty days."""
    hours = np.arange(-100 * 24, 3.0) * HOUR + MIDNIGHT
    grown = np.full(hours.size, 15 * GB)
    start = np.arange(-100, 0) * 24 + hour + np.where(np.arange(-100, 0) < -40, 0, later)
    for full in start[4::7]:
        grown[int(np.clip(full + 100 * 24, 0, hours.size - 1))] += 4000 * GB
    used = 40 * TB + np.cumsum(grown)
    found = [deviation(fill_anomaly(hours, used, CAPACITY, MIDNIGHT - day * DAY + HOUR)) for day in range(39)]
    assert max(found) < FIRES


def test_less_than_three_weeks_say_nothing() -> None:
    days = 400 * GB * noise(200)
    assert fill(days[-LEAST_SPAN_DAYS:]) is None
    assert fill(days[-LEAST_SPAN_DAYS - 1 :]) is not None


def test_few_days_seen_in_a_long_time_say_nothing() -> None:
    moments = MIDNIGHT - np.array([60.0, 59, 50, 49, 40, 39, 30, 29, 20, 19, 1, 0]) * DAY
    assert fill_anomaly(moments, np.arange(12.0), 100.0, AT) is None


@pytest.mark.parametrize("readings", [0, 1])
def test_without_readings_there_is_nothing_to_say(readings: int) -> None:
    assert fill_anomaly(np.full(readings, AT), np.full(readings, 1.0), 100.0, AT) is None


def test_a_day_at_whose_end_nobody_looked_has_a_baseline_and_no_value() -> None:
    used = 40 * TB + 400 * GB * np.cumsum(noise(60))
    midnights = MIDNIGHT - np.arange(60.0)[::-1] * DAY
    found = fill_anomaly(midnights[:-1], used[:-1], CAPACITY, AT)
    assert found is not None
    assert (found.value, found.deviation) == (None, None)
    assert found.baseline == pytest.approx(400 * GB / DAY, rel=0.05)


def test_what_grew_in_a_hole_of_days_is_not_the_growth_of_one() -> None:
    days = 400 * GB * noise(60)
    used, midnights = 40 * TB + np.cumsum(days), MIDNIGHT - np.arange(60.0)[::-1] * DAY
    seen = np.ones(60, bool)
    seen[-6:-1] = False
    found = fill_anomaly(midnights[seen], used[seen], CAPACITY, AT)
    assert found is not None
    assert found.deviation is None


def test_a_failed_reading_at_midnight_is_no_mass_delete() -> None:
    hours = np.arange(-60 * 24, 1.0) * HOUR + MIDNIGHT
    used = 40 * TB + 400 * GB * np.arange(hours.size) / 24
    used[-1 - 24] = 0.0
    assert abs(deviation(fill_anomaly(hours, used, CAPACITY, AT))) < 1


@settings(deadline=None, max_examples=30)
@given(st.floats(1e-3, 1e3), st.integers(-1000, 1000))
def test_units_and_the_date_change_nothing(factor: float, weeks: int) -> None:
    days = 400 * GB * weekly(60, seed=5)
    days[-1] *= 1.5
    shift = weeks * 7 * DAY
    assert deviation(fill(days * factor, at=AT + shift, capacity=CAPACITY * factor)) == pytest.approx(
        deviation(fill(days)), rel=1e-3
    )


# Durations


def test_nights_that_take_three_times_as_long_stand_out() -> None:
    found = duration_anomaly(np.append(3600 * noise(60), 3 * 3600.0))
    assert found is not None
    assert (found.value, found.baseline) == (pytest.approx(10800), pytest.approx(3600, rel=0.05))
    assert deviation(found) > FIRES


@pytest.mark.parametrize(("last", "fires"), [(3600.0, False), (3900.0, False), (5400.0, False), (7200.0, True)])
def test_jobs_that_always_take_the_same_time_may_take_half_as_long_again(last: float, fires: bool) -> None:
    assert (deviation(duration_anomaly(np.append(np.full(60, 3600.0), last))) > FIRES) is fires


def test_a_job_of_once_a_week_has_a_baseline_after_eight_of_them() -> None:
    days = np.full(92, np.nan)
    days[-1::-7] = 36_000 * noise(14)
    assert abs(deviation(duration_anomaly(days))) < FIRES
    assert duration_anomaly(days[-8 * 7 :]) is None
    assert duration_anomaly(days[-8 * 7 - 1 :]) is not None
    days[-1] = 120_000.0
    assert deviation(duration_anomaly(days)) > FIRES


def test_a_day_without_a_run_has_no_duration_to_judge() -> None:
    found = duration_anomaly(np.append(np.full(60, 60.0), np.nan))
    assert found is not None
    assert (found.value, found.deviation) == (None, None)
    assert found.baseline == pytest.approx(60.0)


def test_runs_of_no_time_at_all_are_usual() -> None:
    assert duration_anomaly(np.zeros(60)) == Unusual(1.0, 1.0, 0.0)


# Failures


@pytest.mark.parametrize(
    ("usual", "last", "fires"),
    [(0, 0, False), (0, 1, False), (0, 3, False), (0, 10, True), (5, 9, False), (5, 30, True), (100, 130, False),
     (100, 200, True)],
)  # fmt: skip
def test_failures_are_many_where_chance_does_not_make_them(usual: int, last: int, fires: bool) -> None:
    counts = np.random.default_rng(1).poisson(usual, 60).astype(float)
    found = count_anomaly(np.append(counts, last))
    assert found is not None
    assert found.value == pytest.approx(last, abs=1e-9)
    assert found.baseline == pytest.approx(usual, abs=0.15 * usual + 1e-9)
    assert (deviation(found) > FIRES) is fires


def test_a_night_without_failures_is_better_and_not_worse() -> None:
    counts = np.append(np.random.default_rng(1).poisson(40, 60), 0.0).astype(float)
    assert deviation(count_anomaly(counts)) < -FIRES


def test_a_kind_of_jobs_that_is_new_says_nothing_yet() -> None:
    counts = np.full(92, np.nan)
    counts[-LEAST_SPAN_DAYS:] = 0.0
    assert count_anomaly(counts) is None


# In general


@pytest.mark.parametrize("judge", [duration_anomaly, count_anomaly])
def test_only_the_last_three_months_count(judge: Callable[[FloatArray], Unusual | None]) -> None:
    recent = np.random.default_rng(2).poisson(100, DAYS + 1).astype(float)
    assert judge(recent) == judge(np.append(np.full(500, 1e6), recent))


def test_a_third_of_the_days_out_of_order_do_not_move_what_is_usual() -> None:
    days = 400 * GB * noise(90)
    days[np.random.default_rng(3).permutation(89)[:29]] = 6000 * GB
    found = fill(days)
    assert found is not None
    assert found.baseline == pytest.approx(400 * GB / DAY, rel=0.15)
