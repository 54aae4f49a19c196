"""`ebbtide history`: years brought in from files and servers, and taken out for others to read."""

from __future__ import annotations

import csv
import io
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from exporter.cli import app
from exporter.commands import history as command
from exporter.history import Of, Series
from exporter.history.sql import SqlHistory
from tests.history.stores import DAY, GOLD, NAME, prometheus, victoria_metrics, write
from tests.servers import free_port, need

NOW = time.time()
MIDNIGHT = NOW - NOW % DAY
SILVER = GOLD | {"pool": "Silver"}

Run = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlHistory]:
    """As an exporter has it open that is running."""
    history = SqlHistory(f"sqlite:///{tmp_path}/history.db")
    yield history
    history.close()


@pytest.fixture
def run(store: SqlHistory, tmp_path: Path) -> Run:
    config = tmp_path / "ebbtide.yml"
    config.write_text(yaml.safe_dump({"history": {"url": f"sqlite:///{tmp_path}/history.db"}}))
    return lambda *arguments: CliRunner().invoke(app, ["history", *map(str, arguments), "--config", str(config)])


def lived(days: int, *, per_day: int = 4) -> list[tuple[float, float]]:
    """(moment, value) until the last midnight; the value counts on."""
    count = days * per_day
    return [(MIDNIGHT - (count - 1 - number) * DAY / per_day, float(number)) for number in range(count)]


def openmetrics(path: Path, days: int, labels: str = 'source="cs01",kind="commvault",pool="Gold",job="x"') -> Path:
    lines = [f"{NAME}{{{labels}}} {value} {at:.0f}\n" for at, value in lived(days)]
    path.write_text(f"# TYPE {NAME} gauge\n{''.join(lines)}# EOF\n")
    return path


def days(history: SqlHistory, count: int, of: Of = "last") -> list[float]:
    found: Series = history.range(NAME, GOLD, MIDNIGHT - count * DAY, MIDNIGHT, DAY, of)
    return found.values.tolist()


# Bringing in


def test_two_years_of_openmetrics_are_brought_in(run: Run, store: SqlHistory, tmp_path: Path) -> None:
    result = run("import", openmetrics(tmp_path / "past.om", 729))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("2,916 points read: 56 new samples, 715 new days\n")
    assert days(store, 729) == [4.0 * day + 3 for day in range(729)]
    assert days(store, 729, "min") == [4.0 * day for day in range(729)]


def test_csv_is_brought_in_and_doing_it_again_changes_nothing(run: Run, store: SqlHistory, tmp_path: Path) -> None:
    rows = "".join(f"{at},{NAME},{value},cs01,commvault,Gold,anything\n" for at, value in lived(100))
    (tmp_path / "past.csv").write_text(f"time,metric,value,source,kind,pool,comment\n{rows}")
    first, second = (run("import", tmp_path / "past.csv") for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "400 points read: 56 new samples, 86 new days" in first.stdout
    assert "400 points read: 0 new samples, 0 new days" in second.stdout
    assert "400 were there already, or are part of a day" in second.stdout
    assert days(store, 100) == [4.0 * day + 3 for day in range(100)]


def test_lines_of_other_metrics_are_left_out_and_counted(run: Run, store: SqlHistory, tmp_path: Path) -> None:
    path = openmetrics(tmp_path / "past.txt", 2)
    path.write_text(path.read_text().replace("# EOF", "up 1 1700000000\nup 1 1700000001\n# EOF"))
    result = run("import", path)
    assert result.exit_code == 0
    assert "2 lines of other metrics were left out; kept are ebbtide_" in result.stderr
    assert "8 points read" in result.stdout


def test_only_the_metrics_and_the_time_that_are_asked_for_are_brought_in(
    run: Run, store: SqlHistory, tmp_path: Path
) -> None:
    path = openmetrics(tmp_path / "past.txt", 10)
    assert "0 points" in run("import", path, "--metric", "ebbtide_pool_capacity_bytes").stdout
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(MIDNIGHT - 3 * DAY + 1))
    assert "12 points" in run("import", path, "--metric", NAME, "--since", moment).stdout


