"""The made-up past of the demo is without gaps where it is known, and ends where it ended."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from exporter.board import Board
from exporter.demo.past import DAY, HOUR, LOOKBACK_S, Past
from tests.test_board import publish

NOW, DAYS = 1_790_000_000.0, 10


class Estate:
    """Two MediaAgents are watched; one is gone for the last five days."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def live_until(self, moment: float) -> None:
        names = ["ma01", "ma02"] if moment < NOW - 5 * DAY else ["ma01"]
        publish(self._board, "cs01", [(name, 1.0) for name in names], good_until=moment + 60)


def moments(*, whole: bool = False) -> dict[str, list[float]]:
    """When each MediaAgent has a sample."""
    board, past = Board(), Past(whole=whole)
    past.live([], board, Estate(board), NOW, DAYS)
    found: dict[str, list[float]] = defaultdict(list)
    for line in past.openmetrics('job="ebbtide"'):
        if line.startswith("ebbtide_commvault_mediaagent_online"):
            series, _, at = line.split()
            assert 'job="ebbtide"' in series
            found[series.partition('mediaagent="')[2].partition('"')[0]].append(float(at))
    return found


def test_prometheus_sees_a_pool_at_every_moment() -> None:
    known = moments()["ma01"]
    assert known == sorted(set(known))
    assert known[0] == NOW - DAYS * DAY
    assert known[-1] == NOW
    assert max(b - a for a, b in pairwise(known)) < LOOKBACK_S


def test_where_rules_look_back_samples_are_as_close_as_scrapes() -> None:
    recent = [at for at in moments()["ma01"] if at > NOW - DAY]
    assert max(b - a for a, b in pairwise(recent)) < 300


def test_what_is_gone_ends_within_a_few_hours() -> None:
    last = max(moments()["ma02"])
    assert NOW - 5 * DAY - 6 * HOUR <= last <= NOW - 5 * DAY + 2 * HOUR
