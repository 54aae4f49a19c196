"""The demo's estate with a whole past in a real Prometheus: also what rules record and alert on has one.

The exporter polls the simulated systems as of moments behind us; its pages, and what the shipped rules make of them,
are backfilled; then it lives on, scraped.

    python story.py    # prints the address of that Prometheus; preview.py --story draws the boards from it
"""

from __future__ import annotations

import json
import math
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml
from fileserver import SERVERS, FileServers

from exporter import bundle, config
from exporter.demo import write_config
from exporter.demo.past import LOOKBACK_S, Past
from exporter.demo.servers import free_port
from exporter.service import Service
from exporter.simulator.stage import Demo
from exporter.sources.filesystem.client import FilesystemClient

DAY = 86400.0
DAYS = 30
STEP = 1800
INSTANCE = "ebbtide.example.com:9877"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY}


class Estate:
    """The simulated backup systems and the made-up file servers."""

    def __init__(self, folder: Path, share: Path, now: float, past: float) -> None:
        self.demo = Demo(now, past=past)
        self.files = FileServers(folder, share, now, past)

    def live_until(self, moment: float) -> None:
        self.demo.live_until(moment)
        self.files.live_until(moment)

    def go_live(self) -> None:
        self.files.go_live()
        self.demo.go_live()


