from __future__ import annotations

import os
import pickle
import random
import stat
import tempfile
from collections import defaultdict
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.sources.filesystem.tally import Link, Tally, above, digest, settled
from exporter.sources.filesystem.walk import walk
from tests.sources.filesystem.trees import CATEGORIES, TREES, plant, rules_of, walked, whole

PATHS = st.sampled_from([b"", b"a", b"a/b", b"a/\xff", b"c"])
ROWS = st.lists(st.integers(0, 5), min_size=7, max_size=7)
CELLS = st.lists(st.integers(0, 9), min_size=3, max_size=3)
LARGE = st.lists(st.tuples(st.integers(-3, -1), PATHS, st.integers(0, 3)), max_size=4, unique_by=lambda entry: entry[1])
LINKS = st.builds(
    Link, PATHS, st.integers(0, 5), st.just(512), st.just(0), st.integers(0, 2), st.integers(0, 2),
    st.just(False), st.just(True),
)  # fmt: skip


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    tally = Tally(depth=1, top=3)
    tally.own = draw(st.dictionaries(PATHS.map(lambda path: above(path, 1)), ROWS, max_size=3))
    tally.cells.kinds = draw(st.dictionaries(st.tuples(st.just("log"), st.integers(0, 1), st.integers(0, 3)), CELLS))
    tally.cells.modified = draw(st.dictionaries(st.integers(-1, 2), CELLS))
    tally.cells.accessed = draw(st.dictionaries(st.integers(-1, 2), CELLS))
    tally.errors.update(draw(st.dictionaries(st.sampled_from(["EIO", "EACCES"]), st.integers(1, 3))))
    tally.large, tally.heavy = draw(LARGE), draw(LARGE)
    tally.split = draw(st.dictionaries(PATHS, CELLS, max_size=2))
    tally.links = draw(st.dictionaries(st.tuples(st.just(1), st.integers(1, 3)), LINKS))
    return tally


def merged(*parts: Tally) -> str:
    total = Tally(depth=1, top=3)
    for part in parts:
        total.merge(part)
    return digest(total)


@given(tallies(), tallies(), tallies())
def test_it_does_not_matter_in_which_order_tallies_are_added(one, two, three):
    both, rest = deepcopy(one), deepcopy(two)
    both.merge(two)
    rest.merge(three)
    assert merged(one, two, three) == merged(three, one, two) == merged(both, three) == merged(one, rest)


@given(tallies())
def test_what_is_added_is_not_changed_by_what_is_added_next(one):
    before = digest(one)
    total = Tally(depth=1, top=3)
    total.merge(one)
    total.merge(one)
    assert digest(one) == before


@given(tallies())
def test_a_tally_survives_the_way_to_another_process(one):
    assert digest(pickle.loads(pickle.dumps(one))) == digest(one)


@given(TREES, st.integers(1, 7), st.integers(0, 3), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_parts_in_any_order_amount_to_the_same_as_one_walk(tree, budget, depth, random):
    with tempfile.TemporaryDirectory() as root:
        plant(os.fsencode(root), tree)
        rules = rules_of(root, depth=depth, floor=1, top=3)

        def shuffled(left):
            left = list(left)
            random.shuffle(left)
            return walk(rules, left, budget=budget)

        in_parts = whole(rules, shuffled)
        assert digest(in_parts) == digest(walked(root, depth=depth, floor=1, top=3))


def independently(root: bytes, depth: int) -> dict[str, dict]:
    """The same numbers the slow and simple way: whole paths, one dictionary for each question."""
    names = defaultdict(list)
    rollup: dict[bytes, list[int]] = defaultdict(lambda: [0, 0])
    for directory, _, files in os.walk(root):
        below = os.path.relpath(directory, root)
        rollup[above(b"" if below == b"." else below, depth)][1] += os.lstat(directory).st_blocks * 512
        for name in [*files, *(n for n in os.listdir(directory) if os.path.islink(os.path.join(directory, n)))]:
            path = os.path.join(directory, name)
            names[os.lstat(path).st_dev, os.lstat(path).st_ino].append(os.path.relpath(path, root))
    answers: dict[str, dict] = {"categories": defaultdict(int), "modified": defaultdict(int), "sizes": defaultdict(int)}
    for paths in names.values():
        path = min(paths)
        status = os.lstat(os.path.join(root, path))
        row = rollup[above(os.path.dirname(path), depth)]
        row[0] += 1
        row[1] += status.st_blocks * 512
        if stat.S_ISREG(status.st_mode):
            extension = os.path.basename(path).rpartition(b".")[2].lower() if b"." in os.path.basename(path) else b""
            category = {b"pdf": "document", b"txt": "document"}.get(extension, "other")
            answers["categories"][category] += status.st_size
            answers["modified"][int(status.st_mtime // 86_400)] += 1
            answers["sizes"][len(bin(status.st_size)) - 2 if status.st_size else 0] += 1
    return {name: dict(answer) for name, answer in answers.items()} | {"rollup": dict(rollup)}


@given(TREES, st.integers(0, 3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_tree_is_told_apart_as_an_independent_count_does(tree, depth):
    with tempfile.TemporaryDirectory() as root:
        plant(os.fsencode(root), tree)
        tally = walked(root, depth=depth)
        expected = independently(os.fsencode(root), depth)
    categories, sizes = defaultdict(int), defaultdict(int)
    for (category, _, bits), (files, apparent, _) in tally.cells.kinds.items():
        categories[category] += apparent
        sizes[bits] += files
    assert dict(categories) == expected["categories"]
    assert dict(sizes) == expected["sizes"]
    assert {day: cell[0] for day, cell in tally.cells.modified.items()} == expected["modified"]
    assert {path: [row[0], row[2]] for path, row in tally.own.items() if any(row)} == expected["rollup"]


def test_a_file_of_several_names_is_where_its_smallest_path_is():
    tally = Tally(depth=1)
    for path in (b"b/file.log", b"a/z/file.pdf", b"c"):
        tally.link((1, 7), Link(path, 100, 512, 4, 1, 2, False, True))
    whole = settled(tally, CATEGORIES, floor=512)
    assert whole.own == {b"a": [1, 100, 512, 0, 0, 0, 0]}
    assert whole.cells.kinds == {("document", 4, 7): [1, 100, 512]}
    assert whole.large == [(-512, b"a/z/file.pdf", 100)]
    assert settled(whole, CATEGORIES, floor=512) == whole


def test_the_largest_are_the_same_whatever_came_first():
    found = [(-size, b"%d" % number, 0) for number in range(9) for size in (1, 2, 3)]
    results = set()
    for seed in range(10):
        random.Random(seed).shuffle(found)
        tally = Tally(top=4)
        for entry in found:
            tally.merge(Tally(top=4, large=[entry]))
        results.add(tuple(tally.large))
    assert results == {((-3, b"0", 0), (-3, b"1", 0), (-3, b"2", 0), (-3, b"3", 0))}


@pytest.mark.parametrize(("path", "depth", "row"), [(b"a/b/c", 0, b""), (b"a/b/c", 2, b"a/b"), (b"", 3, b"")])
def test_the_row_of_a_directory_is_that_of_its_first_names(path, depth, row):
    assert above(path, depth) == row
