"""`ebbtide forecast`: what a person is told of a pool, from the store or from a file."""

from __future__ import annotations

import json
import re
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
    assert "Gold: full: in 54.0 days, 2024-03-07 (earliest in 54.0 days" in output
    assert "growth     +46.6 GiB a day since 2023-11-14 (60 days); in the long run +46.6 GiB a day" in output
    assert "in and out 46.6 GiB a day came in the last fortnight, 0 B freed again (0%)" in output
    assert "action     order " in output
    assert "by 2024-01-" in output
    assert "until 2024-08-10 (30 days to arrive and 180 days after that)" in output
    assert "what if    fills at 100 GB/day: full in 27.0 days" in output


def test_a_pool_that_is_about_to_be_full_is_ordered_for_now(tmp_path: Path) -> None:
    _, output = told("--history", sizes(tmp_path / "a.csv"), "--capacity", 3500)
    assert "a: full: in 4." in output
    assert "now (it should have been by 20" in output


def test_a_pool_that_shrinks_needs_nothing(tmp_path: Path) -> None:
    _, output = told("--history", sizes(tmp_path / "a.csv", per_day=-2), "--fill-rate", 0)
    assert "full: not within a year\n" in output
    assert "growth     -1.9 GiB a day" in output
    assert "action     nothing to buy: it stays under 85% for 210 days" in output
    assert "what if    fills at 0 GB/day: never full" in output


def test_what_happened_of_late_is_named(tmp_path: Path) -> None:
    rows = [
        f"{1.7e9 + hour * 3600:.0f},{(2000 + 100 * (hour / 24 % 7) + 800 * (hour > 30 * 24)) * GB},{6000 * GB}"
        for hour in range(60 * 24)
    ]
    rows[100] = rows[100].split(",")[0] + f",0,{6000 * GB}"
    (tmp_path / "a.csv").write_text("\n".join(["timestamp,used_bytes,capacity_bytes", *rows]))
    _, output = told("--history", tmp_path / "a.csv")
    assert "cycle      7 days" in output
    assert re.search(r"steps      \+745\.1 GiB on 2023-12-15\n", output)
    assert "92.6 GiB a day came in the last fortnight, 92.6 GiB freed again (100%)" in output
    assert "trust      1 bad readings left out" in output


def test_growth_far_above_the_long_run_is_to_be_understood_before_anything_is_bought(tmp_path: Path) -> None:
    rows = [
        f"{1.7e9 + hour * 3600:.0f},{(2000 + 10 * hour / 24 + 90 * max(0.0, hour / 24 - 50)) * GB},{6000 * GB}"
        for hour in range(65 * 24)
    ]
    (tmp_path / "a.csv").write_text("\n".join(["timestamp,used_bytes,capacity_bytes", *rows]))
    _, output = told("--history", tmp_path / "a.csv")
    assert "then find out what began on 2024-01-03, it grows 4 times as fast as in the long run; order" in output


def test_a_newest_change_that_is_unusual_is_looked_at_first(tmp_path: Path) -> None:
    rows = sizes(tmp_path / "a.csv").read_text().splitlines()
    moment = float(rows[-1].split(",")[0])
    rows += [f"{moment + quarter * DAY / 4:.0f},{4500 * GB},{6000 * GB}" for quarter in range(1, 4)]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    _, output = told("--history", tmp_path / "a.csv")
    assert "action     look at what ran last, the newest change is unusual; then order" in output


def test_what_if_needs_no_history() -> None:
    code, output = told("Gold", "--used", 4000, "--capacity", 6000, "--fill-rate", 100)
    assert code == 0
    assert "Gold: no forecast, because its past is shorter than a day" in output
    assert "now        3.6 TiB of 5.5 TiB used (67%)" in output
    assert "what if    fills at 100 GB/day: full in 20.0 days" in output
    assert "full now" in told("--used", 6100, "--capacity", 6000, "--fill-rate", 100)[1]


def test_used_and_a_history_contradict_each_other(tmp_path: Path) -> None:
    code, output = told("--used", 4000, "--history", sizes(tmp_path / "a.csv"))
    assert code == 2
    assert "give one of them" in output


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
    assert "what if    fills at 5 GB/day: unknown, used space and capacity must be known" in output


def test_json_has_numbers_and_no_infinity(tmp_path: Path) -> None:
    _, output = told("--history", sizes(tmp_path / "a.csv", per_day=-2), "--json", "--fill-rate", 1)
    one = json.loads(output)
    assert (one["pool"], one["status"], one["p50_seconds"], one["order_by_at"]) == ("a", "ok", "never", "never")
    assert one["what_if_days"] == pytest.approx(6000 - 300 + 2 * 60)
    assert set(one["used_bytes"]) == {"30d", "90d", "365d"}
    assert one["long_run_bytes_per_second"] == pytest.approx(-2 * GB / DAY)
    assert one["reclaimed_bytes_per_second"] == pytest.approx(2 * GB / DAY)
    assert (one["steps"], one["if_reclaimed"], one["bytes_to_buy"]) == ([], {}, 0)
    assert one["action"].startswith("nothing to buy")


def test_json_of_a_pool_without_a_forecast_says_why() -> None:
    one = json.loads(told("--used", 4000, "--json")[1])
    assert (one["status"], one["capacity_bytes"], one["p50_seconds"]) == ("too_short", None, None)
    assert one["action"] == "none yet: its past is shorter than a day or has fewer than 12 readings"


