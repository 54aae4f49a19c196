from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.sources.veeam.drop_file_values import moment_of, number_of, text_of

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 3, 1, 21, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5), (1.5, 1.5), ("5", 5), ("3,4", 3.4), ("3.4", 3.4), ("1.234,5", 1234.5), ("1,234.5", 1234.5),
        ("1.234.567", 1234567), ("400 000 000", 4e8), ("60 %", 60), ("3.3x", 3.3), ("1e3", 1000), ("\u00a05", 5),
        (0, 0),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(value, number):
    assert number_of(value) == number


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "many",
        "0x10",
        "1-2",
        "NaN",
        -1,
        "-1",
        float("nan"),
        float("inf"),
        10**400,
        "9" * 400,
        [],
        {},
        "٣",
    ],
)
def test_what_is_no_number_is_unknown(value):
    assert number_of(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "/Date(1772398800000)/", "/Date(1772398800000+0100)/", "2026-03-01T21:00:00Z",
        "2026-03-01T22:00:00.0000000+01:00", "2026-03-01T22:00:00", " 2026-03-01T22:00:00 ",
        {"value": "/Date(1772398800000)/", "DisplayHint": 2, "DateTime": "Sunday, March 1, 2026 9:00:00 PM"},
        {"DateTime": "Sunday", "Value": "2026-03-01T21:00:00Z"},
    ],
)  # fmt: skip
def test_dates_of_every_powershell_are_read(value):
    assert moment_of(value, BERLIN) == AT


@pytest.mark.parametrize(
    "never", [None, "", "1900-01-01T00:00:00", "/Date(-2208988800000)/", "/Date(0)/", "0001-01-01T00:00:00Z"]
)
def test_dates_that_mean_never_are_none(never):
    assert moment_of(never, BERLIN) is None


@pytest.mark.parametrize("value", ["soon", 5, [], True, "/Date(soon)/", "2026-13-01T00:00:00", {"value": 5}])
def test_what_is_no_date_is_an_error(value):
    with pytest.raises(ValueError, match=r"date|format|month"):
        moment_of(value, BERLIN)


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (5, "5"), (True, ""), (None, ""), (1.5, ""), ("a\0b", "a?b")])
def test_texts_are_those_that_can_be_stored(value, text):
    assert text_of(value) == text
