"""The page about Veeam says what the code does: collectors, routes, roles, versions, and the points of the score."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import promql_parser as promql
import pytest
import yaml

from exporter.analysis import efficiency
from exporter.errors import NotOffered
from exporter.history.ledger import Ledger
from exporter.model import DAY, GIBIBYTE, HOUR, MINUTE, Collector, EfficiencyTerms, Poll
from exporter.simulator.clock import Clock
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Server
from exporter.sources.veeam import COLLECTORS as USUAL
from exporter.sources.veeam import DROP_FILE, ENTERPRISE_MANAGER, FOR_ADMINISTRATORS, MALWARE_EVENTS, Veeam
from exporter.sources.veeam.config import VeeamSettings
from exporter.sources.veeam.reduction import as_ratio
from exporter.sources.veeam.revision import REVISIONS
from exporter.telemetry import Telemetry
from tests.promql import ROOT, known, labels_of

TEXT = (ROOT / "docs" / "veeam.md").read_text(encoding="utf-8")
WORDS = " ".join(TEXT.split())
FEEDS = (DROP_FILE, ENTERPRISE_MANAGER)
COLLECTORS = (*USUAL, MALWARE_EVENTS, *FOR_ADMINISTRATORS, *FEEDS)
ASKING = tuple(collector for collector in COLLECTORS if collector not in FEEDS)
UNITS = {"min": MINUTE, "h": HOUR, "d": DAY}
SCALE = {"jobs": 300, "backups": 300, "repositories": 40, "machines": 5000}
TERMS = EfficiencyTerms()
PASSWORD = "not-a-real-secret"
BASE = {
    "name": "vbr01", "kind": "veeam", "url": "https://vbr01.example.com:9419", "username": "svc-ebbtide",
    "password": {"env": "VBR_PASSWORD"}, "role": "backup_administrator",
}  # fmt: skip
# Asked for revision, zone and names of jobs by whoever needs them first.
SHARED = {"/serverInfo", "/serverTime", "/jobs/states"}


def table(mark: str) -> dict[str, list[str]]:
    """The rows below `<!-- mark -->` by their first cell, without their head."""
    return {row[0].strip("`"): row[1:] for row in rows(mark)}


def rows(mark: str) -> list[list[str]]:
    [block] = re.findall(rf"<!-- {mark} -->\n((?:\|.*\n)+)", TEXT)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]


LISTED = table("collectors")
LOAD = table("load")


def seconds(words: str) -> float:
    count, unit = words.split()
    return float(count) * UNITS[unit]


def requests(formula: str) -> float:
    """The value of a formula at the scale of the page."""

    def value(node: ast.expr) -> float:
        match node:
            case ast.BinOp(left, ast.Add(), right):
                return value(left) + value(right)
            case ast.BinOp(left, ast.Mult(), right):
                return value(left) * value(right)
            case ast.BinOp(left, ast.Div(), right):
                return value(left) / value(right)
            case ast.Name(name):
                return SCALE[name]
            case ast.Constant(int(number)):
                return number
        raise AssertionError(formula)

    return value(ast.parse(formula, mode="eval").body)


def test_every_collector_is_listed_and_no_other() -> None:
    assert set(LISTED) == {collector.name for collector in COLLECTORS}


@pytest.mark.parametrize("collector", COLLECTORS, ids=lambda c: c.name)
def test_a_collector_has_the_interval_and_the_role_of_the_page(collector) -> None:
    every, role, *_ = LISTED[collector.name]
    assert (seconds(every), role) == (collector.interval, collector.permission)


@pytest.mark.parametrize("row", LISTED.values(), ids=LISTED)
def test_a_row_is_whole(row: list[str]) -> None:
    assert len(row) == 6
    assert all(row)


@pytest.mark.parametrize("name", [name for name in LOAD if name != "all"])
def test_the_load_is_computed_from_the_intervals(name: str) -> None:
    formula, an_hour = LOAD[name]
    every, _, _, said, *_ = LISTED[name]
    assert math.ceil(requests(formula)) == int(said)
    assert an_hour == f"{requests(formula) * HOUR / seconds(every):.1f}"


def test_the_load_adds_up_and_counts_all_that_asks_the_server() -> None:
    every = [requests(LOAD[name][0]) * HOUR / seconds(LISTED[name][0]) for name in LOAD if name != "all"]
    assert LOAD["all"][1] == f"{sum(every):.1f}"
    assert set(LOAD) == {"all", *(collector.name for collector in ASKING)}


def test_the_scale_is_the_one_that_the_page_names() -> None:
    assert "300 jobs with 300 backups, 40 repositories and 5,000 machines" in WORDS
    assert f"300 backups are {2 * SCALE['backups']} requests" in WORDS


# What is asked


@dataclass(frozen=True)
class Polled:
    """The routes of two polls of a collector as an administrator, and how many requests the second took."""

    revision: str
    collector: str
    routes: set[str]
    requests: int


@pytest.fixture(scope="module")
def polled() -> list[Polled]:
    return [one for revision in ("1.1-rev0", "1.2-rev1", "1.3-rev2") for one in _polls(revision)]


def _polls(revision: str) -> Iterator[Polled]:
    clock = Clock(1_790_000_000.0, rate=0)
    vbr = Vbr(VbrEstate("small", clock, days=5), clock, newest_revision=revision, role="administrator")
    with pytest.MonkeyPatch.context() as patch, Server(vbr) as server:
        patch.setenv("VBR_PASSWORD", PASSWORD)
        source = Veeam(VeeamSettings.model_validate({**BASE, "url": server.url}), Telemetry())
        ledger = Ledger("sqlite://")
        source.client.zone(), source.client.repository_names(), source.client.job_names()
        for collector in source.collectors:
            poll = Poll(clock.now(), clock.now() - MINUTE, ledger.state("vbr01"))
            begin = len(server.requests)
            with suppress(NotOffered):
                collector.fetch(source.client, poll)
                first = len(server.requests)
                collector.fetch(source.client, poll)
                paths = [path for _, path in server.requests]
                yield Polled(revision, collector.name, {*map(_route, paths[begin:])}, len(paths) - first)
        source.close()
        ledger.close()


def _route(path: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "{id}", path.partition("?")[0]).removeprefix("/api/v1")


@pytest.mark.parametrize("collector", ASKING, ids=lambda c: c.name)
def test_a_collector_asks_what_the_page_says(polled: list[Polled], collector: Collector) -> None:
    said = set(re.findall(r"GET (/[\w/{}]+)", LISTED[collector.name][2]))
    routes = set().union(*(one.routes for one in polled if one.collector == collector.name))
    assert routes
    assert routes - SHARED == said - SHARED


@pytest.mark.parametrize("collector", ASKING, ids=lambda c: c.name)
def test_a_poll_takes_no_more_requests_than_the_page_says(polled: list[Polled], collector: Collector) -> None:
    [latest] = [one for one in polled if (one.revision, one.collector) == ("1.3-rev2", collector.name)]
    assert 0 < latest.requests <= int(LISTED[collector.name][3])


def test_what_the_role_leaves_out_is_what_the_page_says() -> None:
    assert "enough for all but three collectors" in WORDS
    assert len(FOR_ADMINISTRATORS) == 3
    assert VeeamSettings.model_fields["role"].default == "backup_viewer"


def test_every_revision_has_its_row_and_its_build() -> None:
    said = {revision: build for revision, (build, _) in table("versions").items()}
    assert said == {revision: ".".join(map(str, build)) for revision, build in REVISIONS}


# What the numbers mean


@pytest.mark.parametrize("row", rows("percent"), ids=lambda row: row[0])
def test_percent_left_becomes_a_ratio(row: list[str]) -> None:
    assert row[1] == f"{as_ratio(float(row[0]), 'percent'):.2f}"


@pytest.mark.parametrize("component", ["dedup", "compression"])
def test_the_points_of_a_ratio_are_those_of_the_code(component: str) -> None:
    for ratio, points in rows(component):
        score = efficiency.benchmark_score(float(ratio.strip("x")), getattr(TERMS, component))
        assert float(points) == pytest.approx(score, abs=0.005)


def test_the_points_of_a_trend_are_those_of_the_code() -> None:
    for direction, change, points in rows("trend"):
        found = efficiency.Trend(direction, float(change.strip(" %")) / 100, 0.01)
        assert float(points) == pytest.approx(efficiency.trend_score(found))


def test_the_points_of_anomalies_are_those_of_the_code() -> None:
    for count, points in rows("anomaly"):
        assert float(points) == pytest.approx(efficiency.anomaly_score(int(count) / 40))


def test_the_weights_and_the_grades_are_those_of_the_code() -> None:
    weights = {name: float(weight.strip(" %")) / 100 for name, (weight, _) in table("weights").items()}
    assert weights == pytest.approx(dict(TERMS.weights))
    for letter, (points, word) in table("grades").items():
        assert efficiency.grade(float(points)) == letter
        assert efficiency.rating(letter) == word
        assert letter == "F" or efficiency.grade(float(points) - 0.001) != letter


def test_the_example_comes_to_what_the_page_says() -> None:
    components = {
        "dedup": efficiency.benchmark_score(3.0, TERMS.dedup),
        "compression": efficiency.benchmark_score(1.9, TERMS.compression),
        "trend": efficiency.trend_score(efficiency.Trend("stable", -0.02, 1.0)),
        "consistency": efficiency.consistency_score(0.08),
        "anomaly": efficiency.anomaly_score(0.0),
    }
    score = efficiency.overall_score(components, TERMS.weights)
    assert f"= {score:.3f}, which is {efficiency.grade(score)}" in WORDS


def test_the_expectations_are_computed() -> None:
    dedup = efficiency.benchmark_score(1.04, TERMS.dedup)
    compression = efficiency.benchmark_score(2.5, TERMS.compression)
    rest = {"trend": 85.0, "consistency": 100.0, "anomaly": 100.0}
    score = efficiency.overall_score({"dedup": dedup, "compression": compression, **rest}, TERMS.weights)
    assert f"otherwise perfect has {score:.1f} points, a {efficiency.grade(score)}" in WORDS
    good = efficiency.benchmark_score(2.15, TERMS.dedup)
    score = efficiency.overall_score({"dedup": good, "compression": compression, **rest}, TERMS.weights)
    assert score == pytest.approx(85, abs=0.01)
    assert "160 GB a day" in WORDS
    saved = efficiency.optimization_potential(900, 1.25 * 2.0, TERMS.target_ratio)
    assert saved == pytest.approx(160)
    assert f"{efficiency.per_month(saved):,.0f} GB a month" in WORDS
    assert f"at 100 per TB {efficiency.saving_per_year(saved * GIBIBYTE, 100.0):,.0f} a year" in WORDS


# What can be copied


@pytest.mark.parametrize("key", ["api_revision", "backup_files_every", "role", "intervals", "efficiency", "verify"])
def test_the_settings_that_the_page_names_exist(key: str) -> None:
    assert f"`{key}" in TEXT
    assert key in VeeamSettings.model_fields


def test_the_settings_of_the_page_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VBR_PASSWORD", PASSWORD)
    blocks = re.findall(r"```yaml\n(.+?)```", TEXT, re.S)
    inline = re.findall(r"`(efficiency: \{.+?\})`", WORDS)
    assert len(blocks) == 2
    assert len(inline) == 2
    for block in (*blocks, *inline):
        VeeamSettings.model_validate(BASE | yaml.safe_load(block))


def test_the_queries_of_the_page_can_be_copied() -> None:
    names = known()
    blocks = re.findall(r"```promql\n(.+?)```", TEXT, re.S)
    assert len(blocks) >= 6
    for block in blocks:
        labels_of(promql.parse(block.strip()), names)


def test_the_metrics_and_files_of_the_page_exist() -> None:
    names = known()
    assert set(re.findall(r"`(ebbtide_[a-z0-9_]+)[{`]", TEXT)) <= set(names)
    for path in re.findall(r"`(veeam/[\w.-]+)`", TEXT):
        assert (ROOT / path).exists()
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
