"""A first fill whose process is killed again and again ends with the ledger of one that nobody disturbed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.fill import progress
from exporter.history.ledger import Ledger
from exporter.simulator.clock import Clock
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Server

from .site import NOON
from .site import PASSWORD as SITE_PASSWORD

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("killed_sessions.py")


@pytest.fixture(scope="module")
def vbr():
    clock = Clock(NOON, rate=0)
    with Server(Vbr(VbrEstate("small", clock, days=30), clock)) as server:
        yield server


def started(server, ledger):
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), server.url, ledger, str(NOON)],
        env={**os.environ, "VBR_PASSWORD": SITE_PASSWORD, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def contents(url):
    ledger = Ledger(url)
    state = ledger.state("vbr01")
    found = sorted(state.jobs(0), key=lambda job: job.id)
    totals = {one.operation: dict(one.finished_total) for one in state.operations(NOON)}
    fill = progress(state)
    ledger.close()
    return found, totals, fill


def test_a_killed_fill_goes_on_where_it_was(vbr, tmp_path):
    undisturbed, killed = (f"sqlite:///{tmp_path}/{name}.db" for name in ("undisturbed", "killed"))
    with started(vbr, undisturbed) as process:
        process.communicate(timeout=60)
        assert process.returncode == 0

    offsets = []
    while True:
        with started(vbr, killed) as process:
            for step, line in enumerate(process.stdout):
                if step == 4 and float(line) < 1:
                    process.kill()
            if process.wait(60) == 0:
                break
        offsets.append(contents(killed)[2].offset)

    assert len(offsets) >= 2
    assert offsets == sorted(set(offsets))
    whole, resumed = contents(undisturbed), contents(killed)
    assert len(resumed[0]) > 300
    assert resumed[:2] == whole[:2]
    assert sum(sum(results.values()) for results in resumed[1].values()) == len(resumed[0])