@pytest.mark.parametrize(
    ("name", "text", "options", "status", "problem"),
    [
        ("a.csv", "time,metric,value\n", ["--format", "xml"], 2, "--format: 'xml' is none of csv, openmetrics"),
        ("a.csv", "time,metric,value\n", ["--metric", "up"], 2, "--metric: 'up' is not kept; there are ebbtide_"),
        ("a.csv", "time,metric,value\n", ["--since", "soon"], 2, "--since: 'soon' is neither a look-back"),
        ("a.csv", f"time,metric,value,source,kind\n1,{NAME},1,a,b\n", [], 1, f"a.csv:2: {NAME} has no label pool"),
        ("a.csv", "time,value\n", [], 1, "a.csv:1: the first line names the columns; there is none for metric"),
        ("a.om", f"{NAME} 5\n# EOF\n", [], 1, "a.om:1: the time is missing"),
        ("a.om", f'{NAME}{{source="a",kind="b",pool="c"}} 5 9e10\n# EOF\n', [], 1, "the time lies in the future"),
    ],
)
def test_what_cannot_be_brought_in_is_said_in_one_line(
    run: Run, tmp_path: Path, name: str, text: str, options: list[str], status: int, problem: str
) -> None:
    (tmp_path / name).write_text(text)
    result = run("import", tmp_path / name, *options)
    assert result.exit_code == status
    assert problem in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_a_file_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    result = run("import", tmp_path / "nowhere.csv")
    assert (result.exit_code, result.stderr) == (2, f"ebbtide: {tmp_path}/nowhere.csv: No such file or directory\n")


def test_who_waits_long_is_told_how_far_it_is(
    run: Run, store: SqlHistory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_SAY_EVERY_S", 0.0)
    path = openmetrics(tmp_path / "past.txt", 3000)
    assert f" 83% {path}\n" in run("import", path).stderr
    assert f"  0% {NAME}\n" in run("export", "--to", tmp_path / "out.csv").stderr


# From a server


@pytest.mark.server
@pytest.mark.parametrize("server", [prometheus, victoria_metrics])
def test_the_past_that_a_server_has_scraped_is_brought_in(
    server: Callable[[Path], Iterator[str]], run: Run, store: SqlHistory, tmp_path: Path
) -> None:
    scraped = {"job": "ebbtide", "instance": "exporter.example.com:9877"}
    points = [((NAME, GOLD | scraped), at, value) for at, value in lived(200)]
    points += [((NAME, SILVER | {"job": "other"}), at, 1.0) for at, _ in lived(20)]
    (tmp_path / "server").mkdir()
    with server(tmp_path / "server") as url:  # type: ignore[attr-defined]
        write(url, points)
        result = run("import", url, "--metric", NAME, "--selector", "job=ebbtide", "--since", "300d")
        again = run("import", url, "--metric", NAME, "--selector", "job=ebbtide", "--since", "300d")
    assert result.exit_code == 0, result.stderr
    assert "56 new samples, 186 new days" in result.stdout
    assert "0 new samples, 0 new days" in again.stdout
    assert days(store, 200) == [4.0 * day + 3 for day in range(200)]
    assert days(store, 200, "min") == [4.0 * day for day in range(200)]
    assert store.ranges(NAME, {}, ("pool",), 0, MIDNIGHT, DAY).keys() == {("Gold",)}


def test_a_server_that_does_not_answer_is_named(run: Run) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = run("import", url)
    assert result.exit_code == 1
    assert result.stderr == f"ebbtide: history {url}: GET /api/v1/query_range: no answer: connection refused\n"


@pytest.mark.parametrize(
    ("url", "options", "problem"),
    [
        ("http://ebb:hunter2@prometheus.example.com", [], "a URL must not hold credentials"),
        ("http://prometheus.example.com", ["--username", "ebb"], "username and password belong together"),
        ("http://prometheus.example.com", ["--selector", "job"], "--selector: 'job' is not written like job=ebbtide"),
        ("past.om", ["--format", "prometheus"], "--format prometheus wants an http(s):// URL, not 'past.om'"),
    ],
)
def test_access_that_cannot_be_meant_is_refused(run: Run, url: str, options: list[str], problem: str) -> None:
    result = run("import", url, *options)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert "hunter2" not in result.stderr


# Taking out


def fill(store: SqlHistory) -> None:
    for at, value in lived(40):
        store.append([(NAME, GOLD, value), (NAME, SILVER, 1e12), ("ebbtide_pool_capacity_bytes", GOLD, 2e12)], at)


def test_what_is_taken_out_as_csv_can_be_read_by_a_person_and_brought_in_again(
    run: Run, store: SqlHistory, tmp_path: Path
) -> None:
    fill(store)
    out = tmp_path / "out.csv"
    assert run("export", "--to", out, "--metric", NAME).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert len(rows) == 2 * (26 + 14 * 4)
    assert rows[0]["low"] == "0.0"
    assert rows[0]["time"] == time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(MIDNIGHT - 39 * DAY))
    assert {row["metric"] for row in rows} == {NAME}
    other = tmp_path / "other.yml"
    other.write_text(yaml.safe_dump({"history": {"url": f"sqlite:///{tmp_path}/other.db"}}))
    result = CliRunner().invoke(app, ["history", "import", str(out), "--config", str(other)])
    assert "112 new samples, 52 new days" in result.stdout
    copy = SqlHistory(f"sqlite:///{tmp_path}/other.db")
    for of in ("last", "min", "max"):
        assert days(copy, 40, of) == days(store, 40, of)  # type: ignore[arg-type]
    copy.close()


