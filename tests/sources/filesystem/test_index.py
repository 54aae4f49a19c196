from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.errors import SourceUnreachable
from exporter.sources.filesystem.index import Index, Trust
from exporter.sources.filesystem.scan import How, Progress, scan
from exporter.sources.filesystem.subtree import Rules
from exporter.sources.filesystem.summary import summarize
from exporter.sources.filesystem.tally import Tally, digest
from tests.sources.filesystem.trees import CATEGORIES, TREES, plant, walked, write

ONE = How(workers=1)
NEVER = 10**9


class Scanner:
    """Scans of a root with an index in a file, each by an index of its own as after a restart."""

    def __init__(self, root: Path | str, file: Path | str) -> None:
        self.root, self.file = root, Path(file)
        self.trust = Trust()
        self.entries = 0

    def __call__(self, how: How | None = None, *, racy: float = 0.0, verify: int = NEVER, **changes: object) -> Tally:
        index = Index(self.file, racy_seconds=racy, verify=verify)
        self.entries = 0
        rules = Rules(root=str(self.root), categories=CATEGORIES, **{"floor": 1, "top": 3, **changes})
        try:
            return scan(rules, how or How(workers=1, progress=self._note), index)[0]
        finally:
            self.trust = index.trust
            index.close()

    def _note(self, progress: Progress) -> None:
        self.entries = progress.entries


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for number in range(60):
        write(root / f"a{number % 5}" / f"b{number % 20}" / f"{number}.log", b"x" * number * 50)
    os.link(root / "a0" / "b0" / "0.log", root / "a1" / "link")
    return root


@pytest.fixture
def scanned(tree: Path, tmp_path: Path) -> Scanner:
    return Scanner(tree, tmp_path / "index")


@contextmanager
def folders() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        yield one, two


def plain(root: Path | str) -> str:
    return digest(walked(root, floor=1, top=3))


def test_what_did_not_change_is_not_read_again_and_counts_the_same(scanned, tree):
    first = digest(scanned())
    assert (first, scanned.trust) == (plain(tree), Trust(0, None))
    assert digest(scanned()) == first
    assert (scanned.trust.directories, scanned.entries) == (26, 0)


def mutate(root: bytes, seed: int) -> None:
    """Files and directories come, go and are renamed; none of the files that stay changes."""
    # Renamed into itself, or over what is not empty.
    with suppress(OSError):
        _mutate(root, seed)


def _mutate(root: bytes, seed: int) -> None:
    chance = random.Random(seed)
    found = sorted(os.path.join(path, name) for path, below, files in os.walk(root) for name in below + files)
    for path in chance.sample(found, min(len(found), 4)):
        if not os.path.lexists(path):
            continue
        act = chance.randrange(3)
        if act == 0:
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        elif act == 1:
            os.rename(
                path, os.path.join(root, b"moved%d" % chance.randrange(3)) if chance.random() < 0.5 else path + b"2"
            )
        else:
            directory = path if os.path.isdir(path) and not os.path.islink(path) else os.path.dirname(path)
            os.makedirs(os.path.join(directory, b"new%d" % seed, b"deep"), exist_ok=True)


