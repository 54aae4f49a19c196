"""What must hold for every series, whatever its shape."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from exporter.analysis.forecast import DAY, FloatArray, Forecast, forecast

HOUR = DAY / 24
YEAR = 365 * DAY
BANDS = ("lo95", "lo80", "p50", "hi80", "hi95")


def times(result: Forecast) -> list[float]:
    return [result["ttf_p10_s"], result["ttf_p50_s"], result["ttf_p90_s"]]


def same(one: Forecast, other: Forecast) -> bool:
    return all(np.array_equal(one[key], other[key], equal_nan=True) if key not in ("status", "method")  # type: ignore[literal-required]
               else one[key] == other[key] for key in one)  # type: ignore[literal-required]  # fmt: skip


@dataclass(frozen=True)
class Past:
    t: FloatArray
    used: FloatArray
    capacity: float


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    """Whole seconds and bytes, as sources tell them; some readings failed."""
    n = draw(st.integers(12, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    gaps = rng.integers(1, draw(st.sampled_from([600, 3600, 86400])), n)
    t = 1_772_442_000.0 + np.cumsum(gaps).astype(np.float64)
    shape = draw(st.sampled_from(["walk", "line", "steps", "teeth", "noise"]))
    scale = float(draw(st.sampled_from([10, 10**6, 10**12])))
    x = np.linspace(0, 1, n)
    used = {
        "walk": np.cumsum(rng.normal(0.05, 1, n)) + 50,
        "line": 10 + draw(st.floats(-5, 90)) * x + rng.normal(0, 1, n),
        "steps": 10 + 30 * np.floor(x * draw(st.integers(1, 4))),
        "teeth": 10 + 40 * x + 20 * ((x * 13) % 1),
        "noise": rng.uniform(0, 100, n),
    }[shape]
    used = np.floor(np.maximum(used, 0) * scale)
    failed = draw(npst.arrays(np.bool_, n, elements=st.booleans(), fill=st.just(False)))
    used = np.where(failed, draw(st.sampled_from([np.nan, 0.0])), used)
    capacity = float(math.floor(draw(st.floats(0.1, 300)) * scale))
    return Past(t, used, capacity)


EVERY = settings(max_examples=40, deadline=None)


@EVERY
@given(pasts())
def test_every_answer_is_in_order(past: Past) -> None:
    result = forecast(past.t, past.used, past.capacity, YEAR)
    low, middle, high = times(result)
    if result["method"] != "none":
        assert 0 <= low <= high
        assert math.isnan(middle) or low <= middle <= high
        for lower, upper in pairwise(BANDS):
            assert (result[lower] <= result[upper]).all()  # type: ignore[literal-required]
        assert (result["lo95"] >= 0).all()
    assert {result[band].shape for band in (*BANDS, "t")} == {(365,)}  # type: ignore[literal-required]


@EVERY
@given(pasts())
def test_the_same_past_gives_the_same_answer(past: Past) -> None:
    before = past.used.copy()
    assert same(forecast(past.t, past.used, past.capacity, YEAR), forecast(past.t, past.used, past.capacity, YEAR))
    assert np.array_equal(before, past.used, equal_nan=True)


@EVERY
@given(pasts(), st.integers(-20, 20))
def test_the_unit_of_bytes_does_not_matter(past: Past, power: int) -> None:
    """Powers of two are exact in floating point, so nothing but the forecast itself can make a difference."""
    k = 2.0**power
    one = forecast(past.t, past.used, past.capacity, YEAR)
    other = forecast(past.t, past.used * k, past.capacity * k, YEAR)
    assert np.array_equal(times(one), times(other), equal_nan=True)
    assert np.array_equal(one["hi80"] * k, other["hi80"], equal_nan=True)


@pytest.mark.parametrize("k", [1e-6, 0.1, 3.0, 1e9])
def test_no_unit_of_bytes_moves_a_date(k: float) -> None:
    t = 1_772_442_000.0 + np.arange(60 * 24) * HOUR
    used = 300e9 + 5e9 * np.arange(t.size) / 24 + np.random.default_rng(2).normal(0, 2e9, t.size)
    one, other = (forecast(t, used * unit, 700e9 * unit, YEAR) for unit in (1.0, k))
    assert times(other) == pytest.approx(times(one), rel=1e-6)
    assert other["hi95"] == pytest.approx(one["hi95"] * k, rel=1e-6)


@EVERY
@given(pasts(), st.integers(-(10**9), 10**9))
def test_the_clock_does_not_matter(past: Past, seconds: int) -> None:
    one = forecast(past.t, past.used, past.capacity, YEAR)
    other = forecast(past.t + seconds, past.used, past.capacity, YEAR)
    one["regime_start_s"] += seconds
    assert same(one, other)


@EVERY
@given(pasts(), st.floats(1.0, 10.0))
def test_more_capacity_is_never_full_sooner(past: Past, factor: float) -> None:
    assume(past.capacity > 0)
    smaller = times(forecast(past.t, past.used, past.capacity, YEAR))
    larger = times(forecast(past.t, past.used, past.capacity * factor, YEAR))
    assert all(math.isnan(a) or a <= b for a, b in zip(smaller, larger, strict=True))


@EVERY
@given(
    npst.arrays(np.float64, st.integers(0, 60), elements=st.floats(allow_nan=True, width=32)),
    st.floats(allow_nan=True, width=32),
)
def test_no_numbers_can_break_it(used: FloatArray, capacity: float) -> None:
    t = np.arange(used.size) * 6 * HOUR
    with np.errstate(all="ignore"):
        result = forecast(t, used, capacity, YEAR)
    assert result["status"] in ("ok", "early", "bounds_only", "too_short", "no_data", "no_capacity")
