"""The table of efficiencies: what is unknown is empty, and numbers keep their decimals in every form."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest

from exporter.model import GIBIBYTE, Efficiency
from exporter.reports.efficiency import efficiency_table
from exporter.reports.text import json_rows, lines
from exporter.reports.write import WRITERS

SCORED = Efficiency(
    job_id="id-1", job="Servers", repository="Hardened", sessions=90, status="ok", score=84.575, grade="B",
    trend="stable", flags={"CRITICAL_ANOMALIES": True, "DEGRADING_TREND": False, "HIGH_VARIANCE": True},
    dedup_mean=1.25, compression_mean=2.0, potential_bytes_per_day=160.0 * GIBIBYTE, newest_at=1773576000.0,
)  # fmt: skip
NEW = Efficiency(job_id="", job="New", repository="", sessions=3, status="insufficient_sessions")


def test_potential_is_told_by_day_month_and_year_at_the_price() -> None:
    [row] = json_rows(efficiency_table([SCORED], 100.0))
    assert row == {
        "job": "Servers", "job_id": "id-1", "repository": "Hardened", "sessions": 90,
        "newest_session_at": "2026-03-15T12:00:00Z", "status": "ok", "score": 84.575, "grade": "B", "rating": "GOOD",
        "trend": "stable", "flags": "CRITICAL_ANOMALIES HIGH_VARIANCE", "dedup_ratio": 1.25, "compression_ratio": 2.0,
        "potential_bytes_per_day": 160.0 * GIBIBYTE, "potential_bytes_per_month": 4800.0 * GIBIBYTE,
        "saving_per_year": pytest.approx(5625.0),
    }  # fmt: skip
    [free] = json_rows(efficiency_table([SCORED], 0.0))
    assert free["saving_per_year"] == 0


def test_a_job_without_a_score_says_why_and_nothing_else() -> None:
    [row] = json_rows(efficiency_table([NEW], 100.0))
    assert (row["status"], row["grade"], row["sessions"]) == ("insufficient_sessions", "none", 3)
    unknown = {"score", "rating", "flags", "dedup_ratio", "potential_bytes_per_day", "saving_per_year"}
    assert {row[name] for name in unknown} == {None}


def test_ratios_and_scores_have_two_decimals_on_a_terminal() -> None:
    _, line = lines(efficiency_table([SCORED], 100.0))
    assert {"84.58", "1.25", "2.00", "5625.00"} <= {*line.split()}


def test_ratios_and_scores_are_not_rounded_in_files(tmp_path: Path) -> None:
    table = efficiency_table([SCORED], 100.0)
    for name in ("csv", "xlsx"):
        WRITERS[name](table, tmp_path / f"report.{name}")
    with (tmp_path / "report.csv").open(encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert (row["score"], row["dedup_ratio"]) == ("84.575", "1.25")
    head, cells = openpyxl.load_workbook(tmp_path / "report.xlsx")["Efficiency"].iter_rows()
    [score] = [cell for title, cell in zip(head, cells, strict=True) if title.value == "score"]
    assert (score.value, score.number_format) == (84.575, "0.00")