@given(TREES, st.lists(st.integers(0, 10**6), min_size=1, max_size=4), st.sampled_from([2, 3, NEVER]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_after_any_change_of_names_an_index_counts_as_a_walk_does(tree, seeds, verify):
    with folders() as (root, elsewhere):
        plant(os.fsencode(root), tree)
        scanned = Scanner(root, Path(elsewhere, "index"))
        scanned(verify=verify)
        for seed in seeds:
            mutate(os.fsencode(root), seed)
            assert digest(scanned(racy=2.0, verify=verify)) == plain(root)


@given(TREES, st.integers(0, 10**6), st.lists(st.integers(1, 6), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_scan_that_was_stopped_again_and_again_counts_as_one_that_was_not(tree, seed, stops):
    with folders() as (root, elsewhere), pytest.MonkeyPatch.context() as patch:
        patch.setattr("exporter.sources.filesystem.crew._ENTRIES", 2)
        patch.setattr("exporter.sources.filesystem.scan._FIRST_ENTRIES", 1)
        patch.setattr("exporter.sources.filesystem.index._AT_A_TIME", 2)
        plant(os.fsencode(root), tree)
        scanned = Scanner(root, Path(elsewhere, "index"))
        for generation in range(2):
            for stop in stops:
                calls = iter(range(stop))
                try:
                    scanned(How(workers=1, should_stop=lambda calls=calls: next(calls, None) is None), verify=2)
                except SourceUnreachable:
                    continue
            assert digest(scanned(racy=2.0, verify=2)) == plain(root)
            if generation == 0:
                mutate(os.fsencode(root), seed)


def test_a_moved_directory_reached_by_a_link_at_its_old_place_is_counted_once(scanned, tree):
    scanned()
    (tree / "a0").rename(tree / "c0")
    (tree / "a0").symlink_to("c0")
    assert digest(scanned()) == plain(tree)


def test_a_file_that_grew_is_seen_when_its_directory_is_read_again(scanned, tree):
    scanned()
    (tree / "a0" / "b0" / "0.log").write_bytes(b"x" * 9999)
    lagging = scanned(verify=3)
    later = [scanned(verify=3).apparent_bytes for _ in range(3)][-1]
    assert lagging.apparent_bytes in (later, later - 9999)
    assert digest(scanned(verify=3)) == plain(tree)


def test_every_directory_is_read_again_after_so_many_scans(scanned):
    scanned()
    trusted = []
    for _ in range(5):
        scanned(verify=5)
        trusted.append(26 - scanned.trust.directories)
    assert sum(trusted) == 26
    assert max(trusted) <= 6


def test_a_directory_that_may_have_changed_right_after_it_was_read_is_not_trusted(scanned, tree):
    scanned()
    scanned(racy=3600)
    assert scanned.trust == Trust(0, None)
    for path in [tree, *tree.rglob("*")]:
        if path.is_dir():
            os.utime(path, (0, 0))
    scanned()
    scanned(racy=3600)
    assert scanned.trust.directories == 26


def test_the_oldest_reading_that_is_trusted_is_told(scanned):
    scanned()
    scanned()
    first = scanned.trust.oldest
    scanned()
    assert scanned.trust.oldest == first
    scanned(verify=2)
    scanned(verify=2)
    scanned()
    assert scanned.trust.oldest > first


def test_what_could_not_be_read_is_tried_again(public, tmp_path, as_nobody):
    scanned = Scanner(public / "tree", public / "index")
    write(public / "tree" / "open" / "file", b"x")
    write(public / "tree" / "shut" / "file", b"xyz")
    (public / "tree" / "shut").chmod(0)
    public.chmod(0o777)
    with as_nobody():
        assert [scanned().errors for _ in range(2)] == [{"EACCES": 1}] * 2
    (public / "tree" / "shut").chmod(0o755)
    with as_nobody():
        again = scanned()
    assert (again.errors, again.apparent_bytes) == ({}, 4)


def test_what_can_no_longer_be_read_counts_as_it_last_did(public, as_nobody):
    scanned = Scanner(public / "tree", public / "index")
    shut = public / "tree" / "shut"
    write(public / "tree" / "open" / "file", b"x")
    write(shut / "file", b"xyz" * 1000)
    write(shut / "below" / "deep" / "file.log", b"x" * 5000)
    os.link(shut / "file", shut / "link")
    public.chmod(0o777)
    with as_nobody():
        before = scanned(depth=2)
    shut.chmod(0)
    for _ in range(2):
        with as_nobody():
            during = scanned(depth=2, verify=1)
        assert (during.errors, scanned.trust.kept) == ({"EACCES": 1}, 1)
        assert (during.files, during.directories, during.apparent_bytes) == (3, 5, 8001)
        assert (during.large, during.heavy, during.cells) == (before.large, before.heavy, before.cells)
        rollup = {directory.path: directory.complete for directory in summarize(during, 0.0).rollup}
        assert rollup == {"": False, "shut": False, "shut/below": True, "open": True}
    write(public / "tree" / "open" / "new", b"xy")
    with as_nobody():
        assert (scanned(depth=2).apparent_bytes, scanned.trust.kept) == (8003, 1)
    shut.chmod(0o755)
    (shut / "file").unlink()
    with as_nobody():
        after = scanned(depth=2)
        assert (digest(after), scanned.trust.kept) == (digest(walked(public / "tree", floor=1, top=3, depth=2)), 0)


def test_what_is_gone_when_it_can_be_read_again_is_forgotten(public, as_nobody):
    scanned = Scanner(public / "tree", public / "index")
    shut = public / "tree" / "shut"
    write(shut / "below" / "file", b"xyz")
    public.chmod(0o777)
    with as_nobody():
        scanned()
    shut.chmod(0)
    with as_nobody():
        assert scanned().files == 1
    shutil.rmtree(shut / "below")
    shut.chmod(0o755)
    with as_nobody():
        assert digest(scanned()) == plain(public / "tree")


@pytest.mark.parametrize("change", [{"depth": 3}, {"exclude": ("a0",)}, {"max_depth": 1}, {"top": 1}])
def test_other_rules_begin_anew(scanned, change):
    scanned()
    scanned(**change)
    assert scanned.trust.directories == 0


def test_another_tree_at_the_same_place_begins_anew(scanned, tree):
    scanned()
    tree.rename(tree.with_name("old"))
    write(tree / "file", b"x")
    assert scanned().apparent_bytes == 1


def test_an_empty_directory_in_its_place_is_refused_and_costs_no_index(scanned, tree):
    before = digest(scanned())
    tree.rename(tree.with_name("unmounted"))
    tree.mkdir()
    with pytest.raises(SourceUnreachable, match="tree: empty, and not what the index is of; is it mounted"):
        scanned()
    tree.rmdir()
    tree.with_name("unmounted").rename(tree)
    # To be renamed has changed the root itself.
    assert (digest(scanned()), scanned.trust.directories) == (before, 25)


def test_an_index_of_another_form_begins_anew(scanned, tree):
    scanned()
    with sqlite3.connect(scanned.file) as database:
        database.execute("UPDATE meta SET value = '0' WHERE key = 'form'")
    database.close()
    assert digest(scanned()) == plain(tree)
    assert scanned.trust.directories == 0


def test_who_reads_while_a_scan_runs_sees_the_complete_one(scanned, tree):
    scanned()
    write(tree / "new" / "file", b"x")
    seen: list[int] = []

    def count(_: Progress) -> None:
        database = sqlite3.connect(scanned.file)
        seen.append(database.execute("SELECT count(*) FROM directory").fetchone()[0])
        database.close()

    scanned(How(workers=1, progress=count))
    assert set(seen) == {26}
    count(Progress(0, 0, None))
    assert seen[-1] == 27


def test_a_path_longer_than_a_system_call_takes_is_looked_at(scanned, tree):
    here = os.open(tree, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=here)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    first = digest(scanned())
    os.close(here)
    assert digest(scanned()) == first
    assert scanned.trust.directories == 51


def test_a_directory_that_was_deleted_before_it_was_read_is_forgotten(scanned, tree):
    scanned()
    write(tree / "new" / "file", b"x")
    looks: list[Progress] = []

    def delete(progress: Progress) -> None:
        looks.append(progress)
        if len(looks) == 1:
            shutil.rmtree(tree / "new")

    during = scanned(How(workers=1, progress=delete))
    assert (during.directories, during.vanished) == (26, 1)
    assert digest(scanned(racy=2.0)) == plain(tree)
