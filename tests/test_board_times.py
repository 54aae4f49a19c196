"""How fast the boards are at full scale: the parts of the measurement that need no server."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.grafana.boards import BOARDS, Json
from tests.promql import ROOT


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import boards  # type: ignore[import-not-found]

    return boards  # type: ignore[no-any-return]


@pytest.fixture
def scale(program: ModuleType) -> ModuleType:
    import full_scale  # type: ignore[import-not-found]

    return full_scale  # type: ignore[no-any-return]


def board(**more: object) -> Json:
    return {
        "time": {"from": "now-7d"},
        "annotations": {"list": [{"name": "aging", "expr": 'aged{source=~"$source"}', "step": "5m"}]},
        "panels": [
            {"title": "A row"},
            {
                "title": "Now and then",
                "targets": [
                    {"refId": "A", "instant": True, "expr": "sum(rate(asked_total[$__rate_interval]))"},
                    {"refId": "B", "expr": 'label_replace(x_${size}_bytes, "a", "$1", "b", "(.+)")'},
                ],
            },
        ],
        **more,
    }


@pytest.mark.parametrize(
    ("range_s", "step"),
    [(3_600, 60), (7 * 86_400, 600), (30 * 86_400, 1_800), (365 * 86_400, 21_600)],
    ids=["an hour", "a week", "a month", "a year"],
)
def test_a_range_is_asked_for_in_the_steps_that_grafana_chooses(program: ModuleType, range_s: int, step: int) -> None:
    assert program.rounded(range_s / 1000) == step


def test_a_board_is_asked_as_grafana_asks(program: ModuleType) -> None:
    marks, now, then = program.questions(board(), {"source": ".*", "size": "allocated"})
    assert (marks.expr, marks.step, marks.since) == ('aged{source=~".*"}', 300, 7 * 86_400)
    assert (now.expr, now.step) == ("sum(rate(asked_total[660s]))", None)
    assert (then.expr, then.step) == ('label_replace(x_allocated_bytes, "a", "$1", "b", "(.+)")', 600)
    assert [question.over_time for question in (marks, now, then)] == [True, True, True]


def test_every_query_of_the_shipped_boards_is_asked(program: ModuleType) -> None:
    asked, looked_back = program.looked_at(BOARDS)
    targets = [target for each in BOARDS for panel in each["panels"] for target in panel.get("targets", ())]
    assert len(asked) > len(targets) > len(looked_back)
    assert not [expr for expr in asked if "$__" in expr or "${" in expr]


def test_what_the_simulated_servers_do_not_show_is_made_up_for_the_objects_they_show(scale: ModuleType) -> None:
    shown = [
        f'ebbtide_pool_forecast_history_seconds{{source="{source}",kind="{kind}",pool="p"}} 0'
        for source, kind in (("commvault", "commvault"), ("host0000", "filesystem"))
    ]
    made = list(scale.completed(shown, "ebbtide_pool_time_to_full_seconds ebbtide_pool_free_ratio"))
    assert made[:2] == shown
    of = 'ebbtide_pool_time_to_full_seconds{source="%s",kind="%s",pool="p"} '
    for each in (of % ("commvault", "commvault"), of % ("host0000", "filesystem")):
        assert len([line for line in made if line.startswith(each)]) == 1
    assert any(line.startswith('ebbtide_scan_files{source="host0000",root="/srv"} ') for line in made)


def test_hosts_are_left_out_until_no_more_series_are_left_than_asked_for(scale: ModuleType) -> None:
    lines = [f'up{{source="{source}"}} 1' for source in ("commvault", *("host0000", "host0001", "host0002") * 2)]
    assert scale.limited(lines, 5) == [line for line in lines if "host0002" not in line]
