"""The efficiency score: every documented number, and what must hold whatever the sessions are."""

from __future__ import annotations

import doctest
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from exporter.analysis import efficiency
from exporter.analysis.efficiency import (
    Trend,
    anomalies,
    anomaly_score,
    benchmark_score,
    consistency_score,
    efficiencies,
    grade,
    optimization_potential,
    overall_score,
    per_month,
    rating,
    saving_per_year,
    trend,
    trend_score,
    variation,
)
from exporter.model import DAY, GIBIBYTE, Efficiency, EfficiencyTerms, Grading, Reductions

TERMS = EfficiencyTerms()
AT = 1000 * DAY
ONE = ("id-1", "Job", "Repository")


def sessions(
    dedup: Sequence[float],
    compression: Sequence[float] | float = 2.0,
    *,
    jobs: Sequence[tuple[str, str, str]] = (ONE,),
    job_of: Sequence[int] | int = 0,
    data: Sequence[float] | float = 100.0 * GIBIBYTE,
    is_full: Sequence[int] | int = -1,
    at: Sequence[float] | None = None,
) -> Reductions:
    """A session a day, the last an hour before AT, unless said otherwise."""
    n = len(dedup)
    d = np.array(dedup, float)
    c = np.broadcast_to(np.array(compression, float), n).copy()
    size = np.broadcast_to(np.array(data, float), n).copy()
    with np.errstate(divide="ignore"):
        stored = size / (d * c)
    return Reductions(
        jobs=tuple(jobs),
        job_of=np.broadcast_to(np.array(job_of, np.int32), n).copy(),
        at=AT - 3600 - DAY * np.arange(n)[::-1] if at is None else np.array(at, float),
        is_full=np.broadcast_to(np.array(is_full, np.int8), n).copy(),
        data_bytes=size,
        stored_bytes=np.where(np.isfinite(stored), stored, 1.0),
        dedup_ratio=d,
        compression_ratio=c,
    )


def graded(reductions: Reductions, terms: EfficiencyTerms = TERMS) -> Efficiency:
    """The one job in them."""
    return efficiencies(reductions, Grading(usual=terms), AT)[0]


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(efficiency).failed == 0


# The tables


@pytest.mark.parametrize(
    ("ratio", "points"),
    [(1.0, 33.33), (1.5, 50), (2.0, 62.5), (2.5, 75), (3.0, 82.5), (3.5, 90), (4.0, 91), (8.5, 100), (50.0, 100)],
)
def test_the_deduplication_table_is_reproduced(ratio: float, points: float) -> None:
    assert benchmark_score(ratio, TERMS.dedup) == pytest.approx(points, abs=0.005)


@pytest.mark.parametrize(
    ("ratio", "points"),
    [(1.0, 38.46), (1.3, 50), (1.55, 62.5), (1.8, 75), (1.9, 82.5), (2.0, 90), (2.5, 92.5), (4.0, 100), (9.0, 100)],
)
def test_the_compression_table_is_reproduced(ratio: float, points: float) -> None:
    assert benchmark_score(ratio, TERMS.compression) == pytest.approx(points, abs=0.005)


@pytest.mark.parametrize(
    ("direction", "percent", "points"),
    [
        ("stable", 0, 85), ("stable", -3, 82), ("stable", -2, 83), ("stable", 40, 70), ("improving", 10, 90),
        ("improving", 80, 100), ("degrading", -6, 58), ("degrading", -20, 30), ("degrading", -60, 0),
    ],
)  # fmt: skip
def test_the_trend_table_is_reproduced(direction: str, percent: float, points: float) -> None:
    assert trend_score(Trend(direction, percent / 100, 0.01)) == pytest.approx(points)


@pytest.mark.parametrize(("variation", "points"), [(0, 100), (0.08, 84), (0.25, 50), (0.5, 0), (3, 0)])
def test_the_consistency_table_is_reproduced(variation: float, points: float) -> None:
    assert consistency_score(variation) == pytest.approx(points)


@pytest.mark.parametrize(("count", "points"), [(0, 100), (1, 93.75), (2, 87.5), (4, 75), (6, 37.5), (8, 0), (20, 0)])
def test_the_anomaly_table_of_forty_sessions_is_reproduced(count: int, points: float) -> None:
    assert anomaly_score(count / 40) == pytest.approx(points)


