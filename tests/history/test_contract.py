"""The same questions, put to SQLite, PostgreSQL, Prometheus and VictoriaMetrics; the same answers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from exporter.history import Series
from tests.history.stores import (
    AT,
    DAY,
    GOLD,
    HOUR,
    NAME,
    Past,
    Remember,
    in_promql,
    in_sql,
    line,
    prometheus,
    victoria_metrics,
)  # fmt: skip
from tests.inventories import NASTY

SILVER = GOLD | {"pool": "Silver"}


@pytest.fixture(scope="session")
def prometheus_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prometheus(tmp_path_factory.mktemp("prometheus")) as url:
        yield url


@pytest.fixture(scope="session")
def victoria_metrics_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with victoria_metrics(tmp_path_factory.mktemp("victoria")) as url:
        yield url


@pytest.fixture(
    params=[
        "sqlite_file",
        "sqlite_memory",
        pytest.param("database", marks=pytest.mark.server),
        pytest.param("prometheus_url", marks=pytest.mark.server),
        pytest.param("victoria_metrics_url", marks=pytest.mark.server),
    ]
)
def remember(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remember]:
    """Makes a history that knows the given past."""
    store = request.param
    local = {"sqlite_file": f"sqlite:///{tmp_path}/history.db", "sqlite_memory": "sqlite://"}
    url = local.get(store) or request.getfixturevalue(store)
    made = in_promql if url.startswith("http") else in_sql
    with ExitStack() as stack:
        yield lambda past: made(stack, url, past)


def said(series: Series) -> list[tuple[float, float]]:
    return list(zip(series.timestamps.tolist(), series.values.tolist(), strict=True))


def test_what_was_appended_is_what_range_returns(remember: Remember) -> None:
    values = [5.0, 4.5, 1e15, 0.0, math.inf, 0.25, 3.0]
    past = line(GOLD, values, step=300.0)
    past += line(SILVER, [9.0] * 7, step=300.0)
    past += line(GOLD | {"source": "cs02"}, [8.0] * 7, step=300.0)
    found = remember(past).range(NAME, GOLD, AT - 1800 - 300, AT, 300.0)
    assert said(found) == [(AT - 300 * (6 - i), value) for i, value in enumerate(values)]
    assert found.timestamps.dtype == found.values.dtype == np.float64


@pytest.mark.parametrize("pool", [NASTY, "", " ", "\\", '"', "C:\\new\\table", "{a='b'}[5m]", "/mnt/%2F"])
def test_a_series_is_found_whatever_its_labels_hold(remember: Remember, pool: str) -> None:
    history = remember(line(GOLD | {"pool": pool}, [1.0, 2.0], step=300.0) + line(GOLD, [3.0], step=300.0))
    assert said(history.range(NAME, GOLD | {"pool": pool}, AT - 900, AT, 300.0)) == [(AT - 300, 1.0), (AT, 2.0)]


def test_of_every_step_the_last_value_is_returned_at_its_end(remember: Remember) -> None:
    """A value a minute asked for by the hour; the past begins and ends half a minute from a full hour."""
    history = remember(line(GOLD, [float(i) for i in range(240)], step=60.0, end=AT - 30))
    found = history.range(NAME, GOLD, AT - 4 * HOUR, AT, HOUR)
    assert said(found) == [(AT - 3 * HOUR, 59.0), (AT - 2 * HOUR, 119.0), (AT - HOUR, 179.0), (AT, 239.0)]


def test_of_every_step_the_lowest_or_the_highest_value_is_returned(remember: Remember) -> None:
    values = [float(i * 37 % 100) for i in range(24)]
    history = remember(line(GOLD, values, step=300.0))
    hours = [values[:12], values[12:]]
    for of, best in (("min", min), ("max", max)):
        found = history.range(NAME, GOLD, AT - 2 * HOUR, AT, HOUR, of)  # type: ignore[arg-type]
        assert said(found) == [(AT - HOUR, best(hours[0])), (AT, best(hours[1]))]


def test_a_value_on_the_edge_of_two_steps_belongs_to_the_one_that_ends_there(remember: Remember) -> None:
    history = remember(line(GOLD, [1.0, 2.0, 3.0], step=HOUR))
    assert said(history.range(NAME, GOLD, AT - 3 * HOUR, AT, HOUR)) == [
        (AT - 2 * HOUR, 1.0),
        (AT - HOUR, 2.0),
        (AT, 3.0),
    ]
    assert said(history.range(NAME, GOLD, AT - 2 * HOUR, AT, HOUR)) == [(AT - HOUR, 2.0), (AT, 3.0)]


def test_the_newest_value_is_returned_however_the_steps_fall(remember: Remember) -> None:
    history = remember(line(GOLD, [float(i) for i in range(10)], step=300.0, end=AT - 30))
    assert said(history.range(NAME, GOLD, AT - 3000, AT, 700.0))[-1] == (AT, 9.0)


def test_a_step_that_is_longer_than_the_question_is_as_long_as_the_question(remember: Remember) -> None:
    history = remember(line(GOLD, [1.0, 2.0], step=HOUR, end=AT - 1800))
    assert said(history.range(NAME, GOLD, AT - HOUR, AT, DAY)) == [(AT, 2.0)]
    assert said(history.range(NAME, GOLD, AT - 1200, AT, DAY)) == []


def test_steps_are_whole_seconds_from_one_on(remember: Remember) -> None:
    history = remember(line(GOLD, [1.0, 2.0, 3.0], step=1.0))
    expected = [(AT - 2, 1.0), (AT - 1, 2.0), (AT, 3.0)]
    assert said(history.range(NAME, GOLD, AT - 3, AT, 0.1)) == expected
    assert said(history.range(NAME, GOLD, AT - 3, AT, 0.99)) == expected


def test_a_question_may_begin_and_end_between_seconds(remember: Remember) -> None:
    history = remember(line(GOLD, [1.0, 2.0, 3.0], step=300.0))
    found = history.range(NAME, GOLD, AT - 899.5, AT + 0.5, 300.0)
    assert said(found) == [(AT + 0.5 - 600, 1.0), (AT + 0.5 - 300, 2.0), (AT + 0.5, 3.0)]


def test_only_what_lies_between_start_and_end_is_returned(remember: Remember) -> None:
    history = remember(line(GOLD, [1.0, 2.0, 3.0, 4.0, 5.0], step=HOUR))
    found = history.range(NAME, GOLD, AT - 3 * HOUR - 1800, AT - 1800, 1800.0)
    assert found.values.tolist() == [2.0, 3.0, 4.0]


def test_a_gap_stays_a_gap(remember: Remember) -> None:
    """Also one shorter than the five minutes for which Prometheus holds on to a value, and with steps as short."""
    early = line(GOLD, [1.0, 2.0], step=30.0, end=AT - 240)
    history = remember(early + line(GOLD, [3.0], step=300.0))
    assert said(history.range(NAME, GOLD, AT - 600, AT, 30.0)) == [(AT - 270, 1.0), (AT - 240, 2.0), (AT, 3.0)]


def test_a_series_that_is_not_there_is_empty(remember: Remember) -> None:
    history = remember(line(GOLD, [1.0], step=300.0))
    for name, labels in ((NAME, GOLD | {"pool": "Bronze"}), ("ebbtide_pool_capacity_bytes", GOLD)):
        assert said(history.range(name, labels, AT - HOUR, AT, 300.0)) == []
        assert history.ranges(name, labels, ("pool",), AT - HOUR, AT, 300.0) == {}
    assert said(history.range(NAME, GOLD, AT - 2 * HOUR, AT - HOUR, 300.0)) == []


def test_a_store_without_a_past_is_empty(remember: Remember) -> None:
    found = remember([]).range(NAME, GOLD, AT - 60 * DAY, AT, HOUR)
    assert found.timestamps.size == found.values.size == 0


def test_more_points_than_a_server_answers_at_once_are_all_returned(remember: Remember) -> None:
    """Three weeks by the minute are 30,240 steps; the limit is 11,000."""
    moments = [AT - number * 60.0 for number in (30_239, 20_001, 20_000, 19_999, 10_000, 9_999, 1, 0)]
    past: Past = [([(NAME, GOLD, float(number))], at) for number, at in enumerate(moments)]
    found = remember(past).range(NAME, GOLD, AT - 21 * DAY, AT, 60.0)
    assert said(found) == [(at, float(number)) for number, at in enumerate(moments)]


def test_many_series_are_asked_for_at_once(remember: Remember) -> None:
    past = line(GOLD, [1.0, 2.0], step=HOUR) + line(SILVER, [3.0], step=HOUR)
    past += line(GOLD | {"source": "cs02"}, [4.0], step=HOUR)
    past += line(GOLD | {"pool": "Gone"}, [5.0], step=HOUR, end=AT - 30 * DAY)
    found = remember(past).ranges(NAME, {"source": "cs01"}, ("kind", "pool"), AT - DAY, AT, HOUR)
    assert {key: said(series) for key, series in found.items()} == {
        ("commvault", "Gold"): [(AT - HOUR, 1.0), (AT, 2.0)],
        ("commvault", "Silver"): [(AT, 3.0)],
    }


def test_many_series_are_what_each_of_them_is(remember: Remember) -> None:
    pools = {f"Pool {number}": [float(number + i * i % 7) for i in range(20)] for number in range(12)}
    past = [point for pool, values in pools.items() for point in line(GOLD | {"pool": pool}, values, step=1200.0)]
    history = remember(past)
    found = history.ranges(NAME, {"source": "cs01"}, ("pool",), AT - 6 * HOUR, AT, HOUR, "min")
    assert set(found) == {(pool,) for pool in pools}
    for pool in pools:
        one = history.range(NAME, GOLD | {"pool": pool}, AT - 6 * HOUR, AT, HOUR, "min")
        assert said(found[pool,]) == said(one)


def test_series_that_agree_in_the_labels_asked_for_are_one(remember: Remember) -> None:
    past = line(GOLD, [1.0], step=HOUR, end=AT - HOUR) + line(GOLD | {"kind": "veeam"}, [2.0], step=HOUR)
    found = remember(past).ranges(NAME, {}, ("pool",), AT - DAY, AT, HOUR)
    assert {key: said(series) for key, series in found.items()} == {("Gold",): [(AT - HOUR, 1.0), (AT, 2.0)]}
