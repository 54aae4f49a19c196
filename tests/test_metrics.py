"""The table of families holds to the conventions that dashboards and rules rely on."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from exporter.metrics import COLLECTOR, FAMILIES, SOURCE, SUBJECTS, Family, Measured, measure
from exporter.metrics.family import gauge, stateset
from exporter.metrics.pools import POOL
from exporter.model import COLLECTED, Inventory, Pool
from exporter.telemetry import Telemetry

ALL = pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
# A name that ends in one of these, but in another unit, would be read wrongly.
OTHER_UNITS = re.compile(r"_(ms|millis|milliseconds|minutes|hours|days|kb|mb|gb|tb|kib|mib|gib|tib|percent|pct)(_|$)")


def test_no_name_is_given_twice() -> None:
    names = [family.name for family in FAMILIES]
    own = [metric._name for metric in vars(Telemetry()).values() if isinstance(metric, MetricWrapperBase)]
    assert len(own) >= 10
    assert len({*names, *own}) == len(names) + len(own)


@ALL
def test_a_name_says_whose_it_is_and_in_which_unit(family: Family) -> None:
    assert re.fullmatch(r"ebbtide(_[a-z0-9]+)+", family.name)
    assert not OTHER_UNITS.search(family.name)
    assert (family.type == "info") is family.name.endswith("_info")
    assert (family.type == "counter") is family.name.endswith("_total")
    # These endings belong to types we do not publish here.
    assert not family.name.endswith(("_count", "_sum", "_bucket", "_created"))
    assert family.type in ("gauge", "counter", "info")


@ALL
def test_a_help_is_a_sentence_and_never_just_the_name(family: Family) -> None:
    assert family.help.endswith(".")
    assert len(family.help.split()) >= 3
    assert "\n" not in family.help
    assert "|" not in family.help
    assert family.name not in family.help


@ALL
def test_a_label_is_not_one_that_prometheus_puts_there(family: Family) -> None:
    assert (family.labels[0] == "source") is family.subject.of_source
    assert len(set(family.labels)) == len(family.labels)
    for label in family.labels:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", label)
        assert label not in ("job", "instance", "le", "quantile", "severity", "alertname")


def test_a_unit_in_the_help_is_the_unit_in_the_name() -> None:
    for family in FAMILIES:
        if "divided by" in family.help:
            assert family.name.endswith("_ratio"), family.name
        if re.match(r"(Time|Duration|Length|Median time) ", family.help):
            assert family.name.endswith("_seconds"), family.name
        if family.help.startswith(("When ", "End of ", "Start of ")):
            assert family.name.endswith("_timestamp_seconds"), family.name


def test_every_collector_feeds_a_subject_and_every_subject_is_fed() -> None:
    fed = {name for subject in SUBJECTS for name in subject.fed_by}
    assert fed == {*COLLECTED, "exporter"}
    assert all(subject.fed_by for subject in SUBJECTS)


def test_every_field_of_the_inventory_is_collected() -> None:
    assert {*COLLECTED} == {f.name for f in fields(Inventory)} - {"read_at", "expires_at"}


def test_the_families_of_a_subject_are_published_together() -> None:
    assert {family.subject for family in FAMILIES} == set(SUBJECTS)
    for subject in SUBJECTS:
        assert [one.family for one in measure(subject, [])] == [f for f in FAMILIES if f.subject is subject]


def test_only_what_a_forecast_needs_is_kept() -> None:
    kept = {family.name for family in FAMILIES if family.kept}
    assert kept >= {"ebbtide_pool_capacity_bytes", "ebbtide_pool_free_bytes"}
    assert not any(family.type == "info" for family in FAMILIES if family.kept)


def sample(measured: list[Measured], name: str) -> dict[tuple[str, ...], float]:
    return {labels: value for one in measured if one.family.name == name for labels, value in one.rows}


def test_unknown_is_no_sample() -> None:
    unknown = Pool(kind="commvault", name="Cloud")
    measured = measure(POOL, [unknown])
    assert {one.family.name for one in measured if one.rows} == {"ebbtide_pool_info", "ebbtide_pool_status"}


def test_what_is_no_number_is_no_sample() -> None:
    """JSON as Python reads it has NaN."""
    measured = measure(POOL, [Pool(kind="commvault", name="Gold", capacity_bytes=math.nan, free_bytes=math.nan)])
    assert sample(measured, "ebbtide_pool_capacity_bytes") == {}
    assert sample(measured, "ebbtide_pool_free_bytes") == {}


def test_nothing_free_is_a_sample_of_zero() -> None:
    measured = measure(POOL, [Pool(kind="commvault", name="Gold", capacity_bytes=10.0, free_bytes=0.0)])
    assert sample(measured, "ebbtide_pool_free_bytes") == {("commvault", "Gold"): 0.0}
    assert sample(measured, "ebbtide_pool_free_ratio") == {("commvault", "Gold"): 0.0}


@pytest.mark.parametrize(("free", "ratio"), [(110.0, 1.0), (-10.0, 0.0), (25.0, 0.25)])
def test_a_free_ratio_stays_between_0_and_1(free: float, ratio: float) -> None:
    assert Pool(kind="k", name="n", capacity_bytes=100.0, free_bytes=free).free_ratio == ratio


def test_a_pool_without_size_has_no_free_ratio() -> None:
    assert Pool(kind="k", name="n", capacity_bytes=0.0, free_bytes=1.0).free_ratio is None
    assert Pool(kind="k", name="n", free_bytes=1.0).free_ratio is None


@pytest.mark.parametrize(("status", "shown"), [("offline", "offline"), ("on fire", "unknown")])
def test_a_pool_is_in_exactly_one_state_also_in_one_nobody_knows(status: str, shown: str) -> None:
    states = sample(measure(POOL, [Pool(kind="k", name="n", status=status)]), "ebbtide_pool_status")
    assert {labels[-1]: value for labels, value in states.items() if value} == {shown: 1.0}
    assert len(states) == 4


def test_a_flag_nobody_knows_is_an_empty_label() -> None:
    infos = sample(measure(POOL, [Pool(kind="k", name="a"), Pool(kind="k", name="b", worm=True)]), "ebbtide_pool_info")
    assert [labels[5] for labels in infos] == ["", "true"]


def test_sources_and_collectors_are_not_read_from_what_a_source_said() -> None:
    assert list(SOURCE.records(None)) == list(COLLECTOR.records(None)) == []  # type: ignore[arg-type]


def test_a_family_is_told_apart_by_what_it_is_and_not_by_its_text() -> None:
    """Families are keys of the board's mappings; two of the same name in a test must not be taken for one."""
    made = [gauge("ebbtide_x", "An example family.", POOL, lambda _: 1) for _ in range(2)]
    assert made[0] != made[1]
    assert stateset("ebbtide_y", "An example family.", POOL, "s", ("a",), lambda _: "a").labels == (
        "source", "kind", "pool", "s",
    )  # fmt: skip


def test_history_is_asked_only_for_families_that_are_kept() -> None:
    findings = (Path(__file__).parents[1] / "exporter" / "findings" / "forecasts.py").read_text(encoding="utf-8")
    asked = set(re.findall(r'"(ebbtide_\w+)"', findings))
    assert asked
    assert asked <= {family.name for family in FAMILIES if family.kept}
