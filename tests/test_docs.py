"""What the documentation says of the code is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from exporter.board import Board
from exporter.docs import metric_tables
from exporter.metrics import FAMILIES
from exporter.telemetry import Telemetry
from exporter.web.metrics import own_series
from tests.inventories import AT, publish_everything

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"


def rows() -> list[list[str]]:
    lines = [line for line in metric_tables().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_metrics_is_up_to_date() -> None:
    """Stale? `ebbtide docs --metrics > docs/metrics.md`."""
    assert PAGE.read_text(encoding="utf-8") == metric_tables()


def test_every_family_is_in_the_table_once_with_its_labels() -> None:
    listed = {cells[0].strip("`"): cells for cells in rows()}
    assert len(listed) == len(rows())
    for family in FAMILIES:
        assert listed[family.name] == [f"`{family.name}`", family.type, ", ".join(family.labels), family.help]


def test_every_row_is_a_whole_row() -> None:
    """A | in a help text would make one cell two."""
    assert {len(cells) for cells in rows()} == {4}
    assert all(cells[3].endswith(".") for cells in rows())


def test_what_is_scraped_is_what_is_documented(telemetry: Telemetry) -> None:
    """The page with every family, and every counter counted once."""
    board = Board()
    publish_everything(board, "cs01", name="x")
    page = board.page(AT).text.decode() + own_series(telemetry, openmetrics=False).decode()
    heads = set(re.findall(r"^# TYPE (ebbtide_\S+)", page, re.MULTILINE))
    created = {name for name in heads if name.endswith("_created")}
    assert heads - created == {cells[0].strip("`") for cells in rows()}


def test_each_heading_is_there_once() -> None:
    headings = re.findall(r"^## (.+)$", metric_tables(), re.MULTILINE)
    assert headings[0] == "Sources and collectors"
    assert headings[-1] == "The exporter itself"
    assert len(set(headings)) == len(headings)
