"""A file of sizes: what it may hold, and where it is said to be wrong."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from exporter.commands.readings import read_past
from exporter.errors import ConfigError


def written(folder: Path, *lines: str) -> Path:
    file = folder / "a.csv"
    file.write_text("\n".join(lines))
    return file


def test_columns_may_stand_in_any_order_among_others(tmp_path: Path) -> None:
    past = read_past(written(tmp_path, "capacity_bytes,note,timestamp,used_bytes", "9,x,1700000000,5", "", "9,,1.7e9,"))
    assert past.timestamps.tolist() == [1.7e9, 1.7e9]
    assert np.nansum(past.used) == 5
    assert past.capacity == 9


def test_readings_are_put_in_order_and_the_newest_capacity_counts(tmp_path: Path) -> None:
    head = "\ufefftimestamp,used_bytes,capacity_bytes"
    past = read_past(written(tmp_path, head, "2026-01-02T00:00:00Z,6,20", "2026-01-01,5,10", "2026-01-03,7,"))
    assert past.used.tolist() == [5, 6, 7]
    assert past.capacity == 20
    assert past.capacities[:2].tolist() == [10, 20]
    assert math.isnan(past.capacities[2])


def test_without_a_capacity_it_is_unknown(tmp_path: Path) -> None:
    assert math.isnan(read_past(written(tmp_path, "timestamp,used_bytes", "1700000000,5")).capacity)
    assert read_past(written(tmp_path, "timestamp,used_bytes")).timestamps.size == 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("time,value",), ":1: the first line names the columns; 0 are called timestamp"),
        (("timestamp,used_bytes,used_bytes",), ":1: the first line names the columns; 2 are called used_bytes"),
        (("timestamp,used_bytes", "1700000000,1", "1700000001,much"), ":3: used_bytes: 'much' is no number"),
        (("timestamp,used_bytes", "1700000001,-5"), ":2: used_bytes: '-5' is below 0"),
        (("timestamp,used_bytes,capacity_bytes", "1700000001,5,-1"), ":2: capacity_bytes: '-1' is below 0"),
        (("timestamp,used_bytes", "yesterday,5"), ":2: timestamp: 'yesterday' is neither an ISO time nor unix seconds"),
        (("timestamp,used_bytes", "1700000000000,5"), ":2: timestamp: '1700000000000' is no moment in unix seconds"),
        (("timestamp,used_bytes", "nan,5"), ":2: timestamp: 'nan' is no moment"),
        (("timestamp,used_bytes", ",5"), ":2: timestamp: ''"),
        (("timestamp,used_bytes", "1700000000,5,6"), ":2: 3 cells, where the first line has 2"),
        (("timestamp,used_bytes", '"a"b,5'), ":2: "),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_column(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_past(written(tmp_path, *lines))
    assert f"a.csv{said}" in str(caught.value)


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"timestamp,used_bytes\n\xff\xfe,1\n")
    with pytest.raises(ConfigError, match=r"a\.csv: not UTF-8 text"):
        read_past(tmp_path / "a.csv")
    with pytest.raises(ConfigError, match=r"b\.csv: No such file"):
        read_past(tmp_path / "b.csv")
