"""The commands as a user runs them: in a process of their own, with exit status and one clear line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from exporter import __version__
from exporter.cli import app
from exporter.simulator.clock import Clock
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Fault, Server
from tests.servers import free_port, need, wait_until

ROOT = Path(__file__).parent.parent
PASSWORD = "a password of the tests"
NOW = 1_790_000_000.0


@pytest.fixture(scope="module")
def vbr() -> Iterator[Server]:
    clock = Clock(start=NOW, rate=0)
    with Server(Vbr(VbrEstate("small", clock, days=5), clock, username="svc-ebbtide", password=PASSWORD)) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, vbr: Server) -> Path:
    """A file with one simulated VBR server, its state in the test's folder."""
    vbr.faults.clear()
    (tmp_path / "password").write_text(PASSWORD + "\n")
    content = {
        "web": {"listen": f"127.0.0.1:{free_port()}", "lifecycle": True},
        "history": {"url": f"sqlite:///{tmp_path}/history.db"},
        "sources": [
            {"name": "vbr01", "kind": "veeam", "url": vbr.url, "username": "svc-ebbtide",
             "password_file": f"{tmp_path}/password"},
        ],
    }  # fmt: skip
    path = tmp_path / "ebbtide.yml"
    path.write_text(yaml.safe_dump(content))
    return path