def test_the_worked_example_comes_to_84_575_and_grade_b() -> None:
    components = {
        "dedup": benchmark_score(3.0, TERMS.dedup),
        "compression": benchmark_score(1.9, TERMS.compression),
        "trend": trend_score(Trend("stable", -0.02, 0.5)),
        "consistency": consistency_score(0.08),
        "anomaly": anomaly_score(0),
    }
    score = overall_score(components, TERMS.weights)
    assert score == pytest.approx(84.575)
    assert (grade(score), rating(grade(score))) == ("B", "GOOD")


@pytest.mark.parametrize(
    ("score", "letter", "word"),
    [
        (100, "A", "EXCELLENT"), (85, "A", "EXCELLENT"), (84.995, "B", "GOOD"), (70, "B", "GOOD"),
        (69.999, "C", "FAIR"), (55, "C", "FAIR"), (40, "D", "POOR"), (39.999, "F", "POOR"), (0, "F", "POOR"),
    ],
)  # fmt: skip
def test_a_score_is_graded_before_anybody_rounds_it(score: float, letter: str, word: str) -> None:
    assert (grade(score), rating(grade(score))) == (letter, word)


def test_without_a_score_there_is_no_rating() -> None:
    assert rating("none") == ""


@pytest.mark.parametrize(
    ("dedup", "compression", "per_day", "month", "year"), [(1.25, 2.0, 160, 4800, 5625), (3.0, 2.0, 0, 0, 0)]
)
def test_the_savings_table_is_reproduced(
    dedup: float, compression: float, per_day: float, month: float, year: float
) -> None:
    found = optimization_potential(900 * GIBIBYTE, dedup * compression, TERMS.target_ratio)
    assert found == pytest.approx(per_day * GIBIBYTE)
    assert per_month(found) == pytest.approx(month * GIBIBYTE)
    assert saving_per_year(found, 100) == pytest.approx(year)


def test_a_job_at_the_median_of_the_field_is_a_b() -> None:
    found = graded(sessions([1.04] * 90, 2.5))
    assert found.components["dedup"] == pytest.approx(34.7, abs=0.05)
    assert found.score == pytest.approx(75.5, abs=0.05)
    assert found.grade == "B"


def test_the_grade_a_needs_a_deduplication_of_2_15_where_all_else_is_perfect_and_flat() -> None:
    assert graded(sessions([2.15] * 90, 2.5)).grade == "A"
    assert graded(sessions([2.14] * 90, 2.5)).grade == "B"


def test_a_hundred_percent_left_is_one_to_one_and_not_the_best_score() -> None:
    worst = graded(sessions([100 / 100] * 40, 100 / 100))
    assert (worst.components["dedup"], worst.components["compression"]) == pytest.approx((33.333, 38.462), abs=0.001)
    assert worst.combined_mean == 1
    better = graded(sessions([100 / 60] * 40, 100 / 50)).score
    assert better is not None
    assert worst.score is not None
    assert better > worst.score


# Trend


def test_the_oldest_half_is_compared_with_the_rest() -> None:
    falling = graded(sessions(np.linspace(3.0, 2.0, 90)))
    assert (falling.trend, falling.flags["DEGRADING_TREND"]) == ("degrading", True)
    assert falling.dedup_trend_ratio == pytest.approx(-0.184, abs=0.001)
    rising = graded(sessions(np.linspace(2.0, 3.0, 90)))
    assert (rising.trend, rising.flags["DEGRADING_TREND"]) == ("improving", False)


def test_of_an_odd_number_the_middle_session_is_of_the_later_half() -> None:
    assert trend(np.array([2.0] * 15 + [4.0] * 16), TERMS).change == pytest.approx(1.0)


def test_the_p_value_is_that_of_the_two_sample_t_test() -> None:
    series = np.random.default_rng(7).normal(2.0, 0.2, 61) + np.linspace(0, 0.1, 61)
    assert trend(series, TERMS).pvalue == pytest.approx(ttest_ind(series[:30], series[30:]).pvalue, rel=1e-9)


