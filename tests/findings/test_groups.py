"""Sums of pools: what they are made of, and that who joins or leaves is no growth."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest

from exporter.config import parse
from exporter.errors import ConfigError
from exporter.findings.config import ForecastSettings
from exporter.findings.groups import GONE_S, forecast_groups, remember_disks
from exporter.history import NOTHING, Series, Steps
from exporter.history.ledger import Ledger
from exporter.model import DAY, HOUR, Group, GroupForecast, Pool, State
from tests.conftest import AtOnce
from tests.inventories import AT

TB = 1e12
FINANCE, IT = Group(business_unit="Finance", application="ERP"), Group(business_unit="IT")
CHAIN = "group_by_group:ebbtide_pool_used_bytes:"


class Made:
    """A history of pools that use `used` and grow by `grows` a day up to AT, from day `since` to day `until`.

    recorded: what a Prometheus recorded of groups, by the end of the name.
    """

    def __init__(self) -> None:
        self.series: dict[tuple[str, str, str], tuple[float, float, float, float, float]] = {}
        self.recorded: dict[str, dict[tuple[str, ...], Series]] = {}

    def pool(
        self, source: str, pool: str, used: float, grows: float, *, since: float = 100, until: float = 0,
        capacity: float = 100 * TB, kind: str = "commvault",
    ) -> None:  # fmt: skip
        self.series[source, kind, pool] = (used, grows, AT - since * DAY, AT - until * DAY, capacity)

    def ranges(
        self, name: str, matching: dict[str, str], by: tuple[str, ...], start: float, end: float, step: float, *_: str
    ) -> dict[tuple[str, ...], Series]:
        if "group" in by:
            return self.recorded.get(name, {})
        steps = Steps.between(start, end, step)
        moments = steps.moments(np.arange(steps.count, dtype=float))[::-1]
        found = {}
        for key, (used, grows, since, until, capacity) in self.series.items():
            if key[0] == matching["source"]:
                seen = moments[(moments >= since) & (moments <= until)]
                free = capacity - used - grows * (seen - AT) / DAY
                series = Series(seen, free if "free" in name else np.full(seen.size, capacity))
                found[key] = series if seen.size else NOTHING
        return found


def groups(
    made: Made, owners: dict[str, Group] | None = None, shared: Iterable[Pool] = (), **settings: object
) -> dict[tuple[str, str], GroupForecast]:
    ledger = Ledger("sqlite://")
    states: dict[str, State] = {name: ledger.state(name) for name, _, _ in made.series} or {
        "cs01": ledger.state("cs01")
    }
    for state in states.values():
        remember_disks(shared, state)
    owned = owners or {}
    found = forecast_groups(
        states, made, lambda _, pool: owned.get(pool, Group()), AT, AtOnce(), ForecastSettings(**settings)  # type: ignore[arg-type]
    )  # fmt: skip
    ledger.close()
    return {(one.group_by, one.group): one for one in found}


def test_pools_are_summed_by_everything_they_have_in_common() -> None:
    made = Made()
    made.pool("cs01", "Gold", 50 * TB, 1 * TB)
    made.pool("cs01", "Silver", 20 * TB, 0.5 * TB)
    made.pool("vbr01", "Repo", 10 * TB, 0.25 * TB, kind="veeam")
    found = groups(made, {"Gold": FINANCE, "Silver": IT, "Repo": FINANCE})
    assert {name: (one.pools, round(one.used_bytes / TB), one.capacity_bytes / TB) for name, one in found.items()} == {
        ("business_unit", "Finance"): (2, 60, 200),
        ("business_unit", "IT"): (1, 20, 100),
        ("application", "ERP"): (2, 60, 200),
        ("source", "cs01"): (2, 70, 200),
        ("source", "vbr01"): (1, 10, 100),
        ("kind", "commvault"): (2, 70, 200),
        ("kind", "veeam"): (1, 10, 100),
    }
    cs01 = found["source", "cs01"].forecast
    assert cs01.fill_bytes_per_second == pytest.approx(1.5 * TB / DAY, rel=0.01)
    assert cs01.p50_seconds == pytest.approx(130 / 1.5 * DAY, rel=0.02)
    assert cs01.used_bytes["30d"] == pytest.approx(115 * TB, rel=0.01)
    assert cs01.recommended_capacity_bytes is not None
    assert 1 < cs01.recommended_capacity_bytes / ((70 + 1.5 * 210) * TB / 0.85) < 1.4


def test_the_groups_are_those_that_are_asked_for_in_their_order() -> None:
    made = Made()
    made.pool("cs01", "Gold", 50 * TB, 1 * TB)
    assert [*groups(made, {"Gold": FINANCE}, group_by=("kind", "business_unit"))] == [
        ("business_unit", "Finance"),
        ("kind", "commvault"),
    ]
    assert groups(made, group_by=()) == {}


def test_a_pool_that_joined_is_no_growth() -> None:
    """Half as large as all the others, and there for ten days."""
    made = Made()
    made.pool("cs01", "Old", 40 * TB, 0.1 * TB)
    made.pool("cs01", "Joined", 20 * TB, 0.0, since=10)
    found = groups(made)["source", "cs01"].forecast
    assert found.status == "ok"
    assert found.fill_bytes_per_second == pytest.approx(0.1 * TB / DAY, rel=0.05)
    assert found.history_seconds == pytest.approx(100 * DAY, abs=DAY)


def test_a_pool_that_left_is_no_mass_delete_and_counts_no_more() -> None:
    made = Made()
    made.pool("cs01", "Stays", 40 * TB, 0.1 * TB)
    made.pool("cs01", "Left", 20 * TB, 1 * TB, until=5)
    found = groups(made)["source", "cs01"]
    assert (found.pools, found.capacity_bytes) == (1, 100 * TB)
    assert found.forecast.fill_bytes_per_second == pytest.approx(0.1 * TB / DAY, rel=0.01)
    assert found.forecast.anomalous is False


def test_a_pool_whose_source_does_not_answer_for_a_day_stays_with_what_it_had() -> None:
    made = Made()
    made.pool("cs01", "Gold", 40 * TB, 0.1 * TB)
    made.pool("vbr01", "Silent", 20 * TB, 0.1 * TB, until=1, kind="commvault")
    found = groups(made)["kind", "commvault"]
    assert found.pools == 2
    assert found.used_bytes == pytest.approx(59.9 * TB, rel=1e-3)
    assert found.forecast.fill_bytes_per_second == pytest.approx(0.2 * TB / DAY, rel=0.1)


def test_a_group_whose_pools_are_all_gone_is_none() -> None:
    made = Made()
    made.pool("cs01", "Gone", 40 * TB, 0.1 * TB, until=GONE_S / DAY + 0.1)
    assert groups(made) == {}


def test_the_past_begins_when_half_of_what_is_used_was_known() -> None:
    """A year of a small pool does not vouch for a large one of yesterday."""
    made = Made()
    made.pool("cs01", "Small", 1 * TB, 0.01 * TB, since=300)
    made.pool("cs01", "Large", 60 * TB, 0.1 * TB, since=5)
    found = groups(made)["source", "cs01"].forecast
    assert found.status == "early"
    assert found.history_seconds == pytest.approx(5 * DAY, abs=DAY / 4)


def test_an_empty_group_has_a_past_and_never_fills() -> None:
    made = Made()
    made.pool("cs01", "Empty", 0.0, 0.0)
    found = groups(made)["source", "cs01"]
    assert found.used_bytes == 0.0
    assert found.forecast.p50_seconds == math.inf


@pytest.mark.parametrize("older", ["Repo A", "Repo B"])
def test_a_disk_under_two_pools_counts_once_in_each_group(older: str) -> None:
    made = Made()
    for pool in ("Repo A", "Repo B"):
        made.pool("vbr01", pool, 30 * TB, 0.1 * TB, since=90 if pool == older else 20)
    made.pool("vbr01", "Repo C", 10 * TB, 0.0)
    both = [Pool(kind="commvault", name=name, shared="nas01") for name in ("Repo A", "Repo B")]
    found = groups(made, {"Repo A": FINANCE, "Repo B": IT}, both)
    assert {name[1]: (one.pools, one.used_bytes, one.capacity_bytes) for name, one in found.items()} == {
        "Finance": (1, 30 * TB, 100 * TB),
        "ERP": (1, 30 * TB, 100 * TB),
        "IT": (1, 30 * TB, 100 * TB),
        "vbr01": (3, 40 * TB, 200 * TB),
        "commvault": (3, 40 * TB, 200 * TB),
    }
    assert found["source", "vbr01"].forecast.fill_bytes_per_second == pytest.approx(0.1 * TB / DAY, rel=0.05)
    assert found["source", "vbr01"].forecast.history_seconds > 85 * DAY


def test_one_disk_that_two_sources_report_under_one_name_is_two_disks() -> None:
    made = Made()
    for source in ("cs01", "cs02"):
        made.pool(source, "Gold", 30 * TB, 1 * TB)
    shared = [Pool(kind="commvault", name="Gold", shared="nas01")]
    assert groups(made, shared=shared)["kind", "commvault"].capacity_bytes == 200 * TB


def test_disks_are_remembered_until_they_change() -> None:
    ledger = Ledger("sqlite://")
    state = ledger.state("cs01")
    pools = [Pool(kind="commvault", name="B", shared="nas"), Pool(kind="commvault", name="A", shared="nas")]
    remember_disks(pools, state)
    assert state.get("disks") == '[["commvault", "A", "nas"], ["commvault", "B", "nas"]]'
    remember_disks([Pool(kind="commvault", name="A")], state)
    assert state.get("disks") == "[]"
    ledger.close()


# What a Prometheus recorded


def record(made: Made, *, days: int = 60, lost: Iterable[int] = ()) -> None:
    """Finance grows by 1 TB a day; twenty days ago it got a pool of 30 TB, ten days ago it lost one of 10 TB."""
    age = np.arange(days, -1.0, -1)
    used = 200 * TB - age * TB - np.where(age >= 20, 30 * TB, 0) + np.where(age >= 10, 10 * TB, 0)
    moments, name = AT - age * DAY, ("business_unit", "Finance")
    seen = ~np.isin(age, list(lost))
    made.recorded = {
        f"{CHAIN}sum": {name: Series(moments[seen], used[seen]), ("site", "Basel"): Series(moments, used)},
        f"{CHAIN}delta1d": {name: Series(moments[seen], np.full(int(seen.sum()), TB))},
        "group_by_group:ebbtide_pool_capacity_bytes:sum": {name: Series(moments[-1:], np.array([300 * TB]))},
    }


def test_sums_that_prometheus_recorded_are_forecast_where_nothing_else_is_kept() -> None:
    made = Made()
    record(made)
    found = groups(made)
    assert [*found] == [("business_unit", "Finance")]
    one = found["business_unit", "Finance"]
    assert (one.pools, one.used_bytes, one.capacity_bytes) == (None, 200 * TB, 300 * TB)
    assert one.forecast.fill_bytes_per_second == pytest.approx(TB / DAY, rel=0.02)
    assert one.forecast.p50_seconds == pytest.approx(100 * DAY, rel=0.02)


def test_a_day_that_prometheus_missed_is_bridged_by_the_sums() -> None:
    made = Made()
    record(made, lost=(15, 30, 31))
    assert groups(made)["business_unit", "Finance"].forecast.fill_bytes_per_second == pytest.approx(TB / DAY, rel=0.02)


def test_recorded_sums_without_their_changes_are_taken_as_they_are() -> None:
    made = Made()
    record(made)
    del made.recorded[f"{CHAIN}delta1d"]
    assert groups(made)["business_unit", "Finance"].forecast.used_bytes["30d"] is not None


@pytest.mark.parametrize(("days", "used"), [(60, 199 * TB), (400, 200 * TB)])
def test_the_longer_past_counts(days: int, used: float) -> None:
    made = Made()
    made.pool("cs01", "Gold", 199 * TB, 1 * TB, capacity=300 * TB)
    record(made, days=days)
    one = groups(made, {"Gold": FINANCE})["business_unit", "Finance"]
    assert (one.pools, one.used_bytes) == (1, used)


def test_recorded_sums_that_ended_are_no_group() -> None:
    made = Made()
    record(made)
    made.recorded = {
        name: {key: Series(one.timestamps - GONE_S - HOUR, one.values) for key, one in of.items()}
        for name, of in made.recorded.items()
    }
    assert groups(made) == {}


def test_a_recorded_past_begins_when_half_of_what_is_used_now_was_in_it() -> None:
    made = Made()
    record(made)
    used = made.recorded[f"{CHAIN}sum"]["business_unit", "Finance"]
    used.values[: -1 - 20] -= 90 * TB
    assert groups(made)["business_unit", "Finance"].forecast.history_seconds == pytest.approx(20 * DAY, abs=DAY)


# Configuration


def test_what_to_group_by_is_one_of_four() -> None:
    assert parse("forecast: {group_by: [kind]}").forecast.group_by == ("kind",)
    with pytest.raises(ConfigError, match="group_by"):
        parse("forecast: {group_by: [rack]}")


def test_a_source_must_not_be_called_like_all_of_them() -> None:
    with pytest.raises(ConfigError, match="'estate' means all sources together"):
        parse("sources: [{name: estate, kind: filesystem}]")
