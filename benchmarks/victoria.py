"""A VictoriaMetrics of our own and vmalert, which replays rules over what is in it (Debian: victoria-metrics)."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import yaml

from exporter import bundle

# Keys that the vmalert of Debian 12 (1.79) does not know. Annotations may ask Prometheus, which a replay cannot.
_UNKNOWN = ("keep_firing_for", "annotations")


@dataclass(frozen=True)
class Firing:
    """One alert, from when to when it fired, in unix seconds."""

    labels: Mapping[str, str]
    begins: float
    ends: float

    @property
    def name(self) -> str:
        return self.labels["alertname"]


def rule_stages(folder: Path, interval: float) -> list[Path]:
    """The shipped rules as the oldest vmalert takes them, evaluated every `interval` seconds.

    Each file needs only what the files before it record: a replay lives through the whole past rule by rule, and what
    one rule records another can read only when it has been stored.
    """
    rules = [
        {key: value for key, value in rule.items() if key not in _UNKNOWN}
        for path in sorted(bundle.path("rules").rglob("*.yaml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]
    stages: list[list[dict[str, Any]]] = []
    while rules:
        ready = [rule for rule in rules if not _needs(rule, [other for other in rules if other is not rule])]
        if not ready:
            raise SystemExit(f"rules that need each other: {[rule.get('record') for rule in rules]}")
        stages.append(ready)
        rules = [rule for rule in rules if rule not in ready]
    files = []
    for number, stage in enumerate(stages):
        groups = [{"name": f"stage-{number}", "interval": f"{interval:.0f}s", "rules": stage}]
        files.append(folder / f"rules-{number}.yaml")
        files[-1].write_text(yaml.safe_dump({"groups": groups}, sort_keys=False))
    return files


def _needs(rule: dict[str, Any], others: Iterable[dict[str, Any]]) -> bool:
    named = set(re.findall(r"[a-zA-Z_:][\w:]*", rule["expr"]))
    return any(other.get("record") in named for other in others)


@contextmanager
def victoria(folder: Path, *flags: str) -> Iterator[str]:
    """The URL of a running VictoriaMetrics that keeps its data in `folder`."""
    port = free_port()
    command = [
        needed("victoria-metrics"), f"-storageDataPath={folder}/vm", f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=10y", "-search.latencyOffset=0s", "-search.maxPointsPerTimeseries=2000000",
        "-search.maxSamplesPerQuery=4000000000", "-search.maxQueryDuration=600s", "-dedup.minScrapeInterval=0s", *flags,
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with (folder / "victoria.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(f"{url}/health", process)
        yield url
    finally:
        stop(process)


def write(url: str, lines: Iterable[str], labels: Mapping[str, str]) -> None:
    """Import lines 'name{labels} value milliseconds', with more labels on each."""
    extra = [("extra_label", f"{name}={value}") for name, value in labels.items()]
    body = "".join(lines).encode()
    requests.post(f"{url}/api/v1/import/prometheus", params=extra, data=body, timeout=600).raise_for_status()


def replay(url: str, stages: Iterable[Path], start: float, end: float) -> None:
    """Evaluate the rules over that time; what they record and which alerts fire is written to the same place."""
    moments = [datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (start, end)]
    for rules in stages:
        _flush(url)
        with rules.with_suffix(".log").open("wb") as log:
            subprocess.run(
                [
                    needed("vmalert"), f"-rule={rules}", f"-datasource.url={url}", f"-remoteWrite.url={url}",
                    "-remoteWrite.maxQueueSize=10000000", f"-replay.timeFrom={moments[0]}",
                    f"-replay.timeTo={moments[1]}", "-replay.maxDatapointsPerQuery=1000000", "-replay.rulesDelay=0s",
                    "-httpListenAddr=127.0.0.1:0",
                ], check=True, stdout=log, stderr=log,
            )  # fmt: skip
    _flush(url)


def _flush(url: str) -> None:
    """Everything written so far can be read."""
    requests.get(f"{url}/internal/force_flush", timeout=600).raise_for_status()


def firings(url: str, start: float, end: float, step: float) -> list[Firing]:
    """What fired, each alert as one for as long as no evaluation is missing, in the order it began."""
    match = {"match[]": 'ALERTS{alertstate="firing"}', "start": f"{start:.0f}", "end": f"{end:.0f}"}
    found = []
    with requests.get(f"{url}/api/v1/export", params=match, timeout=600, stream=True) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            series = json.loads(line)
            labels = {k: v for k, v in series["metric"].items() if k not in ("__name__", "alertstate", "alertgroup")}
            found += [Firing(labels, *span) for span in _spans(sorted(series["timestamps"]), step)]
    return sorted(found, key=lambda firing: (firing.begins, sorted(firing.labels.items())))


def _spans(milliseconds: list[int], step: float) -> Iterator[tuple[float, float]]:
    begins = before = milliseconds[0] / 1000
    for at in (m / 1000 for m in milliseconds[1:]):
        if at - before > 1.5 * step:
            yield begins, before
            begins = at
        before = at
    yield begins, before


def needed(program: str) -> str:
    found = shutil.which(program)
    if not found:
        raise SystemExit(f"{program} is not installed: apt-get install victoria-metrics")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(url, timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise SystemExit(f"{process.args} does not answer at {url}")


def stop(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(15)