def test_a_change_within_the_dead_band_is_none_however_sure_it_is() -> None:
    series = np.array([2.0, 2.001] * 20 + [2.08, 2.081] * 20)
    found = trend(series, TERMS)
    assert found.pvalue < 1e-9
    assert found.direction == "stable"
    assert trend(series, replace(TERMS, dead_band_ratio=0.03)).direction == "improving"


def test_a_change_that_may_be_chance_is_none_however_large_it_is() -> None:
    series = np.array([1.0, 9.0] * 15 + [1.0, 11.0] * 15)
    found = trend(series, TERMS)
    assert found.change == pytest.approx(0.2)
    assert found.pvalue > 0.05
    assert found.direction == "stable"


def test_without_variance_nothing_has_changed_unless_a_step_did_it() -> None:
    assert trend(np.full(60, 1.1), TERMS) == Trend("stable", 0.0, 1.0)
    step = trend(np.array([3.0] * 30 + [2.0] * 30), TERMS)
    assert (step.direction, step.pvalue) == ("degrading", 0.0)


def test_compression_has_a_trend_of_its_own_that_does_not_score() -> None:
    found = graded(sessions([2.0] * 80, np.linspace(2.0, 1.0, 80)))
    assert found.compression_trend_ratio == pytest.approx(-0.289, abs=0.001)
    assert (found.trend, found.components["trend"]) == ("stable", 85)


# Consistency and anomalies


def test_fulls_and_incrementals_are_each_consistent_with_their_own_kind() -> None:
    kinds = [1 if day % 7 == 0 else 0 for day in range(84)]
    ratios = [1.2 if full else 3.0 for full in kinds]
    assert graded(sessions(ratios, is_full=kinds)).components["consistency"] == 100
    assert graded(sessions(ratios)).components["consistency"] < 60


def test_the_coefficient_of_variation_takes_the_population_sigma() -> None:
    series = np.array([1.0, 3.0])
    assert variation(series, np.zeros(2, np.intp)) == 0.5
    assert variation(series, np.array([0, 1])) == 0


def test_a_fall_beyond_three_sigma_and_twenty_percent_is_critical() -> None:
    usual = [2.0, 2.02] * 44
    found = graded(sessions([*usual, 1.0]))
    assert (found.anomalous_sessions, found.last_is_critical, found.flags["CRITICAL_ANOMALIES"]) == (1, True, True)
    assert found.components["anomaly"] == pytest.approx(75 + 25 * (1 - 10 / 89))
    assert found.last_to_mean_ratio == pytest.approx(1.0 / np.mean([*usual, 1.0]))
    earlier = graded(sessions([1.0, *usual]))
    assert (earlier.anomalous_sessions, earlier.last_is_critical, earlier.flags["CRITICAL_ANOMALIES"]) == (
        1,
        False,
        True,
    )


@pytest.mark.parametrize("last", [1.7, 3.5])
def test_an_anomaly_that_is_no_deep_fall_is_not_critical(last: float) -> None:
    found = graded(sessions([*[2.0, 2.02] * 44, last]))
    assert (found.anomalous_sessions, found.last_is_critical, found.flags["CRITICAL_ANOMALIES"]) == (1, False, False)


def test_a_deep_fall_that_is_not_three_sigma_shows_in_last_to_mean_only() -> None:
    found = graded(sessions([*[1.5, 2.5] * 44, 1.3]))
    assert (found.anomalous_sessions, found.last_is_critical) == (0, False)
    assert found.last_to_mean_ratio == pytest.approx(0.65, abs=0.01)


def test_a_session_that_is_anomalous_in_both_is_one_session_and_counts_twice_in_the_score() -> None:
    found = graded(sessions([*[2.0, 2.02] * 20, 1.0], [*[2.0, 2.02] * 20, 1.0]))
    assert found.anomalous_sessions == 1
    assert found.components["anomaly"] == pytest.approx(anomaly_score(2 / 41))


def test_of_ten_sessions_none_can_be_beyond_three_sigma() -> None:
    series = np.array([2.0] * 9 + [0.1])
    assert not anomalies(series, np.zeros(10, np.intp)).beyond.any()
    assert anomalies(np.append(series, 2.0), np.zeros(11, np.intp)).beyond.sum() == 1


