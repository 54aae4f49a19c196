from __future__ import annotations

import pytest

from exporter.model import DAY, Share
from exporter.sources.filesystem.summary import Directory, Named, summarize
from exporter.sources.filesystem.tally import Tally

AT = 20_000 * DAY + 5


@pytest.mark.parametrize(
    ("day", "age"),
    [
        (20_000, "0d"), (20_001, "future"), (19_994, "0d"), (19_993, "7d"), (19_970, "30d"), (19_636, "180d"),
        (19_635, "1y"), (16_351, "5y"), (0, "10y"), (-1, "before_1970"),
    ],
)  # fmt: skip
def test_an_age_is_the_last_it_has_reached(day, age):
    tally = Tally()
    tally.cells.modified[day] = [1, 2, 3]
    assert summarize(tally, AT).modified == {age: Share(1, 2, 3)}


@pytest.mark.parametrize(
    ("size", "name"),
    [(0, "0B"), (1, "1B"), (4095, "1B"), (4096, "4KiB"), (65_535, "4KiB"), (1 << 20, "1MiB"), (1 << 50, "1TiB")],
)
def test_a_size_is_the_last_it_has_reached(size, name):
    tally = Tally()
    tally.cells.kinds["log", 0, size.bit_length()] = [1, size, 512]
    assert summarize(tally, AT).sizes == {name: Share(1, size, 512)}


def test_the_largest_owners_are_told_apart_and_the_rest_is_other():
    tally = Tally()
    tally.cells.kinds = {("log", uid, 3): [1, 7, allocated] for uid, allocated in ((5, 10), (6, 30), (7, 10), (8, 10))}
    assert summarize(tally, AT, owners=2).owners == {
        "6": Share(1, 7, 30),
        "5": Share(1, 7, 10),
        "other": Share(2, 14, 20),
    }
    assert set(summarize(tally, AT, owners=4).owners) == {"5", "6", "7", "8"}


def test_a_directory_of_the_rollup_has_all_below_it_and_is_incomplete_where_something_was_unreadable():
    tally = Tally(depth=2)
    tally.own = {b"": [1, 10, 512, 1, 0, 0, 0], b"a": [0, 0, 0, 1, 0, 0, 0], b"a/\xff": [2, 5, 1024, 3, 0, 1, 0]}
    tally.own[b"gone"] = [0, 0, 0, 0, 0, 0, 1]
    assert summarize(tally, AT).rollup == (
        Directory("", 3, 5, 15, 1536, False),
        Directory("a", 2, 4, 5, 1024, False),
        Directory("a/\\xff", 2, 3, 5, 1024, False),
    )


def test_the_largest_come_with_readable_paths():
    tally = Tally(large=[(-4096, b"a\xff", 10)], heavy=[(-512, b"", 3)])
    assert summarize(tally, AT).top_files == (Named("a\\xff", 10, 4096),)
    assert summarize(tally, AT).top_directories == (Named("", 3, 512),)
