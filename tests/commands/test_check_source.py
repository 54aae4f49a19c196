"""`ebbtide check-source`: what an administrator reads, and the exit status."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from typer.testing import CliRunner

from exporter.cli import app
from exporter.simulator import Clock, CommServe, Estate, Server
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate

PASSWORD = "correct horse battery staple"
TOKEN = "example-access-token"


@pytest.fixture(scope="module")
def estate():
    return Estate("small", Clock())


@pytest.fixture
def commserve(estate):
    return CommServe(estate, estate.clock, password=PASSWORD, access_token=TOKEN)


@pytest.fixture
def server(commserve):
    with Server(commserve) as server:
        yield server


@pytest.fixture
def check_source(server, tmp_path, monkeypatch):
    monkeypatch.setenv("CV_PASSWORD", PASSWORD)
    monkeypatch.setenv("CV_TOKEN", TOKEN)
    url = f"{server.url}/webconsole/api"
    account = {"username": "svc-ebbtide", "password": {"env": "CV_PASSWORD"}}
    content = {
        "history": {"url": f"sqlite:///{tmp_path}/history.db"},
        "sources": [
            {"name": "here", "kind": "filesystem"},
            {"name": "cs01", "kind": "commvault", "url": url} | account,
            {"name": "cs02", "kind": "commvault", "url": url, "token": {"env": "CV_TOKEN"}},
        ],
    }
    path = tmp_path / "ebbtide.yml"
    path.write_text(yaml.safe_dump(content))
    return lambda *arguments: CliRunner().invoke(app, ["check-source", *arguments, "--config", str(path)])


def timeless(text):
    """Without times and sizes; runs of spaces are kept."""
    return re.sub(r", \d+ ms, [\d.]+ \w+", "", text)


def test_all_well_is_exit_0_and_a_line_per_request(check_source, server, estate):
    result = check_source("cs01")
    assert result.exit_code == 0
    assert re.search(r"^login +ok +POST /Login 200, \d+ ms, \d+ B$", result.stdout, re.MULTILINE)
    head, *steps, last = result.stdout.splitlines()
    assert head == f"cs01 (commvault) at {server.url.removeprefix('http://')}"
    pools = next(timeless(line) for line in steps if line.startswith("pools "))
    assert pools == f"pools              ok           {len(estate.pools)} objects     GET /StoragePool 200"
    stores = next(place for place, line in enumerate(steps) if line.startswith("dedup_stores "))
    assert timeless(steps[stores + 1]).strip().startswith("GET /DDBInformation/{id} 200 x ")
    assert steps[stores + 1].index("GET") == steps[stores].index("POST")
    count = len({line.split()[0] for line in steps if not line.startswith(" ")}) - 1
    assert last == f"{count} of {count} collectors work."


def test_a_refusal_is_exit_1_and_says_which_permission_is_missing(check_source, commserve):
    commserve.deny("qcommand")
    result = check_source("cs01")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("dedup_stores "))
    refused = "POST /Qcommand/qoperation%20execute: refused (Commvault error 5): access denied"
    needed = "needed: View on the CommCell, and Execute for QCommands"
    assert lines[place] == f"dedup_stores       refused      {refused}; {needed}"
    assert timeless(lines[place + 1]).strip() == "POST /Qcommand/qoperation%20execute 200"
    assert lines[-1].endswith("collectors work; missing: dedup_stores.")


def test_nobody_there_is_exit_1(check_source, server):
    server.stop()
    result = check_source("cs01")
    assert result.exit_code == 1
    assert "login              unreachable  POST /Login: no answer: connection refused\n" in result.stdout
    assert re.search(r" POST /Login no answer, \d+ ms\n", result.stdout)
    assert "\npools              skipped\n" in result.stdout
    assert "\n0 of " in result.stdout


def test_an_unknown_source_is_exit_2_and_the_known_ones_are_named(check_source, server):
    result = check_source("cs07")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "ebbtide: there is no source 'cs07'; there are here, cs01, cs02\n"
    assert not server.requests


def test_a_wrong_configuration_is_exit_2(check_source, tmp_path):
    (tmp_path / "ebbtide.yml").write_text("sources: [{name: cs01, kind: commvault}]")
    result = check_source("cs01")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("ebbtide: ")


def test_what_an_old_release_and_the_role_leave_out_is_told_and_exit_0(tmp_path, monkeypatch):
    monkeypatch.setenv("VBR_PASSWORD", PASSWORD)
    clock = Clock()
    path = tmp_path / "ebbtide.yml"
    account = {"username": "svc-ebbtide", "password": {"env": "VBR_PASSWORD"}}
    vbr = Vbr(VbrEstate("small", clock, days=5), clock, password=PASSWORD, newest_revision="1.1-rev0")
    with Server(vbr) as server:
        path.write_text(yaml.safe_dump({"sources": [{"name": "vbr01", "kind": "veeam", "url": server.url} | account]}))
        result = CliRunner().invoke(app, ["check-source", "vbr01", "--config", str(path)])
    assert result.exit_code == 0
    assert re.search(
        r"^malware_events +not_offered +GET /api/v1/malwareDetection/events: exists from VBR 12\.1 \(REST 1\.1-rev1\) "
        r"on; this server speaks 1\.1-rev0$",
        result.stdout,
        re.MULTILINE,
    )
    assert re.search(r"^license +not_asked +not asked, because of `role`", result.stdout, re.MULTILINE)
    assert re.search(r"^\d+ of \d+ collectors work\.$", result.stdout, re.MULTILINE)


def test_a_filesystem_has_no_requests(check_source):
    result = check_source("here")
    assert result.exit_code == 0
    _, mounts, last = result.stdout.splitlines()
    assert re.fullmatch(r"mounts  ok           [\d,]+ objects?", mounts)
    assert last == "1 of 1 collectors work."


def test_json_has_the_same_facts(check_source, commserve):
    commserve.deny("storagepool")
    result = check_source("cs02", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["source"], told["kind"], told["works"], told["missing"]) == ("cs02", "commvault", False, ["pools"])
    assert told["login"]["hint"] == "an access token: no login is needed"
    pools = next(step for step in told["collectors"] if step["name"] == "pools")
    assert (pools["outcome"], pools["objects"]) == ("refused", None)
    assert pools["permission"] == "View on the storage pools"
    [asked] = pools["requests"]
    assert asked.keys() == {"endpoint", "status", "times", "seconds", "bytes", "note", "refused"}
    assert asked["refused"] is True


def test_neither_ledger_nor_history_is_made(check_source, tmp_path):
    check_source("cs01")
    assert [path.name for path in tmp_path.iterdir()] == ["ebbtide.yml"]


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize("name", ["cs01", "cs02"])
def test_no_secret_is_printed(check_source, name, form):
    result = check_source(name, *form)
    assert result.exit_code == 0
    for secret in (PASSWORD, TOKEN, "QSDK", "Bearer", "\x1b"):
        assert secret not in result.output
