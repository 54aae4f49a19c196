"""Old values brought into the store: any age, any order, twice, and beside an exporter that writes."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.errors import HistoryError
from exporter.history import Series, backfill
from exporter.history.backfill import Backfill, Point, Taken
from exporter.history.sql import SqlHistory
from exporter.history.transfer import names_and_labels, stored
from tests.history.stores import AT, DAY, GOLD, HOUR, NAME
from tests.history.test_retention import MIDNIGHT, said


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlHistory]:
    url = f"sqlite:///{tmp_path}/history.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("database")
    history = SqlHistory(url, resolution=300.0, raw=3 * DAY, keep=730 * DAY)
    yield history
    history.close()


def past(days: int, *, per_day: int = 4, pool: str = "Gold") -> list[Point]:
    """Until the last midnight; the value counts on."""
    count = days * per_day
    step = DAY / per_day
    return [
        Point(NAME, GOLD | {"pool": pool}, MIDNIGHT - (count - 1 - number) * step, float(number))
        for number in range(count)
    ]


def bring(history: SqlHistory, points: list[Point]) -> Taken:
    into = Backfill(history, MIDNIGHT)
    for point in points:
        into.add(point)
    return into.end()


def days_of(history: SqlHistory, days: int) -> Series:
    return history.range(NAME, GOLD, MIDNIGHT - days * DAY, MIDNIGHT, DAY)


def test_old_values_become_days_and_new_ones_samples(history: SqlHistory) -> None:
    taken = bring(history, past(700))
    assert (taken.points, taken.samples, taken.days) == (2800, 12, 697)
    assert days_of(history, 700).values.tolist() == [4.0 * day + 3 for day in range(700)]
    low = history.range(NAME, GOLD, MIDNIGHT - 700 * DAY, MIDNIGHT, DAY, "min")
    assert low.values.tolist() == [4.0 * day for day in range(700)]
    hours = history.range(NAME, GOLD, MIDNIGHT - 3 * DAY, MIDNIGHT, HOUR)
    assert hours.values.tolist() == [2788.0 + number for number in range(12)]


@pytest.mark.parametrize("order", ["as it was", "backwards", "shuffled"])
def test_the_order_of_the_values_does_not_matter(history: SqlHistory, order: str) -> None:
    points = past(40)
    if order == "backwards":
        points.reverse()
    elif order == "shuffled":
        random.Random(1).shuffle(points)
    bring(history, points)
    assert days_of(history, 40).values.tolist() == [4.0 * day + 3 for day in range(40)]


def test_what_is_brought_in_twice_is_there_once(history: SqlHistory) -> None:
    points = past(50, per_day=200)
    first, second = bring(history, points), bring(history, points)
    assert (first.samples, first.days) == (600, 47)
    assert (second.points, second.samples, second.days) == (10_000, 0, 0)
    assert history.stock().samples == 600


@pytest.mark.parametrize("by", ["series", "time"])
def test_much_is_written_in_parts_and_no_day_is_torn(
    history: SqlHistory, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As exports are ordered: series after series, or all series moment by moment."""
    monkeypatch.setattr(backfill, "_AT_ONCE", 7)
    pools = [past(20, pool=pool) for pool in ("Gold", "Silver", "Bronze")]
    points = list(itertools.chain(*pools)) if by == "series" else list(itertools.chain(*zip(*pools, strict=True)))
    bring(history, points)
    for of, part in (("last", 3), ("min", 0), ("max", 3)):
        found = history.ranges(NAME, {}, ("pool",), MIDNIGHT - 20 * DAY, MIDNIGHT, DAY, of)  # type: ignore[arg-type]
        assert set(found) == {("Gold",), ("Silver",), ("Bronze",)}
        for series in found.values():
            assert series.values.tolist() == [4.0 * day + part for day in range(20)]


