from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.sources.filesystem.tally import digest
from tests.sources.filesystem.trees import walked, write

KILLED = """
import json, os, random, signal, sys, time
from pathlib import Path
from exporter.sources.filesystem import crew, index, scan, tables
from exporter.sources.filesystem.categories import read_categories
from exporter.sources.filesystem.subtree import Rules
from exporter.sources.filesystem.tally import digest
from tests.sources.filesystem.trees import walk_slowly

tables.COMMIT_SECONDS = crew._SECONDS = 0.005
scan._FIRST_ENTRIES = 10
index._AT_A_TIME = 50
root, file, log, seed, workers, most = sys.argv[1:]
chance = random.Random(int(seed))
if int(workers) > 1:
    # As on a machine where it takes longer to read a directory than to start a process.
    crew._ENTRIES, crew._FEW_ENTRIES, scan._SMALL_ENTRIES = 80, 20, 10
    polite = {"workers": int(workers), "walker": walk_slowly}
else:
    polite = {"workers": 1, "entries_per_second": 6000}

def run():
    rules = Rules(root=root, categories=read_categories(), floor=1)
    book = index.Index(Path(file), verify=3, racy_seconds=0)
    note = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    how = scan.How(progress=lambda progress: os.write(note, b"%d %d\\n" % (os.getpid(), progress.entries)), **polite)
    tally, _ = scan.scan(rules, how, book)
    Path(file + ".digest").write_text(digest(tally))

def noted():
    return os.path.getsize(log) if os.path.exists(log) else 0

kills = 0
while True:
    before = noted()
    child = os.fork()
    if not child:
        run()
        os._exit(0)
    if kills < int(most):
        # Starting and sweeping takes its time: now and then it is killed there, else after it has found something.
        least = before + chance.choice((0, 1, 200)) * (int(workers) > 1)
        while noted() < least and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(0.005)
        time.sleep(chance.uniform(0.01, 0.12))
        os.kill(child, signal.SIGKILL)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
    kills += 1
entries = dict(line.split() for line in Path(log).read_text().splitlines())
print(json.dumps([kills, sum(map(int, entries.values())), Path(file + ".digest").read_text()]))
"""


def run_and_kill(root: Path, file: Path, log: Path, seed: int, workers: int, most: int) -> tuple[int, int, str]:
    """How often a scan was killed until it was through, entries looked at in all, and the digest."""
    command = [sys.executable, "-c", KILLED, str(root), str(file), str(log), *map(str, (seed, workers, most))]
    # The semaphores of a killed process are cleaned up, with a warning.
    environment = {**os.environ, "PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[3],
        env=environment,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    kills, entries, found = json.loads(done.stdout)
    return kills, entries, found


@pytest.mark.parametrize(("workers", "most"), [(1, 12), (2, 4)])
def test_a_scan_killed_at_any_moment_goes_on_and_ends_as_one_that_was_not(tmp_path, workers, most):
    root = tmp_path / "tree"
    for number in range(2400):
        write(root / f"a{number % 6}" / f"b{number % 600}" / f"{number}.log", b"x" * (number % 300))
    everything = 2400 + 600 + 6
    kills, entries, found = run_and_kill(root, tmp_path / "index", tmp_path / "first", 1, workers, most)
    assert kills >= 3
    assert found == digest(walked(root, floor=1))
    assert entries < 2 * everything
    for number in range(0, 600, 3):
        write(root / f"a{number % 6}" / f"b{number}" / "new" / "file", b"x")
    _, _, again = run_and_kill(root, tmp_path / "index", tmp_path / "second", 2, workers, most // 2)
    assert again == digest(walked(root, floor=1))
