"""Thirty days of polls by a process that is killed in the midst of them end as if nobody had disturbed it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from exporter.findings.forecasts import pasts
from exporter.history.ledger import Ledger
from exporter.history.sql import SqlHistory
from tests.history.killed_month import BORN, DAY, DAYS, STEP

ROOT = Path(__file__).parents[2]
END = BORN + DAYS * DAY
# Of the polls themselves: how long they took, and when the last one before the end was.
POLLS = re.compile(r"ebbtide_(collector|source)_|# ")


def started(folder: Path, start: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.history.killed_month", str(folder), repr(start)],
        env={**os.environ, "EBBTIDE_TEST_PASSWORD": "not-a-real-secret"}, cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def live(folder: Path, killed_after: int = 0) -> list[str]:
    """The last page, in lines, of a month in which the process was killed after so many rounds."""
    folder.mkdir()
    start = BORN
    if killed_after:
        with started(folder, start) as process:
            assert process.stdout
            lines = [float(process.stdout.readline()) for _ in range(killed_after)]
            process.kill()
            lines += [float(line) for line in process.stdout if line.endswith("\n")]
        assert lines[-1] < END
        start = lines[-1] + STEP
    with started(folder, start) as process:
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return [line for line in json.loads(said.splitlines()[-1]).splitlines() if not POLLS.match(line)]


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[str]]]:
    """By name: the folder with the stores, and the last page."""
    root = tmp_path_factory.mktemp("month")
    return {
        "undisturbed": (root / "undisturbed", live(root / "undisturbed")),
        # Of 91 rounds.
        "killed": (root / "killed", live(root / "killed", 45)),
    }


def test_the_pages_say_the_same_counters_forecasts_and_anomalies(lives: dict[str, tuple[Path, list[str]]]) -> None:
    undisturbed, killed = (page for _, page in lives.values())
    assert killed == undisturbed
    for counter in ("pool_ingested_bytes_total", "pool_reclaimed_bytes_total", "commvault_jobs_completed_total"):
        assert sum(float(line.split()[-1]) for line in killed if line.startswith(f"ebbtide_{counter}")) > 0
    known = [line for line in killed if line.startswith("ebbtide_pool_forecast_history_seconds")]
    assert len(known) > 10
    assert min(float(line.split()[-1]) for line in known) > (DAYS - 1) * DAY
    assert any(line.startswith("ebbtide_pool_fill_deviation") for line in killed)
    assert any(line.startswith("ebbtide_operation_failures_deviation") for line in killed)
    assert any(line.startswith('ebbtide_group_time_to_full_seconds{group_by="kind"') for line in killed)


def test_the_histories_are_the_same(lives: dict[str, tuple[Path, list[str]]]) -> None:
    both = []
    for folder, _ in lives.values():
        history = SqlHistory(f"sqlite:///{folder}/history.db")
        both.append(pasts(history, {"source": "cs01"}, END))
        history.close()
    sized = {line.split('"')[5] for line in lives["killed"][1] if line.startswith("ebbtide_pool_free_bytes")}
    undisturbed, killed = both
    assert undisturbed.keys() == killed.keys()
    assert len(killed) > 10
    for name, past in killed.items():
        assert past.timestamps.size >= 14 * 3 + 15 or name[2] not in sized
        for of_killed, of_undisturbed in zip(past, undisturbed[name], strict=True):
            assert np.array_equal(of_killed, of_undisturbed), name


def test_the_ledgers_are_the_same_and_count_each_job_once(lives: dict[str, tuple[Path, list[str]]]) -> None:
    both = []
    for folder, _ in lives.values():
        ledger = Ledger(f"sqlite:///{folder}/ledger.db")
        state = ledger.state("cs01")
        jobs = sorted(state.jobs(0), key=lambda job: job.id)
        totals = {one.operation: dict(one.finished_total) for one in state.operations(END)}
        both.append((jobs, totals, state.get("space"), state.get("disks")))
        ledger.close()
    undisturbed, killed = both
    assert killed == undisturbed
    assert sum(sum(results.values()) for results in killed[1].values()) == len(killed[0]) > 500
