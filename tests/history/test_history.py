"""One contract for every store of past values."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import requests

from exporter.history import History
from exporter.history.promql import PromqlHistory
from exporter.history.sql import SqlHistory
from exporter.telemetry import Telemetry
from tests.history.pasts import AT, DAY, GOLD, NAME, Past, line, said
from tests.inventories import NASTY
from tests.servers import free_port, need, running, wait_until

Remember = Callable[[Past], History]


class Stores:
    """Makes histories of a sort that know the given past."""

    def __init__(self, tmp_path: Path, request: pytest.FixtureRequest, stack: ExitStack) -> None:
        self.tmp_path, self.request, self.stack = tmp_path, request, stack

    def sqlite_file(self, past: Past) -> History:
        return self._sql(f"sqlite:///{self.tmp_path}/history.db", past)

    def sqlite_memory(self, past: Past) -> History:
        return self._sql("sqlite://", past)

    def postgresql(self, past: Past) -> History:
        return self._sql(self.request.getfixturevalue("database"), past)

    def prometheus(self, past: Past) -> History:
        """What it would have scraped, put into it as a block of old data."""
        data, config = self.tmp_path / "data", self.tmp_path / "prometheus.yml"
        config.write_text("{}")
        if past:
            self._backfill(past, data)
        port = free_port()
        command = [
            need("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={data}",
            f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y",
        ]  # fmt: skip
        self.stack.enter_context(running(command, self.tmp_path / "log"))
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_ready(url), "Prometheus is ready")
        history = PromqlHistory(url, Telemetry(), selector={"job": "ebbtide"})
        self.stack.callback(history.close)
        for samples, at in past:
            history.append(samples, at)
        return history

    def _backfill(self, past: Past, data: Path) -> None:
        text = f"# TYPE {NAME} gauge\n"
        series: dict[str, list[str]] = {}
        for samples, at in past:
            for name, labels, value in samples:
                scraped = {**labels, "job": "ebbtide"}
                pairs = ",".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in scraped.items())
                number = "+Inf" if math.isinf(value) else repr(value)
                series.setdefault(f"{name}{{{pairs}}}", []).append(f"{number} {at}")
        for name, points in series.items():
            text += "".join(f"{name} {point}\n" for point in points)
        (self.tmp_path / "om.txt").write_text(text + "# EOF\n", encoding="utf-8")
        command = [need("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics",
                   str(self.tmp_path / "om.txt"), str(data)]  # fmt: skip
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr + made.stdout

    def _sql(self, url: str, past: Past) -> History:
        history = SqlHistory(url, resolution=1.0)
        self.stack.callback(history.close)
        for samples, at in past:
            history.append(samples, at)
        return history


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=1).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(
    params=[
        "sqlite_file",
        "sqlite_memory",
        pytest.param("postgresql", marks=pytest.mark.server),
        pytest.param("prometheus", marks=pytest.mark.server),
    ]
)
def remember(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remember]:
    with ExitStack() as stack:
        made: Remember = getattr(Stores(tmp_path, request, stack), request.param)
        yield made


def test_what_was_appended_is_what_range_returns(remember: Remember) -> None:
    values = [5.0, 4.5, 1e18, 0.0, math.inf, 2.5e-7, 3.0]
    past = line(GOLD, values, step=300.0)
    past += line(GOLD | {"pool": "Silver"}, [9.0] * 7, step=300.0)
    past += line(GOLD | {"source": "cs02"}, [8.0] * 7, step=300.0)
    history = remember(past)
    found = history.range(NAME, GOLD, AT - 1800 - 300, AT, 300.0)
    assert said(found) == [(AT - 300 * (6 - i), value) for i, value in enumerate(values)]
    assert found.timestamps.dtype == found.values.dtype == np.float64


def test_a_series_is_found_whatever_its_labels_hold(remember: Remember) -> None:
    history = remember(line(GOLD | {"pool": NASTY}, [1.0, 2.0], step=300.0) + line(GOLD, [3.0], step=300.0))
    assert said(history.range(NAME, GOLD | {"pool": NASTY}, AT - 900, AT, 300.0)) == [(AT - 300, 1.0), (AT, 2.0)]


def test_of_every_step_the_last_value_is_returned(remember: Remember) -> None:
    """A value a minute asked for by the hour; the past begins and ends half a minute from a full hour."""
    values = [float(i) for i in range(240)]
    history = remember(line(GOLD, values, step=60.0, end=AT - 30))
    assert history.range(NAME, GOLD, AT - 4 * 3600, AT, 3600.0).values.tolist() == [59.0, 119.0, 179.0, 239.0]


def test_the_newest_value_is_returned_however_the_steps_fall(remember: Remember) -> None:
    history = remember(line(GOLD, [float(i) for i in range(10)], step=300.0, end=AT - 30))
    assert history.range(NAME, GOLD, AT - 3000, AT, 700.0).values[-1] == 9.0


def test_only_what_lies_between_start_and_end_is_returned(remember: Remember) -> None:
    history = remember(line(GOLD, [1.0, 2.0, 3.0, 4.0, 5.0], step=3600.0))
    assert said(history.range(NAME, GOLD, AT - 3 * 3600 - 1800, AT - 1800, 1800.0))[-1][1] == 4.0
    assert set(history.range(NAME, GOLD, AT - 3 * 3600 - 1800, AT - 1800, 1800.0).values) == {2.0, 3.0, 4.0}


def test_where_nothing_was_stored_nothing_is_returned(remember: Remember) -> None:
    early = line(GOLD, [1.0, 2.0], step=300.0, end=AT - 7200)
    history = remember(early + line(GOLD, [3.0], step=300.0))
    found = history.range(NAME, GOLD, AT - 9000, AT, 300.0)
    assert found.timestamps.tolist() == [AT - 7500, AT - 7200, AT]


def test_a_series_that_is_not_there_is_empty(remember: Remember) -> None:
    history = remember(line(GOLD, [1.0], step=300.0))
    for name, labels in ((NAME, GOLD | {"pool": "Bronze"}), ("ebbtide_pool_capacity_bytes", GOLD)):
        assert said(history.range(name, labels, AT - 3600, AT, 300.0)) == []
    assert said(history.range(NAME, GOLD, AT - 7200, AT - 3600, 300.0)) == []


def test_a_store_without_a_past_is_empty(remember: Remember) -> None:
    found = remember([]).range(NAME, GOLD, AT - 60 * DAY, AT, 3600.0)
    assert found.timestamps.size == found.values.size == 0