def test_a_run_that_was_broken_off_is_simply_done_again(history: SqlHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_AT_ONCE", 10)
    broken_off = Backfill(history, MIDNIGHT)
    for point in past(30)[:70]:
        broken_off.add(point)
    bring(history, past(30))
    assert days_of(history, 30).values.tolist() == [4.0 * day + 3 for day in range(30)]


def test_what_the_store_has_stays(history: SqlHistory) -> None:
    history.append([(NAME, GOLD, -1.0)], MIDNIGHT - HOUR)
    bring(history, [Point(NAME, GOLD, MIDNIGHT - HOUR + seconds, 5.0) for seconds in (-300, -299, 0, 299, 300)])
    found = history.range(NAME, GOLD, MIDNIGHT - 2 * HOUR, MIDNIGHT, 1.0)
    assert said(found) == [(MIDNIGHT - HOUR - 300, 5.0), (MIDNIGHT - HOUR, -1.0), (MIDNIGHT - HOUR + 300, 5.0)]


def test_an_exporter_goes_on_writing_the_same_series_meanwhile(history: SqlHistory) -> None:
    history.append([(NAME, GOLD, 0.5)], MIDNIGHT - DAY)
    into = Backfill(history, MIDNIGHT)
    for point in past(10):
        into.add(point)
    history.append([(NAME, GOLD, 1.5)], MIDNIGHT + 400)
    into.end()
    history.append([(NAME, GOLD, 2.5)], MIDNIGHT + 800)
    found = history.range(NAME, GOLD, MIDNIGHT - DAY - 1, MIDNIGHT + 800, 1.0).values.tolist()
    assert found == [0.5, 36.0, 37.0, 38.0, 39.0, 1.5, 2.5]


def test_what_is_older_than_the_store_keeps_is_left_out_and_counted(history: SqlHistory) -> None:
    taken = bring(history, [Point(NAME, GOLD, MIDNIGHT - 731 * DAY, 1.0), Point(NAME, GOLD, MIDNIGHT - 729 * DAY, 2.0)])
    assert (taken.too_old, taken.days) == (1, 1)


def test_what_is_no_value_is_left_out_and_counted(history: SqlHistory) -> None:
    taken = bring(history, [Point(NAME, GOLD, MIDNIGHT, math.nan), Point(NAME, GOLD, MIDNIGHT, math.inf)])
    assert (taken.valueless, taken.samples) == (1, 1)


def test_a_time_that_lies_in_the_future_is_refused(history: SqlHistory) -> None:
    with pytest.raises(ValueError, match="the time lies in the future"):
        Backfill(history, AT).add(Point(NAME, GOLD, AT + 2 * DAY, 1.0))


def test_what_is_taken_out_and_brought_into_another_store_is_the_same_there(history: SqlHistory) -> None:
    bring(history, past(100) + past(50, pool="Silver"))
    points = list(stored(history, [NAME], 0, MIDNIGHT, lambda *_: None))
    assert len(points) == 97 + 12 + 47 + 12
    other = SqlHistory("sqlite://", resolution=300.0, raw=3 * DAY)
    bring(other, points)
    for of in ("last", "min", "max"):
        asked = (NAME, {}, ("pool",), MIDNIGHT - 100 * DAY, MIDNIGHT, DAY, of)
        mine, others = history.ranges(*asked), other.ranges(*asked)  # type: ignore[arg-type]
        assert {key: said(one) for key, one in mine.items()} == {key: said(one) for key, one in others.items()}
    other.close()


def test_only_the_time_that_is_asked_for_is_taken_out(history: SqlHistory) -> None:
    bring(history, past(20))
    points = list(stored(history, [NAME], MIDNIGHT - 10 * DAY + 1, MIDNIGHT - DAY, lambda *_: None))
    assert (points[0].at, points[-1].at) == (MIDNIGHT - 9 * DAY, MIDNIGHT - DAY)


def test_metrics_are_known_with_their_labels(history: SqlHistory) -> None:
    history.append([("b", {"y": "1", "x": "2"}, 1.0), ("b", {"z": "1"}, 1.0), ("a", {}, 1.0)], AT)
    assert names_and_labels(history) == {"a": [], "b": ["x", "y", "z"]}


def test_a_store_that_is_full_says_so(tmp_path: Path) -> None:
    history = SqlHistory(f"sqlite:///{tmp_path}/history.db")
    with history.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(HistoryError, match=r"^history cannot be written: database or disk is full$"):
        bring(history, past(700))
    assert history.stock().series == 0
    history.close()