def test_without_a_file_it_is_written_to_standard_output(run: Run, store: SqlHistory) -> None:
    fill(store)
    assert run("export", "--since", "1d").stdout.startswith("time,metric,value,low,high,kind,pool,source\n")


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_left_of_it(
    run: Run, store: SqlHistory, tmp_path: Path
) -> None:
    result = run("export", "--to", tmp_path / "nowhere" / "out.csv")
    assert (result.exit_code, result.stderr.count("No such file or directory")) == (1, 1)
    assert run("export", "--format", "xml").stderr == "ebbtide: --format: 'xml' is neither csv nor openmetrics\n"
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.server
def test_a_prometheus_that_is_given_the_openmetrics_answers_as_the_store_does(
    run: Run, store: SqlHistory, tmp_path: Path
) -> None:
    """By promtool's own backfill; and with the labels of the scrape, it is the series that is scraped from then on."""
    fill(store)
    out, folder = tmp_path / "out.om", tmp_path / "prometheus"
    folder.mkdir()
    assert run("export", "--to", out, "--format", "openmetrics", "--label", "job=ebbtide").exit_code == 0
    backfill = [need("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics"]
    made = subprocess.run([*backfill, out, folder / "data"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr + made.stdout
    with prometheus(folder) as url:
        from exporter.history.promql import PromqlHistory
        from exporter.telemetry import Telemetry

        server = PromqlHistory(url, Telemetry(), selector={"job": "ebbtide"})
        for of in ("last", "min", "max"):
            asked = (NAME, {"source": "cs01"}, ("kind", "pool"), MIDNIGHT - 40 * DAY, MIDNIGHT, DAY, of)
            theirs, ours = server.ranges(*asked), store.ranges(*asked)  # type: ignore[arg-type]
            assert theirs.keys() == ours.keys() == {("commvault", "Gold"), ("commvault", "Silver")}
            for key, series in ours.items():
                assert theirs[key].timestamps.tolist() == series.timestamps.tolist()
                assert theirs[key].values.tolist() == series.values.tolist()
        server.close()


# Looking


def test_info_says_what_there_is_since_when_and_how_much(run: Run, store: SqlHistory, tmp_path: Path) -> None:
    fill(store)
    result = run("info")
    assert result.exit_code == 0
    first, size, samples, of_days = result.stdout.splitlines()
    assert first == f"sqlite:///{tmp_path}/history.db"
    assert size.endswith("KiB on disk, 3 series of 2 metrics")
    since = [time.strftime("%Y-%m-%d", time.gmtime(MIDNIGHT - ago * DAY)) for ago in (13.75, 39)]
    assert samples == f"168 samples, since {since[0]}; kept for 14 days"
    assert of_days == f"78 days, since {since[1]}; kept for 1,095 days"


def test_info_of_an_empty_store(run: Run) -> None:
    assert run("info").stdout.splitlines()[2:] == ["0 samples; kept for 14 days", "0 days; kept for 1,095 days"]


@pytest.mark.parametrize("what", [["info"], ["export"], ["import", "x.csv"]])
def test_where_a_prometheus_keeps_the_past_there_is_no_store(what: list[str], tmp_path: Path) -> None:
    config = tmp_path / "ebbtide.yml"
    config.write_text("history: {url: 'http://prometheus.example.com:9090'}")
    result = CliRunner().invoke(app, ["history", *what, "--config", str(config)])
    assert result.exit_code == 2
    assert result.stderr == "ebbtide: history.url is a server that scrapes for itself; ebbtide keeps nothing there\n"
