"""How fast directory trees are scanned, compared with du in the same run, warm, all at nice 19.

python benchmarks/filesystem.py [--folder DIR] [--files 1000000] [--rounds 3] [--only scan,index]

Makes its trees in a temporary directory in DIR and removes them. Ratios are du's time divided by ours: more is better.
On a busy machine look at the CPU ratios; with every core taken by others, two workers are no faster than one.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import random
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from exporter.sources.filesystem.categories import read_categories
from exporter.sources.filesystem.crew import Crew, processes, threads
from exporter.sources.filesystem.index import Index
from exporter.sources.filesystem.pace import be_nice
from exporter.sources.filesystem.scan import How, Progress, scan
from exporter.sources.filesystem.subtree import Part, Rules, Subtree, System
from exporter.sources.filesystem.tally import Tally, digest
from exporter.sources.filesystem.walk import device_of, walk

EXTENSIONS = ("jpg", "pdf", "txt", "bak", "vmdk", "log", "zip", "docx", "py", "000")
DAY = 86_400
DELAY = 0.0005
Timed = tuple[float, float]


def plant(root: str, files: int, per_directory: int) -> None:
    """Sizes and times of all kinds, three levels deep."""
    chance = random.Random(1)
    for number in range(files // per_directory):
        directory = f"{root}/a{number % 32:02}/b{number // 32 % 32:02}/d{number:07}"
        os.makedirs(directory)
        here = os.open(directory, os.O_RDONLY)
        for file in range(per_directory):
            name = f"file{file:06}.{EXTENSIONS[file % 10]}"
            made = os.open(name, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=here)
            if file % 4 == 0:
                os.ftruncate(made, chance.randrange(1 << chance.randrange(1, 30)))
            os.close(made)
            changed = 1_750_000_000 - chance.randrange(5 * 365) * DAY
            os.utime(name, (changed + chance.randrange(300) * DAY, changed), dir_fd=here)
        os.close(here)


def timed(act: Callable[[], object]) -> Timed:
    """Seconds, and seconds of CPU of this process and its children that ended."""
    began, cpu = time.perf_counter(), sum(os.times()[:4])
    act()
    return time.perf_counter() - began, sum(os.times()[:4]) - cpu


def du(root: str) -> Timed:
    return timed(lambda: subprocess.run(["du", "-s", root], check=True, stdout=subprocess.DEVNULL))


def rules_of(root: str, **changes: Any) -> Rules:
    return Rules(root=root, device=device_of(root), categories=read_categories(), **changes)


def crewed(rules: Rules, crew: Crew) -> tuple[Tally, int]:
    tally, entries = Tally(rules.depth, rules.top), 0

    def take(part: Part) -> list[Subtree]:
        nonlocal entries
        entries += part.entries
        tally.merge(part.tally)
        return part.left

    crew.walk(rules, [Subtree(b"")], take)
    return tally, entries


class Pool:
    """Processes that outlive a scan, so that what is measured is the walk and not the start of Python."""

    def __init__(self, count: int) -> None:
        self._pool = processes(count)
        list(self._pool.map(abs, range(8 * count)))
        self.submit = self._pool.submit
        self.end = self._pool.shutdown

    def shutdown(self, **_: object) -> None:
        pass


def apart(act: Callable[..., Any], *arguments: object) -> Any:
    """What it returns, from a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_apart, args=(there, act, arguments))
    process.start()
    there.close()
    answer = here.recv()
    process.join()
    return answer


