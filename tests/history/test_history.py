"""One contract for every store of past values, then what only our own SQL store must do."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import requests
import requests_mock
import sqlalchemy as sa

from exporter.errors import HistoryError
from exporter.history import History, Sample, Series
from exporter.history.promql import PromqlHistory
from exporter.history.sql import SqlHistory
from exporter.history.tables import SCHEMA_VERSION
from exporter.telemetry import Telemetry
from tests.inventories import NASTY
from tests.servers import free_port, need, running, wait_until

# Whole hours, so that a store that answers by the step answers with the very moments.
AT = 1_772_442_000.0
DAY = 86400.0
NAME = "ebbtide_pool_free_bytes"
GOLD = {"source": "cs01", "kind": "commvault", "pool": "Gold"}

Past = list[tuple[list[Sample], float]]
Remember = Callable[[Past], History]


def line(labels: Mapping[str, str], values: list[float], *, step: float, end: float = AT) -> Past:
    """One value each `step` seconds; the last one at the end."""
    first = end - step * (len(values) - 1)
    return [([(NAME, labels, value)], first + step * i) for i, value in enumerate(values)]


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


def said(series: Series) -> list[tuple[float, float]]:
    return list(zip(series.timestamps.tolist(), series.values.tolist(), strict=True))


# The contract


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


# SQL alone: what is kept


@pytest.fixture(params=["file", "memory", pytest.param("postgresql", marks=pytest.mark.server)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("database"))
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/history.db"


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/history.db"


def all_of(history: History, labels: Mapping[str, str] = GOLD) -> list[float]:
    return history.range(NAME, labels, 0, 2 * AT, 1.0).values.tolist()


def test_samples_closer_than_the_resolution_are_not_stored(url: str) -> None:
    history = SqlHistory(url, resolution=300.0)
    for seconds, value in ((0, 1.0), (299, 2.0), (300, 3.0), (350, 4.0), (600, 5.0)):
        history.append([(NAME, GOLD, value)], AT + seconds)
    assert all_of(history) == [1.0, 3.0, 5.0]
    history.close()


def test_the_resolution_is_each_series_own(url: str) -> None:
    history = SqlHistory(url, resolution=300.0)
    history.append([(NAME, GOLD, 1.0)], AT)
    history.append([(NAME, GOLD, 2.0), (NAME, GOLD | {"pool": "Silver"}, 2.0)], AT + 200)
    assert all_of(history) == [1.0]
    assert all_of(history, GOLD | {"pool": "Silver"}) == [2.0]
    history.close()


def test_what_is_older_than_keep_is_deleted(url: str) -> None:
    history = SqlHistory(url, resolution=1.0, keep=10 * DAY)
    for day in range(30):
        history.append([(NAME, GOLD, float(day))], AT + day * DAY)
    assert all_of(history) == [float(day) for day in range(19, 30)]
    history.close()


def test_a_series_given_twice_at_once_is_stored_once(url: str) -> None:
    history = SqlHistory(url)
    history.append([(NAME, GOLD, 1.0), (NAME, dict(reversed(GOLD.items())), 2.0)], AT)
    assert all_of(history) == [1.0]
    history.append([], AT + DAY)
    history.close()


def test_a_clock_set_back_overwrites_nothing(url: str) -> None:
    history = SqlHistory(url, resolution=60.0)
    for seconds, value in ((0, 1.0), (-3600, 2.0), (60, 3.0)):
        history.append([(NAME, GOLD, value)], AT + seconds)
    assert all_of(history) == [1.0, 3.0]
    history.close()


def test_a_restart_loses_nothing_and_goes_on_where_it_was(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    for url in (f"sqlite:///{tmp_path}/h.db",):
        first = SqlHistory(url, resolution=300.0)
        first.append([(NAME, GOLD, 1.0)], AT)
        first.close()
        second = SqlHistory(url, resolution=300.0)
        second.append([(NAME, GOLD, 2.0)], AT + 10)
        second.append([(NAME, GOLD, 3.0)], AT + 300)
        assert all_of(second) == [1.0, 3.0]
        second.close()


@pytest.mark.server
def test_a_restart_on_postgresql_loses_nothing(database: str) -> None:
    for value in (1.0, 2.0):
        history = SqlHistory(database, resolution=300.0)
        history.append([(NAME, GOLD, value)], AT + 300 * value)
        history.close()
    history = SqlHistory(database)
    assert all_of(history) == [1.0, 2.0]
    history.close()


def test_threads_append_and_read_at_once_and_nothing_is_lost(url: str) -> None:
    """Each source appends on a thread of its own, while forecasts read."""
    history = SqlHistory(url, resolution=1.0)
    sources = [f"cs{i:02}" for i in range(4)]

    def append(source: str) -> None:
        for i in range(25):
            pools = [(NAME, {"source": source, "pool": f"{p}"}, float(i)) for p in range(5)]
            history.append(pools, AT + i)

    def read() -> None:
        while not ended.wait(0.002):
            for source in sources:
                found = all_of(history, {"source": source, "pool": "4"})
                assert found == [float(i) for i in range(len(found))]

    ended = threading.Event()
    with ThreadPoolExecutor(6) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        writers = [threads.submit(append, source) for source in sources]
        wait(writers, 30)
        ended.set()
        for thread in (*writers, *readers):
            thread.result(30)
    for source in sources:
        for pool in range(5):
            assert len(all_of(history, {"source": source, "pool": f"{pool}"})) == 25
    history.close()


def test_a_label_that_is_no_text_at_all_is_kept(url: str) -> None:
    """A mountpoint's bytes that are not UTF-8 arrive as lone surrogates, others with a NUL."""
    history = SqlHistory(url)
    for pool in ("/mnt/\udcff", "/mnt/\0"):
        history.append([(NAME, GOLD | {"pool": pool}, 1.0)], AT)
        assert all_of(history, GOLD | {"pool": pool}) == [1.0]
    history.close()


