"""The page about retention says what the code computes, and its queries can be copied."""

from __future__ import annotations

import re
import runpy
from typing import Any

import promql_parser as promql
import pytest

from exporter.analysis.retention import INCLUSIVE, STRICT, VENDOR, effective_retention
from tests.promql import ROOT, known, labels_of, rules

TEXT = (ROOT / "docs" / "retention.md").read_text(encoding="utf-8")
DAY = 86400.0


def table(mark: str) -> list[list[str]]:
    """The rows below `<!-- mark -->`, without their head."""
    [block] = re.findall(rf"<!-- {mark} -->\n((?:\|.*\n)+)", TEXT)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]


def number(words: str) -> float:
    return float(words.split()[0])


def ages(days: float, cycles: float, interval: float, semantics: str = VENDOR) -> tuple[float, float]:
    """(last job, full) in days; an incremental every day."""
    bounds = effective_retention(
        retention_seconds=days * DAY, cycles=cycles, aging_enabled=True, full_interval_seconds=interval * DAY,
        last_incremental_gap_seconds=DAY, semantics=semantics,
    )  # fmt: skip
    assert bounds
    return bounds[0] / DAY, bounds[1] / DAY


@pytest.mark.parametrize("row", table("ages"), ids=lambda row: " / ".join(row[:2]))
def test_the_ages_on_the_page_are_computed(row: list[str]) -> None:
    rule, interval, *said = row
    days, cycles = (number(words) for words in rule.split(","))
    last, full = ages(days, cycles, number(interval))
    inclusive, strict = (ages(days, cycles, number(interval), s)[1] for s in (INCLUSIVE, STRICT))
    assert [float(cell) for cell in said] == [full, last, inclusive, strict]


@pytest.mark.parametrize("row", table("gains"), ids=lambda row: " / ".join(row[:2]))
def test_what_one_cycle_gains_is_computed(row: list[str]) -> None:
    days, interval, *said = row
    two, one = (ages(number(days), cycles, number(interval))[1] for cycles in (2.0, 1.0))
    assert [float(cell) for cell in said] == [two, one, two - one]


def test_the_page_has_the_cases_people_ask_for() -> None:
    cases = {(row[0], row[1]) for row in table("ages")}
    assert cases >= {
        ("14 days, 2 cycles", "7 days"),
        ("15 days, 2 cycles", "7 days"),
        ("30 days, 2 cycles", "30 days"),
        ("14 days, 2 cycles", "30 days"),
    }
    assert ["14 days", "7 days", "20", "20", "0"] in table("gains")


def test_the_queries_of_the_page_can_be_copied() -> None:
    names = known()
    blocks = re.findall(r"```promql\n(.+?)```", TEXT, re.S)
    assert len(blocks) >= 6
    for query in (line for block in blocks for line in block.strip().splitlines()):
        labels_of(promql.parse(query), names)


def test_the_series_the_page_names_exist() -> None:
    names = known()
    named = {n for code in re.findall(r"`([^`]+)`", TEXT) for n in re.findall(r"[a-z_]*:?ebbtide_[a-z0-9_:]+", code)}
    assert len(named) >= 10
    assert {n for n in named if n not in names} == set()


def test_the_bands_of_the_page_are_those_of_the_thresholds() -> None:
    bands = {
        (rule["labels"]["issue"], rule["record"].split("_")[-1]): rule["expr"]
        for rule in rules([ROOT / "rules" / "thresholds.yaml"])
        if "issue" in rule["labels"]
    }
    assert bands == {
        ("inefficient_short_term", "seconds:threshold"): "vector(2592000)",
        ("inefficient_short_term", "cycles:threshold"): "vector(2)",
        ("high_cycles", "cycles:threshold"): "vector(3)",
        ("cycle_extended", "seconds:threshold"): "vector(1.3)",
    }
    said = {"at most 30 days and two or more cycles", "three or more cycles", "more than 1.3 times configured"}
    assert [words for words in said if words not in TEXT] == []


def test_the_picture_is_the_one_the_script_draws() -> None:
    """Stale? `python docs/retention_picture.py`."""
    script: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "retention_picture.py"))
    assert script["FILE"].read_text(encoding="utf-8") == script["draw"]()
    assert f"images/{script['FILE'].name}" in TEXT