def test_times_may_be_iso(tmp_path: Path) -> None:
    rows = [f"2026-01-{day:02}T{hour:02}:00:00Z,{day * 24 + hour}" for day in range(1, 31) for hour in (0, 6, 12, 18)]
    (tmp_path / "a.csv").write_text("\n".join(["timestamp,used_bytes", *rows]))
    _, output = told("--history", tmp_path / "a.csv", "--capacity", 1)
    assert "growth     +24 B a day" in output


# The store


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("store")
    store, now = SqlHistory(f"sqlite:///{tmp_path}/history.db", resolution=1.0), time.time()
    for pool, per_day in (("Silver", 0.0), ("Gold", 10.0)):
        labels = {"source": "cs01", "kind": "commvault", "pool": pool}
        for quarter in range(4 * 10):
            free = ("ebbtide_pool_free_bytes", labels, (800 - per_day * quarter / 4) * GB)
            size = ("ebbtide_pool_capacity_bytes", labels, 1000 * GB)
            store.append([free, size], now - (39 - quarter) * DAY / 4)
    new = {"source": "cs01", "kind": "commvault", "pool": "New"}
    store.append(
        [("ebbtide_pool_free_bytes", new, 500 * GB), ("ebbtide_pool_capacity_bytes", new, 1000 * GB)], now - 60
    )
    gold = {"source": "cs01", "kind": "commvault", "pool": "Gold"}
    freed = {"pruning_fixed": 100 * GB, "cycles_optimised": 2700 * GB, "both": 2800 * GB}
    store.append(
        [("ebbtide_pool_reclaimable_bytes", gold | {"scenario": name}, size) for name, size in freed.items()], now - 60
    )
    store.close()
    file = tmp_path / "ebbtide.yml"
    file.write_text(f"history: {{url: 'sqlite:///{tmp_path}/history.db'}}\n")
    return file


def test_all_pools_are_a_line_each_the_soonest_first(config: Path) -> None:
    code, output = told("--config", config, "--fill-rate", 10)
    assert code == 0
    head, gold, silver, new = output.splitlines()
    titles = ("SOURCE", "KIND", "POOL", "USED", "FREE", "A DAY", "FULL IN", "EARLIEST", "LATEST", "ORDER BY", "WHAT IF")
    assert tuple(re.split(r"  +", head)) == (*titles, "NOTE")
    assert re.match(r"cs01 +commvault +Gold +29\.8% .* 70\.\d d .* 70\.\d d +under 14 days of past$", gold)
    assert re.match(
        r"cs01 +commvault +Silver +20\.0% .* > 1 year +> 1 year +> 1 year +- +80\.0 d +under 14 days", silver
    )
    assert re.match(r"cs01 +commvault +New +50\.0% .* 50\.0 d +no forecast: its past is shorter than a day", new)


def test_without_what_if_there_is_no_column_for_it(config: Path) -> None:
    assert "WHAT IF" not in told("--config", config)[1]


def test_what_pruning_would_give_back_is_told_beside_what_is_to_be_bought(config: Path) -> None:
    _, output = told("Gold", "--config", config)
    assert "to free    93.1 GiB at most if pruning works: full in 80." in output
    assert "to free    2.5 TiB at most if rules have the recommended cycles: full in 340." in output
    assert "free space before buying any: if rules have the recommended cycles, nothing is to be bought" in output
    one = json.loads(told("Gold", "--config", config, "--json")[1])
    fixed = one["if_reclaimed"]["pruning_fixed"]
    assert fixed["bytes_to_buy"] == pytest.approx(one["bytes_to_buy"] - 100 * GB / 0.85)
    assert fixed["p50_seconds"] == pytest.approx(one["p50_seconds"] + 10 * DAY, rel=0.02)
    assert one["if_reclaimed"]["cycles_optimised"]["p50_seconds"] > 300 * DAY


def test_space_to_free_that_is_not_enough_is_told_with_what_has_to_be_bought_all_the_same(config: Path) -> None:
    _, output = told("Gold", "--config", config, "--capacity", 400)
    assert re.search(r"free space, and order \S+ TiB now .*: if both, \S+ (G|T)iB is enough", output)


def test_one_pool_of_one_source_may_be_asked_for(config: Path) -> None:
    _, output = told("Gold", "--source", "cs01", "--config", config, "--json")
    one = json.loads(output)
    assert (one["source"], one["kind"], one["pool"]) == ("cs01", "commvault", "Gold")


def test_a_pool_nobody_knows_is_an_error(config: Path) -> None:
    code, output = told("Bronze", "--config", config)
    assert code == 2
    assert "the history knows no pool with pool 'Bronze'" in output


# The picture


def test_a_pool_is_drawn_and_still_told(tmp_path: Path) -> None:
    code, output = told("Gold", "--history", sizes(tmp_path / "a.csv"), "--plot", tmp_path / "new" / "gold.png")
    assert code == 0
    assert "gold.png" in output
    assert "Gold: full: in 54.0 days" in output
    assert (tmp_path / "new" / "gold.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_a_picture_of_another_kind_is_refused(tmp_path: Path) -> None:
    code, output = told("--history", sizes(tmp_path / "a.csv"), "--plot", tmp_path / "a.jpg")
    assert code == 2
    assert "the name ends in .png or .svg" in output


def test_one_picture_does_not_hold_many_pools(config: Path, tmp_path: Path) -> None:
    code, output = told("--config", config, "--plot", tmp_path / "a.png")
    assert code == 2
    assert "--plot draws one pool and 3 are meant" in output


def test_what_has_no_forecast_is_not_drawn(tmp_path: Path) -> None:
    code, output = told("--used", 5, "--plot", tmp_path / "a.png")
    assert code == 1
    assert "there is nothing to draw: no forecast, because its past is shorter than a day" in output
    assert not list(tmp_path.iterdir())
