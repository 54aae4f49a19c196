"""From the webhook to the receivers: what is accepted, what is refused, and what is never lost."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from typer.testing import CliRunner

from exporter.bridge.config import BridgeSettings
from exporter.cli import app
from tests.bridge.serving import metric, post, served
from tests.bridge.webhooks import WATCHDOG, alert
from tests.nagios import daemons
from tests.nagios.test_definitions import written
from tests.servers import free_port, need, running, wait_until


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "nagios.cmd")
    return tmp_path / "nagios.cmd"


@contextmanager
def reading(pipe: Path) -> Iterator[int]:
    """Be Nagios: read the pipe."""
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield reader
    finally:
        os.close(reader)


def lines(reader: int, count: int) -> list[str]:
    found = b""

    def enough() -> bool:
        nonlocal found
        try:
            found += os.read(reader, 65536)
        except BlockingIOError:
            return False
        return found.count(b"\n") >= count

    wait_until(enough, f"{count} lines come", 20)
    return [line.partition(";")[2] for line in found.decode().splitlines()]


def test_what_comes_while_nagios_is_away_is_told_in_order_when_it_is_back(tmp_path: Path, pipe: Path) -> None:
    with served(tmp_path, nagios={"command_file": str(pipe)}) as url:
        assert post(url, alert()).status_code == 200
        assert post(url, alert(status="resolved")).status_code == 200
        wait_until(lambda: not metric(url, 'ebbtide_bridge_send_failures_total{receiver="nagios"} 0.0'), "it was tried")
        assert metric(url, 'ebbtide_bridge_queue_messages{receiver="nagios"} 2.0')
        with reading(pipe) as reader:
            told = lines(reader, 2)
        assert [line.split(";")[2] for line in told] == ["2", "0"]
        wait_until(lambda: metric(url, 'ebbtide_bridge_queue_messages{receiver="nagios"} 0.0'), "the queue is empty")
        assert metric(url, 'ebbtide_bridge_alerts_total{status="resolved"} 1.0')


def test_the_watchdog_is_noted_and_refreshes(tmp_path: Path, pipe: Path) -> None:
    with reading(pipe) as reader, served(tmp_path, nagios={"command_file": str(pipe)}) as url:
        assert post(url, WATCHDOG).status_code == 200
        told = lines(reader, 2)
        assert told[0] == "ebbtide;EbbtideWatchdog;0;OK: All is well.|firing=1;;;0"
        assert told[1] == "cs01;EbbtidePoolNearlyFull;0;OK: does not fire|firing=0;;;0"
        assert not metric(url, "ebbtide_bridge_last_watchdog_timestamp_seconds 0.0")
        assert requests.get(f"{url}/-/healthy", timeout=10).text == "The bridge is healthy.\n"


def test_a_file_in_place_of_the_pipe_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "nagios.cmd"
    path.write_text("")
    with served(tmp_path, nagios={"command_file": str(path)}) as url:
        post(url, alert())
        wait_until(lambda: not metric(url, 'ebbtide_bridge_send_failures_total{receiver="nagios"} 0.0'), "it was tried")
    assert path.read_text() == ""


def test_what_is_no_notification_is_not_asked_for_again(tmp_path: Path, pipe: Path) -> None:
    with served(tmp_path, nagios={"command_file": str(pipe)}) as url:
        answer = requests.post(url, data=b"<html>", timeout=10)
        assert answer.status_code == 400
        assert answer.text.startswith("not a notification of Alertmanager")
        large = requests.post(url, headers={"Content-Length": str(10**9)}, data=b"", timeout=10)
        assert large.status_code == 413
        unmeasured = requests.post(url, data=itertools.repeat(b" " * 2**20, 33), timeout=10)
        assert unmeasured.status_code == 413
        assert metric(url, 'ebbtide_bridge_notifications_total{result="unreadable"} 3.0')


def test_only_a_queue_that_takes_nothing_is_a_failure_of_ours(tmp_path: Path, pipe: Path) -> None:
    with served(tmp_path, nagios={"command_file": str(pipe)}) as url:
        with sqlite3.connect(tmp_path / "bridge.db") as db:
            db.execute("create trigger full before insert on message begin select raise(fail, 'disk is full'); end")
        answer = post(url, alert())
        assert (answer.status_code, answer.text) == (503, "the queue cannot be written: disk is full\n")
        with sqlite3.connect(tmp_path / "bridge.db") as db:
            db.execute("drop trigger full")
        assert post(url, alert()).status_code == 200


def test_with_a_token_only_who_has_it_is_heard(tmp_path: Path, pipe: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with served(tmp_path, nagios={"command_file": str(pipe)}, token_file=str(token)) as url:
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
            assert post(url, alert(), headers=header).status_code == 401
        assert post(url, alert(), headers={"Authorization": "Bearer s3cret"}).status_code == 200
        token.unlink()
        answer = post(url, alert(), headers={"Authorization": "Bearer s3cret"})
        assert (answer.status_code, "s3cret" in answer.text) == (503, False)


@pytest.mark.server
def test_nagios_shows_what_alertmanager_said(tmp_path: Path) -> None:
    config = tmp_path / "ebbtide.yml"
    config.write_text(yaml.safe_dump({"sources": [{"name": "cs01", "kind": "filesystem"}]}))
    objects = written(config, "--exporter", "http://127.0.0.1:9877", "--plugin", "/bin/true")
    with (
        daemons.nagios(tmp_path, objects) as nagios,
        served(tmp_path, nagios={"command_file": str(nagios.pipe)}) as url,
    ):

        def state() -> str:
            return nagios.service("cs01", "EbbtidePoolNearlyFull").get("current_state", "")

        post(url, alert(summary="Pool a;b has 1.97% free."), alert("f2", pool="Gold"))
        wait_until(lambda: state() == "2", "Nagios knows")
        found = nagios.service("cs01", "EbbtidePoolNearlyFull")
        post(url, alert(status="resolved"), alert("f2", status="resolved", pool="Gold"))
        wait_until(lambda: state() == "0", "Nagios knows the end")
    assert found["plugin_output"] == "CRITICAL: 2 fire: Pool a:b has 1.97% free."
    assert found["long_plugin_output"] == r"Pool a;b has 1.97% free.\nPool Gold of cs01 has 1.97% free."
    assert found["performance_data"] == "firing=2;;;0"


@pytest.mark.server
def test_icinga_shows_it_and_its_silence(tmp_path: Path) -> None:
    config = tmp_path / "ebbtide.yml"
    config.write_text(
        yaml.safe_dump({"sources": [{"name": "cs01", "kind": "filesystem"}], "nagios": {"freshness": "3s"}})
    )
    objects = written(config, "--exporter", "http://127.0.0.1:9877", "--plugin", "/bin/true", "--icinga2")
    password = tmp_path / "password"
    password.write_text("s3cret")
    with daemons.icinga(tmp_path, objects) as icinga:
        section = {
            "url": icinga.url, "username": "ebbtide", "password_file": str(password), "verify": str(icinga.ca)
        }  # fmt: skip
        with served(tmp_path, freshness=1.0, icinga=section) as url:

            def result() -> dict[str, Any]:
                return icinga.service("cs01", "EbbtidePoolNearlyFull")["last_check_result"] or {}

            post(url, alert(alertname="SomebodysOwn"), alert(summary='A "quoted"; one'))
            wait_until(lambda: result().get("state") == 2, "Icinga knows", 20)
            assert result()["output"] == 'CRITICAL: A "quoted"; one'
            assert result()["check_source"] == "ebbtide bridge"
            assert metric(url, 'ebbtide_bridge_messages_dropped_total{reason="refused",receiver="icinga"} 1.0')
            wait_until(lambda: result().get("state") == 3, "silence is noticed", 20)
            assert result()["output"] == "nothing was heard from Alertmanager and the bridge"
            password.write_text("wrong")
            post(url, alert())
            wait_until(lambda: not metric(url, 'ebbtide_bridge_send_failures_total{receiver="icinga"} 0.0'), "refused")
            password.write_text("s3cret")
            wait_until(lambda: metric(url, 'ebbtide_bridge_queue_messages{receiver="icinga"} 0.0'), "it is taken", 20)


@pytest.mark.server
def test_alertmanager_itself_is_understood(tmp_path: Path, pipe: Path) -> None:
    with reading(pipe) as reader, served(tmp_path, nagios={"command_file": str(pipe)}) as url:
        config = {
            "route": {"receiver": "bridges", "group_by": ["..."], "group_wait": "100ms", "group_interval": "1s"},
            "receivers": [{"name": "bridges", "webhook_configs": [{"url": f"{url}/"}]}],
        }
        (tmp_path / "am.yml").write_text(yaml.safe_dump(config))
        manager = f"http://127.0.0.1:{free_port()}"
        command = [
            need("prometheus-alertmanager"), f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path}",
            f"--web.listen-address={manager.removeprefix('http://')}", "--cluster.listen-address=",
        ]  # fmt: skip
        labels = {"alertname": "EbbtideSourceDown", "severity": "warning", "source": "cs01"}
        with running(command, tmp_path / "alertmanager.log"):
            wait_until(lambda: _answers(manager), "Alertmanager is healthy")
            for ends in ("2100-01-01T00:00:00Z", "2000-01-01T00:00:00Z"):
                told = {"labels": labels, "annotations": {"summary": "cs01 is down."}, "endsAt": ends}
                body = [{**told, "startsAt": "1999-01-01T00:00:00Z"}]
                requests.post(f"{manager}/api/v2/alerts", json=body, timeout=5).raise_for_status()
                [line] = lines(reader, 1)
                expected = "1;WARNING: cs01 is down.|firing=1" if ends > "2050" else "0;OK: does not fire|firing=0"
                assert line == f"cs01;EbbtideSourceDown;{expected};;;0"


def test_killed_it_goes_on_where_it_was(tmp_path: Path, pipe: Path) -> None:
    """kill -9 after the webhook was answered, before anybody was told."""
    port = free_port()
    config = tmp_path / "ebbtide.yml"
    section = {
        "listen": f"127.0.0.1:{port}", "nagios": {"command_file": str(pipe)},
        "queue": {"path": str(tmp_path / "bridge.db")},
    }  # fmt: skip
    config.write_text(yaml.safe_dump({"bridge": section, "sources": [{"name": "cs01", "kind": "filesystem"}]}))
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "exporter", "bridge", "--config", str(config)]
    for round_, way in enumerate((signal.SIGKILL, signal.SIGTERM)):
        with (tmp_path / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            wait_until(lambda: _answers(url), "the bridge answers")
            if round_ == 0:
                for number in range(5):
                    assert post(url, alert(f"f{number}", pool=f"p{number}")).status_code == 200
            else:
                with reading(pipe) as reader:
                    told = lines(reader, 5)
            process.send_signal(way)
            process.wait(20)
    assert [line.rpartition("firing=")[2][0] for line in told] == ["1", "2", "3", "4", "5"]
    assert process.returncode == 0


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/healthy", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("{}", "bridge: nobody is told; set nagios, icinga or snmp"),
        ("{nagios: {command_file: /x}, listen: here}", "bridge.listen: 'here' is not an address"),
        ("{icinga: {url: https://i.example.com:5665, username: u}}", "password or password_file is required"),
        (
            "{icinga: {url: https://i.example.com, username: u, password: s3cret}}",
            "a secret is not written",
        ),
        ("{snmp: [{host: t.example.com}]}", "community or community_file is required with version 2c"),
        (
            "{snmp: [{host: t.example.com, version: '3', username: u, auth_password_file: /nowhere}]}",
            "privacy_password or",
        ),
        (
            "{snmp: [{host: t, version: '3', auth_password_file: /n, privacy_password_file: /n}]}",
            "username is",
        ),
        ("{snmp: [{host: t, community_file: /n, base_oid: '1.x'}]}", "'1.x' is not an object identifier"),
        ("{snmp: [{host: t, community_file: /n, engine_id: '12'}]}", "'12' is not an engine id"),
        (
            "{snmp: [{host: t, community_file: /n}, {host: t, community_file: /n}]}",
            "snmp: t:162 is there more",
        ),
        ("{snmp: [{host: t, community_file: /nowhere}]}", "bridge: secret file /nowhere cannot be read"),
        ("{nagios: {command_file: /x}, token_file: /nowhere}", "bridge: secret file /nowhere cannot be read"),
        ("{nagios: {command_file: /x}, token: {env: T}, token_file: /n}", "token and token_file are both set"),
    ],
)
def test_a_mistake_in_its_section_is_told(section: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "ebbtide.yml"
    path.write_text(f"bridge: {section}\n")
    result = CliRunner().invoke(app, ["check-config", str(path)])
    assert result.exit_code == 2
    assert says in result.stderr
    assert "s3cret" not in result.stderr


def test_every_secret_of_a_right_section_is_known(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret")
    v3 = {"username": "u", "auth_password_file": str(file), "privacy_password_file": str(file), "version": "3"}
    settings = BridgeSettings.model_validate(
        {
            "token_file": str(file),
            "icinga": {"url": "https://i.example.com:5665", "username": "u", "password_file": str(file)},
            "snmp": [
                {"host": "a", "community_file": str(file), "base_oid": "1.3.6.1.4.1.99999"},
                {"host": "b", "engine_id": "0x80001F8804ABCD", **v3},
            ],
        }
    )
    assert [secret.read() for secret in settings.secrets] == ["s3cret"] * 5
    assert [one.engine_id for one in settings.snmp] == [None, "80001f8804abcd"]
    assert "s3cret" not in repr(settings)


def test_without_a_section_there_is_no_bridge(tmp_path: Path) -> None:
    path = tmp_path / "ebbtide.yml"
    path.write_text("")
    result = CliRunner().invoke(app, ["bridge", "--config", str(path)])
    assert (result.exit_code, "there is no section bridge" in result.stderr) == (2, True)