# SQL alone: what goes wrong


@pytest.mark.parametrize("step", [1, 43_200], ids=["samples", "days"])
def test_a_writer_killed_a_hundred_times_loses_nothing_it_had_acknowledged(tmp_path: Path, step: int) -> None:
    """kill -9 at any moment; each time the history opens and has every append that had returned."""
    program = Path(__file__).with_name("killed_writer.py")
    command = [sys.executable, str(program), f"sqlite:///{tmp_path}/history.db", "100", str(step)]
    quiet = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=quiet)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert result["missing"] == []
    assert result["rounds"] == 100
    assert result["acknowledged"] >= 50


def limit_pages(history: SqlHistory, pages: int) -> None:
    with history.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def test_a_full_disk_is_an_error_and_afterwards_all_is_well_again(file: str) -> None:
    history = SqlHistory(file, resolution=1.0)
    history.append([(NAME, GOLD, 1.0)], AT)
    with history.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limit_pages(history, pages + 2)
    new = [(NAME, GOLD | {"pool": f"New {i} {'x' * 500}"}, 2.0) for i in range(50)]
    with pytest.raises(HistoryError, match=r"^history cannot be written: database or disk is full$"):
        history.append([(NAME, GOLD, 2.0), *new], AT + 1)
    assert all_of(history) == [1.0]
    limit_pages(history, 2**30)
    history.append([(NAME, GOLD, 3.0), *new], AT + 2)
    assert all_of(history) == [1.0, 3.0]
    for name, labels, value in new:
        assert history.range(name, labels, 0, 2 * AT, 1.0).values.tolist() == [value]
    history.close()
    raw = sa.create_engine(file)
    with raw.connect() as connection:
        ghosts = "SELECT count(*) FROM ebbtide_series WHERE id NOT IN (SELECT series_id FROM ebbtide_samples)"
        assert connection.exec_driver_sql(ghosts).scalar_one() == 0
        orphans = "SELECT count(*) FROM ebbtide_samples WHERE series_id NOT IN (SELECT id FROM ebbtide_series)"
        assert connection.exec_driver_sql(orphans).scalar_one() == 0
    raw.dispose()


def test_nothing_of_a_failed_append_is_kept(file: str) -> None:
    history = SqlHistory(file)

    def failing() -> Iterator[Sample]:
        yield NAME, GOLD, 1.0
        raise RuntimeError("a bug behind the samples")

    with pytest.raises(RuntimeError):
        history.append(failing(), AT)
    assert all_of(history) == []
    history.append([(NAME, GOLD, 2.0)], AT)
    assert all_of(history) == [2.0]
    history.close()


def test_a_number_the_database_cannot_hold_is_an_error_in_one_line(file: str) -> None:
    history = SqlHistory(file)
    with pytest.raises(HistoryError, match="a text or number that the database cannot hold"):
        history.append([(NAME, GOLD, 1.0)], 1e30)
    history.close()


