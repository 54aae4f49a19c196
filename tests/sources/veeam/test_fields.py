from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.veeam.fields import NO_ID, enum, moment, number, optional, reference

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2025-07-28T10:44:39.694588+02:00", 1753692279.694588),
        ("2024-02-12T04:24:16.2+03:00", 1707701056.2),
        ("2024-01-25T18:31:50.7300443+01:00", 1706203910.730044),
        ("2024-11-06T00:30:20Z", 1730853020.0),
        ("2024-11-06T00:30:20", 1730849420.0),
        ("2024-07-06T00:30:20", 1720218620.0),
    ],
)
def test_all_formats_of_a_time_are_read(text, seconds):
    assert moment(text, BERLIN) == pytest.approx(seconds, abs=1e-6)


def test_the_same_restore_point_is_the_same_moment_with_and_without_zone():
    assert moment("2024-11-06T00:30:20", BERLIN) == moment("2024-11-06T00:30:20+01:00", UTC)


@pytest.mark.parametrize("text", [None, "", "1900-01-01T00:00:00", "0001-01-01T00:00:00", "1970-01-01T00:00:00Z"])
def test_dates_that_mean_never_are_no_moment(text):
    assert moment(text, BERLIN) is None


@pytest.mark.parametrize("text", ["yesterday", "2024-13-01T00:00:00", "/Date(1772402400000)/"])
def test_what_is_no_time_raises(text):
    with pytest.raises(ValueError, match=r"Invalid isoformat|month must be"):
        moment(text, BERLIN)


def test_enums_are_compared_in_lower_case():
    assert enum("Running") == enum("running") == "running"
    assert enum(None) == ""


def test_the_zero_id_refers_to_nothing():
    assert reference({"jobId": NO_ID}, "jobId", endpoint="GET /x") == ""
    assert reference({}, "jobId", endpoint="GET /x") == ""
    assert reference({"jobId": "a"}, "jobId", endpoint="GET /x") == "a"


def test_a_field_of_another_type_is_named():
    with pytest.raises(SourceGarbled, match="GET /x: isOnline is of type str"):
        optional({"isOnline": "yes"}, "isOnline", bool, endpoint="GET /x")
    with pytest.raises(SourceGarbled, match="GET /x: freeGB is not a finite number"):
        number({"freeGB": float("nan")}, "freeGB", endpoint="GET /x")
    with pytest.raises(SourceGarbled, match="GET /x: the answer has no field freeGB"):
        number({}, "freeGB", endpoint="GET /x")