def _apart(pipe: Any, act: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    be_nice()
    pipe.send(act(*arguments))


def best(measure: Callable[[], Timed], rounds: int) -> Timed:
    return min(measure() for _ in range(rounds))


def ratio(what: str, reference: Timed, ours: Timed, target: str = "") -> None:
    cpu = f"{reference[1] / ours[1]:6.2f} x in CPU" if ours[1] else ""
    print(f"{what:<58} {ours[0]:7.2f} s {reference[0] / ours[0]:7.2f} x du {cpu}  {target}", flush=True)


def measure_scan(root: str, rounds: int) -> None:
    rules, pool = rules_of(root), Pool(2)
    one, two = Crew(functools.partial(threads, 1)), Crew(lambda: pool, 2, remote=True)
    for _ in range(2):
        reference = best(lambda: du(root), rounds)
        print(f"{'du':<58} {reference[0]:7.2f} s")
        ratio("one worker", reference, best(lambda: timed(lambda: crewed(rules, one)), rounds), "target 0.35")
        wall, _ = best(lambda: timed(lambda: crewed(rules, two)), rounds)
        ratio("two workers, once they run", reference, (wall, 0), "target 0.60")
    pool.end()
    wall, _ = timed(lambda: scan(rules, How(workers=2)))
    ratio("two workers, with their start", reference, (wall, 0))
    same = digest(scan(rules, How(workers=1))[0]) == digest(scan(rules, How(workers=2))[0])
    print(f"{'one and two workers count the same':<58} {same}")


def measure_index(root: str, files: int, per_directory: int, rounds: int) -> None:
    rules = rules_of(root)
    with tempfile.TemporaryDirectory() as folder:

        def indexed(name: str) -> None:
            index = Index(Path(folder, name), verify=10**9)
            scan(rules, How(workers=1), index)
            index.close()

        plain = best(lambda: timed(lambda: scan(rules, How(workers=1))), rounds)
        built = best(lambda: timed(lambda: indexed(str(time.monotonic()))), rounds)
        what = f"{files:,} files, {per_directory} a directory: index built"
        print(
            f"{what:<58} {built[0]:7.2f} s {built[0] / plain[0]:7.2f} x a plain scan {built[1] / plain[1]:.2f} x in CPU"
        )
        indexed("kept")
        reference = best(lambda: du(root), rounds)
        target = {100: "target 15", 10: "target 4"}.get(per_directory, "")
        ratio("  nothing changed since", reference, best(lambda: timed(lambda: indexed("kept")), rounds), target)
        print(f"{'  index':<58} {os.path.getsize(Path(folder, 'kept')) / 2**20:7.0f} MiB")


def peak() -> float:
    """The most MiB of memory this process has had; getrusage would tell that of the one it was forked from."""
    [found] = re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found) / 1024


def grown(root: str) -> tuple[float, float, int, float, float]:
    """Entries a second, a second of CPU, directories, MiB of this process before and at its largest."""
    before, entries, directories = peak(), 0, 0

    def count(progress: Progress) -> None:
        nonlocal entries
        entries = progress.entries

    def act() -> None:
        nonlocal directories
        directories = scan(Rules(root=root, categories=read_categories()), How(workers=1, progress=count))[
            0
        ].directories

    wall, cpu = timed(act)
    return entries / wall, entries / cpu, directories, before, peak()


def measure_size(folder: str, per_directory: int = 95) -> None:
    rates = {}
    for files in (250_000, 4_000_000):
        with tempfile.TemporaryDirectory(dir=folder) as root:
            plant(root, files, per_directory)
            apart(grown, root)
            rates[files] = max(apart(grown, root) for _ in range(2))
            wall, cpu, directories, before, most = rates[files]
            print(f"{f'{files:,} files':<58} {wall:12,.0f} entries/s {cpu:12,.0f} a second of CPU")
            print(f"{'  memory before, and grown by':<58} {before:7.1f} MiB {most - before:7.1f} MiB", end=" ")
            print(f"{(most - before) * 2**20 / directories:7.0f} bytes a directory of {directories:,}", flush=True)
    few, many = rates.values()
    print(f"{'4 M against 250 k':<58} {many[0] / few[0]:7.2f} x {many[1] / few[1]:7.2f} x in CPU  target 0.9")


def measure_links(folder: str) -> None:
    """Files of two names each."""
    grew = {}
    for files in (20_000, 500_000):
        with tempfile.TemporaryDirectory(dir=folder) as root:
            plant(root, files, 100)
            for directory, names in [(directory, names) for directory, _, names in os.walk(root) if names]:
                for name in names:
                    os.link(f"{directory}/{name}", f"{directory}/second-{name}")
            _, _, _, before, most = apart(grown, root)
            grew[files] = most - before
            print(f"{f'{files:,} files of two names: memory grown by':<58} {grew[files]:7.1f} MiB", flush=True)
    few, many = grew
    each = (grew[many] - grew[few]) * 2**20 / (many - few)
    print(f"{'  for each of the rest':<58} {each:7.0f} bytes  target 32")


