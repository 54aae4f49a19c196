"""A system without what only Linux has, as Windows is: no mount table, no statvfs, no descriptors of directories."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.sources.filesystem.trees import write

PROGRAM = """
import json, multiprocessing, os, shutil, sys
from pathlib import Path

for name in ("statvfs", "statvfs_result", "sched_getaffinity", "ST_RDONLY", "O_DIRECTORY", "O_NOFOLLOW", "O_NOATIME"):
    delattr(os, name)
os.supports_fd.discard(os.scandir)
os.supports_dir_fd.discard(os.open)
shutil.disk_usage = lambda path: (100, 60, 40)
multiprocessing.set_start_method("spawn")
multiprocessing.get_all_start_methods = lambda: ["spawn"]

from exporter.model import Poll
from exporter.sources.filesystem import mounts, scan, scans
from exporter.sources.filesystem.client import FilesystemClient
from exporter.sources.filesystem.config import FilesystemSettings

scan._FIRST_ENTRIES = scan._SMALL_ENTRIES = 2

class State(dict):
    put = dict.__setitem__

root, index = sys.argv[1:]
settings = FilesystemSettings.model_validate({
    "name": "fs01", "kind": "filesystem",
    "scan": [{"path": root, "workers": 2}, {"path": root + "/a", "workers": 1, "index": index}],
})
client = FilesystemClient(settings, mountinfo=Path(root, "none"), drives=lambda: [root])
poll = Poll(1_700_000_000.0, None, State())
[mount] = mounts.fetch(client, poll)
found = scans.fetch(client, poll)
print(json.dumps([
    [mount.pool.capacity_bytes, mount.pool.free_bytes, mount.files, mount.atime, mount.error],
    [[s.files, s.directories, s.apparent_bytes, s.errors, s.atime] for s in found],
]))
"""


def test_mounts_and_scans_work_without_what_only_linux_has(tmp_path):
    for name in ("a/one", "a/deep/two", "b/three", "c/d/four"):
        write(tmp_path / "tree" / name, b"x" * 10)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "tree"), str(tmp_path / "index")],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    mount, found = json.loads(done.stdout)
    assert mount == [100, 40, None, "", None]
    assert found == [[4, 6, 40, {}, ""], [2, 2, 20, {}, ""]]
