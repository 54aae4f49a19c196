from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from exporter.model import COLLECTED, Poll
from exporter.sources.filesystem.config import FilesystemSettings
from exporter.sources.filesystem.source import COLLECTORS, Filesystem
from exporter.telemetry import Telemetry


def source(**keys: object) -> Filesystem:
    settings = FilesystemSettings.model_validate({"name": "fs01", "kind": "filesystem", **keys})
    return Filesystem(settings, Telemetry())


def test_a_source_has_the_name_of_its_configuration_and_the_host_it_runs_on():
    it = source()
    assert (it.name, it.kind, bool(it.host)) == ("fs01", "filesystem", True)


def test_each_collector_fills_a_field_of_the_inventory():
    assert {c.name for c in COLLECTORS} <= set(COLLECTED)


@pytest.mark.parametrize(
    ("keys", "collectors"),
    [
        ({}, {"mounts": 60.0}),
        ({"scan": [{"path": "/srv"}]}, {"mounts": 60.0, "scans": 900.0, "scan_states": 60.0}),
        (
            {"scan": [{"path": "/srv"}], "intervals": {"mounts": "5m", "scans": "1h"}},
            {"mounts": 300.0, "scans": 3600.0, "scan_states": 60.0},
        ),
        ({"scan": [{"path": "/srv"}], "intervals": {"mounts": False}}, {"scans": 900.0, "scan_states": 60.0}),
        ({"intervals": {"scans": "1m"}}, {"mounts": 60.0}),
    ],
)
def test_collectors_and_their_intervals(keys, collectors):
    assert {c.name: c.interval for c in source(**keys).collectors} == collectors


def test_a_source_polls_the_machine_it_runs_on(state, tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    it = source(scan=[{"path": str(tmp_path)}])
    mounts, scans, _ = (c.fetch(it.client, Poll(at=1_700_000_000.0, since=None, state=state)) for c in it.collectors)
    assert "/" in {m.pool.name for m in mounts}
    assert [s.apparent_bytes for s in scans] == [3]
    it.close()


def test_the_process_ends_though_a_mount_and_a_walk_never_answer(tmp_path):
    table = tmp_path / "mountinfo"
    table.write_bytes(b"27 1 8:2 / / rw - ext4 /dev/sda2 rw\n44 27 0:52 / /mnt/nas rw - nfs4 nas.example.com:/a rw\n")
    program = """
        import os, sys, threading
        from pathlib import Path
        from exporter.model import Poll
        from exporter.sources.filesystem import mounts, scans
        from exporter.sources.filesystem.config import FilesystemSettings
        from exporter.sources.filesystem.source import Filesystem
        from exporter.sources.filesystem.client import FilesystemClient
        from exporter.telemetry import Telemetry

        def dead(path):
            if path != b"/":
                threading.Event().wait()
            return os.statvfs(path)

        class State:
            def get(self, key): pass

        settings = FilesystemSettings.model_validate({
            "name": "fs01", "kind": "filesystem", "timeout": "100ms", "scan": [{"path": sys.argv[2]}],
            "intervals": {"scans": "100ms"},
        })
        source = Filesystem(settings, Telemetry())
        source.client = FilesystemClient(settings, statvfs=dead, mountinfo=Path(sys.argv[1]))
        poll = Poll(at=1_700_000_000.0, since=None, state=State())
        for _ in range(2):
            print([m.error for m in mounts.fetch(source.client, poll)], scans.fetch(source.client, poll), flush=True)
        source.close()
        print("closed", threading.active_count(), flush=True)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(table), str(tmp_path)],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["[None, 'stuck'] ()", "[None, 'stuck'] ()", "closed 3"]
    assert done.returncode == 0
