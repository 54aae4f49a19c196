"""`ebbtide commvault`: what a user sees, against a simulated CommServe, with a ledger that a refresh has filled."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
import yaml
from typer.testing import CliRunner

from exporter.cli import app
from exporter.config import load
from exporter.fill import Fill, save
from exporter.history.ledger import Ledger
from exporter.model import Job
from exporter.service import Service
from exporter.simulator import Clock, CommServe, Estate, Server

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def commserve():
    clock = Clock()
    with Server(CommServe(Estate("small", clock), clock, access_token="example-access-token")) as server:
        yield server


@pytest.fixture
def config(tmp_path, commserve, monkeypatch):
    """A file with two sources, one of them a CommServe; the working folder is the test's."""
    monkeypatch.setenv("CV_TOKEN", "example-access-token")
    monkeypatch.chdir(tmp_path)
    commserve.requests.clear()
    commserve.faults.clear()
    content = {
        "history": {"url": f"sqlite:///{tmp_path}/history.db"},
        "sources": [
            {"name": "here", "kind": "filesystem"},
            {"name": "cs01", "kind": "commvault", "url": f"{commserve.url}/commandcenter/api", "lookback": "2d",
             "token": {"env": "CV_TOKEN"}},
        ],
    }  # fmt: skip
    path = tmp_path / "ebbtide.yml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def ebbtide(config):
    def run(*arguments):
        return CliRunner().invoke(app, ["commvault", *map(str, arguments), "--config", str(config)])

    return run