@contextmanager
def story(settle: float, days: int = DAYS) -> Iterator[str]:
    """The address of its Prometheus, `settle` seconds after the past has met the present."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ebbtide-story-")))
        share = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="share-", dir="/var/tmp")))
        now = time.time()
        estate = Estate(folder, share, now, days * DAY)
        for server in (estate.demo.commserve, estate.demo.vbr):
            stack.enter_context(server)
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listening.getsockname()[1]
        service = _service(folder, port, estate)
        stack.callback(service.close)
        past = Past(whole=True)
        _say(f"living through {days} days")
        past.live([*service.watches, service._estate], service.board, estate, now, days)
        estate.go_live()
        service.start()
        threading.Thread(target=service.serve, args=(listening,), daemon=True).start()

        labels = f'job="ebbtide",instance="{INSTANCE}"'
        _say("writing it into Prometheus")
        _backfill(folder, [*list(past.openmetrics(labels))[:-1], *_up(labels, now, days)])
        span = now - days * DAY, now
        recorded, alerts = _rules()
        for number, level in enumerate(_levels(recorded), 1):
            _say(f"recording what rules would have, level {number}: {len(level)} rules")
            with _prometheus(folder, port, rules=False) as url:
                lines = [line for rule in level for line in _recorded(url, rule, *span)]
            _backfill(folder, lines)
        _say(f"judging by {len(alerts)} alerts")
        with _prometheus(folder, port, rules=False) as url:
            lines = [line for rule in alerts for line in _alerted(url, rule, *span)]
        _backfill(folder, lines)
        with _prometheus(folder, port, rules=True) as url:
            _say(f"living on for {settle:.0f} s at {url}")
            time.sleep(settle)
            yield url


def _service(folder: Path, port: int, estate: Estate) -> Service:
    path = write_config(folder, port, estate.demo)
    content = yaml.safe_load(path.read_text())
    content["sources"] = content["sources"][1:] + [
        {"name": name, "kind": "filesystem", "intervals": {"mounts": "1m"}} for name in SERVERS
    ]
    # Each poll has as long as its interval, and two cores have more to do here than in the demo.
    for source in content["sources"]:
        source["intervals"] = {name: "2m" if every == "15s" else every for name, every in source["intervals"].items()}
    scanned = next(source for source in content["sources"] if source["name"] == "files01")
    scanned["scan"] = [{"path": str(estate.files.root), "workers": 1}]
    content["groups"] = [
        {"match": {"source": "cs01", "pool": "Apex*"}, "business_unit": "Apex", "application": "ERP"},
        {"match": {"source": "cs01", "pool": "Exchange*"}, "business_unit": "Office", "application": "Mail"},
        {"match": {"source": "cs01", "pool": "SQL*"}, "business_unit": "Apex", "application": "Databases"},
        {"match": {"source": "vbr01"}, "business_unit": "Office", "application": "Virtual machines"},
        {"match": {"source": "files01"}, "business_unit": "Research", "application": "File shares"},
        {"match": {"source": "*"}, "business_unit": "IT"},
    ]  # fmt: skip
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    service = Service(config.load(path), path)
    for watch in service.watches:
        if watch.source.kind == "filesystem":
            name = watch.source.name
            watch.source.client.close()
            watch.source.host = f"{name}.example.com"
            watch.source.client = FilesystemClient(
                next(s for s in service.config.sources if s.name == name),
                statvfs=estate.files.statvfs(name), mountinfo=estate.files.mountinfo(name),
            )  # fmt: skip
    return service


def _up(labels: str, now: float, days: int) -> Iterator[str]:
    yield "# TYPE up gauge\n"
    for at in range(int(now - days * DAY), int(now), STEP):
        yield f"up{{{labels}}} 1 {at}\n"
    yield "# EOF\n"


def _rules() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is recorded, and what alerts; alerts on the exporter itself have no past, for it is polled by leaps."""
    files = sorted(bundle.path("rules").glob("*.yaml")) + sorted(bundle.path("rules").glob("alerts/*.yaml"))
    rules = [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
    return [rule for rule in rules if "record" in rule], [
        rule for rule in rules if "alert" in rule and rule["labels"]["category"] != "meta"
    ]


def _levels(rules: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Those that rest on no other first; of one name, later ones may rest on earlier ones."""
    names = [rule["record"] for rule in rules]
    reads = [set(re.findall(r"[\w:]+", rule["expr"])) for rule in rules]
    needs = [
        {j for j, other in enumerate(names) if other in reads[i] and (other != name or j < i)}
        for i, name in enumerate(names)
    ]
    levels: list[list[dict[str, Any]]] = []
    done: set[int] = set()
    while ready := [i for i in range(len(rules)) if i not in done and needs[i] <= done]:
        levels.append([rules[i] for i in ready])
        done.update(ready)
    if len(done) < len(rules):
        raise SystemExit(
            f"rules rest on each other: {[rules[i]['record'] for i in range(len(rules)) if i not in done]}"
        )
    return levels


def _recorded(url: str, rule: dict[str, Any], start: float, end: float) -> Iterator[str]:
    for labels, samples in _range(url, rule["expr"], start, end):
        series = _series(rule["record"], labels | rule.get("labels", {}))
        for at, value in samples:
            yield f"{series} {value} {at}\n"


def _alerted(url: str, rule: dict[str, Any], start: float, end: float) -> Iterator[str]:
    wait = sum(float(n) * _UNITS[u] for n, u in re.findall(r"(\d+)([smhd])", rule.get("for", "")))
    for labels, samples in _range(url, rule["expr"], start, end):
        own = labels | rule.get("labels", {}) | {"alertname": rule["alert"]}
        states = {state: _series("ALERTS", own | {"alertstate": state}) for state in ("pending", "firing")}
        since = before = -math.inf
        for at, _ in samples:
            if at - before > 1.5 * STEP:
                since = at
            before = at
            yield f"{states['firing' if at - since >= wait else 'pending']} 1 {at}\n"
            yield f"{_series('ALERTS_FOR_STATE', own)} {since} {at}\n"


def _range(url: str, expr: str, start: float, end: float) -> Iterator[tuple[dict[str, str], list[tuple[float, str]]]]:
    asked = urlencode({"query": expr, "start": start, "end": end, "step": STEP, "timeout": "120s"}).encode()
    with urlopen(f"{url}/api/v1/query_range", asked, timeout=150) as answer:
        for one in json.load(answer)["data"]["result"]:
            yield {k: v for k, v in one["metric"].items() if k != "__name__"}, one["values"]


def _series(name: str, labels: dict[str, str]) -> str:
    return f"{name}{{{','.join(f'{k}={json.dumps(v, ensure_ascii=False)}' for k, v in labels.items())}}}"


def _backfill(folder: Path, lines: Iterable[str]) -> None:
    """OpenMetrics wants all samples of a metric together."""
    by_name: dict[str, list[str]] = {}
    for line in lines:
        if not line.startswith("#"):
            by_name.setdefault(line.partition("{")[0], []).append(line)
    if not by_name:
        return
    file = folder / "past.om"
    with file.open("w") as opened:
        for each in by_name.values():
            opened.writelines(each)
        opened.write("# EOF\n")
    create = [_found("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=1488h", "openmetrics"]
    subprocess.run([*create, file, folder / "tsdb"], check=True, capture_output=True)
    file.unlink()


@contextmanager
def _prometheus(folder: Path, exporter_port: int, *, rules: bool) -> Iterator[str]:
    shipped = bundle.path("rules")
    content: dict[str, Any] = {"global": {"scrape_interval": "15s", "evaluation_interval": "15s"}}
    if rules:
        content["rule_files"] = [f"{shipped}/*.yaml", f"{shipped}/alerts/*.yaml"]
        static = {"targets": [f"127.0.0.1:{exporter_port}"], "labels": {"instance": INSTANCE}}
        content["scrape_configs"] = [{"job_name": "ebbtide", "static_configs": [static]}]
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(yaml.safe_dump(content))
    with (folder / "prometheus.log").open("ab") as log:
        process = subprocess.Popen([
            _found("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10y",
            f"--query.lookback-delta={LOOKBACK_S}s",
        ], stdout=log, stderr=log)  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _await(f"{url}/-/ready", process)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        if process.poll() is not None:
            raise SystemExit(f"Prometheus ended with {process.returncode}")
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("Prometheus does not answer")


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise SystemExit(f"{program} is not installed: apt-get install prometheus")
    return path


def _say(text: str) -> None:
    print(f"==> {text}", flush=True)


if __name__ == "__main__":
    with story(0) as address:
        print(f"{address} until Ctrl-C", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
