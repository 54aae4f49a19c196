from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.sources.filesystem.record import Content, Files, pack, unpack
from exporter.sources.filesystem.tally import Cells

NUMBERS = st.integers(0, 1 << 53)
DAYS = st.integers(-400, 21_000)
FILE = st.tuples(st.sampled_from(["logs", "média", "other"]), st.integers(0, 3), NUMBERS, NUMBERS, DAYS, DAYS)
ROWS = st.lists(st.integers(0, (1 << 63) - 1), min_size=7, max_size=7)


@given(ROWS, st.lists(st.lists(FILE, min_size=1, max_size=5), max_size=3))
def test_files_that_were_packed_add_up_to_the_same_cells(row, batches):
    content, cells = Content(), Cells()
    for batch in batches:
        files = Files(*map(list, zip(*batch, strict=True)))
        content.add(files)
        cells.add(files.keys())
    assert unpack(content.pack(row)) == (row, cells)
    assert unpack(pack(row, cells)) == (row, cells)


def test_a_large_directory_takes_no_more_room_than_its_cells():
    content = Content()
    for _ in range(100):
        content.add(Files(["logs"] * 256, [0] * 256, [10] * 256, [8] * 256, [20_000] * 256, [20_000] * 256))
    assert len(content.pack([0] * 7)) < 300
