"""What can be said of the image and of compose.yaml without a container engine."""

import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import typer
import yaml

from exporter.cli import app
from exporter.config import Web, state_directory
from tests.promql import ROOT
from tests.servers import need

DOCKERFILE = ROOT / "Dockerfile"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]

every_service = pytest.mark.parametrize("name", SERVICES)


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.M).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def said(instruction: str) -> list[str]:
    return [arguments for name, arguments in instructions() if name == instruction]


def copied() -> set[str]:
    """What the build stage takes from the checkout."""
    sources = [arguments.split()[:-1] for arguments in said("COPY") if "--from" not in arguments]
    return {source for some in sources for source in some}


def test_the_image_is_built_from_files_that_exist() -> None:
    assert copied()
    assert not [source for source in copied() if not (ROOT / source).exists()]


def test_the_image_is_built_from_all_that_the_package_needs() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        *wheel["packages"], *wheel["force-include"], *PROJECT["project"]["license-files"], PROJECT["project"]["readme"]
    }  # fmt: skip
    assert not [path for path in needed if not any(path == c or path.startswith(f"{c}/") for c in copied())]


def test_nothing_else_is_sent_to_the_build() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] != "#"]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied()


def test_the_image_runs_the_projects_own_command_with_arguments_it_takes() -> None:
    [entrypoint], [arguments] = said("ENTRYPOINT"), said("CMD")
    assert set(json.loads(entrypoint)) <= set(PROJECT["project"]["scripts"])
    command, option, path = json.loads(arguments)
    known = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    assert option in {name for parameter in known.params for name in parameter.opts}
    assert f":{path}:ro" in " ".join(SERVICES["exporter"]["volumes"])


def test_the_image_does_not_run_as_root() -> None:
    [user] = said("USER")
    uid, gid = map(int, user.split(":"))
    assert uid >= 10000
    assert gid >= 10000
    assert any(f"-o {uid} -g {gid} /var/lib/ebbtide" in run for run in said("RUN"))


def test_the_image_writes_only_where_state_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = dict(pair.split("=", 1) for pair in said("ENV")[0].split())
    assert said("VOLUME") == [environment["STATE_DIRECTORY"]]
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert state_directory() == tmp_path


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (None, False)])
def test_the_health_check_asks_the_exporter(status: int | None, healthy: bool) -> None:
    [check] = said("HEALTHCHECK")
    interpreter, *arguments = json.loads(check[check.index("CMD") + 3 :])
    assert interpreter == "python"
    with _answering(status) as (port, asked):
        arguments[-1] = arguments[-1].replace(":9877/", f":{port}/")
        run = subprocess.run([sys.executable, *arguments], capture_output=True, timeout=20)
    assert (run.returncode == 0) is healthy
    assert asked == ([] if status is None else ["/-/healthy"])


def test_the_exporter_listens_where_the_image_and_prometheus_expect_it() -> None:
    port = str(Web().address[1])
    assert said("EXPOSE") == [port]
    assert f":{port}/-/healthy" in said("HEALTHCHECK")[0]
    jobs = {job["job_name"]: job for job in yaml.safe_load((ROOT / "prometheus.yml").read_text())["scrape_configs"]}
    assert jobs["ebbtide"]["static_configs"] == [{"targets": [f"exporter:{port}"]}]
    assert jobs["prometheus"]["static_configs"] == [{"targets": ["localhost:9090"]}]


@every_service
def test_a_service_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert not service.get("privileged")


@every_service
def test_a_service_is_pinned_and_looked_after(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        assert said("HEALTHCHECK")
    else:
        assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])
        assert service["healthcheck"]["test"][0] == "CMD"


@every_service
def test_a_service_mounts_what_exists_and_only_state_is_writable(name: str) -> None:
    for volume in SERVICES[name]["volumes"]:
        # ${NAME:?…} is a path that only the operator knows; compose asks for it.
        source, target, *mode = re.sub(r"\$\{\w+:\?.+?\}", "./ebbtide.example.yml", volume).split(":")
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == ["ro"], volume
        else:
            assert source in COMPOSE["volumes"]
            assert not mode
        assert target.startswith("/")


def test_the_services_find_each_other() -> None:
    text = (ROOT / "prometheus.yml").read_text() + json.dumps(SERVICES)
    assert {*re.findall(r"\b([a-z]+):(?:9877|9090|9093|3000)\b", text)} <= {*SERVICES, "localhost"}
    for service in SERVICES.values():
        assert {*service.get("depends_on", [])} <= {*SERVICES}


def test_grafana_gets_what_its_provisioning_asks_for() -> None:
    grafana = SERVICES["grafana"]
    provisioning = "".join(f.read_text() for f in (ROOT / "grafana/provisioning").glob("*/*.yaml"))
    assert {*re.findall(r"^[^#\n]*\$(\w+)", provisioning, re.M)} <= {*grafana["environment"]}
    [path] = re.findall(r"path: (\S+)", provisioning)
    assert f"./grafana/dashboards:{path}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "grafana/dashboards" / home.removeprefix(f"{path}/")).exists()


@pytest.mark.server
def test_prometheus_accepts_its_configuration_and_finds_every_rule() -> None:
    run = subprocess.run([need("promtool"), "check", "config", ROOT / "prometheus.yml"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    # Its patterns are relative: in the container the rules must stand beside the file, too.
    mounts = SERVICES["prometheus"]["volumes"]
    assert "./prometheus.yml:/etc/prometheus/prometheus.yml:ro" in mounts
    assert "./rules:/etc/prometheus/rules:ro" in mounts
    checked = {*re.findall(r"Checking (\S+\.yaml)", run.stdout)}
    assert checked == {str(f) for f in (ROOT / "rules").glob("**/*.yaml")}


@contextmanager
def _answering(status: int | None) -> Iterator[tuple[int, list[str]]]:
    """A server on a free port and the paths it was asked for; without a status it is gone again."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status or 500)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        if status is None:
            server.server_close()
            yield server.server_port, asked
            return
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port, asked
        server.shutdown()
        thread.join()
