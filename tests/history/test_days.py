"""A day of a series in 18 bytes."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.history.days import BYTES_OF_DAY, DAYS, Days, day_of, merged, pack, unpack

sizes = st.floats(0, 1e16, allow_subnormal=False)


def days(*rows: tuple[int, float, float, float]) -> Days:
    return np.array(list(rows), DAYS)


def test_a_midnight_belongs_to_the_day_it_ends() -> None:
    assert [day_of(at) for at in (1, 86399.5, 86400, 86400.5, 172800)] == [0, 0, 0, 1, 1]


def test_a_day_takes_eighteen_bytes() -> None:
    assert BYTES_OF_DAY == 18
    assert len(pack(days((20_000, 1.0, 0.0, 2.0), (20_001, 1.0, 0.0, 2.0)))) == 36


@given(st.lists(st.tuples(st.integers(0, 65535), sizes, sizes, sizes), unique_by=lambda row: row[0]))
def test_a_close_is_kept_exactly_and_its_range_to_seven_digits_of_its_width(
    rows: list[tuple[int, float, float, float]],
) -> None:
    given_days = days(*((day, sorted(rest)[1], min(rest), max(rest)) for day, *rest in sorted(rows)))
    kept = unpack(pack(given_days))
    assert kept["day"].tolist() == given_days["day"].tolist()
    assert kept["close"].tolist() == given_days["close"].tolist()
    assert (kept["low"] <= kept["close"]).all()
    assert (kept["close"] <= kept["high"]).all()
    np.testing.assert_allclose(kept["close"] - kept["low"], given_days["close"] - given_days["low"], rtol=1e-7, atol=4)
    np.testing.assert_allclose(
        kept["high"] - kept["close"], given_days["high"] - given_days["close"], rtol=1e-7, atol=4
    )


def test_a_day_without_a_range_has_none_afterwards() -> None:
    assert unpack(pack(days((1, 0.1, 0.1, 0.1)))).tolist() == [(1, 0.1, 0.1, 0.1)]


def test_to_infinity_there_is_no_distance() -> None:
    kept = unpack(pack(days((1, math.inf, 5.0, math.inf), (2, 5.0, 5.0, math.inf), (3, 1e300, 0.0, 1e300))))
    assert kept.tolist() == [(1, math.inf, math.inf, math.inf), (2, 5.0, 5.0, 5.0), (3, 1e300, 1e300, 1e300)]


def test_a_day_that_is_known_stays_as_it_is() -> None:
    both = merged(days((5, 1.0, 1.0, 1.0), (7, 2.0, 2.0, 2.0)), days((6, 3.0, 3.0, 3.0), (7, 9.0, 9.0, 9.0)))
    assert [(day, close) for day, close, _, _ in both.tolist()] == [(5, 1.0), (6, 3.0), (7, 2.0)]
