"""What the SQL store keeps how long: samples, then days, then nothing; and that it therefore never grows."""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.errors import HistoryError
from exporter.history import Of, Series
from exporter.history.opening import tell
from exporter.history.sql import SqlHistory
from exporter.history.tables import SCHEMA_VERSION
from exporter.history.upkeep import Stock
from exporter.telemetry import Telemetry
from tests.history.stores import AT, DAY, GOLD, HOUR, NAME

MIDNIGHT = AT - AT % DAY

# What the release before wrote.
SCHEMA_1 = """
CREATE TABLE ebbtide_history_version (version INTEGER NOT NULL, PRIMARY KEY (version));
CREATE TABLE ebbtide_series (
    id INTEGER NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL, PRIMARY KEY (id), UNIQUE (name, labels));
CREATE TABLE ebbtide_samples (
    series_id INTEGER NOT NULL, at BIGINT NOT NULL, value DOUBLE NOT NULL, PRIMARY KEY (series_id, at)) WITHOUT ROWID;
CREATE INDEX ebbtide_samples_at ON ebbtide_samples (at);
INSERT INTO ebbtide_history_version VALUES (1);
INSERT INTO ebbtide_series VALUES
    (7, 'ebbtide_pool_free_bytes', '{"kind":"commvault","pool":"Gold","source":"cs01"}');
"""


