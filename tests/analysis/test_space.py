"""What the used space of a pool tells of pruning."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.analysis.space import EMPTY, SpaceState, from_json, observe, pool_space, to_json
from exporter.model import DAY, HOUR, MEBIBYTE, PoolSpace

TB = 1e12
START = 20000 * DAY


def looked(
    used: Iterable[float], *, every: float = HOUR, pending: Iterable[float] = (), state: SpaceState = EMPTY,
    start: float = START,
) -> tuple[SpaceState, float]:  # fmt: skip
    """The state after these readings of one pool, and when the last of them was."""
    waiting, at = list(pending), start
    for i, size in enumerate(used):
        at = start + i * every
        state = observe(state, at, {"A": size}, {"A": waiting[i]} if waiting else {})
    return state, at


def only(state: SpaceState, at: float) -> PoolSpace:
    [found] = pool_space(state, "commvault", at)
    return found


def test_falls_are_reclaimed_and_rises_ingested() -> None:
    state, at = looked([5 * TB, 6 * TB, 4 * TB, 4.5 * TB])
    assert only(state, at) == PoolSpace(
        kind="commvault", pool="A", reclaimed_bytes=2 * TB, ingested_bytes=1.5 * TB,
        last_prune_at=START + 2 * HOUR, prune_days_30d=1, observed_days_30d=1,
    )  # fmt: skip


def test_the_first_look_sees_no_change() -> None:
    found = only(*looked([5 * TB]))
    assert (found.reclaimed_bytes, found.ingested_bytes, found.last_prune_at) == (0, 0, None)
    assert (found.prune_days_30d, found.observed_days_30d) == (0, 0)


@pytest.mark.parametrize("step", [MEBIBYTE, 4 * MEBIBYTE])
def test_noise_is_no_pruning_but_slow_pruning_adds_up(step: float) -> None:
    wobble = only(*looked([5 * TB, 5 * TB - step, 5 * TB, 5 * TB - step]))
    assert (wobble.last_prune_at, wobble.reclaimed_bytes, wobble.ingested_bytes) == (None, 0, 0)
    slow = only(*looked(5 * TB - i * step for i in range(10)))
    assert slow.last_prune_at is not None
    assert 0 < slow.reclaimed_bytes <= 9 * step


def test_in_a_small_pool_a_mebibyte_is_noise() -> None:
    assert only(*looked([10 * MEBIBYTE, 9 * MEBIBYTE])).last_prune_at is None
    assert only(*looked([10 * MEBIBYTE, 8 * MEBIBYTE])).reclaimed_bytes == 2 * MEBIBYTE


def test_deletes_that_wait_and_get_fewer_are_pruning_too() -> None:
    found = only(*looked([5 * TB] * 4, pending=[900, 1200, 1100, 1100]))
    assert found.last_prune_at == START + 2 * HOUR
    assert found.prune_days_30d == 1
    assert found.reclaimed_bytes == 0


def test_deletes_that_wait_and_are_not_told_for_a_while_are_compared_with_the_last_told() -> None:
    state, at = looked([5 * TB], pending=[900])
    state, _ = looked([5 * TB] * 2, state=state, start=at + HOUR)
    state, at = looked([5 * TB], pending=[800], state=state, start=at + 3 * HOUR)
    assert only(state, at).last_prune_at == at


def test_days_count_once_and_for_thirty_days() -> None:
    sawtooth = [5 * TB + (i % 2) * TB for i in range(24 * 40)]
    state, at = looked(sawtooth)
    assert (only(state, at).prune_days_30d, only(state, at).observed_days_30d) == (30, 30)
    assert len(state.pools["A"].days) == 30
    later = only(state, at + 10 * DAY)
    assert (later.prune_days_30d, later.observed_days_30d) == (20, 20)
    assert later.last_prune_at == at - HOUR


def test_a_gap_of_days_is_pruning_only_where_used_space_fell_and_then_once() -> None:
    same = only(*looked([5 * TB, 5 * TB], every=6 * DAY))
    assert (same.prune_days_30d, same.observed_days_30d) == (0, 0)
    fell = only(*looked([5 * TB, 4 * TB], every=6 * DAY))
    assert (fell.prune_days_30d, fell.observed_days_30d) == (1, 0)
    assert fell.last_prune_at == START + 6 * DAY


def test_a_pool_that_is_missing_keeps_its_state_until_it_is_forgotten() -> None:
    state, at = looked([5 * TB, 4 * TB])
    kept = observe(state, at + 60 * DAY, {"B": TB}, {"A": 3.0})
    assert kept.pools["A"] == state.pools["A"]
    assert set(observe(kept, at + 61 * DAY, {"B": TB}, {}).pools) == {"B"}


@pytest.mark.parametrize("used", [math.nan, math.inf])
def test_a_size_that_is_no_number_is_not_seen(used: float) -> None:
    state, at = looked([5 * TB])
    assert observe(state, at + HOUR, {"A": used}, {}).pools == state.pools
    waiting = observe(state, at + HOUR, {"A": 5 * TB}, {"A": used})
    assert waiting.pools["A"].pending_deletes is None
    assert from_json(to_json(waiting)) == waiting


def test_the_same_poll_twice_or_one_out_of_order_counts_once() -> None:
    state, at = looked([5 * TB, 6 * TB])
    assert observe(state, at, {"A": 4 * TB}, {}).pools == state.pools
    assert observe(state, at - HOUR, {"A": 4 * TB}, {}).pools == state.pools


def test_pools_come_by_name() -> None:
    state = observe(EMPTY, START, {"B": TB, "A": TB}, {})
    assert [p.pool for p in pool_space(state, "commvault", START)] == ["A", "B"]


readings = st.lists(st.floats(0, 1e16), min_size=1, max_size=30)


@given(readings)
def test_what_is_used_is_what_was_plus_written_minus_freed(used: list[float]) -> None:
    state, at = looked(used)
    found = only(state, at)
    expected = used[0] + found.ingested_bytes - found.reclaimed_bytes
    assert expected == pytest.approx(used[-1], rel=1e-5, abs=2 * MEBIBYTE + 1e-5 * max(used))


@given(readings, readings)
def test_what_is_written_down_is_read_back_the_same(used: list[float], pending: list[float]) -> None:
    state, _ = looked(used, pending=pending * len(used))
    assert from_json(to_json(state)) == state


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "5", "null", '{"A": 5}', '{"A": {}}', '{"A": {"seen_at": 1, "days": {}}}',
        '{"A": {"seen_at": 1, "used_bytes": "much", "days": {}}}',
        '{"A": {"seen_at": 1, "used_bytes": NaN, "days": {}}}',
        '{"A": {"seen_at": 1, "used_bytes": 1, "last_prune_at": Infinity, "days": {}}}',
        '{"A": {"seen_at": 1, "used_bytes": 1, "colour": 1, "days": {}}}',
        '{"A": {"seen_at": 1, "used_bytes": 1, "days": {"today": [1, 0]}}}',
        '{"A": {"seen_at": 1, "used_bytes": 1, "days": {"1": [Infinity, 0]}}}',
        '{"A": {"seen_at": 1, "used_bytes": 1, "days": {"1": 7}}}',
        '{"A": {"seen_at": 1, "used_bytes": 1, "days": []}}',
    ],
)  # fmt: skip
def test_a_damaged_text_is_an_error_and_never_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="used space so far cannot be read"):
        from_json(text)


@given(st.integers(0, 400))
def test_a_text_cut_short_is_an_error(length: int) -> None:
    text = to_json(looked([5 * TB, 4 * TB, 6 * TB], pending=[3, 2, 1])[0])
    assert json.loads(text)
    with pytest.raises(ValueError, match="cannot be read"):
        from_json(text[: length % len(text)])
