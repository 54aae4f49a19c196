"""How often the subclients of a policy really get a full."""

from __future__ import annotations

import doctest
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.analysis import cycles
from exporter.analysis.cycles import policy_fulls, quantile
from exporter.model import DAY, PolicyFulls
from tests.analysis.backups import Run, backups, regular


def of(runs: list[Run], at: float) -> PolicyFulls:
    [found] = policy_fulls(backups(runs), at * DAY)
    return found


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(cycles).failed == 0


def test_weekly_fulls_and_daily_incrementals() -> None:
    found = of(list(regular(60)), 60)
    assert found.full_interval_seconds == 7 * DAY
    assert found.last_incremental_gap_seconds == DAY
    assert (found.full_interval_p10_seconds, found.full_interval_p90_seconds) == (7 * DAY, 7 * DAY)
    assert (found.fulls_30d, found.failed_fulls_30d, found.partial_fulls_30d) == (4, 0, 0)
    assert (found.clients, found.overdue_clients) == (1, 0)


def test_where_there_are_only_fulls_the_gap_is_the_interval() -> None:
    assert of(list(regular(60, incremental_every=0)), 60).last_incremental_gap_seconds == 7 * DAY


def test_each_subclient_counts_once_and_the_spread_is_over_them() -> None:
    often = list(regular(60, full_every=1, incremental_every=0, client="a"))
    seldom = [r for client in "bc" for r in regular(60, full_every=10, incremental_every=0, client=client)]
    found = of([*often, *seldom], 60)
    assert found.full_interval_seconds == 10 * DAY
    assert found.full_interval_p10_seconds == pytest.approx((1 + 0.2 * 9) * DAY)
    assert found.full_interval_p90_seconds == 10 * DAY


def test_a_failed_full_makes_the_interval_longer_and_counts_as_failed() -> None:
    runs = [replace(r, result="failed") if r.started in (7, 21) else r for r in regular(29)]
    found = of(runs, 29)
    assert found.full_interval_seconds == 14 * DAY
    # The last incremental before a failed full does not end a cycle.
    assert found.last_incremental_gap_seconds == DAY
    assert (found.fulls_30d, found.failed_fulls_30d) == (5, 2)


def test_fulls_are_counted_by_how_they_ended_within_the_window() -> None:
    results = ("success", "partial", "failed", "killed", "other")
    recent = [Run(60.0 + i, "full", result) for i, result in enumerate(results)]
    found = of([Run(10, "full", "failed"), Run(20, "full", "partial"), *recent, Run(66)], 70)
    assert (found.fulls_30d, found.failed_fulls_30d, found.partial_fulls_30d) == (5, 2, 1)
    [shorter] = policy_fulls(backups(recent), 70 * DAY, window_days=8.5)
    assert shorter.fulls_30d == 3


def test_the_last_synthetic_full_is_the_last_that_was_any_good() -> None:
    runs = [Run(0, "synthetic", hours=12), Run(7, "synthetic", "failed"), Run(8, "full")]
    assert of(runs, 10).last_synthetic_full_at == 0.5 * DAY
    assert of(list(regular(10)), 10).last_synthetic_full_at is None


def test_a_client_is_overdue_when_no_subclient_had_a_good_full_within_two_intervals() -> None:
    healthy = [*regular(60, client="a"), *regular(60, client="b")]
    stopped = list(regular(43, client="c"))
    failing = [replace(r, result="failed") if r.kind == "full" else r for r in regular(60, client="d")]
    one_of_two = [Run(1, "full", client="a", subclient="retired")]
    new = [Run(55, "full", "failed", client="e")]
    runs = [*healthy, *stopped, *failing, *one_of_two, *new]
    assert (of(runs, 60).clients, of(runs, 60).overdue_clients) == (5, 2)
    assert of(runs, 56).overdue_clients == 1


def test_without_two_fulls_there_is_no_interval_and_nobody_is_overdue() -> None:
    found = of([Run(0, "full"), Run(1)], 300)
    assert found.full_interval_seconds is None
    assert found.last_incremental_gap_seconds is None
    assert found.full_interval_p90_seconds is None
    assert (found.clients, found.overdue_clients) == (1, 0)


def test_a_policy_in_which_everything_failed_is_there_with_what_failed() -> None:
    found = of([Run(1, "full", "failed"), Run(2, "full", "killed")], 3)
    assert (found.fulls_30d, found.failed_fulls_30d, found.clients) == (2, 2, 1)
    assert found.full_interval_seconds is None


def test_policies_come_by_their_id_and_backups_without_one_do_not_count() -> None:
    runs = [*regular(30, policy="q"), *regular(30, policy="p", client="b"), *regular(30, policy="", client="c")]
    assert [p.policy_id for p in policy_fulls(backups(runs), 30 * DAY)] == ["p", "q"]
    assert policy_fulls(backups([]), 30 * DAY) == ()


def test_what_ends_later_has_not_happened_yet() -> None:
    runs = list(regular(60))
    assert of(runs, 31) == of([r for r in runs if r.started <= 31], 31)


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 100)), max_size=60), st.sampled_from([0.1, 0.5, 0.9]))
def test_quantiles_of_groups_are_those_of_each_group_alone(values: list[tuple[int, float]], q: float) -> None:
    random.Random(1).shuffle(values)
    groups = np.array([group for group, _ in values], dtype=np.intp)
    numbers = np.array([number for _, number in values], dtype=np.float64)
    found = quantile(numbers, groups, 5, q)
    for group in range(5):
        mine = numbers[groups == group]
        assert np.isnan(found[group]) if not mine.size else found[group] == pytest.approx(np.quantile(mine, q))