@pytest.fixture(params=["file", "memory", pytest.param("postgresql", marks=pytest.mark.server)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("database"))
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/history.db"


@pytest.fixture
def history(url: str) -> Iterator[SqlHistory]:
    history = SqlHistory(url, resolution=1.0, raw=3 * DAY, keep=100 * DAY)
    yield history
    history.close()


def live(history: SqlHistory, days: int, *, step: float = 6 * HOUR, labels: Mapping[str, str] = GOLD) -> None:
    """Four values a day until the last midnight: 100 times the day, then 0 to 3, the last one at midnight."""
    count = int(days * DAY / step)
    for number in range(count):
        at = MIDNIGHT - (count - 1 - number) * step
        day, part = divmod(number, int(DAY / step))
        history.append([(NAME, labels, 100.0 * day + (1, 0, 3, 2)[part % 4])], at)


def said(series: Series) -> list[tuple[float, float]]:
    return list(zip(series.timestamps.tolist(), series.values.tolist(), strict=True))


def test_old_samples_become_the_close_of_their_day(history: SqlHistory) -> None:
    live(history, 10)
    found = history.range(NAME, GOLD, MIDNIGHT - 10 * DAY, MIDNIGHT, 6 * HOUR)
    closes = [(MIDNIGHT - (9 - day) * DAY, 100.0 * day + 2) for day in range(7)]
    assert said(found)[:7] == closes
    assert said(found)[7:11] == [(MIDNIGHT - (2.75 - i / 4) * DAY, 700.0 + (1, 0, 3, 2)[i]) for i in range(4)]
    assert found.values.size == 7 + 3 * 4


@pytest.mark.parametrize(("of", "part"), [("last", 2), ("min", 0), ("max", 3)])
def test_of_each_day_the_close_the_lowest_and_the_highest_value_are_known_however_old(
    history: SqlHistory, of: Of, part: int
) -> None:
    live(history, 10)
    found = history.range(NAME, GOLD, MIDNIGHT - 10 * DAY, MIDNIGHT, DAY, of)
    assert said(found) == [(MIDNIGHT - (9 - day) * DAY, 100.0 * day + part) for day in range(10)]


def test_a_step_that_is_half_days_and_half_samples_is_of_both(history: SqlHistory) -> None:
    live(history, 10)
    for of, day, part in (("last", 9, 2), ("min", 4, 0), ("max", 9, 3)):
        found = history.range(NAME, GOLD, MIDNIGHT - 6 * DAY, MIDNIGHT, 6 * DAY, of)  # type: ignore[arg-type]
        assert said(found) == [(MIDNIGHT, 100.0 * day + part)]


def test_many_series_are_read_from_both_at_once(history: SqlHistory) -> None:
    live(history, 10)
    history.append([(NAME, GOLD | {"pool": "New"}, 5.0)], MIDNIGHT)
    found = history.ranges(NAME, {"kind": "commvault"}, ("pool",), MIDNIGHT - 10 * DAY, MIDNIGHT, DAY)
    assert set(found) == {("Gold",), ("New",)}
    assert said(found["Gold",]) == said(history.range(NAME, GOLD, MIDNIGHT - 10 * DAY, MIDNIGHT, DAY))
    assert said(found["New",]) == [(MIDNIGHT, 5.0)]


def test_each_source_may_be_kept_for_a_time_of_its_own(url: str) -> None:
    other = GOLD | {"source": "other"}
    keep = {"other": 5 * DAY}
    store = SqlHistory(url, raw=3 * DAY, keep=400 * DAY, keep_of=lambda source: keep.get(source, 400 * DAY))
    for day in range(90, -1, -1):
        store.append([(NAME, GOLD, 1.0), (NAME, other, 1.0)], MIDNIGHT - day * DAY)
    oldest = {
        source: store.range(NAME, GOLD | {"source": source}, 0, MIDNIGHT, DAY).timestamps[0]
        for source in (GOLD["source"], "other")
    }
    store.close()
    assert oldest[GOLD["source"]] == MIDNIGHT - 90 * DAY
    # Days go a month of them at a time.
    assert MIDNIGHT - 40 * DAY < oldest["other"] <= MIDNIGHT - 5 * DAY


def test_days_older_than_keep_are_deleted_a_month_of_them_at_a_time(history: SqlHistory) -> None:
    live(history, 200, step=DAY)
    moments = history.range(NAME, GOLD, 0, MIDNIGHT, DAY).timestamps
    assert MIDNIGHT - 133 * DAY < moments[0] <= MIDNIGHT - 99 * DAY
    assert history.stock().oldest_day == moments[0]


def test_the_store_has_as_many_rows_in_the_end_as_half_way(url: str) -> None:
    """Each day brings a series that is never seen again."""
    history = SqlHistory(url, resolution=1.0, raw=2 * DAY, keep=16 * DAY)
    stocks = []
    for day in range(128):
        history.append([(NAME, GOLD, 1.0), (NAME, GOLD | {"pool": f"Restore {day}"}, 1.0)], MIDNIGHT + day * DAY)
        if day % 64 == 63:
            stocks.append(history.stock())
    history.close()
    half, whole = stocks
    assert (whole.samples, whole.days, whole.series) == (half.samples, half.days, half.series)
    assert whole.days <= 2 * 48


def test_a_series_that_no_longer_comes_is_dropped_and_may_come_back(history: SqlHistory) -> None:
    gone = GOLD | {"pool": "Gone"}
    history.append([(NAME, gone, 1.0), (NAME, GOLD, 1.0)], MIDNIGHT - 200 * DAY)
    history.append([(NAME, GOLD, 2.0)], MIDNIGHT - 190 * DAY)
    assert history.stock().series == 2
    for day in range(5, -1, -1):
        history.append([(NAME, GOLD, 3.0)], MIDNIGHT - day * DAY)
    assert history.stock().series == 1
    history.append([(NAME, gone, 4.0)], MIDNIGHT + HOUR)
    assert said(history.range(NAME, gone, 0, MIDNIGHT + HOUR, HOUR)) == [(MIDNIGHT + HOUR, 4.0)]
    assert history.range(NAME, GOLD, MIDNIGHT - DAY, MIDNIGHT, HOUR).values.tolist() == [3.0]


def test_who_remembers_a_series_that_another_one_dropped_does_not_write_to_its_number(tmp_path: Path) -> None:
    """Two exporters on one store; the number of a dropped series is given to the next new one."""
    url = f"sqlite:///{tmp_path}/history.db"
    one, other = (SqlHistory(url, resolution=1.0, raw=DAY, keep=2 * DAY) for _ in range(2))
    mine, new = GOLD | {"pool": "Mine"}, GOLD | {"pool": "New"}
    one.append([(NAME, mine, 1.0)], MIDNIGHT - 300 * DAY)
    for day in (200, 100, 0):
        other.append([(NAME, new, 2.0)], MIDNIGHT - day * DAY)
    one.append([(NAME, mine, 3.0)], MIDNIGHT + HOUR)
    assert one.range(NAME, mine, MIDNIGHT - DAY, MIDNIGHT + HOUR, HOUR).values.tolist() == [3.0]
    assert one.range(NAME, new, MIDNIGHT - DAY, MIDNIGHT + HOUR, HOUR).values.tolist() == [2.0]
    one.close()
    other.close()


def test_the_upkeep_goes_through_all_series_a_part_at_each_append(tmp_path: Path) -> None:
    told: list[Stock] = []
    history = SqlHistory(f"sqlite:///{tmp_path}/history.db", resolution=1.0, raw=3 * DAY, tell=told.append)
    pools = [(NAME, GOLD | {"pool": f"{number}"}, float(number)) for number in range(600)]
    for at in (MIDNIGHT - 11 * DAY, MIDNIGHT - 10 * DAY + 600, MIDNIGHT):
        history.append(pools, at)
    folded = [history.stock().days]
    while folded[-1] < 1200:
        history.append([], MIDNIGHT + len(folded))
        folded.append(history.stock().days)
    assert max(after - before for before, after in itertools.pairwise(folded)) <= 500
    stock = history.stock()
    assert (stock.samples, stock.days, stock.series) == (600, 1200, 600)
    assert (stock.oldest_sample, stock.oldest_day) == (MIDNIGHT, MIDNIGHT - 11 * DAY)
    assert len(folded) >= 3
    history.append([], MIDNIGHT + 2 * HOUR)
    history.append([], MIDNIGHT + 2 * HOUR)
    history.append([], MIDNIGHT + 2 * HOUR)
    assert told[-1] == replace(stock, size_bytes=told[-1].size_bytes)
    history.close()


def test_a_month_with_a_restart_at_any_moment_is_a_month_without(tmp_path: Path) -> None:
    rng = random.Random(7)
    answers = []
    for name, restarts in (("calm", 0.0), ("restless", 0.2)):
        url = f"sqlite:///{tmp_path}/{name}.db"
        history = SqlHistory(url, resolution=300.0, raw=5 * DAY)
        for number in range(30 * 12):
            if rng.random() < restarts:
                history.close()
                history = SqlHistory(url, resolution=300.0, raw=5 * DAY)
            pools = [(NAME, GOLD | {"pool": pool}, float(number)) for pool in ("Gold", "Silver")]
            history.append(pools, MIDNIGHT + number * 2 * HOUR)
        end = MIDNIGHT + 30 * DAY
        asked: list[Of] = ["last", "min", "max"]
        found = [history.ranges(NAME, {}, ("pool",), MIDNIGHT - DAY, end, HOUR, of) for of in asked]
        answers.append([{key: said(series) for key, series in one.items()} for one in found])
        history.close()
    assert answers[0] == answers[1]
    # 24 days and the midnight they began with, then a value every two hours.
    assert len(answers[0][0]["Gold",]) == 25 + 6 * 12 - 1


def test_a_clock_that_is_set_back_does_not_end_the_upkeep(history: SqlHistory) -> None:
    history.append([(NAME, GOLD | {"pool": "Of tomorrow"}, 1.0)], MIDNIGHT + 1000 * DAY)
    live(history, 10)
    assert history.stock().days >= 7


def test_what_the_store_holds_is_told_as_metrics(tmp_path: Path, telemetry: Telemetry) -> None:
    history = SqlHistory(
        f"sqlite:///{tmp_path}/history.db", resolution=1.0, raw=3 * DAY, tell=lambda stock: tell(telemetry, stock)
    )

    def value(name: str, **labels: str) -> float | None:
        return telemetry.registry.get_sample_value(f"ebbtide_store_{name}", labels)

    assert value("size_bytes", store="history") is None
    history.append([(NAME, GOLD, 1.0)], MIDNIGHT - 9 * DAY)
    assert value("size_bytes", store="history") is None
    history.append([(NAME, GOLD, 1.0)], MIDNIGHT - 9 * DAY + 60)
    assert value("rows", table="samples") == 1
    assert value("rows", table="days") == 0
    assert value("oldest_sample_timestamp_seconds", table="days") is None
    history.append([(NAME, GOLD, 1.0)], MIDNIGHT)
    assert value("rows", table="samples") == 0
    assert value("rows", table="days") == 2
    assert value("series", store="history") == 1
    assert value("oldest_sample_timestamp_seconds", table="samples") is None
    assert value("oldest_sample_timestamp_seconds", table="days") == MIDNIGHT - 9 * DAY
    size = value("size_bytes", store="history")
    assert size is not None
    assert 4096 * 5 <= size <= 4096 * 20
    history.close()


def test_where_days_are_kept_no_longer_than_samples_there_are_none(url: str) -> None:
    history = SqlHistory(url, resolution=1.0, raw=14 * DAY, keep=5 * DAY)
    live(history, 10)
    assert history.stock().days == 0
    assert history.stock().samples == 5 * 4 + 1
    history.close()


# The store of the release before


def old_store(tmp_path: Path, days: int) -> str:
    path = tmp_path / "history.db"
    raw = sqlite3.connect(path)
    raw.executescript(SCHEMA_1)
    rows = [(7, int(MIDNIGHT - number * HOUR), float(number)) for number in range(days * 24)]
    raw.executemany("INSERT INTO ebbtide_samples VALUES (?, ?, ?)", rows)
    raw.commit()
    raw.close()
    return f"sqlite:///{path}"


def test_a_store_of_schema_1_keeps_its_samples_and_goes_on(tmp_path: Path) -> None:
    url = old_store(tmp_path, 100)
    history = SqlHistory(url, resolution=1.0)
    hours = history.range(NAME, GOLD, MIDNIGHT - 100 * DAY, MIDNIGHT, HOUR)
    assert hours.values.tolist() == [float(number) for number in range(2399, -1, -1)]
    for number in range(1, 5):
        history.append([(NAME, GOLD, -1.0)], MIDNIGHT + number * HOUR)
    days = history.range(NAME, GOLD, MIDNIGHT - 100 * DAY, MIDNIGHT, DAY)
    assert days.values.tolist() == [24.0 * number for number in range(99, -1, -1)]
    assert history.stock().samples == 14 * 24 + 4
    history.close()
    again = SqlHistory(url)
    assert again.range(NAME, GOLD, MIDNIGHT - 100 * DAY, MIDNIGHT, DAY).values.tolist() == days.values.tolist()
    again.close()


def test_a_store_of_schema_1_loses_the_index_that_doubled_it(tmp_path: Path) -> None:
    url = old_store(tmp_path, 1)
    SqlHistory(url).close()
    raw = sqlite3.connect(tmp_path / "history.db")
    names = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    versions = raw.execute("SELECT max(version) FROM ebbtide_history_version").fetchall()
    raw.close()
    assert "ebbtide_samples_at" not in names
    assert versions == [(SCHEMA_VERSION,)]


def test_a_migration_that_was_broken_off_is_done_again(tmp_path: Path) -> None:
    url = old_store(tmp_path, 1)
    raw = sqlite3.connect(tmp_path / "history.db")
    raw.execute("CREATE TABLE ebbtide_series_dropped (times BIGINT NOT NULL, PRIMARY KEY (times))")
    raw.execute("DROP INDEX ebbtide_samples_at")
    raw.commit()
    raw.close()
    history = SqlHistory(url, resolution=1.0)
    history.append([(NAME, GOLD, 5.0)], MIDNIGHT + HOUR)
    assert history.range(NAME, GOLD, MIDNIGHT - HOUR, MIDNIGHT + HOUR, HOUR).values.tolist() == [0.0, 5.0]
    history.close()


def test_a_store_of_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    url = old_store(tmp_path, 1)
    raw = sqlite3.connect(tmp_path / "history.db")
    raw.execute("UPDATE ebbtide_history_version SET version = 99")
    raw.commit()
    with pytest.raises(HistoryError, match=r"newer version of ebbtide \(schema 99\)$"):
        SqlHistory(url)
    assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'ebbtide_days'").fetchone() == (0,)
    raw.close()