def test_rounding_is_no_variance() -> None:
    found = graded(sessions([100 / 35 * (1 + 1e-15)] + [100 / 35] * 59, 2.0))
    assert (found.anomalous_sessions, found.components["consistency"]) == (0, 100)


def test_high_variance_is_a_deduplication_that_spreads_by_more_than_three_tenths() -> None:
    assert graded(sessions([1.0, 2.0] * 20)).flags["HIGH_VARIANCE"] is True
    assert graded(sessions([1.4, 2.0] * 20)).flags["HIGH_VARIANCE"] is False


# Which sessions count


def test_fewer_than_thirty_sessions_have_no_score_and_a_reason() -> None:
    found = graded(sessions([2.0] * 29))
    assert (found.sessions, found.status, found.score, found.grade) == (29, "insufficient_sessions", None, "none")
    assert (found.components, found.flags, found.trend, found.potential_bytes_per_day) == ({}, {}, "none", None)
    assert found.newest_at == AT - 3600
    assert graded(sessions([2.0] * 30)).status == "ok"
    assert graded(sessions([2.0] * 29), replace(TERMS, minimum_sessions=20)).status == "ok"


def test_sessions_outside_the_window_do_not_count() -> None:
    assert graded(sessions([2.0] * 120)).sessions == 90
    assert graded(sessions([2.0] * 120), replace(TERMS, window_seconds=30 * DAY)).sessions == 30


def test_sessions_without_data_or_ratios_do_not_count() -> None:
    sizes = [1024.0 * 1024 - 1] + [1024.0 * 1024] * 35
    found = sessions([2.0] * 33 + [0.0, 2.0, math.nan], [2.0] * 34 + [0.0, 2.0], data=sizes)
    assert graded(found).sessions == 32
    found.stored_bytes[5] = 0.0
    assert graded(found).sessions == 31


def test_a_ledger_without_sessions_has_nothing_to_grade() -> None:
    assert efficiencies(sessions([], jobs=()), Grading(), AT) == ()


def test_a_job_that_wrote_nothing_of_late_has_no_newest_session() -> None:
    found = graded(sessions([2.0], at=[AT - 91 * DAY]))
    assert (found.sessions, found.newest_at, found.status) == (0, None, "insufficient_sessions")


# Potential


def test_the_potential_is_what_the_days_wrote_whatever_the_number_of_sessions() -> None:
    daily = graded(sessions([1.25] * 90, data=900 * GIBIBYTE))
    assert daily.potential_bytes_per_day == pytest.approx(160 * GIBIBYTE)
    twice = sessions([1.25] * 180, data=450 * GIBIBYTE, at=AT - 3600 - DAY / 2 * np.arange(180))
    assert graded(twice).potential_bytes_per_day == pytest.approx(160 * GIBIBYTE)


def test_a_job_that_is_younger_than_the_window_is_reckoned_by_its_own_days() -> None:
    assert graded(sessions([1.25] * 40, data=900 * GIBIBYTE)).potential_bytes_per_day == pytest.approx(160 * GIBIBYTE)


def test_the_potential_weighs_sessions_by_their_size() -> None:
    """A small session that hardly shrinks costs little."""
    sizes = [900.0 * GIBIBYTE] * 30 + [1.0 * GIBIBYTE] * 30
    found = graded(sessions([3.0] * 30 + [1.0] * 30, 2.0, data=sizes))
    assert found.potential_bytes_per_day == 0


# Jobs, classes, repositories


def test_a_renamed_job_that_moved_is_one_job_under_its_newest_name_and_place() -> None:
    jobs = [("id-1", "Zulu", "Old"), ("id-1", "Alpha", "New")]
    job, new, old = efficiencies(sessions([2.0] * 40, jobs=jobs, job_of=[0] * 20 + [1] * 20), Grading(), AT)
    assert (job.job_id, job.job, job.repository, job.sessions) == ("id-1", "Alpha", "New", 40)
    assert [(r.job_id, r.job, r.repository, r.sessions) for r in (new, old)] == [
        ("", "", "New", 20),
        ("", "", "Old", 20),
    ]


def test_jobs_without_ids_are_told_apart_by_name() -> None:
    found = efficiencies(sessions([2.0] * 60, jobs=[("", "B", ""), ("", "A", "")], job_of=[0, 1] * 30), Grading(), AT)
    assert [(e.job, e.sessions, e.status) for e in found] == [("A", 30, "ok"), ("B", 30, "ok")]


