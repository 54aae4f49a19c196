from __future__ import annotations

import pytest

from exporter.sources.filesystem.width import Width


def widths(width: Width, rates: list[float], latency: float = 0.001, begin: float = 0.0) -> list[int]:
    """Widths after each second, in which so many entries were looked at."""
    found, now = [], begin
    width.note(0, 0.0, now)
    for rate in rates:
        now += 1
        width.note(int(rate), rate * latency, now)
        found.append(width.now)
    return found


def test_it_doubles_while_the_rate_grows_and_never_beyond_its_cap():
    assert widths(Width(0.001), [100, 200, 400, 800, 1600, 3200]) == [8, 16, 32, 64, 64, 64]


@pytest.mark.parametrize("last", [200, 229])
def test_it_stays_where_more_brought_less_than_a_seventh(last):
    assert widths(Width(0.001), [100, 200, last, 9999, 99_999]) == [8, 16, 16, 16, 16]


def test_it_is_halved_when_calls_take_twice_as_long_as_in_the_beginning():
    width = Width(0.001)
    assert widths(width, [100, 200, 400]) == [8, 16, 32]
    assert widths(width, [400, 400, 400], latency=0.0041, begin=3) == [32, 16, 8]
    assert width.cap == 8


def test_one_is_the_least():
    assert widths(Width(0.001, now=2), [100, 100, 100], latency=1.0) == [1, 1, 1]


def test_nothing_is_decided_before_a_window_is_over():
    width = Width(0.001)
    for at in (0.0, 0.3, 0.9):
        width.note(100, 0.1, at)
    assert width.now == 4
