"""What `ebbtide nagios-config` writes is taken by Nagios 4 and Icinga 2, and what they run gives states."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from exporter.cli import app
from exporter.nagios.checks import CHECKS
from exporter.nagios.objects import Passive, active, host_name, passive
from tests.conftest import ScriptedServer
from tests.nagios import daemons
from tests.promql import ROOT
from tests.servers import wait_until

ODD = 'an odd;one\'s (1) $HOME `x` "q" [a]*|!'
PAGE = """\
ebbtide_source_up{{source="{source}"}} 1
ebbtide_pool_free_ratio{{source="{source}",kind="filesystem",pool="/"}} 0.04
ebbtide_pool_free_ratio{{source="other",kind="filesystem",pool="/"}} 0.9
"""


@pytest.fixture
def exporter(scripted: type[ScriptedServer]) -> str:
    source = ODD.replace("\\", "\\\\").replace('"', '\\"')
    body = PAGE.format(source=source).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return scripted(head.encode() + body).url


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ebbtide.yml"
    path.write_text(yaml.safe_dump({"sources": [{"name": ODD, "kind": "filesystem"}]}))
    return path


def written(config: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["nagios-config", "--config", str(config), *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.server
def test_nagios_takes_the_definitions_without_a_warning(config: Path, tmp_path: Path) -> None:
    run = daemons.verify_nagios(tmp_path, written(config, "--exporter", "http://127.0.0.1:9877"))
    assert run.returncode == 0, run.stdout
    assert "Total Warnings: 0" in run.stdout


@pytest.mark.server
def test_nagios_runs_the_checks_and_keeps_their_states(config: Path, tmp_path: Path, exporter: str) -> None:
    objects = written(config, "--exporter", exporter, "--no-passive")
    host = host_name(ODD)
    with daemons.nagios(tmp_path, objects) as nagios:
        wait_until(lambda: nagios.service(host, "filesystem").get("has_been_checked") == "1", "a check was run")
        found = nagios.service(host, "filesystem")
    assert found["current_state"] == "2"
    assert found["plugin_output"].startswith("FILESYSTEM CRITICAL: an odd:one's (1) $HOME `x`")
    assert found["plugin_output"].endswith("has 4.00% free")
    assert found["performance_data"].endswith("=4%;10:;5:")


@pytest.mark.server
def test_an_alert_of_which_nothing_is_heard_is_unknown_in_nagios(config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text() + "nagios: {freshness: 2s}\n")
    objects = written(config, "--exporter", "http://127.0.0.1:9877", "--plugin", "/bin/true")
    with daemons.nagios(tmp_path, objects) as nagios:
        wait_until(
            lambda: nagios.service("ebbtide", "EbbtideWatchdog").get("current_state") == "3", "silence is noticed"
        )
        found = nagios.service("ebbtide", "EbbtideWatchdog")
    assert found["plugin_output"] == "UNKNOWN: nothing was heard from Alertmanager and the bridge"


@pytest.mark.server
def test_icinga_takes_and_runs_them(config: Path, tmp_path: Path, exporter: str) -> None:
    config.write_text(config.read_text() + "nagios: {freshness: 1s}\n")
    objects = written(config, "--exporter", exporter, "--icinga2")
    host = host_name(ODD)
    with daemons.icinga(tmp_path, objects) as icinga:
        icinga.check(host, "filesystem")
        wait_until(lambda: icinga.service(host, "filesystem")["last_check_result"], "a check was run")
        wait_until(lambda: icinga.service("ebbtide", "EbbtideWatchdog")["last_check_result"], "silence is noticed")
        found = icinga.service(host, "filesystem")["last_check_result"]
        unheard = icinga.service("ebbtide", "EbbtideWatchdog")["last_check_result"]
    assert found["exit_status"] == 2
    assert found["output"].startswith("FILESYSTEM CRITICAL: an odd;one's (1) $HOME `x`")
    assert found["performance_data"][0].endswith("=4%;10:;5:")
    assert (unheard["state"], unheard["output"]) == (3, "nothing was heard from Alertmanager and the bridge")


def test_a_source_has_the_checks_of_its_kind() -> None:
    made = {kind: {one.check for one in active([("s", kind)])} for kind in ("commvault", "veeam", "filesystem")}
    assert all({"exporter", "source"} <= checks for checks in made.values())
    assert "mediaagents" in made["commvault"] - made["veeam"]
    assert "veeam-efficiency" in made["veeam"] - made["commvault"]
    assert "filesystem" in made["filesystem"]
    assert set.union(*made.values()) == CHECKS.keys()


def test_an_alert_is_a_service_of_the_hosts_it_can_be_about() -> None:
    services = list(passive([("cs01", "commvault"), ("vbr01", "veeam")], ROOT / "rules"))
    assert Passive("ebbtide", "EbbtideWatchdog", "https://ebbtide.example.org/runbooks/EbbtideWatchdog") in services
    by_host = {host: {one.alert for one in services if one.host == host} for host in ("ebbtide", "cs01", "vbr01")}
    assert "EbbtideCommvaultMediaAgentOffline" in by_host["cs01"] - by_host["vbr01"]
    assert "EbbtidePoolNearlyFull" in by_host["cs01"] & by_host["vbr01"]
    # An alert without a source is told to the host of our own.
    assert by_host["ebbtide"] >= {"EbbtideManySourcesDown", "EbbtideStoreErrors", "EbbtideBridgeQueueStuck"}
    assert not by_host["ebbtide"] & by_host["cs01"]


def test_names_that_become_the_same_stay_two_hosts() -> None:
    names = ["cs01", "a(b", "a)b", "ebbtide"]
    assert host_name("cs01") == "cs01"
    assert len({host_name(name) for name in names} | {"ebbtide"}) == 5


def test_whom_the_checks_ask_must_be_said(config: Path) -> None:
    for arguments in ([], ["--exporter", "http://a", "--prometheus", "http://b"]):
        result = CliRunner().invoke(app, ["nagios-config", "--config", str(config), *arguments])
        assert result.exit_code == 2
        assert "say whom the checks are to ask" in result.stderr


def test_a_password_gets_into_no_definition(config: Path) -> None:
    for option in ("--exporter", "--prometheus"):
        asked = ["nagios-config", "--config", str(config), option, "https://user:s3cret@a"]
        result = CliRunner().invoke(app, asked)
        assert (result.exit_code, "s3cret" in result.output) == (2, False)
        assert f"{option}: a URL must not hold credentials" in result.stderr


def test_thresholds_of_ones_own_go_with_the_checks(config: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text((ROOT / "rules/thresholds.yaml").read_text())
    config.write_text(config.read_text() + f"nagios: {{thresholds: {own}}}\n")
    text = written(config, "--prometheus", "http://127.0.0.1:9090")
    assert f"--prometheus http://127.0.0.1:9090 --thresholds {own}\n" in text