def measure_large(folder: str, rounds: int) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as root:
        plant(root, 300_000, 300_000)
        pool = Pool(2)
        reference = best(lambda: du(root), rounds)
        one = best(lambda: timed(lambda: crewed(rules_of(root), Crew(functools.partial(threads, 1)))), rounds)
        ratio("300,000 files in a directory, one worker", reference, one)
        halves = rules_of(root, parts=2)
        wall, _ = best(lambda: timed(lambda: crewed(halves, Crew(lambda: pool, 2, remote=True))), rounds)
        ratio("300,000 files in a directory, two workers", reference, (wall, 0), "target 0.60")
        pool.end()
        # What each of two has to do, where other work keeps two from running at once.
        half = best(lambda: timed(lambda: walk(halves, [Subtree(b"", share=(0, 2))])), rounds)
        ratio("300,000 files in a directory, half of them", reference, half)


class SlowEntry:
    def __init__(self, entry: os.DirEntry[str]) -> None:
        self.name = entry.name
        self._entry = entry

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        time.sleep(DELAY)
        return self._entry.stat(follow_symlinks=follow_symlinks)


class SlowListing:
    """As a mount that answers each call in half a millisecond."""

    def __init__(self, handle: int) -> None:
        time.sleep(DELAY)
        self._listing = os.scandir(handle)

    def __enter__(self) -> Iterator[SlowEntry]:
        return map(SlowEntry, self._listing)

    def __exit__(self, *_: object) -> None:
        self._listing.close()


def slow_open(*arguments: Any, **keys: Any) -> int:
    time.sleep(DELAY)
    return os.open(*arguments, **keys)


def measure_slow(folder: str) -> None:
    walker = functools.partial(walk, system=System(slow_open, SlowListing))
    with tempfile.TemporaryDirectory(dir=folder) as root:
        plant(root, 20_000, 50)
        rules, serial = rules_of(root), None
        for count in (1, 16, 64):
            crew = Crew(functools.partial(threads, count), count, walker)
            wall, _ = timed(lambda crew=crew: crewed(rules, crew))
            serial = serial or wall
            what = f"0.5 ms a call, {count} threads"
            target = {16: "target 8", 64: "target 10"}.get(count, "")
            print(f"{what:<58} {wall:7.2f} s {serial / wall:7.2f} x serial  {target}", flush=True)
        wall, _ = timed(lambda: scan(rules, How(walker=walker)))
        print(f"{'0.5 ms a call, threads as they help':<58} {wall:7.2f} s {serial / wall:7.2f} x serial")


def measure_rate(root: str) -> None:
    for limit, workers in ((2_000, 1), (20_000, 1), (20_000, 2)):
        entries = 0

        def count(progress: Any) -> None:
            nonlocal entries
            entries = progress.entries

        began = time.monotonic()
        how = How(
            workers=workers, entries_per_second=limit, progress=count,
            should_stop=lambda began=began: time.monotonic() - began >= 10.5,
        )  # fmt: skip
        try:
            scan(rules_of(root), how)
        except Exception as stopped:
            if "stopped" not in str(stopped):
                raise
        took = time.monotonic() - began
        what = f"limit of {limit:,} entries/s, {workers} worker(s)"
        print(f"{what:<58} {entries / took:12,.0f} entries/s {entries / took / limit:6.3f} of it  target 0.95 to 1.05")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder")
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="scan,index,rate,large,slow,links,size")
    asked = parser.parse_args()
    only = asked.only.split(",")
    be_nice()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    if {"scan", "index", "rate"} & set(only):
        with tempfile.TemporaryDirectory(dir=asked.folder) as root:
            plant(root, asked.files, 100)
            if "scan" in only:
                measure_scan(root, asked.rounds)
            if "index" in only:
                measure_index(root, asked.files, 100, asked.rounds)
            if "rate" in only:
                measure_rate(root)
    folder = asked.folder or tempfile.gettempdir()
    if "index" in only:
        with tempfile.TemporaryDirectory(dir=folder) as root:
            plant(root, asked.files // 5, 10)
            measure_index(root, asked.files // 5, 10, asked.rounds)
    if "large" in only:
        measure_large(folder, asked.rounds)
    if "slow" in only:
        measure_slow(folder)
    if "links" in only:
        measure_links(folder)
    if "size" in only:
        measure_size(folder)


if __name__ == "__main__":
    main()
