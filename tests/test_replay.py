"""Which alerts would have fired: the replay of a past, as its user runs it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.promql import ROOT
from tests.servers import free_port, need, running, wait_until

pytestmark = pytest.mark.server


def replayed(*arguments: str) -> subprocess.CompletedProcess[str]:
    need("vmalert")
    command = [sys.executable, str(ROOT / "benchmarks" / "replay.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def test_each_fault_of_some_weeks_raises_its_alerts_and_nothing_else_is_raised() -> None:
    """A MediaAgent dies, the CommServe does not answer, the pruning of a pool stops; four pools, sixteen days."""
    run = replayed("--days", "16", "--pools", "4", "--poll-minutes", "180", "--faults", "--no-veeam")
    assert "7 alerts raised as they should, 0 missing" in run.stdout, run.stdout + run.stderr
    assert "0 false alarms" in run.stdout, run.stdout
    assert run.returncode == 0


@pytest.fixture
def past(tmp_path: Path) -> Iterator[str]:
    """Somebody's metrics store: a pool that fell to 4 % free three hours ago and was helped an hour ago."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [need("victoria-metrics"), f"-storageDataPath={tmp_path}", f"-httpListenAddr={url[7:]}",
               "-search.latencyOffset=0s"]  # fmt: skip

    def ready() -> bool:
        try:
            return requests.get(f"{url}/health", timeout=1).ok
        except requests.ConnectionError:
            return False

    with running(command, tmp_path / "log"):
        wait_until(ready, "the store is ready")
        now = time.time()
        labels = 'job="ebbtide",instance="e",source="cs01",kind="commvault",pool="Apex \\"GDP\\""'
        lines = [
            f"ebbtide_pool_free_ratio{{{labels}}} {0.04 if 3600 < now - at < 10_800 else 0.5} {at * 1000:.0f}\n"
            for at in (now - 60 * minute for minute in range(300))
        ]
        requests.post(f"{url}/api/v1/import/prometheus", data="".join(lines), timeout=10).raise_for_status()
        requests.get(f"{url}/internal/force_flush", timeout=10)
        yield url


def test_a_past_of_ones_own_is_replayed_with_the_patience_of_the_rules(past: str) -> None:
    run = replayed("--url", past, "--days", "0.2")
    assert run.returncode == 0, run.stderr
    [line] = [line for line in run.stdout.splitlines() if "critical EbbtidePoolNearlyFull" in line]
    assert 'pool=Apex "GDP", source=cs01' in line
    began, ended = (
        time.mktime(time.strptime(f"{text} UTC", "%Y-%m-%d %H:%M %Z")) for text in line.strip()[:36].split(" to ")
    )
    # Two hours, less the quarter of an hour that the rule waits; each end at one of the five-minute steps.
    assert abs(ended - began - 6300) <= 600
