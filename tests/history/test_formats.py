"""Past values as text, and what is said of a line that is none."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator

import pytest

from exporter.errors import HistoryError
from exporter.history.backfill import Point
from exporter.history.formats import Numbered, read_csv, read_openmetrics, write_csv, write_openmetrics
from tests.history.stores import AT, DAY, GOLD, NAME
from tests.inventories import NASTY

Read = Callable[[Iterator[str], str], Numbered]

POINTS = [
    Point(NAME, GOLD, AT - 2 * DAY, 5.0, 4.0, 6.5),
    Point(NAME, GOLD, AT - DAY, 7.0, 7.0, 7.0),
    Point(NAME, GOLD, AT, 1.5e15),
    Point(NAME, GOLD | {"pool": NASTY}, AT, math.inf),
]
CSV = """\
time,metric,value,low,high,kind,pool,source
2026-02-28T09:00:00Z,ebbtide_pool_free_bytes,5.0,4.0,6.5,commvault,Gold,cs01
2026-03-01T09:00:00Z,ebbtide_pool_free_bytes,7.0,7.0,7.0,commvault,Gold,cs01
2026-03-02T09:00:00Z,ebbtide_pool_free_bytes,1500000000000000.0,,,commvault,Gold,cs01
"""
OPENMETRICS = """\
# TYPE ebbtide_pool_free_bytes gauge
ebbtide_pool_free_bytes{source="cs01",kind="commvault",pool="Gold",job="ebbtide"} 4.0 1772269198
ebbtide_pool_free_bytes{source="cs01",kind="commvault",pool="Gold",job="ebbtide"} 6.5 1772269199
ebbtide_pool_free_bytes{source="cs01",kind="commvault",pool="Gold",job="ebbtide"} 5.0 1772269200
ebbtide_pool_free_bytes{source="cs01",kind="commvault",pool="Gold",job="ebbtide"} 7.0 1772355600
ebbtide_pool_free_bytes{source="cs01",kind="commvault",pool="Gold",job="ebbtide"} 1500000000000000.0 1772442000
# EOF
"""


def as_csv(points: list[Point]) -> str:
    file = io.StringIO()
    write_csv(points, sorted({label for point in points for label in point.labels}), file)
    return file.getvalue()


def as_openmetrics(points: list[Point], **extra: str) -> str:
    file = io.StringIO()
    write_openmetrics(points, extra, file)
    return file.getvalue()


def points_of(read: Read, text: str) -> list[Point]:
    return [point for _, point in read(iter(io.StringIO(text, newline="")), "past.txt")]


def test_csv_is_a_table_that_a_person_can_read() -> None:
    assert as_csv(POINTS[:3]) == CSV


def test_openmetrics_has_the_range_of_a_day_in_its_last_seconds() -> None:
    assert as_openmetrics(POINTS[:3], job="ebbtide") == OPENMETRICS


def test_a_counter_is_declared_as_one() -> None:
    lines = as_openmetrics([Point("ebbtide_pool_ingested_bytes_total", {}, AT, 1.0)]).splitlines()
    assert lines[0] == "# TYPE ebbtide_pool_ingested_bytes counter"


def test_csv_is_read_as_it_was_written() -> None:
    assert points_of(read_csv, as_csv(POINTS)) == POINTS


def test_openmetrics_is_read_as_it_was_written() -> None:
    found = points_of(read_openmetrics, as_openmetrics(POINTS))
    assert [(dict(p.labels), p.at, p.value) for p in found] == [
        (GOLD, AT - 2 * DAY - 2, 4.0), (GOLD, AT - 2 * DAY - 1, 6.5), (GOLD, AT - 2 * DAY, 5.0), (GOLD, AT - DAY, 7.0),
        (GOLD, AT, 1.5e15), (GOLD | {"pool": NASTY}, AT, math.inf),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "time", ["1772442000", "2026-03-02T09:00:00Z", "2026-03-02 10:00:00+01:00", "2026-03-02T09:00"]
)
def test_a_time_is_iso_or_unix_seconds(time: str) -> None:
    [point] = points_of(read_csv, f"metric, value, time, pool\n{NAME},5,{time},Gold\n\n")
    assert point == Point(NAME, {"pool": "Gold"}, AT, 5.0)


@pytest.mark.parametrize(
    "line", ["up 1 1772442000", "up{} 1 1772442000.0", 'up{ a = "b" , } 1 1772442000 # {id="x"} 5', "up\t1\t1772442000"]
)
def test_openmetrics_is_read_in_all_its_forms(line: str) -> None:
    [point] = points_of(read_openmetrics, f"# HELP up x\n\n{line}\n# EOF\n")
    assert (point.name, point.at, point.value) == ("up", AT, 1.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ":0: the first line names the columns; there is none for time, metric, value"),
        ("time,metric\n", ":1: the first line names the columns; there is none for value"),
        ("time,metric,value,pool,pool\n", ":1: two columns have the same name"),
        ("time,metric,value\n1,a,2\n1,a\n", ":3: 2 cells, where the first line has 3"),
        ("time,metric,value\n1,a,5 GB\n", ":2: '5 GB' is not a number"),
        ("time,metric,value\nyesterday,a,5\n", ":2: 'yesterday' is neither an ISO time nor unix seconds"),
        ('time,metric,value\n1,"a,5\n', ":2: unexpected end of data"),
    ],
)
def test_a_csv_that_is_wrong_is_named_by_file_and_line(text: str, problem: str) -> None:
    with pytest.raises(HistoryError) as caught:
        points_of(read_csv, text)
    assert str(caught.value) == f"past.txt{problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("up 1 5\n", ":1: the file ends without # EOF: it is cut off, or no OpenMetrics"),
        ("up 1 5\n# EOF\nup 1 6\n", ":3: something follows # EOF"),
        ("up 1\n# EOF\n", ":1: the time is missing"),
        ("up\n# EOF\n", ":1: a line ends with a value and the time in seconds"),
        ("up 1 2 3\n# EOF\n", ":1: a line ends with a value and the time in seconds"),
        ("up many 2\n# EOF\n", ":1: 'many' is not a number"),
        ("up 1 1772442000000\n# EOF\n", ":1: the time is in milliseconds, where OpenMetrics has seconds"),
        ("5 1 2\n# EOF\n", ":1: a line begins with the name of a metric"),
        ("up 1 2\nup{a=b} 1 2\n# EOF\n", """:2: the labels are not written like {pool="Gold"}"""),
    ],
)
def test_openmetrics_that_is_wrong_is_named_by_file_and_line(text: str, problem: str) -> None:
    with pytest.raises(HistoryError) as caught:
        points_of(read_openmetrics, text)
    assert str(caught.value) == f"past.txt{problem}"


def test_a_file_that_is_no_text_is_named() -> None:
    def lines() -> Iterator[str]:
        yield "time,metric,value\n"
        yield b"\xff".decode()

    with pytest.raises(HistoryError, match=r"^past\.csv: not UTF-8 text, after line 1$"):
        list(read_csv(lines(), "past.csv"))
