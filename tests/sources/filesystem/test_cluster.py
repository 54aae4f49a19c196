"""Parts of a tree walked by a real dask cluster of this machine: a scheduler and workers, processes of their own."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.errors import ConfigError, SourceUnreachable
from exporter.sources.filesystem import cluster
from exporter.sources.filesystem.cluster import elsewhere, executor_address, on_cluster
from exporter.sources.filesystem.index import Index
from exporter.sources.filesystem.scan import How, Progress, scan
from exporter.sources.filesystem.subtree import Rules, Subtree
from exporter.sources.filesystem.tally import digest
from exporter.sources.filesystem.walk import walk
from tests.servers import free_port, running, wait_until
from tests.sources.filesystem.trees import CATEGORIES, rules_of, walk_slowly, walked, write

ROOT = Path(__file__).parents[3]
# As on a machine where nobody installed ebbtide.
WITHOUT = "import sys; sys.modules['exporter'] = None; "


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Starts a program of dask on the loopback; answers its pid."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with ExitStack() as processes:

        def begin(program: str, *arguments: str, before: str = "") -> int:
            code = f"{before}from distributed.cli.dask_{program} import main; main()"
            command = [sys.executable, "-c", code, "--host", "127.0.0.1", "--no-dashboard", *arguments]
            log = tmp_path / f"{program}-{free_port()}.log"
            return processes.enter_context(running(command, log, cwd=tmp_path, env=environment)).pid

        yield begin


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for number in range(200):
        write(root / f"a{number % 5}" / f"b{number % 40}" / f"{number}.log", b"x" * number * 50)
    for number in range(5):
        os.link(root / "a0" / "b0" / "0.log", root / f"a{number}" / "link")
    return root


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small parts."""
    monkeypatch.setattr("exporter.sources.filesystem.crew._ENTRIES", 10)
    monkeypatch.setattr("exporter.sources.filesystem.crew._FEW_ENTRIES", 3)
    monkeypatch.setattr("exporter.sources.filesystem.scan._FIRST_ENTRIES", 3)


def test_a_cluster_that_loses_a_worker_counts_what_one_machine_counts(start, tree, tmp_path, eager, monkeypatch):
    scheduler = f"127.0.0.1:{free_port()}"
    address = f"dask://{scheduler}"
    start("scheduler", "--port", scheduler.rpartition(":")[2])
    workers = [start("worker", scheduler, "--no-nanny", "--nthreads", "1") for _ in range(2)]

    refusals: list[str] = []

    def ready() -> bool:
        try:
            return on_cluster(How(), address).workers == 2
        except SourceUnreachable as error:
            refusals.append(str(error).rpartition(": ")[2])
            return False

    wait_until(ready, "two workers")
    assert set(refusals) <= {"the scheduler does not answer", "the scheduler has no workers"}
    expected = digest(walked(tree))
    rules = Rules(root=str(tree), categories=CATEGORIES)
    assert digest(scan(rules, on_cluster(How(), address))[0]) == expected

    seen: list[Progress] = []

    def kill_one(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 5:
            os.kill(workers[0], signal.SIGKILL)

    how = on_cluster(How(walker=walk_slowly, progress=kill_one), address)
    index = Index(tmp_path / "index")
    assert digest(scan(rules, how, index)[0]) == expected
    index.close()
    assert seen[-1].entries == 200 + 5 + 5 + 40
    assert on_cluster(How(), address).workers == 1

    with monkeypatch.context() as other:
        other.setattr(cluster, "__version__", "99")
        with pytest.raises(SourceUnreachable, match=r"worker tcp://127.0.0.1:\d+ has ebbtide \S+, this is 99"):
            on_cluster(How(), address)

    start("worker", scheduler, "--no-nanny", before=WITHOUT)
    with pytest.raises(SourceUnreachable, match=r"has no ebbtide .*, this is"):
        wait_until(lambda: not on_cluster(How(), address), "a worker without ebbtide")


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.2)
    address = f"dask://127.0.0.1:{free_port()}"
    with pytest.raises(SourceUnreachable, match=f"{address}: the scheduler does not answer"):
        on_cluster(How(), address)


def test_without_dask_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install ebbtide\[dask\]"):
        on_cluster(How(), "dask://scheduler.example.com:8786")


@pytest.mark.parametrize("text", ["dask://scheduler.example.com:8786", "dask://10.0.0.1:1", "dask://[fe80::1]:8786"])
def test_an_executor_is_the_address_of_a_scheduler(text):
    assert executor_address(text) == text


@pytest.mark.parametrize(
    "text", ["", "dask", "dask://", "dask://host", "dask://host:", "dask://host:1/x", "tcp://host:8786", "dask://a b:1"]
)
def test_any_other_executor_is_refused(text):
    with pytest.raises(ValueError, match="is no executor like"):
        executor_address(text)


@pytest.mark.parametrize("keep_records", [False, True])
def test_on_another_machine_the_same_root_has_another_device(tree, keep_records):
    here = rules_of(tree, inode=tree.stat().st_ino, keep_records=keep_records)
    there = dataclasses.replace(here, device=77)
    part, expected = elsewhere(walk, there, [Subtree(b"")]), walk(here, [Subtree(b"")])
    [(device, inode)] = part.tally.links
    assert (device, inode) == (77, (tree / "a0" / "b0" / "0.log").stat().st_ino)
    assert list(part.tally.links.values()) == list(expected.tally.links.values())
    assert {device for record in part.records for (device, _), _ in record.links} == ({77} if keep_records else set())


def test_another_directory_at_the_same_path_is_no_part_of_the_tree(tree):
    with pytest.raises(OSError, match="not the directory it is where the scan began"):
        elsewhere(walk, rules_of(tree, inode=1), [Subtree(b"")])