def test_a_history_of_a_newer_version_is_refused(file: str) -> None:
    SqlHistory(file).close()
    raw = sa.create_engine(file)
    with raw.begin() as connection:
        connection.exec_driver_sql(f"UPDATE ebbtide_history_version SET version = {SCHEMA_VERSION + 1}")
    raw.dispose()
    with pytest.raises(HistoryError, match=rf"written by a newer version of ebbtide \(schema {SCHEMA_VERSION + 1}\)"):
        SqlHistory(file)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_text("Dear diary, " * 100)
    with pytest.raises(HistoryError, match=r"history\.db: file is not a database$"):
        SqlHistory(f"sqlite:///{tmp_path}/history.db")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"nowhere/history\.db: unable to open database file"):
        SqlHistory(f"sqlite:///{tmp_path}/nowhere/history.db")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ebb:hunter2@127.0.0.1:{port}/ebbtide",
        "postgresql+nodriver://ebb:hunter2@127.0.0.1/ebbtide",
        "nodatabase://ebb:hunter2@127.0.0.1/ebbtide",
        "://ebb:hunter2@127.0.0.1",
        "postgresql+psycopg://ebb:hunter2@127.0.0.1:port/ebbtide",
        "postgresql+psycopg://ebb:hunter2/ebbtide",
        "postgresql+psycopg://ebb:p@hunter2@127.0.0.1/ebbtide",
        "postgresql+psycopg://ebb@127.0.0.1:{port}/ebbtide?password=hunter2",
    ],
)
def test_a_store_that_cannot_be_opened_says_why_without_the_password(url: str) -> None:
    with pytest.raises(HistoryError) as caught:
        SqlHistory(url.format(port=free_port()))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) > 20
    assert "hunter2" not in message


@pytest.mark.server
def test_a_password_that_postgresql_refuses_is_not_shown(database: str) -> None:
    wrong = database.replace("ebb@", "nobody:hunter2@")
    with pytest.raises(HistoryError, match=r'role "nobody" does not exist') as caught:
        SqlHistory(wrong)
    assert "hunter2" not in str(caught.value)
    assert "nobody:***@" in str(caught.value)


@pytest.mark.server
def test_a_postgresql_that_went_away_is_an_error_and_is_found_again(database: str) -> None:
    history = SqlHistory(database, resolution=1.0)
    history.append([(NAME, GOLD, 1.0)], AT)
    admin = sa.create_engine(database.rpartition("/")[0] + "/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 't%%'")
    admin.dispose()
    history.append([(NAME, GOLD, 2.0)], AT + 1)
    assert all_of(history) == [1.0, 2.0]
    history.close()


# Prometheus alone


def test_a_prometheus_that_fails_is_a_history_error() -> None:
    history = PromqlHistory(f"http://127.0.0.1:{free_port()}", Telemetry())
    with pytest.raises(
        HistoryError, match=r"^history http://127\.0\.0\.1:\d+: GET /api/v1/query_range: no answer: connection refused$"
    ):
        history.range(NAME, GOLD, AT - 3600, AT, 300.0)
    history.close()


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"data": {"result": {}}}, {"data": {"result": [{}]}}, {"data": {"result": [{"values": [[1, "many"]]}]}},
     {"data": {"result": [{"values": 5}]}}],
    ids=str,
)  # fmt: skip
def test_an_answer_of_another_shape_is_a_history_error(answer: object) -> None:
    history = PromqlHistory("http://prometheus.example.com", Telemetry())
    with requests_mock.Mocker() as mock:
        mock.get("http://prometheus.example.com/api/v1/query_range", json=answer)
        with pytest.raises(HistoryError, match=r"^history http://prometheus\.example\.com: "):
            history.range(NAME, GOLD, AT - 3600, AT, 300.0)
    history.close()


def test_a_series_scraped_by_two_jobs_is_one() -> None:
    history = PromqlHistory("http://prometheus.example.com/prefix/", Telemetry())
    result = [
        {"metric": {"job": "a"}, "values": [[10, "1"], [20, "2"]]},
        {"metric": {"job": "b"}, "values": [[20, "3"], [15, "+Inf"]]},
    ]
    with requests_mock.Mocker() as mock:
        mock.get("http://prometheus.example.com/prefix/api/v1/query_range", json={"data": {"result": result}})
        found = history.range(NAME, GOLD, 0, 20, 5.0)
    assert said(found) == [(10, 1), (15, math.inf), (20, 3)]
    history.close()