def test_sessions_of_no_job_count_for_their_repository_alone() -> None:
    [found] = efficiencies(sessions([2.0] * 30, jobs=[("", "", "Repository")]), Grading(), AT)
    assert (found.job, found.repository, found.status) == ("", "Repository", "ok")


def test_a_class_of_jobs_is_graded_by_its_own_terms() -> None:
    lenient = replace(TERMS, dedup=replace(TERMS.dedup, fair=1.01, good=1.02, excellent=1.04))
    grading = Grading(classes=((("vm-*", "SQL"), lenient), (("*",), replace(TERMS, minimum_sessions=99))))
    jobs = [("1", "vm-web", ""), ("2", "SQL", ""), ("3", "Files", "")]
    found = efficiencies(sessions([1.04] * 90, 2.5, jobs=jobs, job_of=[0, 1, 2] * 30), grading, AT)
    assert [(e.job, e.grade) for e in found] == [("Files", "none"), ("SQL", "A"), ("vm-web", "A")]
    assert grading.longest_window_seconds == 90 * DAY


def test_jobs_of_one_repository_that_differ_do_not_make_each_other_anomalous() -> None:
    jobs = [("1", "Plain", "R"), ("2", "Shrinking", "R")]
    repository = efficiencies(sessions([1.0] * 66 + [10.0] * 4, jobs=jobs, job_of=[0] * 66 + [1] * 4), Grading(), AT)[
        -1
    ]
    assert (repository.repository, repository.sessions, repository.anomalous_sessions) == ("R", 70, 0)
    assert repository.components["consistency"] == 100


# What holds whatever the sessions are

ratios = st.floats(1.0, 20.0)
many = st.lists(st.tuples(ratios, ratios, st.floats(1e9, 1e13), st.sampled_from([-1, 0, 1])), min_size=30, max_size=60)
few_examples = settings(max_examples=60, deadline=None)


@few_examples
@given(many, st.randoms(use_true_random=False))
def test_the_order_of_sessions_does_not_matter(rows: list[tuple[float, float, float, int]], random: object) -> None:
    dedup, compression, data, kinds = zip(*rows, strict=True)
    found = sessions(dedup, compression, data=data, is_full=kinds)
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    columns = ("job_of", "at", "is_full", "data_bytes", "stored_bytes", "dedup_ratio", "compression_ratio")
    shuffled = replace(found, **{name: getattr(found, name)[order] for name in columns})
    assert graded(shuffled) == graded(found)


@few_examples
@given(many, st.sampled_from([2.0, 1024.0, 2.0**20]))
def test_scaling_bytes_changes_nothing_but_bytes(rows: list[tuple[float, float, float, int]], factor: float) -> None:
    dedup, compression, data, kinds = zip(*rows, strict=True)
    found = sessions(dedup, compression, data=data, is_full=kinds)
    small = graded(found)
    large = graded(replace(found, data_bytes=found.data_bytes * factor, stored_bytes=found.stored_bytes * factor))
    assert small.potential_bytes_per_day is not None
    assert large == replace(small, potential_bytes_per_day=small.potential_bytes_per_day * factor)


@few_examples
@given(ratios, ratios, st.integers(30, 90))
def test_a_constant_job_is_consistent_stable_and_without_anomalies(dedup: float, compression: float, n: int) -> None:
    found = graded(sessions([dedup] * n, compression))
    wanted = {"consistency": 100.0, "trend": 85.0, "anomaly": 100.0}
    assert {name: found.components[name] for name in wanted} == pytest.approx(wanted)
    assert (found.trend, found.anomalous_sessions, found.last_is_critical) == ("stable", 0, False)


@few_examples
@given(many)
def test_every_score_lies_between_0_and_100(rows: list[tuple[float, float, float, int]]) -> None:
    dedup, compression, data, kinds = zip(*rows, strict=True)
    found = graded(sessions(dedup, compression, data=data, is_full=kinds))
    assert found.score is not None
    assert all(0 <= points <= 100 for points in (found.score, *found.components.values()))
    assert found.potential_bytes_per_day is not None
    assert found.potential_bytes_per_day >= 0