@pytest.fixture
def state(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    yield ledger.state("cs01")
    ledger.close()


@pytest.fixture
def filled(state):
    """Ten jobs, one an hour, of two clients; the last poll was four minutes ago."""
    now = time.time()
    job = Job(id=0, operation="restore", result="success", started_at=0.0, ended_at=0.0, media_bytes=2.0**30)
    clients = (("Core-Prod3", "17"), ("web01", "18"))
    state.add_jobs(
        replace(job, id=n, started_at=now - 3600 * n - 1800, ended_at=now - 3600 * n - 60,
                client=clients[n % 2][0], client_id=clients[n % 2][1])
        for n in range(10)
    )  # fmt: skip
    state.add_jobs([replace(job, id=99, started_at=now - 9e6, ended_at=now - 9e6, client="old")])
    state.put("jobs.until", repr(now - 250))
    return state


def ids(result):
    return [job["job_id"] for job in json.loads(result.stdout)["jobs"]]


def test_jobs_come_from_the_ledger_which_says_how_old_it_is(ebbtide, filled, commserve):
    result = ebbtide("jobs")
    assert result.exit_code == 0
    assert result.stderr == "from the ledger, last poll 4 min ago\n"
    head, *rows = result.stdout.splitlines()
    assert head.split()[:3] == ["JOB", "CLIENT", "SUBCLIENT"]
    assert [row.split()[0] for row in rows] == [str(n) for n in range(10)]
    assert "1.0 GiB" in rows[0]
    assert not commserve.requests


def test_a_client_is_found_by_name_in_any_case_and_by_id(ebbtide, filled):
    assert ids(ebbtide("jobs", "--json", "--client", "core-prod3")) == [0, 2, 4, 6, 8]
    assert ids(ebbtide("jobs", "--json", "--client", "18")) == [1, 3, 5, 7, 9]
    assert ids(ebbtide("jobs", "--json", "--client", "nobody")) == []


@pytest.mark.parametrize(("since", "count"), [("2h", 2), ("7d", 10), ("0h", 11), ("2001-01-01", 11)])
def test_since_is_a_look_back_an_iso_time_or_everything(ebbtide, filled, since, count):
    assert len(ids(ebbtide("jobs", "--json", "--since", since))) == count


def test_a_limit_takes_the_newest_and_says_so(ebbtide, filled):
    result = ebbtide("jobs", "--json", "--limit", "3")
    assert ids(result) == [0, 1, 2]
    assert "the newest 3 of 10 jobs; --limit 0 has all" in result.stderr
    assert len(ids(ebbtide("jobs", "--json", "--limit", "0"))) == 10


def test_a_hundred_jobs_unless_told_otherwise(ebbtide, filled):
    job = Job(id=0, operation="restore", result="success", started_at=time.time(), ended_at=time.time())
    filled.add_jobs(replace(job, id=n) for n in range(1000, 1150))
    assert len(ids(ebbtide("jobs", "--json"))) == 100
    assert len(ids(ebbtide("jobs", "--json", "--limit", "0"))) == 160


def test_retained_are_those_known_not_to_be_aged(ebbtide, filled):
    filled.note_retained({2: None, 3: time.time() + 9e5}, [4])
    result = ebbtide("jobs", "--json", "--retained")
    assert ids(result) == [2, 3]
    assert "7 jobs are left out: it is not known whether their data has been aged" in result.stderr
    [kept] = json.loads(ebbtide("jobs", "--json", "--retained", "--client", "web01").stdout)["jobs"]
    assert kept["retained_until"].endswith("Z")


def test_what_is_retained_is_what_the_copies_of_the_commserve_keep(ebbtide, config, tmp_path):
    loaded = yaml.safe_load(config.read_text())
    loaded["sources"][1]["retained_jobs"] = True
    config.write_text(yaml.safe_dump(loaded))
    listed = set(ids(ebbtide("jobs", "--json", "--limit", "0", "--refresh")))
    service = Service(load(config))
    try:
        watch = next(watch for watch in service.watches if watch.source.name == "cs01")
        assert watch.poll("retained_jobs", time.time()).success
    finally:
        service.close()
    result = ebbtide("jobs", "--json", "--limit", "0", "--retained")
    kept = json.loads(result.stdout)["jobs"]
    assert 0 < len(kept) < len(listed)
    assert {job["job_id"] for job in kept} <= listed
    assert {job["operation"] for job in kept} <= {"backup_full", "backup_incremental", "backup_synthetic_full"}
    assert all(job["retained_until"] for job in kept)
    assert "never" in {job["retained_until"] for job in kept}


def test_json_has_the_keys_of_a_cached_answer(ebbtide, filled):
    answer = json.loads(ebbtide("jobs", "--json").stdout)
    assert list(answer) == ["source", "cache_generated_at", "jobs", "export_paths"]
    assert (answer["source"], answer["export_paths"]) == ("cache", {})
    assert answer["cache_generated_at"].endswith("Z")
    assert answer["jobs"][0]["client"] == "Core-Prod3"


@pytest.mark.parametrize("flag", ["--refresh", "--refresh-cache"])
def test_refresh_asks_the_commserve_first(ebbtide, commserve, flag):
    result = ebbtide("jobs", "--json", "--limit", "0", flag)
    answer = json.loads(result.stdout)
    assert (answer["source"], result.exit_code) == ("api", 0)
    assert "from the CommServe, asked just now" in result.stderr
    assert len(answer["jobs"]) > 50
    assert any(path.endswith("/Jobs") for _, path in commserve.requests)
    commserve.requests.clear()
    later = json.loads(ebbtide("jobs", "--json", "--limit", "0").stdout)
    assert (later["source"], later["jobs"]) == ("cache", answer["jobs"])
    assert not commserve.requests


def test_a_refresh_reads_the_whole_past_however_many_slices_it_takes(ebbtide, state, monkeypatch):
    monkeypatch.setattr("exporter.sources.commvault.job_pages.PAGE", 50)
    monkeypatch.setattr("exporter.fill.SLICE_SECONDS", 0.0)
    result = ebbtide("jobs", "--limit", "1", "--refresh")
    assert result.exit_code == 0
    assert "older jobs are still missing" not in result.stderr
    assert len(list(state.jobs(0))) > 100


def test_a_refresh_says_how_far_it_is(config):
    command = [sys.executable, "-m", "exporter", "commvault", "jobs", "--refresh", "--config", str(config)]
    run = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert run.returncode == 0
    assert re.search(r"^127\.0\.0\.1:\d+: jobs: all read, \d+ of them$", run.stderr, re.MULTILINE)


def test_exports_go_to_reports_under_the_name_of_the_client(ebbtide, filled, tmp_path):
    result = ebbtide("jobs", "--csv", "--xlsx", "--client", "Core-Prod3")
    assert result.stdout.split() == ["reports/backups-core-prod3.csv", "reports/backups-core-prod3.xlsx"]
    with (tmp_path / "reports/backups-core-prod3.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["job_id"] for row in rows] == ["0", "2", "4", "6", "8"]
    assert rows[0]["media_bytes"] == str(2**30)
    sheet = openpyxl.load_workbook(tmp_path / "reports/backups-core-prod3.xlsx").active
    assert [sheet.cell(row, 1).value for row in range(2, sheet.max_row + 1)] == [0, 2, 4, 6, 8]


def test_json_says_where_the_exports_are_also_by_the_old_flags(ebbtide, filled):
    answer = json.loads(ebbtide("jobs", "--json", "--export-csv", "--export-xlsx").stdout)
    assert answer["export_paths"] == {"csv": "reports/backups.csv", "xlsx": "reports/backups.xlsx"}
    assert len(answer["jobs"]) == 10


def test_out_is_the_stem_or_the_path_of_the_files(ebbtide, filled, tmp_path):
    assert ebbtide("jobs", "--csv", "--out", "v1.2 jobs").stdout == "reports/v1.2 jobs.csv\n"
    assert ebbtide("jobs", "--csv", "--out", tmp_path / "x" / "jobs").stdout == f"{tmp_path}/x/jobs.csv\n"
    assert (tmp_path / "x" / "jobs.csv").is_file()


def test_a_long_export_says_how_far_it_is(ebbtide, filled, monkeypatch):
    monkeypatch.setattr("exporter.commands.commvault._SAY_EVERY_SECONDS", 0.0)
    assert "reports/backups.csv: 4 of 10 rows" in ebbtide("jobs", "--csv").stderr


def test_without_openpyxl_a_workbook_is_one_line_and_exit_1(ebbtide, filled, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    result = ebbtide("jobs", "--xlsx")
    assert result.exit_code == 1
    assert "ebbtide: writing .xlsx needs openpyxl: pip install 'ebbtide[reports]'" in result.stderr


def test_an_empty_ledger_says_what_to_do(ebbtide):
    result = ebbtide("jobs")
    assert result.exit_code == 0
    assert "which has not been filled yet: run `ebbtide serve`, or use --refresh" in result.stderr


def test_an_answer_of_an_unfinished_fill_says_so(ebbtide, filled):
    save(filled, Fill(0.0, 0.0, 1.0, 0.0, offset=120_000, total=1_000_000))
    assert "older jobs are still missing: 120,000 of about 1,000,000 have been read" in ebbtide("jobs").stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--since", "yesterday"), "--since: 'yesterday' is neither a look-back such as 24h or 7d nor an ISO time"),
        (("--source", "cs02"), "there is no source 'cs02' of kind commvault; there are cs01"),
        (("--limit", "-1"), "--limit"),
        (("--out", "all"), "--out names the files of --csv and --xlsx"),
    ],
)
def test_a_wrong_option_is_exit_2(ebbtide, arguments, words):
    result = ebbtide("jobs", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_of_several_commserves_one_must_be_named(ebbtide, config):
    content = yaml.safe_load(config.read_text())
    content["sources"].append(content["sources"][1] | {"name": "cs02"})
    config.write_text(yaml.safe_dump(content))
    result = ebbtide("jobs")
    assert (result.exit_code, "--source: say which: cs01, cs02" in result.stderr) == (2, True)
    assert ebbtide("jobs", "--source", "cs02").exit_code == 0


def test_without_a_commserve_there_is_nothing_to_ask(ebbtide, config):
    config.write_text("sources: [{name: here, kind: filesystem}]")
    result = ebbtide("jobs")
    assert (result.exit_code, "no source of kind commvault" in result.stderr) == (2, True)


def test_a_commserve_that_is_gone_is_one_line_and_exit_1(ebbtide, config):
    content = yaml.safe_load(config.read_text())
    content["sources"][1]["url"] = "http://127.0.0.1:9/webconsole/api"
    config.write_text(yaml.safe_dump(content))
    for command in (("jobs", "--refresh"), ("pools",)):
        result = ebbtide(*command)
        assert result.exit_code == 1
        assert result.stderr.startswith("ebbtide: ")
        assert result.stderr.count("\n") == 1


def test_pools_are_listed_with_capacity_free_space_and_status(ebbtide):
    result = ebbtide("pools")
    assert result.exit_code == 0
    [apex] = [line for line in result.stdout.splitlines() if "Apex GDP" in line]
    assert "online" in apex
    assert "TiB" in apex
    pools = json.loads(ebbtide("pools", "--json").stdout)["pools"]
    assert {"Apex GDP", "Old SAN"} <= {pool["name"] for pool in pools}
    assert [pool["status"] for pool in pools if pool["name"] == "Old SAN"] == ["offline"]


def test_a_pool_is_shown_by_name_in_any_case_and_by_id(ebbtide):
    shown = json.loads(ebbtide("pools", "show", "apex gdp", "--json").stdout)
    assert shown["name"] == "Apex GDP"
    by_id = ebbtide("pools", "show", shown["id"])
    assert by_id.stdout.splitlines()[:3] == [
        f"id:          {shown['id']}",
        "name:        Apex GDP",
        "status:      online",
    ]


def test_a_pool_that_is_not_there_is_exit_1(ebbtide):
    result = ebbtide("pools", "show", "Nowhere")
    assert result.exit_code == 1
    assert "there is no storage pool 'Nowhere' among the" in result.stderr
