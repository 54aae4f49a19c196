"""The table of thresholds is that of the rules that ship."""

from __future__ import annotations

import pytest
import yaml
from typer.testing import CliRunner

from exporter.cli import app
from exporter.docs_thresholds import threshold_tables
from tests.promql import ROOT

PAGE = ROOT / "docs" / "thresholds.md"
FILE = ROOT / "rules" / "thresholds.yaml"


def test_the_table_is_up_to_date() -> None:
    """Stale? `ebbtide docs --thresholds > docs/thresholds.md`."""
    run = CliRunner().invoke(app, ["docs", "--thresholds"])
    assert run.exit_code == 0
    assert PAGE.read_text(encoding="utf-8") == run.stdout == threshold_tables(FILE.read_text(encoding="utf-8"))


def test_every_number_has_a_row_with_its_meaning() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").partition("## Exc")[0].splitlines()]
    told = {
        (cells[0].strip("| `"), cells[1]): cells[3].removesuffix(" |") for cells in rows if cells[0].startswith("| `")
    }
    rules = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"][0]["rules"]
    assert told.keys() == {(r["record"], ", ".join(f"{k}={v}" for k, v in r["labels"].items())) for r in rules}
    assert all(meaning.endswith((".", ", ...")) for meaning in told.values())


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        (
            '"alert:ebbtide_pool_time_to_full_low_seconds:threshold", labels: {alert: A}, expr: vector(1209600)',
            "1209600 (14 d)",
        ),
        ('"severity:ebbtide_pool_time_to_full_seconds:threshold", labels: {severity: warning}, expr: vector(90)', "90"),
        ('"severity:ebbtide_pool_free_ratio:threshold", labels: {severity: warning}, expr: vector(0.2)', "0.2 (20%)"),
        ('"alert:ebbtide_sources:threshold", labels: {alert: A}, expr: vector(10)', "10"),
    ],
)
def test_a_number_is_shown_as_a_person_says_it(entry: str, shown: str) -> None:
    page = threshold_tables(f"    rules:\n      # What it is.\n      - {{record: {entry}}}\n")
    assert f"| {shown} | What it is. |" in page


def test_an_example_is_an_exception_and_a_heading_above_the_rules_no_meaning() -> None:
    page = threshold_tables(
        "# Not this.\nrules:\n"
        "  # This.\n  # And this.\n"
        '  - {record: "alert:ebbtide_x:threshold", labels: {alert: A}, expr: vector(1)}\n'
        '  # - {record: "severity_source_pool:ebbtide_x:threshold", labels: {severity: warning}, expr: vector(2)}\n'
    )
    assert "| `alert:ebbtide_x:threshold` | alert=A | 1 | This. And this. |" in page
    assert page.endswith("| `severity_source_pool:ebbtide_x:threshold` | severity=warning | 2 |\n")
    assert "Not this" not in page
