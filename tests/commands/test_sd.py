"""`ebbtide sd`: a list of servers becomes targets of a real Prometheus, and the rules of the page add them up."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from typer.testing import CliRunner, Result

from exporter.cli import app
from exporter.commands.sd import target_groups
from exporter.config import Config
from exporter.errors import ConfigError
from tests.servers import free_port, need, running, wait_until

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "many-servers.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
FILE_SD, HTTP_SD, RULES, CLUSTER = EXAMPLES
[SERVERS] = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)


def ebbtide(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["sd", *map(str, arguments)])


def test_hosts_with_the_same_labels_are_one_group():
    assert target_groups(SERVERS.splitlines(), 9877) == [
        {
            "targets": ["fs001.example.com:9877", "fs002.example.com:9877"],
            "labels": {"application": "ledger", "business_unit": "finance", "importance": "critical", "site": "fra"},
        },
        {
            "targets": ["fs003.example.com:9900"],
            "labels": {"business_unit": "sales", "importance": "low", "site": "ber"},
        },
    ]


def test_a_list_of_hosts_alone_will_do():
    assert target_groups(["host", "fs001", "", " 10.0.0.1 ", "[2001:db8::1]:9900", "[2001:db8::2]"], 1234) == [
        {"targets": ["10.0.0.1:1234", "[2001:db8::1]:9900", "[2001:db8::2]:1234", "fs001:1234"], "labels": {}}
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], 'the first line names the columns, one of them "host"'),
        (["fs001.example.com"], 'one of them "host"'),
        (["host"], "there are no hosts"),
        (["host,host", "a,b"], 'one of them "host"'),
        (["host,business unit", "a,b"], "the column 'business unit' is no name of a label"),
        (["host,__address__", "a,b"], "the column '__address__' is no name of a label"),
        (["host,site,site", "a,b,c"], "the column 'site' is no name of a label, or is there twice"),
        (["host,site", "a,b", "http://c,d"], "line 3: 'http://c' is no host like"),
        (["host,site", ",b"], "line 2: '' is no host like"),
        (["host,site", "a,b,c"], "line 2: more cells than columns"),
        (["host,site", "a,b", "a:9877,c"], "line 3: a:9877 is there twice"),
        (["host,site", '"a"x,b'], "line 2: "),
    ],
)
def test_a_mistake_is_named_with_its_line(lines, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        target_groups(lines, 9877)


def test_a_list_is_printed_or_replaced_at_once(tmp_path):
    hosts, output = tmp_path / "servers.csv", tmp_path / "servers.json"
    hosts.write_text(SERVERS, encoding="utf-8-sig")
    printed = ebbtide(hosts)
    assert printed.exit_code == 0
    before = os.umask(0o077)
    try:
        assert ebbtide(hosts, "--output", output, "--port", 9877).stdout == ""
    finally:
        os.umask(before)
    assert output.read_text() == printed.stdout
    assert output.stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in tmp_path.iterdir()) == ["servers.csv", "servers.json"]


def test_a_list_with_a_mistake_leaves_the_old_file(tmp_path):
    hosts, output = tmp_path / "servers.csv", tmp_path / "servers.json"
    hosts.write_text("host\n")
    output.write_text("old")
    refused = ebbtide(hosts, "--output", output)
    assert (refused.exit_code, refused.stderr) == (
        2,
        "ebbtide: there are no hosts: Prometheus would forget all servers\n",
    )
    assert output.read_text() == "old"
    assert ebbtide(tmp_path / "absent").exit_code == 2


@pytest.mark.parametrize("output", ["absent/servers.json", "folder"])
def test_a_file_that_cannot_be_written_is_named(tmp_path, output):
    (tmp_path / "folder").mkdir()
    (tmp_path / "servers.csv").write_text(SERVERS)
    failed = ebbtide(tmp_path / "servers.csv", "--output", tmp_path / output)
    assert (failed.exit_code, "cannot be written" in failed.stderr) == (1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "servers.csv"]


@pytest.fixture
def exporters(tmp_path: Path) -> Iterator[list[str]]:
    """Addresses of two exporters, which have scanned 1 and 2 files."""
    with ExitStack() as processes:
        addresses = []
        for count in (1, 2):
            folder = tmp_path / f"server{count}"
            (folder / "tree").mkdir(parents=True)
            for number in range(count):
                (folder / "tree" / f"{number}.pdf").write_bytes(b"x" * 5000)
            addresses.append(f"127.0.0.1:{free_port()}")
            config = {
                "web": {"listen": addresses[-1]},
                "history": {"url": f"sqlite:///{folder}/history.db"},
                "sources": [
                    {"name": f"fs{count}", "kind": "filesystem", "scan": [{"path": str(folder / "tree"), "workers": 1}]}
                ],
            }
            (folder / "ebbtide.yml").write_text(yaml.safe_dump(config))
            command = [sys.executable, "-m", "exporter", "serve", "--config", str(folder / "ebbtide.yml")]
            processes.enter_context(running(command, folder / "log", cwd=ROOT))
        yield addresses


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server of files."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "web"))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.server
def test_prometheus_finds_the_servers_of_the_list_and_adds_them_up(tmp_path, exporters, web):
    (tmp_path / "web").mkdir()
    (tmp_path / "servers.csv").write_text(
        f"host,business_unit,application,site\n{exporters[0]},finance,ledger,fra\n{exporters[1]},finance,ledger,fra\n"
    )
    assert ebbtide(tmp_path / "servers.csv", "-o", tmp_path / "web" / "servers.json").exit_code == 0
    by_file, by_http = (dict(example["scrape_configs"][0], scrape_timeout="1s") for example in (FILE_SD, HTTP_SD))
    by_file["file_sd_configs"] = [{"files": [str(tmp_path / "web" / "*.json")]}]
    by_http |= {"job_name": "over-http", "http_sd_configs": [{"url": f"{web}/servers.json", "refresh_interval": "1s"}]}
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [by_file, by_http],
    }
    for rules in RULES["groups"]:
        rules["interval"] = "1s"
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(RULES))
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{free_port()}"
    command = [
        need("prometheus"), f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb",
        f"--web.listen-address={address}",
    ]  # fmt: skip

    def asked(path: str, **parameters: str) -> Any:
        try:
            return requests.get(f"http://{address}/api/v1/{path}", params=parameters, timeout=5).json()["data"]
        except requests.RequestException:
            return {"activeTargets": [], "result": []}

    def targets() -> list[tuple[str, str, str, str]]:
        found = ({**target["labels"], "health": target["health"]} for target in asked("targets")["activeTargets"])
        return sorted((t["job"], t["instance"], t["business_unit"], t["health"]) for t in found)

    def sums(metric: str) -> list[tuple[dict[str, str], float]]:
        query = f'business_unit_application_site:{metric}{{business_unit="finance"}}'
        return [(series["metric"], float(series["value"][1])) for series in asked("query", query=query)["result"]]

    labels = {"business_unit": "finance", "application": "ledger", "site": "fra"}
    expected = sorted((job, at, "finance", "up") for job in ("ebbtide", "over-http") for at in exporters)
    with running(command, tmp_path / "log"):
        wait_until(lambda: targets() == expected, "all servers are scraped")
        # Each is scraped by both jobs here.
        record = "business_unit_application_site:ebbtide_scan_files:sum"
        wait_until(
            lambda: sums("ebbtide_scan_files:sum") == [({"__name__": record, **labels}, 6.0)], "files are added up"
        )
        assert [value for _, value in sums("up:min")] == [1.0]
        [(_, allocated)] = sums("ebbtide_scan_allocated_bytes:sum")
        assert allocated >= 6 * 5000
        (tmp_path / "servers.csv").write_text(f"host,business_unit\n{exporters[0]},sales\n")
        assert ebbtide(tmp_path / "servers.csv", "-o", tmp_path / "web" / "servers.json").exit_code == 0
        less = [(job, exporters[0], "sales", "up") for job in ("ebbtide", "over-http")]
        wait_until(lambda: targets() == less, "the new list is in effect")
    assert json.loads((tmp_path / "web" / "servers.json").read_text())[0]["labels"] == {"business_unit": "sales"}


@pytest.mark.server
def test_the_rules_of_the_page_are_without_a_remark(tmp_path):
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(RULES))
    command = [need("promtool"), "check", "rules", "--lint=all", "--lint-fatal", str(tmp_path / "rules.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_of_the_page_is_valid():
    [source] = Config.model_validate(CLUSTER).sources
    assert source.scan[0].executor == "dask://scheduler.example.com:8786"
