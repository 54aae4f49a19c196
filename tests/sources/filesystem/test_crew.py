from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.errors import SourceUnreachable
from exporter.sources.filesystem import scan as scanning
from exporter.sources.filesystem.crew import Crew, processes, threads
from exporter.sources.filesystem.pace import Bucket, Pauses
from exporter.sources.filesystem.scan import How, Progress, scan
from exporter.sources.filesystem.subtree import Part, Rules, Subtree, System
from exporter.sources.filesystem.tally import Tally, digest
from exporter.sources.filesystem.walk import walk
from tests.sources.filesystem.trees import CATEGORIES, rules_of, walk_or_die, walked, write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for number in range(200):
        write(root / f"a{number % 5}" / f"b{number % 20}" / f"{number}.log", b"x" * number * 50)
    for number in range(5):
        os.link(root / "a0" / "b0" / "0.log", root / f"a{number}" / "link")
    return root


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small parts, and processes for the smallest tree."""
    monkeypatch.setattr("exporter.sources.filesystem.crew._ENTRIES", 10)
    monkeypatch.setattr("exporter.sources.filesystem.crew._FEW_ENTRIES", 3)
    monkeypatch.setattr(scanning, "_FIRST_ENTRIES", 3)
    monkeypatch.setattr(scanning, "_SMALL_ENTRIES", 3)


def rules(root: Path, **changes: object) -> Rules:
    return Rules(root=str(root), categories=CATEGORIES, **changes)


def mount_of(seconds: float):
    """A walker of a mount that takes so long an entry."""

    def walker(*arguments: object, **keys: object) -> Part:
        part = walk(*arguments, **keys)
        part.stat_seconds = part.entries * seconds
        return part

    return walker


FAST, SLOW = mount_of(2e-6), mount_of(1e-3)


def test_a_scan_amounts_to_the_same_however_many_walk(tree, eager):
    expected = digest(walked(tree))
    for how in (How(workers=1), How(workers=2), How(walker=SLOW), How(workers=3, executor=lambda: threads(3))):
        tally, device = scan(rules(tree), how)
        assert (digest(tally), device) == (expected, tree.stat().st_dev)


def test_a_local_disk_is_never_walked_by_threads_and_a_slow_mount_is(tree, eager, monkeypatch):
    hired: list[tuple[str, int]] = []
    for kind in ("processes", "threads"):
        monkeypatch.setattr(
            scanning, kind, lambda count, kind=kind: hired.append((kind, count)) or threads(count)
        )  # fmt: skip
    for how, expected in (
        (How(workers=2, walker=FAST), ("processes", 2)),
        (How(workers=2, walker=SLOW), ("threads", 64)),
        (How(workers=2, walker=FAST, entries_per_second=50_000), ("threads", 1)),
        (How(workers=2, walker=FAST, entries_per_second=200_000), ("processes", 2)),
    ):
        scan(rules(tree), how)
        assert hired.pop() == expected
        assert hired == []


def test_a_small_tree_needs_no_processes(tree, monkeypatch):
    monkeypatch.setattr(scanning, "processes", lambda count: pytest.fail("a process was started"))
    assert scan(rules(tree), How(workers=2))[0].files == 200


def test_a_killed_worker_costs_what_it_had_open_and_no_more(tree, tmp_path, eager, caplog):
    deaths = tmp_path / "deaths"
    for number in range(2):
        write(deaths / str(number))
    taken: list[int] = []

    def take(part: Part) -> list[Subtree]:
        tally.merge(part.tally)
        taken.append(part.entries)
        return part.left

    tally, asked = Tally(), rules_of(tree)
    walker = functools.partial(walk_or_die, str(deaths))
    Crew(lambda: processes(2), 2, walker, remote=True).walk(asked, [Subtree(b"")], take)
    assert list(deaths.iterdir()) == []
    assert (tally.files, len(tally.links)) == (199, 1)
    assert sum(taken) == 200 + 5 + 5 + 20
    assert "a worker of the scan died" in caplog.text


def test_workers_that_die_again_and_again_end_the_scan(tree):
    class Deadly(Executor):
        def submit(self, fn, /, *arguments, **keys):
            future: Future[Part] = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with pytest.raises(SourceUnreachable, match="died again and again"):
        Crew(Deadly).walk(rules_of(tree), [Subtree(b"")], lambda part: part.left)


def test_a_scan_without_workers_is_not_one_of_silent_directories(tree, impatient, monkeypatch):
    class Deserted(Executor):
        def submit(self, fn, /, *arguments, **keys):
            return Future()

    monkeypatch.setattr("exporter.sources.filesystem.crew._ANSWER_SECONDS", 0.05)
    with pytest.raises(SourceUnreachable, match="no worker of the scan answers"):
        Crew(Deserted).walk(rules_of(tree), [Subtree(b"")], lambda part: part.left)


def test_an_executor_that_broke_before_it_took_a_part_is_replaced(tree):
    hired: list[Executor] = []

    def hire() -> Executor:
        executor = ThreadPoolExecutor(1)
        hired.append(executor)
        if len(hired) == 1:
            executor._broken = "a thread could not be started"
        return executor

    tally = Tally()
    Crew(hire).walk(rules_of(tree), [Subtree(b"")], lambda part: tally.merge(part.tally) or part.left)
    assert (len(hired), tally.files) == (2, 199)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.sources.filesystem.crew._LEASE_SECONDS", 0.15)
    monkeypatch.setattr("exporter.sources.filesystem.crew._LOOK_SECONDS", 0.01)


def dead(release: threading.Event, names: set[str]) -> Callable[..., Part]:
    """A walker of a filesystem some of whose directories never answer."""

    def open_or_wait(path: str, *arguments: object, **keys: object) -> int:
        if path in names:
            release.wait()
        return os.open(path, *arguments, **keys)

    return functools.partial(walk, system=System(open=open_or_wait))


@pytest.mark.parametrize("keep_records", [False, True])
def test_a_directory_that_never_answers_is_an_error_and_all_others_are_counted(
    tree, eager, impatient, release, keep_records
):
    asked, records = rules_of(tree, keep_records=keep_records), []
    tally = Tally()

    def take(part: Part) -> list[Subtree]:
        tally.merge(part.tally)
        records.extend(part.records)
        return part.left

    Crew(lambda: threads(16), 16, dead(release, {"b3", "a2"})).walk(asked, [Subtree(b"")], take)
    release.set()
    shut = walked(tree, exclude=(f"{tree}/a2/*", "b3"))
    assert tally.errors == {"ETIMEDOUT": 2}
    assert (tally.files + len(tally.links), tally.directories) == (shut.files, shut.directories + 1)
    assert len(records) == (tally.directories if keep_records else 0)


def test_a_scan_by_one_worker_ends_though_directories_never_answer(tree, impatient, release):
    tally, _ = scan(rules(tree), How(workers=1, walker=dead(release, {"b3", "a2"})))
    release.set()
    shut = walked(tree, exclude=(f"{tree}/a2/*", "b3"))
    assert (tally.errors, tally.files, tally.directories) == ({"ETIMEDOUT": 2}, shut.files, shut.directories + 1)


def test_a_worker_that_never_answers_is_replaced(tree, eager, impatient, release, caplog):
    calls: list[int] = []

    def stuck_once(*arguments: object, **keys: object) -> Part:
        calls.append(1)
        if len(calls) == 2:
            release.wait()
        return walk(*arguments, **keys)

    tally = Tally()
    Crew(lambda: threads(1), 1, stuck_once).walk(
        rules_of(tree), [Subtree(b"")], lambda part: tally.merge(part.tally) or part.left
    )
    assert (tally.files, tally.errors) == (199, {})
    assert "answers no more" in caplog.text


def test_what_the_walker_raises_ends_the_scan(tree):
    def broken(*arguments: object, **keys: object) -> Part:
        raise OSError(5, "input or output error")

    with pytest.raises(OSError, match="input or output"):
        Crew(functools.partial(threads, 1), walker=broken).walk(rules_of(tree), [Subtree(b"")], lambda part: part.left)


def test_a_scan_stops_soon_after_it_was_told(tree, eager):
    seen: list[Progress] = []
    with pytest.raises(SourceUnreachable, match="tree: the scan was stopped"):
        scan(rules(tree), How(workers=1, progress=seen.append, should_stop=lambda: len(seen) >= 3))
    assert len(seen) == 3


def test_progress_counts_up_to_all_that_is_there(tree, eager):
    seen: list[Progress] = []
    scan(rules(tree), How(workers=1, progress=seen.append))
    assert (seen[-1].entries, seen[-1].errors, seen[-1].directory) == (230, 0, None)
    assert [p.entries for p in seen] == sorted(p.entries for p in seen)
    assert seen[0].directory is not None


def test_nothing_is_looked_at_before_a_pause_is_over(tree):
    seen: list[str] = []

    class Busy(Pauses):
        def reason(self, at=None):
            seen.append("asked")
            return "window" if len(seen) == 1 else None

    def look(*arguments, **keys):
        seen.append("looked")
        return walk(*arguments, **keys)

    scan(Rules(root=str(tree), categories=CATEGORIES), How(workers=1, pauses=Busy(), walker=look))
    assert seen[:3] == ["asked", "asked", "looked"]


def test_a_scan_waits_while_it_is_paused(tree):
    slept: list[float] = []

    class Busy(Pauses):
        def reason(self, at: object = None) -> str | None:
            return "pressure" if len(slept) < 3 else None

    tally = Tally()
    crew = Crew(functools.partial(threads, 1), bucket=Bucket(sleep=slept.append), pauses=Busy())
    crew.walk(rules_of(tree), [Subtree(b"")], lambda part: tally.merge(part.tally) or part.left)
    assert (len(slept), tally.files) == (3, 199)


def test_an_executor_of_another_kind_gets_its_share_of_the_rate(tree, eager):
    assert scan(rules(tree), How(workers=2, executor=lambda: threads(2), entries_per_second=1e6))[0].files == 200


def test_workers_end_with_a_parent_that_was_killed():
    program = """
import os, time
from exporter.sources.filesystem.crew import processes
if __name__ == "__main__":
    print(processes(1).submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as parent:
        worker = int(parent.stdout.readline())
        parent.kill()
    for _ in range(200):
        if not is_running(worker):
            break
        time.sleep(0.05)
    assert not is_running(worker)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_imports_no_more_than_it_needs():
    heavy = ("numpy", "pydantic", "requests", "sqlalchemy", "prometheus_client", "exporter.model")
    program = f"import sys, exporter.sources.filesystem.crew; print(set({heavy}) & set(sys.modules))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parents[3])
    assert done.stdout == "set()\n"
