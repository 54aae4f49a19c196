"""Files for spreadsheets, read back."""

from __future__ import annotations

import csv
import math
import stat
import sys
from dataclasses import replace
from datetime import UTC, datetime

import openpyxl
import pytest

from exporter.model import Job, Pool
from exporter.reports.tables import jobs_table, pools_table
from exporter.reports.write import ReportError, write_csv, write_xlsx

JOB = Job(
    id=7, operation="restore", result="success", started_at=1773576000.0, ended_at=1773576090.5, client="Büro, \"1\"",
    subclient="default", policy_id="3", application_bytes=1e12, aged=False, retained_until=1773576000.0,
)  # fmt: skip
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1")


def formulas():
    return jobs_table(replace(JOB, id=n, client=text) for n, text in enumerate(FORMULAS))


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_csv_has_utc_times_whole_bytes_and_quotes(tmp_path):
    path = tmp_path / "reports" / "jobs.csv"
    write_csv(jobs_table([JOB]), path)
    assert path.read_bytes().count(b"\r\n") == 2
    [row] = read_csv(path)
    assert row["client"] == 'Büro, "1"'
    assert (row["started_at"], row["duration_seconds"]) == ("2026-03-15T12:00:00Z", "90")
    assert (row["application_bytes"], row["media_bytes"], row["aged"]) == ("1000000000000", "", "false")
    assert row["retained_until"] == "2026-03-15T12:00:00Z"


def test_no_text_of_a_csv_is_a_formula(tmp_path):
    write_csv(formulas(), tmp_path / "jobs.csv")
    assert [row["client"] for row in read_csv(tmp_path / "jobs.csv")] == [f"'{text}" for text in FORMULAS]


def test_a_workbook_has_a_head_dates_and_numbers(tmp_path):
    write_xlsx(jobs_table([JOB, replace(JOB, id=8, retained_until=math.inf)]), tmp_path / "jobs.xlsx")
    book = openpyxl.load_workbook(tmp_path / "jobs.xlsx")
    [sheet] = book.worksheets
    assert (sheet.title, sheet.freeze_panes, sheet.auto_filter.ref) == ("Jobs", "A2", "A1:N3")
    head = {cell.value: column for column, cell in enumerate(sheet[1], 1)}
    assert all(cell.font.bold for cell in sheet[1])
    row = {name: sheet.cell(2, column) for name, column in head.items()}
    assert row["started_at"].value.replace(tzinfo=UTC) == datetime(2026, 3, 15, 12, tzinfo=UTC)
    assert row["started_at"].is_date
    assert (row["job_id"].value, row["application_bytes"].value, row["media_bytes"].value) == (7, 1e12, None)
    assert row["application_bytes"].number_format == "#,##0"
    assert (row["client"].value, row["aged"].value) == ('Büro, "1"', False)
    assert sheet.cell(3, head["retained_until"]).value == "never"


def test_no_text_of_a_workbook_is_a_formula(tmp_path):
    write_xlsx(formulas(), tmp_path / "jobs.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "jobs.xlsx").active
    cells = [sheet.cell(row, 2) for row in range(2, 2 + len(FORMULAS))]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix for cell in cells)
    assert cells[0].value == "=1+1"


def test_a_character_that_no_workbook_may_hold_is_replaced(tmp_path):
    write_xlsx(pools_table([Pool(kind="commvault", name="a\x0bb")]), tmp_path / "pools.xlsx")
    assert openpyxl.load_workbook(tmp_path / "pools.xlsx").active["B2"].value == "a\ufffdb"


def test_a_report_without_rows_is_a_head(tmp_path):
    write_csv(jobs_table([]), tmp_path / "jobs.csv")
    write_xlsx(jobs_table([]), tmp_path / "jobs.xlsx")
    assert len((tmp_path / "jobs.csv").read_text().splitlines()) == 1
    assert openpyxl.load_workbook(tmp_path / "jobs.xlsx").active.max_row == 1


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_a_report_that_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path, write):
    def broken():
        yield JOB
        raise ConnectionError("the ledger is gone")

    path = tmp_path / "jobs.out"
    path.write_text("old")
    with pytest.raises(ReportError, match="the ledger is gone"):
        write(jobs_table(broken()), path)
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.out"]
    assert path.read_text() == "old"


def test_a_report_can_be_read_by_whom_the_umask_says(tmp_path):
    write_csv(jobs_table([JOB]), tmp_path / "jobs.csv")
    (tmp_path / "usual").touch()
    assert stat.S_IMODE((tmp_path / "jobs.csv").stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, write):
    (tmp_path / "file").touch()
    with pytest.raises(ReportError, match="file"):
        write(jobs_table([JOB]), tmp_path / "file" / "jobs.out")


def test_more_rows_than_a_worksheet_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("exporter.reports.write._MOST_ROWS", 2)
    write_xlsx(jobs_table([JOB] * 2), tmp_path / "two.xlsx")
    with pytest.raises(ReportError, match="a worksheet holds 2 rows; ask for fewer, or for CSV"):
        write_xlsx(jobs_table([JOB] * 3), tmp_path / "three.xlsx")
    assert [file.name for file in tmp_path.iterdir()] == ["two.xlsx"]


def test_without_openpyxl_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ReportError, match=r"needs openpyxl: pip install 'ebbtide\[reports\]'"):
        write_xlsx(jobs_table([JOB]), tmp_path / "jobs.xlsx")
