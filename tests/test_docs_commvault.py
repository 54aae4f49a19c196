"""The page about Commvault lists the collectors as they are, and its numbers add up."""

from __future__ import annotations

import ast
import math
import re

import promql_parser as promql
import pytest

from exporter.model import DAY, HOUR, MINUTE
from exporter.sources.commvault import COLLECTORS as USUAL
from exporter.sources.commvault import DATABASE, LOGS, RETAINED
from exporter.sources.commvault.config import CommvaultSettings
from tests.promql import ROOT, known, labels_of

TEXT = (ROOT / "docs" / "commvault.md").read_text(encoding="utf-8")
COLLECTORS = (*USUAL, RETAINED, DATABASE, LOGS)
UNITS = {"min": MINUTE, "h": HOUR, "d": DAY}
SCALE = {"plans": 200, "copies": 500, "pools": 75, "ddbs": 100, "agents": 243, "libraries": 100, "job_pages": 34}
ROUNDS_OF_A_REFETCHING_CLIENT = 6


def table(mark: str) -> dict[str, list[str]]:
    """The rows below `<!-- mark -->` by their first cell, without their head."""
    [block] = re.findall(rf"<!-- {mark} -->\n((?:\|.*\n)+)", TEXT)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0].strip("`"): row[1:] for row in rows}


LISTED = table("collectors")
LOAD = table("load")


def seconds(words: str) -> float:
    count, unit = words.split()
    return float(count) * UNITS[unit]


def requests(formula: str) -> float:
    """The value of a sum of counts and quotients at the scale of the page."""

    def value(node: ast.expr) -> float:
        match node:
            case ast.BinOp(left, ast.Add(), right):
                return value(left) + value(right)
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
def test_a_collector_has_the_interval_and_the_permission_of_the_page(collector) -> None:
    every, permission, *_ = LISTED[collector.name]
    assert (seconds(every), permission) == (collector.interval, collector.permission)


@pytest.mark.parametrize("row", LISTED.values(), ids=LISTED)
def test_a_row_is_whole(row: list[str]) -> None:
    assert len(row) == 6
    assert all(row)


@pytest.mark.parametrize("name", [name for name in LOAD if name != "all"])
def test_the_load_is_computed_from_the_intervals(name: str) -> None:
    formula, an_hour, to_refetch, refetched_an_hour = LOAD[name]
    every, _, _, said, *_ = LISTED[name]
    assert math.ceil(requests(formula)) == int(said)
    assert an_hour == f"{requests(formula) * HOUR / seconds(every):.1f}"
    assert refetched_an_hour == f"{requests(to_refetch) * ROUNDS_OF_A_REFETCHING_CLIENT:.0f}"


def test_the_load_adds_up_and_counts_all_that_is_on_by_default() -> None:
    rows = [row for name, row in LOAD.items() if name != "all"]
    _, an_hour, _, refetched = LOAD["all"]
    every = [(requests(LOAD[name][0]) * HOUR / seconds(LISTED[name][0])) for name in LOAD if name != "all"]
    assert an_hour == f"{sum(every):.1f}"
    assert int(refetched) == sum(int(row[3]) for row in rows)
    on_request = {name for name, row in LISTED.items() if "off unless" in row[5]}
    assert set(LISTED) - set(LOAD) == on_request == {"retained_jobs", "commserve_database", "media_agent_logs"}


def test_the_scale_is_the_one_that_the_page_names() -> None:
    said = " ".join(TEXT.split())
    assert "200 plans with 500 copies, 75 pools, 100 deduplication databases" in said
    assert "243 MediaAgents and 100 libraries" in said
    assert "(34 pages, if a million jobs are a month)" in said
    assert math.ceil(1_000_000 / 30 / 1000) == SCALE["job_pages"]


@pytest.mark.parametrize(
    "key", ["lookback", "job_retention", "copy_details", "retained_jobs", "cycle_semantics", "token_file"]
)
def test_the_settings_that_the_page_names_exist(key: str) -> None:
    assert f"`{key}" in TEXT
    assert key in CommvaultSettings.model_fields


def test_the_queries_of_the_page_can_be_copied() -> None:
    names = known()
    for block in re.findall(r"```promql\n(.+?)```", TEXT, re.S):
        labels_of(promql.parse(block.strip()), names)


def test_the_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert {"commserve-database.md", "mediaagent-logs.md", "retention.md"} <= {*links}
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
