from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.model import MEBIBYTE
from exporter.sources.veeam.reduction import Part, dedup_ratio, deduplicated, of_session, unit_of

NAMED = {"session_id": "s1", "job_id": "j1", "job": "Web", "at": 1772398810.0}
GB = 10**9


def test_100_percent_left_is_1x_and_not_the_best_ratio():
    assert dedup_ratio(10 * GB, 5 * GB, 100, 50, "percent") == 1.0
    nothing_saved = of_session([Part(10 * GB, 10 * GB, dedup_ratio(10 * GB, 10 * GB, 100, 100, "percent"))], **NAMED)
    assert (nothing_saved.dedup_ratio, nothing_saved.compression_ratio) == (1.0, 1.0)


@pytest.mark.parametrize("unit", ["percent", "ratio"])
@pytest.mark.parametrize(
    ("data", "stored", "dedup", "compression", "found"),
    [
        (400 * GB, 120 * GB, 60, 50, "percent"),
        (40 * GB, 6.5 * GB, 3.3, 1.9, "ratio"),
        (1203845162, 520585216, 81, 53, "percent"),
        (1659975722, 191586304, 49, 23, "percent"),
        (21474916348, 8005099520, 73, 50, "percent"),
        (10 * GB, 10 * GB, 1.0, 1.0, "ratio"),
        (10 * GB, 10 * GB, 100, 100, "percent"),
    ],
)
def test_sizes_tell_the_unit_whatever_was_said(data, stored, dedup, compression, found, unit):
    assert unit_of(data, stored, dedup, compression, unit) == found


def test_figures_far_from_the_sizes_in_either_unit_are_not_taken():
    assert unit_of(400 * GB, 120 * GB, 10, 10, "percent") is None
    assert dedup_ratio(400 * GB, 120 * GB, 10, 10, "percent") is None


@pytest.mark.parametrize("missing", [(0, 120, 60, 50), (400, 0, 60, 50), (400, 120, 60, 0), (400, 120, 0, 50)])
@pytest.mark.parametrize("unit", ["percent", "ratio"])
def test_where_something_is_missing_the_unit_is_as_told(missing, unit):
    assert unit_of(*missing, unit) == unit


@pytest.mark.parametrize(
    ("dedup", "unit"), [(0, "percent"), (-1, "percent"), (101, "percent"), (0, "ratio"), (0.9, "ratio")]
)
def test_what_cannot_be_is_unknown(dedup, unit):
    assert dedup_ratio(400 * GB, 120 * GB, dedup, 0, unit) is None


@settings(deadline=None)
@example(data=1e12, dedup=9, compression=11, metadata=1.05, told="percent")
@given(
    data=st.floats(MEBIBYTE, 1e18),
    dedup=st.integers(1, 100),
    compression=st.integers(1, 100),
    metadata=st.floats(1.0, 1.13),
    told=st.sampled_from(["percent", "ratio"]),
)
def test_a_record_reads_the_same_in_percent_and_as_factors(data, dedup, compression, metadata, told):
    stored = data * dedup / 100 * compression / 100 * metadata
    by_percent = dedup_ratio(data, stored, dedup, compression, told)
    by_ratio = dedup_ratio(data, stored, 100 / dedup, 100 / compression, told)
    readings_are_alike = 1 / 1.4 < dedup * compression / 100 < 1.4
    assert by_percent == pytest.approx(100 / dedup) or (told == "ratio" and readings_are_alike)
    assert by_ratio == pytest.approx(100 / dedup) or (told == "percent" and readings_are_alike)


def test_around_10_by_10_the_sizes_do_not_tell_and_the_unit_is_as_told():
    """9 % x 11 % with 5 % of metadata lies nearer to 9x x 11x."""
    stored = 1000 * GB * 0.09 * 0.11 * 1.05
    assert dedup_ratio(1000 * GB, stored, 9, 11, "percent") == pytest.approx(100 / 9)
    assert dedup_ratio(1000 * GB, stored, 9, 11, "ratio") == 9


@settings(deadline=None)
@given(*[st.floats(allow_nan=False, allow_infinity=False)] * 4)
def test_no_figures_are_too_odd(data, stored, dedup, compression):
    found = dedup_ratio(data, stored, dedup, compression, "percent")
    assert found is None or 1 <= found < math.inf


def test_data_left_is_weighted_by_size_and_silent_parts_are_average():
    left = deduplicated([Part(300 * GB, 1, 3.0), Part(100 * GB, 1, 1.0), Part(400 * GB, 1, None)])
    assert left == pytest.approx(400 * GB)


def test_parts_without_a_word_come_to_nothing():
    assert deduplicated([Part(0, 416_768, None), Part(180_000, 416_768, 1.0)]) is None
    assert deduplicated([]) is None


def test_a_session_is_the_sum_of_its_files_split_exactly():
    told = of_session([Part(400 * GB, 120 * GB, 100 / 60, True), Part(200 * GB, 80 * GB, 100 / 80, False)], **NAMED)
    assert (told.data_bytes, told.stored_bytes) == (600 * GB, 200 * GB)
    assert told.dedup_ratio == pytest.approx(1.5)
    assert told.dedup_ratio * told.compression_ratio == pytest.approx(3.0)
    assert told.is_full is True


def test_compression_below_1_is_told_as_it_is():
    grown = of_session([Part(10 * GB, 11 * GB, 1.0)], **NAMED)
    assert grown.compression_ratio == pytest.approx(10 / 11)


@pytest.mark.parametrize("silent", [Part(MEBIBYTE - 1, 10, 2.0), Part(GB, 0, 2.0), Part(GB, GB, None)])
def test_a_session_that_does_not_tell_is_none(silent):
    assert of_session([silent], **NAMED) is None


def test_small_and_empty_files_stay_out_of_a_session():
    told = of_session([Part(GB, GB / 2, 2.0), Part(180_000, 416_768, 1.0), Part(GB, 0, 9.0)], **NAMED)
    assert (told.data_bytes, told.stored_bytes) == (GB, GB / 2)


@pytest.mark.parametrize(
    ("parts", "is_full"),
    [
        ([(3, True), (1, False)], True),
        ([(1, True), (3, False)], False),
        ([(3, None), (1, False)], False),
        ([(3, None)], None),
    ],
)
def test_a_session_is_as_full_as_most_of_its_data(parts, is_full):
    told = of_session([Part(size * GB, GB, 2.0, full) for size, full in parts], **NAMED)
    assert told.is_full is is_full
