"""`ebbtide veeam efficiency`: what a user sees, from a ledger that a server's sessions have filled."""

from __future__ import annotations

import csv
import json
import time

import openpyxl
import pytest
import yaml
from typer.testing import CliRunner

from exporter.cli import app
from exporter.findings.veeam_efficiency import remember_jobs
from exporter.history.ledger import Ledger
from exporter.model import DAY, GIBIBYTE, BackupJob, SessionReduction


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("VBR_PASSWORD", "example-password")
    monkeypatch.chdir(tmp_path)
    vbr = {"kind": "veeam", "url": "https://vbr01.example.com:9419", "username": "reader",
           "password": {"env": "VBR_PASSWORD"}}  # fmt: skip
    small = {"classes": [{"jobs": ["Few*"], "minimum_sessions": 10}]}
    content = {
        "history": {"url": f"sqlite:///{tmp_path}/history.db"},
        "sources": [{"name": "vbr01", **vbr, "efficiency": small}, {"name": "vbr02", **vbr}],
    }
    path = tmp_path / "ebbtide.yml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def ebbtide(config):
    def run(*arguments):
        given = ["veeam", "efficiency", "--source", "vbr01", *map(str, arguments), "--config", str(config)]
        return CliRunner().invoke(app, given)

    return run


def sessions(job, repository, count, dedup):
    now = time.time()
    return [
        SessionReduction(
            session_id=f"{job}-{n}", job_id=f"id-{job}", job=job, repository=repository, at=now - 2.5 * 3600 - n * DAY,
            data_bytes=900.0 * GIBIBYTE, stored_bytes=900.0 * GIBIBYTE / (dedup * 2.0), dedup_ratio=dedup,
            compression_ratio=2.0,
        )
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def filled(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    state = ledger.state("vbr01")
    state.add_reductions([
        *sessions("Daily", "Repo A", 90, 1.25),
        *sessions("New", "Repo B", 12, 3.0),
        *sessions("Few", "Repo B", 12, 3.0),
    ])  # fmt: skip
    ledger.close()


def test_sessions_of_a_drop_file_lie_where_the_server_said_that_their_jobs_do(ebbtide, tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.state("vbr01").add_reductions(sessions("Old name", "", 40, 3.0))
    remember_jobs([BackupJob(id="id-Old name", name="New name", repository="Hardened")], ledger.state("vbr01"))
    ledger.close()
    [job] = json.loads(ebbtide("--json").stdout)["jobs"]
    assert (job["job"], job["repository"], job["sessions"]) == ("New name", "Hardened", 40)
    [repository] = json.loads(ebbtide("--json", "--repositories").stdout)["repositories"]
    assert (repository["repository"], repository["sessions"]) == ("Hardened", 40)


@pytest.mark.usefixtures("filled")
def test_a_table_of_jobs_says_what_a_better_ratio_would_save(ebbtide):
    run = ebbtide()
    assert run.exit_code == 0
    head, daily, few, new = run.stdout.splitlines()
    assert head.split()[:4] == ["JOB", "REPOSITORY", "SESSIONS", "NEWEST"]
    # 41.67, 90, stable 85, 100 and 100 points by their weights.
    zone = daily.split()[6]
    assert daily.split()[6:] == [
        zone, "ok", "77.00", "B", "GOOD", "stable", "-", "1.25", "2.00", "160.0", "GiB", "4.7", "TiB", "5625.00",
    ]  # fmt: skip
    assert few.split()[7:11] == ["ok", "89.25", "A", "EXCELLENT"]
    assert new.split()[7:] == ["insufficient_sessions", "-", "none", "-", "none", "-", "-", "-", "-", "-", "-"]


@pytest.mark.usefixtures("filled")
def test_it_says_how_old_the_sessions_are_and_why_a_job_has_no_score(ebbtide):
    run = ebbtide()
    assert "the newest session is 2 h old" in run.stderr
    assert "1 of 3 have no score for want of sessions: needed are 30 in 90 days" in run.stderr
    assert "no score" not in ebbtide("--job", "Daily").stderr


@pytest.mark.usefixtures("filled")
def test_json_holds_numbers_at_the_price_that_was_given(ebbtide):
    run = ebbtide("--json", "--job", "D*", "--price-per-tb", 50)
    found = json.loads(run.stdout)
    [job] = found["jobs"]
    assert (found["price_per_tb"], found["export_paths"]) == (50, {})
    assert (job["job"], job["job_id"], job["repository"]) == ("Daily", "id-Daily", "Repo A")
    assert job["potential_bytes_per_day"] == pytest.approx(160 * GIBIBYTE)
    assert job["potential_bytes_per_month"] == pytest.approx(4800 * GIBIBYTE)
    assert job["saving_per_year"] == pytest.approx(2812.5)
    assert (job["dedup_ratio"], job["compression_ratio"]) == pytest.approx((1.25, 2.0))
    assert found["newest_session_at"].endswith("Z")


@pytest.mark.usefixtures("filled")
def test_files_hold_the_table_and_only_their_paths_are_printed(ebbtide, tmp_path):
    run = ebbtide("--csv", "--xlsx", "--out", "savings")
    assert run.stdout.split() == ["reports/savings.csv", "reports/savings.xlsx"]
    with (tmp_path / "reports/savings.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["job"], row["grade"], row["rating"]) for row in rows] == [
        ("Daily", "B", "GOOD"), ("Few", "A", "EXCELLENT"), ("New", "none", ""),
    ]  # fmt: skip
    assert float(rows[0]["score"]) == pytest.approx(77.0)
    sheet = openpyxl.load_workbook(tmp_path / "reports/savings.xlsx").active
    assert [cell.value for cell in sheet[2]][:2] == ["Daily", "id-Daily"]


@pytest.mark.usefixtures("filled")
def test_repositories_are_graded_by_all_sessions_of_their_jobs(ebbtide):
    found = json.loads(ebbtide("--repositories", "--json").stdout)["repositories"]
    assert [(r["repository"], r["sessions"], r["grade"]) for r in found] == [
        ("Repo A", 90, "B"),
        ("Repo B", 24, "none"),
    ]


def test_an_empty_ledger_says_how_it_is_filled(ebbtide):
    run = ebbtide()
    assert run.exit_code == 0
    assert "run `ebbtide serve`" in run.stderr


def test_several_servers_have_to_be_told_apart(config):
    run = CliRunner().invoke(app, ["veeam", "efficiency", "--config", str(config)])
    assert run.exit_code == 2
    assert "say which: vbr01, vbr02" in run.stderr
