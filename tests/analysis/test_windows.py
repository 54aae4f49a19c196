from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from exporter.analysis.windows import blocked
from exporter.model import DAY, HOUR, OperationWindow

SUN, MON, TUE, WED, THU, FRI, SAT = range(7)


def at(day, clock="12:00"):
    """2026-03-01 was a Sunday."""
    return datetime.fromisoformat(f"2026-{day}T{clock}+00:00").timestamp()


def window(first=0, last=24, days=(), weeks=(), **changed):
    times = ((first * HOUR, last * HOUR, days, weeks),)
    return OperationWindow(**{"id": "3", "name": "w", "blocks_pruning": True, "times": times} | changed)


def is_blocked(one, moment, offset=0.0):
    return blocked([one], moment, offset)


@pytest.mark.parametrize(
    ("clock", "expected"), [("08:59", False), ("09:00", True), ("16:59", True), ("17:00", True), ("17:01", False)]
)
def test_a_window_is_open_from_its_first_to_its_last_second(clock, expected):
    assert is_blocked(window(9, 17), at("03-02", clock)) is expected


def test_only_its_days_of_the_week_count_with_sunday_as_zero():
    office = window(days=(MON, TUE, WED, THU, FRI))
    assert [is_blocked(office, at(f"03-0{day}")) for day in range(1, 8)] == [False, True, True, True, True, True, False]
    assert is_blocked(window(days=(SUN,)), at("03-01"))


def test_a_window_over_midnight_belongs_to_the_day_it_began_on():
    night = window(22, 6, days=(FRI,))
    hours = {
        "03-06T21": False,
        "03-06T23": True,
        "03-07T05": True,
        "03-07T07": False,
        "03-07T23": False,
        "03-06T05": False,
    }
    found = {hour: is_blocked(night, at(hour[:5], f"{hour[6:]}:00")) for hour in hours}
    assert found == hours


def test_the_clock_is_that_of_the_commserve():
    morning = window(9, 10, days=(MON,))
    assert is_blocked(morning, at("03-02", "08:30"), HOUR)
    assert not is_blocked(morning, at("03-02", "09:30"), HOUR)
    assert is_blocked(morning, at("03-01", "23:30"), 10 * HOUR)
    assert is_blocked(morning, at("03-02", "14:30"), -5 * HOUR)


@pytest.mark.parametrize(
    ("weeks", "days"),
    [
        ((), [1, 8, 15, 22, 29]),
        ((1,), [1]),
        ((2, 3), [8, 15]),
        ((4,), [22]),
        # The last one, which is the fifth here and the fourth in February.
        ((5,), [29]),
    ],
)
def test_only_its_weeks_of_the_month_count(weeks, days):
    sundays = window(days=(SUN,), weeks=weeks)
    assert [day for day in range(1, 32) if is_blocked(sundays, at(f"03-{day:02d}"))] == days


def test_the_last_week_of_a_short_month_is_its_fourth():
    last = window(days=(SUN,), weeks=(5,))
    assert [day for day in range(1, 29) if is_blocked(last, at(f"02-{day:02d}"))] == [22]


def test_outside_its_dates_a_window_does_not_count():
    freeze = window(starts_at=at("03-10", "00:00"), ends_at=at("03-12", "00:00"))
    days = [day for day in range(1, 32) if is_blocked(freeze, at(f"03-{day:02d}"))]
    assert days == [10, 11, 12]


def test_dates_are_days_of_the_commserves_clock():
    freeze = window(starts_at=at("03-09", "23:00"), ends_at=at("03-09", "23:00"))
    assert is_blocked(freeze, at("03-09", "23:30"), HOUR)
    assert not is_blocked(freeze, at("03-09", "22:30"), HOUR)


def test_a_window_that_lets_pruning_run_never_blocks_it():
    assert not blocked([window(blocks_pruning=False), window(times=())], at("03-02"), 0.0)


def test_one_open_window_of_several_is_enough():
    assert blocked([window(1, 2), window(9, 17)], at("03-02"), 0.0)
    assert not blocked([], at("03-02"), 0.0)


def test_absurd_dates_are_no_error():
    assert not is_blocked(window(starts_at=1e18), at("03-02"))
    assert is_blocked(window(ends_at=1e18), at("03-02"))


def test_in_a_year_a_window_is_open_as_often_as_it_says():
    night = window(22, 6, days=(MON, WED))
    start = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    states = [is_blocked(night, start + step * HOUR + 1800) for step in range(52 * 7 * 24)]
    assert sum(states) == 52 * 2 * 8
    assert sum(opened > closed for closed, opened in pairwise(states)) == 52 * 2
    assert is_blocked(night, start + DAY) is not is_blocked(night, start + 4 * DAY + 23 * HOUR)
