"""A first fill whose process is killed again and again ends with the ledger of one that nobody disturbed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.fill import progress
from exporter.history.ledger import Ledger
from exporter.simulator import Clock, CommServe, Estate, Server

from .conftest import AT

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("killed_fill.py")


@pytest.fixture(scope="module")
def commserve():
    clock = Clock(AT, rate=0)
    with Server(CommServe(Estate("small", clock), clock, access_token="example-access-token")) as server:
        yield server


def started(server, ledger):
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), f"{server.url}/commandcenter/api", ledger, str(AT)],
        env={**os.environ, "CV_TOKEN": "example-access-token", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def contents(url):
    ledger = Ledger(url)
    state = ledger.state("cs01")
    found = sorted(state.jobs(0), key=lambda job: job.id)
    totals = {o.operation: dict(o.finished_total) for o in state.operations(AT)}
    fill = progress(state)
    ledger.close()
    return found, totals, fill


def test_a_killed_fill_goes_on_where_it_was(commserve, tmp_path):
    undisturbed, killed = (f"sqlite:///{tmp_path}/{name}.db" for name in ("undisturbed", "killed"))
    with started(commserve, undisturbed) as process:
        process.communicate(timeout=60)
        assert process.returncode == 0

    offsets = []
    while True:
        with started(commserve, killed) as process:
            for step, line in enumerate(process.stdout):
                if step == 2 and float(line) < 1:
                    process.kill()
            if process.wait(60) == 0:
                break
        offsets.append(contents(killed)[2].offset)

    assert len(offsets) >= 2
    assert offsets == sorted(set(offsets))
    whole, resumed = contents(undisturbed), contents(killed)
    assert len(resumed[0]) > 9000
    assert resumed[:2] == whole[:2]
    assert sum(sum(results.values()) for results in resumed[1].values()) == len(resumed[0])
