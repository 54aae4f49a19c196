"""`ebbtide forecast`: what a person is told of a pool, from the store or from a file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exporter.cli import app
from exporter.history.sql import SqlHistory

DAY = 86400.0
GB = 1e9


def told(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["forecast", *map(str, arguments)])
    return result.exit_code, result.output


def sizes(path: Path, days: float = 60, *, per_day: float = 50, capacity: float | str = 6000 * GB) -> Path:
    """Four readings a day, from 300 GB on."""
    rows = [
        f"{1.7e9 + quarter * DAY / 4:.0f},{(300 + per_day * quarter / 4) * GB},{capacity}"
        for quarter in range(round(4 * days) + 1)
    ]
    path.write_text("\n".join(["timestamp,used_bytes,capacity_bytes", *rows, ""]))
    return path


def test_a_file_is_forecast_with_bounds_reasons_and_what_to_do(tmp_path: Path) -> None:
    code, output = told("Gold", "--history", sizes(tmp_path / "a.csv"), "--fill-rate", 100)
    assert code == 0
    assert "Gold: full: in 54.0 days (earliest in" in output
    assert "driven by growth of 50 GB a day, so since 2023-11-" in output
    assert "action    order " in output
    assert "by 2024-01-" in output
    assert "what if   at 100 GB a day: in 27.0 days" in output


def test_a_pool_that_is_about_to_be_full_is_ordered_for_now(tmp_path: Path) -> None:
    _, output = told("--history", sizes(tmp_path / "a.csv"), "--capacity", 3500)
    assert "a: full: in 4." in output
    assert "now (it should have been by 20" in output


def test_a_pool_that_shrinks_needs_nothing(tmp_path: Path) -> None:
    _, output = told("--history", sizes(tmp_path / "a.csv", per_day=-2), "--fill-rate", 0)
    assert "full: not within a year" in output
    assert "driven by shrinking of 2 GB a day" in output
    assert "action    nothing to buy: it stays under 85% for 210 days" in output
    assert "what if   at 0 GB a day: not within a year" in output


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0.5, "no forecast, because its past is shorter than a day"),
        (2.75, "too short a past for more than bounds"),
        (10, "from less than two weeks of past"),
    ],
)
def test_a_short_past_is_said_to_be_short(tmp_path: Path, days: float, said: str) -> None:
    code, output = told("--history", sizes(tmp_path / "a.csv", days))
    assert code == 0
    assert said in output


def test_a_pool_without_capacity_is_said_to_have_none(tmp_path: Path) -> None:
    _, output = told("--history", sizes(tmp_path / "a.csv", capacity=""), "--fill-rate", 5)
    assert "no forecast, because its capacity is not known" in output
    assert "what if   at 5 GB a day: unknown" in output


def test_json_has_numbers_and_no_infinity(tmp_path: Path) -> None:
    _, output = told("--history", sizes(tmp_path / "a.csv", per_day=-2), "--json", "--fill-rate", 1)
    one = json.loads(output)
    assert (one["pool"], one["status"], one["p50_seconds"], one["order_by_at"]) == ("a", "ok", "never", "never")
    assert one["what_if_days"] == pytest.approx(6000 - 300 + 2 * 60)
    assert set(one["used_bytes"]) == {"30d", "90d", "365d"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("time,value\n", "there is none for timestamp"),
        ("timestamp,used_bytes\n1700000000,much\n", ":2: could not convert string to float: 'much'"),
        ("timestamp,used_bytes\nyesterday,5\n", ":2: Invalid isoformat string: 'yesterday'"),
        ('timestamp,used_bytes\n"a"b,5\n', "expected after"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(content)
    code, output = told("--history", file)
    assert code == 2
    assert said in output
    assert "a.csv" in output


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"timestamp,used_bytes\n\xff\xfe,1\n")
    assert told("--history", tmp_path / "a.csv")[0] == 2
    code, output = told("--history", tmp_path / "b.csv")
    assert code == 2
    assert "No such file" in output


def test_times_may_be_iso(tmp_path: Path) -> None:
    rows = [f"2026-01-{day:02}T{hour:02}:00:00Z,{day * 24 + hour}" for day in range(1, 31) for hour in (0, 6, 12, 18)]
    (tmp_path / "a.csv").write_text("\n".join(["timestamp,used_bytes", *rows]))
    _, output = told("--history", tmp_path / "a.csv", "--capacity", 1)
    assert "driven by growth of 2.4e-08 GB a day" in output


# The store


@pytest.fixture
def config(tmp_path: Path) -> Path:
    store, now = SqlHistory(f"sqlite:///{tmp_path}/history.db", resolution=1.0), time.time()
    for pool, per_day in (("Gold", 10.0), ("Silver", 0.0)):
        labels = {"source": "cs01", "kind": "commvault", "pool": pool}
        for quarter in range(4 * 10):
            free = ("ebbtide_pool_free_bytes", labels, (800 - per_day * quarter / 4) * GB)
            size = ("ebbtide_pool_capacity_bytes", labels, 1000 * GB)
            store.append([free, size], now - (39 - quarter) * DAY / 4)
    store.close()
    file = tmp_path / "ebbtide.yml"
    file.write_text(f"history: {{url: 'sqlite:///{tmp_path}/history.db'}}\n")
    return file


def test_every_pool_of_the_store_is_forecast(config: Path) -> None:
    code, output = told("--config", config)
    assert code == 0
    assert "Gold: full: in 70." in output
    assert "\n\nSilver: full: not within a year" in output


def test_one_pool_of_one_source_may_be_asked_for(config: Path) -> None:
    _, output = told("Gold", "--source", "cs01", "--config", config, "--json")
    one = json.loads(output)
    assert (one["source"], one["kind"], one["pool"]) == ("cs01", "commvault", "Gold")


def test_a_pool_nobody_knows_is_an_error(config: Path) -> None:
    code, output = told("Bronze", "--config", config)
    assert code == 2
    assert "the history knows no pool with pool 'Bronze'" in output