def ebbtide(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "exporter", *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


class Serving:
    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return str(answer.read().decode())

    def post(self, path: str) -> tuple[int, str]:
        request = urllib.request.Request(self.url + path, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def answers(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()
        try:
            return bool(self.get("/-/healthy"))
        except OSError:
            return False

    def is_ready(self) -> bool:
        try:
            return "ready" in self.get("/-/ready")
        except OSError:
            return False


@pytest.fixture
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serving]:
    """`ebbtide serve` with the arguments of the parameter; ended with SIGTERM, to which it must answer 0."""
    config = request.getfixturevalue("config") if request.param else None
    port = free_port()
    arguments = ["--listen", f"127.0.0.1:{port}", *(["--config", str(config)] if config else [])]
    process = subprocess.Popen(
        [sys.executable, "-m", "exporter", "serve", *arguments],
        cwd=ROOT, env={**os.environ, "STATE_DIRECTORY": str(tmp_path / "state")},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    server = Serving(process, f"http://127.0.0.1:{port}")
    wait_until(server.answers, "ebbtide serve answers")
    yield server
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert PASSWORD not in out + err


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"ebbtide {__version__}\n"


def test_the_example_config_is_valid_once_its_secrets_exist(tmp_path: Path) -> None:
    text = (ROOT / "ebbtide.example.yml").read_text().replace("/etc/ebbtide", str(tmp_path))
    for name in ("cs01.password", "vbr01.password"):
        (tmp_path / name).write_text("x")
    path = tmp_path / "ebbtide.yml"
    path.write_text(text)
    result = CliRunner().invoke(app, ["check-config", str(path)])
    assert result.exit_code == 0, result.output
    assert result.output == f"{path}: valid; 3 sources: cs01, vbr01, fs01\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sources: [{name: a, kind: veeam, ulr: 'https://vbr01.example.com'}]", "unknown key"),
        ("web: {listen: 12}", "web.listen: 12"),
        ("web: [", "line 1, column"),
        ("\x00", "not valid YAML"),
        ("history: {keep: forever}", "history.keep: 'forever' is not a duration"),
    ],
)
def test_a_wrong_config_is_one_line_that_names_the_key_and_exit_2(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(text)
    for command in (["check-config", path], ["poll-once", "--config", path], ["serve", "--config", path]):
        result = ebbtide(*command)
        assert result.returncode == 2
        assert result.stderr.count("\n") == 1
        assert expected in result.stderr
        assert "Traceback" not in result.stderr


def test_poll_once_prints_a_page_that_promtool_accepts_and_exits_0(config: Path) -> None:
    result = ebbtide("poll-once", "--config", config, "--at", "2026-09-21T14:13:20Z")
    assert result.returncode == 0, result.stderr
    assert 'ebbtide_collector_success{source="vbr01",collector="pools"} 1' in result.stdout
    assert 'ebbtide_pool_free_ratio{source="vbr01",kind="veeam"' in result.stdout
    checked = subprocess.run(
        [need("promtool"), "check", "metrics"], input=result.stdout, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_poll_once_prints_the_rest_when_a_collector_fails_and_exits_1(config: Path, vbr: Server) -> None:
    vbr.faults.set(Fault("403", path="jobs/states"))
    result = ebbtide("poll-once", "--config", config, "--at", "2026-09-21T14:13:20")
    assert result.returncode == 1
    assert 'ebbtide_collector_success{source="vbr01",collector="backup_jobs"} 0' in result.stdout
    assert 'ebbtide_collector_success{source="vbr01",collector="pools"} 1' in result.stdout
    assert 'ebbtide_source_up{source="vbr01"} 1' in result.stdout
    assert "needed: the role Veeam Backup Viewer" in result.stderr


def test_poll_once_exits_0_when_a_server_is_too_old_for_some_of_it(config: Path, vbr: Server) -> None:
    clock = Clock(start=NOW, rate=0)
    old = Vbr(
        VbrEstate("small", clock, days=5), clock, username="svc-ebbtide", password=PASSWORD, newest_revision="1.1-rev0"
    )
    with Server(old) as server:
        config.write_text(config.read_text().replace(vbr.url, server.url))
        result = ebbtide("poll-once", "--config", config, "--at", "2026-09-21T14:13:20Z", "--log-level", "info")
    assert result.returncode == 0, result.stderr
    assert 'ebbtide_collector_success{source="vbr01",collector="pools"} 1' in result.stdout
    assert 'ebbtide_collector_success{source="vbr01",collector="malware_events"}' not in result.stdout
    assert "exists from VBR 12.1 (REST 1.1-rev1) on; this server speaks 1.1-rev0" in result.stderr


def test_poll_once_knows_its_sources_and_times(config: Path) -> None:
    for arguments, expected in (
        (["--source", "vbr1"], "there is no source 'vbr1'; there are vbr01"),
        (["--at", "yesterday"], "'yesterday' is not an ISO time"),
        (["--log-level", "loud"], "'loud' is none of"),
    ):
        result = ebbtide("poll-once", "--config", config, *arguments)
        assert result.returncode == 2
        assert expected in result.stderr


@pytest.mark.parametrize("serving", [False], indirect=True)
def test_without_a_config_serve_watches_the_local_filesystems(serving: Serving) -> None:
    wait_until(serving.is_ready, "ready")
    page = serving.get("/metrics")
    host = os.uname().nodename
    assert f'ebbtide_pool_capacity_bytes{{source="{host}",kind="filesystem",pool="/"}}' in page
    assert serving.post("/-/reload")[0] == 403
    assert f"<h2>{host}</h2>" in serving.get("/")


@pytest.mark.parametrize("serving", [True], indirect=True)
def test_reload_takes_a_new_file_and_keeps_the_old_one_when_the_new_is_wrong(serving: Serving, config: Path) -> None:
    wait_until(serving.is_ready, "ready")
    good = config.read_text()
    config.write_text(good.replace("vbr01", "vbr02"))
    # --listen differs from the file's; only a change of the file counts.
    assert serving.post("/-/reload") == (200, "Configuration reloaded.\n")
    wait_until(lambda: 'ebbtide_source_up{source="vbr02"} 1' in serving.get("/metrics"), "the new source is polled")
    assert 'source="vbr01"' not in serving.get("/metrics")

    config.write_text("sources: nonsense")
    code, text = serving.post("/-/reload")
    assert code == 400
    assert "sources" in text
    page = serving.get("/metrics")
    assert "ebbtide_config_last_reload_successful 0" in page
    assert 'ebbtide_source_up{source="vbr02"} 1' in page

    config.write_text(good)
    serving.process.send_signal(signal.SIGHUP)
    wait_until(lambda: 'source="vbr01"' in serving.get("/metrics"), "SIGHUP reloads")
    assert "ebbtide_config_last_reload_successful 1" in serving.get("/metrics")


@pytest.mark.parametrize("serving", [True], indirect=True)
def test_poll_now_polls_now(serving: Serving, vbr: Server) -> None:
    wait_until(serving.is_ready, "ready")
    vbr.requests.clear()
    assert serving.post("/-/poll?source=vbr01&collector=pools")[0] == 200
    wait_until(lambda: any("states" in path for _, path in vbr.requests), "the server is asked")
    assert serving.post("/-/poll?source=nobody")[0] == 404
    assert serving.post("/-/poll?source=vbr01&collector=nothing")[0] == 404


def test_a_port_that_is_taken_is_said_at_once(config: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = ebbtide("serve", "--config", config, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert result.returncode == 2
    assert "web.listen" in result.stderr
    assert "in use" in result.stderr


def test_provision_writes_the_bundle_and_overwrites_nobodys_work(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    runner = CliRunner()
    first = runner.invoke(app, ["provision", "--to", str(target)])
    assert first.exit_code == 0
    for name in ("rules/thresholds.yaml", "alertmanager/alertmanager.yml", "ebbtide.example.yml",
                 "grafana/provisioning/datasources/ebbtide.yaml"):  # fmt: skip
        assert (target / name).read_bytes() == (ROOT / name).read_bytes()
    assert list((target / "grafana/dashboards").rglob("*.json"))
    mine = target / "rules/thresholds.yaml"
    mine.write_text("mine")
    refused = runner.invoke(app, ["provision", "--to", str(target)])
    assert refused.exit_code == 1
    assert mine.read_text() == "mine"
    assert runner.invoke(app, ["provision", "--to", str(target), "--overwrite"]).exit_code == 0
    assert mine.read_bytes() == (ROOT / "rules/thresholds.yaml").read_bytes()


def test_the_schema_for_editors_accepts_the_example_and_refuses_a_misspelt_key() -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads(CliRunner().invoke(app, ["docs", "--config-schema"]).output)
    example = yaml.safe_load((ROOT / "ebbtide.example.yml").read_text())
    validator = Draft202012Validator(schema)
    assert not list(validator.iter_errors(example))
    example["sources"][0]["ulr"] = example["sources"][0].pop("url")
    assert list(validator.iter_errors(example))


def test_docs_wants_to_know_what() -> None:
    assert CliRunner().invoke(app, ["docs"]).exit_code == 2
    assert "ebbtide_pool_free_ratio" in CliRunner().invoke(app, ["docs", "--metrics"]).output
