from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.sources.filesystem.links import Links
from exporter.sources.filesystem.scan import How, scan
from exporter.sources.filesystem.subtree import Rules
from exporter.sources.filesystem.tally import Link, Tally, digest
from tests.sources.filesystem.trees import CATEGORIES, NAMES, walked, write

BIG = st.integers(0, (1 << 64) - 1)
LINK = st.builds(
    Link, NAMES, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(-3, 3), st.integers(-3, 3),
    st.booleans(), st.booleans(),
)  # fmt: skip
FOUND = st.lists(st.tuples(st.tuples(st.sampled_from([1, (1 << 64) - 1]), st.one_of(st.integers(1, 4), BIG)), LINK))


@given(FOUND, st.integers(0, 5))
def test_a_file_has_the_smallest_of_its_names_in_memory_or_not(found, most):
    expected, links = Tally(), Links()
    with pytest.MonkeyPatch.context() as small:
        small.setattr("exporter.sources.filesystem.links._IN_MEMORY", most)
        for identity, link in found:
            expected.link(identity, link)
        links.add(found)
        assert sorted(links.each()) == sorted(expected.links.values())
        assert sorted(links.each()) == sorted(expected.links.values())


def test_more_links_than_fit_into_memory_are_counted_the_same(tmp_path, monkeypatch):
    for number in range(60):
        file = write(tmp_path / "tree" / f"a{number % 7}" / f"{number}.pdf", b"x" * number)
        (tmp_path / "tree" / f"{number}").hardlink_to(file)
    expected = digest(walked(tmp_path / "tree"))
    monkeypatch.setattr("exporter.sources.filesystem.links._IN_MEMORY", 10)
    assert digest(scan(Rules(root=str(tmp_path / "tree"), categories=CATEGORIES), How(workers=1))[0]) == expected
