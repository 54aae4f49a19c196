"""The four stores of the contract: what they are given to remember, and the real servers among them."""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from exporter.history import History, Sample
from exporter.history.promql import PromqlHistory
from exporter.history.sql import SqlHistory
from exporter.telemetry import Telemetry
from tests.servers import free_port, need, running, wait_until

# Whole hours, so that a store that answers by the step answers with the very moments.
AT = 1_772_442_000.0
HOUR, DAY = 3600.0, 86400.0
NAME = "ebbtide_pool_free_bytes"
GOLD = {"source": "cs01", "kind": "commvault", "pool": "Gold"}

Past = list[tuple[list[Sample], float]]
Remember = Callable[[Past], History]


def line(labels: Mapping[str, str], values: list[float], *, step: float, end: float = AT) -> Past:
    """One value each `step` seconds; the last one at the end."""
    first = end - step * (len(values) - 1)
    return [([(NAME, labels, value)], first + step * i) for i, value in enumerate(values)]


def in_sql(stack: ExitStack, url: str, past: Past) -> SqlHistory:
    history = SqlHistory(url, resolution=1.0, raw=100 * DAY)
    stack.callback(history.close)
    for samples, at in past:
        history.append(samples, at)
    return history


def in_promql(stack: ExitStack, url: str, past: Past) -> PromqlHistory:
    """Written as a scrape would have left it, under a job of this test's own, which every query then selects."""
    job = {"job": uuid.uuid4().hex, "instance": "exporter.example.com:9877"}
    history = PromqlHistory(url, Telemetry(), selector={"job": job["job"]})
    stack.callback(history.close)
    for samples, at in past:
        history.append(samples, at)
    write(url, [((name, {**labels, **job}), at, value) for samples, at in past for name, labels, value in samples])
    return history


@contextmanager
def prometheus(folder: Path, *arguments: str) -> Iterator[str]:
    """The URL of a Prometheus that takes what is written to it, however old it is."""
    config = folder / "prometheus.yml"
    config.write_text("storage: {tsdb: {out_of_order_time_window: 100y}}\n")
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        need("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={url.removeprefix('http://')}", "--web.enable-remote-write-receiver",
        "--storage.tsdb.retention.time=100y", *arguments,
    ]  # fmt: skip
    with running(command, folder / "log"):
        wait_until(lambda: answers(f"{url}/-/ready"), "Prometheus is ready")
        yield url


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        need("victoria-metrics"), f"-storageDataPath={folder}/data", "-retentionPeriod=100y",
        f"-httpListenAddr={url.removeprefix('http://')}", "-search.latencyOffset=0s", "-memory.allowedBytes=64MB",
    ]  # fmt: skip
    with running(command, folder / "log"):
        wait_until(lambda: answers(f"{url}/health"), "VictoriaMetrics is ready")
        yield url


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.ConnectionError:
        return False


def write(url: str, points: list[tuple[tuple[str, Mapping[str, str]], float, float]]) -> None:
    """By Prometheus' remote write, which both servers take: ((name, labels), moment, value)."""
    of_series: dict[str, list[tuple[float, float]]] = {}
    for (name, labels), at, value in points:
        of_series.setdefault(json.dumps([name, labels]), []).append((at, value))
    request = b""
    for key, values in of_series.items():
        name, labels = json.loads(key)
        body = b"".join(
            _field(1, _field(1, one.encode()) + _field(2, two.encode()))
            for one, two in sorted({"__name__": name, **labels}.items())
        )
        for at, value in sorted(values):
            body += _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(round(at * 1000)))
        request += _field(1, body)
    headers = {"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
    answer = requests.post(f"{url}/api/v1/write", data=_snappy(request), headers=headers, timeout=10)
    assert answer.status_code == 204, answer.text
    # VictoriaMetrics shows what was written after a second, or now; Prometheus knows no such request.
    requests.get(f"{url}/internal/force_flush", timeout=10)


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _snappy(content: bytes) -> bytes:
    """A block of literals: snappy that compresses nothing."""
    pieces = (content[start : start + 60] for start in range(0, len(content), 60))
    return _varint(len(content)) + b"".join(bytes([len(piece) - 1 << 2]) + piece for piece in pieces)
