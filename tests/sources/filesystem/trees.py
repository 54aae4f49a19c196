"""Trees to walk, and a walk of one as a whole."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from exporter.sources.filesystem.categories import read_categories
from exporter.sources.filesystem.subtree import Part, Rules, Subtree, System
from exporter.sources.filesystem.tally import Tally, settled
from exporter.sources.filesystem.walk import device_of, walk

CATEGORIES = read_categories()


def rules_of(root: Path | str | bytes, **changes: Any) -> Rules:
    """Of a root that is there."""
    path = os.fsdecode(root)
    return Rules(root=path, device=device_of(path), **{"categories": CATEGORIES, **changes})


def whole(rules: Rules, take: Callable[[Sequence[Subtree]], Part]) -> Tally:
    """All parts of a tree, as `take` walks them, added up."""
    tally, left = Tally(rules.depth, rules.top), [Subtree(b"")]
    while left:
        part = take(left)
        tally.merge(part.tally)
        left = part.left
    return settled(tally, rules.categories, rules.floor)


def walked(
    root: Path | str | bytes,
    *,
    by_descriptor: bool = True,
    tick: Callable[[int], object] = lambda entries: None,
    budget: float = float("inf"),
    **rules: Any,
) -> Tally:
    """The settled tally of a tree."""
    asked, system = rules_of(root, **rules), System(by_descriptor=by_descriptor)
    return whole(asked, lambda left: walk(asked, left, budget=budget, tick=tick, system=system))


def write(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@contextmanager
def inside(path: Path) -> Iterator[None]:
    was = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(was)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


# Names are few, so that hard links and nested directories come up often.
NAMES = st.sampled_from([b"a", b"b.PDF", b"-c.txt", b" d ", b"\xff\xfe", b"new\nline", b"\xc3\xa9", b"e\xcc\x81"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda names: b"/".join(names))
DAYS = st.integers(-400, 21_000)
TREES = st.lists(
    st.one_of(
        st.tuples(st.just("file"), PATHS, st.integers(0, 20_000), DAYS),
        st.tuples(st.just("directory"), PATHS, st.just(0), DAYS),
        st.tuples(st.just("symlink"), PATHS, st.integers(0, 2), DAYS),
        st.tuples(st.just("link"), PATHS, st.integers(0, 5), DAYS),
        st.tuples(st.just("sparse"), PATHS, st.integers(0, 1 << 40), DAYS),
    ),
    max_size=20,
)


def plant(root: bytes, tree: list[tuple[str, bytes, int, int]]) -> None:
    files: list[bytes] = []
    for what, below, number, day in tree:
        path = os.path.join(root, below)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if what in ("file", "sparse"):
                with open(path, "xb") as file:
                    file.write(b"x" * number) if what == "file" else file.truncate(number)
                os.utime(path, (day * 86_400 + 5, (day - 3) * 86_400))
                files.append(path)
            elif what == "directory":
                os.mkdir(path)
            elif what == "symlink":
                os.symlink((b".", b"nowhere", os.path.basename(path))[number], path)
            elif files:
                os.link(files[number % len(files)], path)
        except (FileExistsError, FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            # A path through a symlink that points to itself.
            if error.errno != errno.ELOOP:
                raise


def walk_or_die(deaths: str, *arguments: Any, **keys: Any) -> Part:
    """A walker that kills its process as often as there are files in `deaths`; for processes of their own."""
    for death in os.listdir(deaths):
        try:
            os.unlink(os.path.join(deaths, death))
        except FileNotFoundError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)
    return walk(*arguments, **keys)


def walk_slowly(*arguments: Any, **keys: Any) -> Part:
    """A walker that leaves time to kill its process."""
    time.sleep(0.03)
    return walk(*arguments, **keys)
