"""How long data really lives, by rule, cycle and the three ways to count them."""

from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.analysis import retention
from exporter.analysis.retention import INCLUSIVE, STRICT, VENDOR, effective_retention
from exporter.model import DAY


def days(semantics: str = VENDOR, **changed: object) -> tuple[float, float] | None:
    """14 days and 2 cycles, weekly fulls, the last incremental a day before the next: unless changed."""
    usual: dict[str, object] = {
        "retention_seconds": 14 * DAY,
        "cycles": 2.0,
        "aging_enabled": True,
        "full_interval_seconds": 7 * DAY,
        "last_incremental_gap_seconds": DAY,
    }
    bounds = effective_retention(semantics=semantics, **(usual | changed))  # type: ignore[arg-type]
    return bounds and (bounds[0] / DAY, bounds[1] / DAY)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(retention).failed == 0


def test_the_vendors_example_keeps_a_full_for_twenty_days() -> None:
    """14 days and 2 cycles with weekly fulls: aging happens when the cycle in the third week is complete."""
    assert days() == (14, 20)


def test_going_from_two_cycles_to_one_changes_nothing_where_the_days_bind() -> None:
    assert days(cycles=1.0) == days(cycles=2.0) == (14, 20)


@pytest.mark.parametrize(
    ("semantics", "retention_days", "cycles", "expected"),
    [(INCLUSIVE, 14, 2, 14), (STRICT, 15, 2, 21), (STRICT, 14, 2, 21), (STRICT, 14, 1, 14), (INCLUSIVE, 30, 1, 30)],
)
def test_what_operators_reckon_with_is_one_number(
    semantics: str, retention_days: float, cycles: float, expected: float
) -> None:
    assert days(semantics, retention_seconds=retention_days * DAY, cycles=cycles) == (expected, expected)


def test_cycles_bind_when_fulls_are_rare() -> None:
    assert days(full_interval_seconds=30 * DAY) == (60 - 29, 60)


@pytest.mark.parametrize(("semantics", "expected"), [(VENDOR, 60), (INCLUSIVE, 60), (STRICT, 90)])
def test_a_schedule_of_monthly_fulls_cannot_satisfy_two_weeks_with_two_cycles(semantics: str, expected: float) -> None:
    bounds = days(semantics, full_interval_seconds=30 * DAY, last_incremental_gap_seconds=None)
    assert bounds == (expected, expected)


def test_where_there_are_only_fulls_all_ages_are_the_same() -> None:
    assert days(last_incremental_gap_seconds=None) == (14, 14)
    assert days(last_incremental_gap_seconds=None, retention_seconds=DAY) == (14, 14)
    assert days(last_incremental_gap_seconds=30 * DAY) == (14, 14)


@pytest.mark.parametrize(
    "changed",
    [{"aging_enabled": False}, {"retention_seconds": math.inf}, {"cycles": math.inf, "retention_seconds": None}],
)
def test_what_never_ages_is_kept_for_ever(changed: dict[str, object]) -> None:
    assert days(**changed) == (math.inf, math.inf)


@pytest.mark.parametrize("changed", [{"retention_seconds": None}, {"cycles": None}, {"full_interval_seconds": None}])
def test_without_days_cycles_or_fulls_there_is_no_statement(changed: dict[str, object]) -> None:
    assert days(**changed) is None


def test_days_alone_need_no_fulls() -> None:
    assert days(cycles=0.0, full_interval_seconds=None) == (14, 14)


def test_aging_that_is_not_known_counts_as_enabled() -> None:
    assert days(aging_enabled=None) == (14, 20)


def test_an_unknown_way_to_count_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="unknown cycle semantics 'guess'"):
        days("guess")


durations = st.floats(min_value=0, max_value=3650 * DAY)


@given(durations, st.integers(0, 60), durations.filter(bool), durations, st.sampled_from([VENDOR, INCLUSIVE, STRICT]))
def test_nothing_ages_before_its_days_and_more_of_either_never_keeps_less(
    retention_seconds: float, cycles: int, interval: float, gap: float, semantics: str
) -> None:
    def bounds(seconds: float, count: float) -> tuple[float, float]:
        found = effective_retention(
            retention_seconds=seconds, cycles=count, aging_enabled=True, full_interval_seconds=interval,
            last_incremental_gap_seconds=gap, semantics=semantics,
        )  # fmt: skip
        assert found
        return found

    earliest, latest = bounds(retention_seconds, cycles)
    assert retention_seconds <= earliest <= latest
    for more in (bounds(retention_seconds + DAY, cycles), bounds(retention_seconds, cycles + 1)):
        assert more[0] >= earliest
        assert more[1] >= latest
