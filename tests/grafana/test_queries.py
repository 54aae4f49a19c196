"""Every query of every board, asked of a Prometheus that has something to say to it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerting import started
from tests.grafana.asking import (
    Answer,
    Choice,
    Prometheus,
    Refused,
    everything,
    filled,
    leaders,
    options,
    seconds_of,
    selected,
    several,
    single,
    step_of,
    variables,
)
from tests.grafana.boards import BOARDS, Json, panels
from tests.grafana.lived import lived, write_past
from tests.promql import groups, rule_files

NOTHING = "all values: nothing"
AT = 1_795_000_000.0

# What is empty where all is well, though the estate is not: (board, panel, refId) and why.
EMPTY = {
    ("ebbtide-scans", "Not readable", "A"): "every file could be read",
    ("ebbtide-scans", "Trees", "errors"): "every file could be read",
    ("ebbtide-exporter", "Sources", "dropped"): "no series was there twice",
}
# What fills them.
PAGE = """
ebbtide_source_info{source="fs01",kind="filesystem",endpoint_host="fs01.example.com"} 1
ebbtide_source_info{source="fs02",kind="filesystem",endpoint_host="fs02.example.com"} 1
ebbtide_source_info{source="fs03",kind="filesystem",endpoint_host="fs03.example.com"} 1
ebbtide_scan_due_timestamp_seconds{source="fs01",root="/data/*"} 1795000600
ebbtide_scan_due_timestamp_seconds{source="fs02",root="/srv"} 1795000600
ebbtide_scan_files{source="fs01",root="/data/*"} 1000
ebbtide_scan_errors{source="fs01",root="/data/*",error="EACCES"} 3
ebbtide_series_dropped_total{source="fs01",reason="duplicate"} 7
"""


def looked_back_on() -> frozenset[str]:
    """The series that some rule or board asks for more than the newest sample of."""
    judged = [rule["expr"] for group in groups(rule_files()) for rule in group["rules"]]
    asked = [expr for board in BOARDS for _, _, expr, _ in queries(board)]
    return frozenset(
        name
        for expr in judged + asked
        if re.search(r"\[[\d$]|\boffset\b", expr)
        for name in re.findall(r"(?<![\w:])ebbtide_\w+", expr)
    )


def queries(board: Json) -> Iterator[tuple[str, str, str, bool]]:
    """(panel, refId, expression, whether over time) of every query; the marks on the graphs count as a panel."""
    for panel in panels(board):
        for target in panel.get("targets", ()):
            yield panel["title"], target["refId"], target["expr"], target["range"]
    for mark in board["annotations"]["list"]:
        yield "marks", mark["name"], mark["expr"], True


def trouble(prometheus: Prometheus, board: Json, expr: str, *, over_time: bool) -> Iterator[str]:
    """What is wrong with the answers to a query of a board, for all values, one value and several."""

    def ask(choice: Choice) -> Answer:
        text = filled(expr, board, leaders(prometheus, board, choice))
        return prometheus.over(text, seconds_of(board), step_of(board)) if over_time else prometheus.now(text)

    try:
        found = next((answer for choice in everything(prometheus, board) if (answer := ask(choice))), None)
        if found is None:
            yield NOTHING
            return
        one = next((choice for choice in likely(prometheus, board, found) if ask(choice)), None)
        if one is None:
            yield "one value: nothing, whichever it is"
            return
        some = several(prometheus, board, one)
        if not ask(some):
            yield f"several values: nothing for {some}"
    except Refused as refused:
        yield str(refused)


def likely(prometheus: Prometheus, board: Json, found: Answer) -> Iterator[Choice]:
    """Choices of one value each, those first that the answer for all values names."""
    names = [variable["name"] for variable in variables(board)]
    for labels in found.labels[:20]:
        yield from single(prometheus, board, {name: (labels[name],) for name in names if labels.get(name)})
    yield from single(prometheus, board, {})


def scarce(prometheus: Prometheus, board: Json) -> Iterator[str]:
    """The variables of which several values cannot be chosen."""
    for variable in variables(board):
        if len(found := options(prometheus, board, variable, {})) < 2:
            yield f"{variable['name']} offers only {found}"


def misread(prometheus: Prometheus, board: Json) -> Iterator[str]:
    """The values that a variable offers and that do not select themselves, written as the queries write them."""
    asked = " ".join(expr for _, _, expr, _ in queries(board))
    for variable in variables(board):
        name = variable["name"]
        selector, label = selected(variable)
        for sign in {*re.findall(rf'\w(=~|=)"\${name}"', asked)}:
            own = f'{label}{sign}"${name}"'
            narrowed = f"{selector[:-1]}, {own}}}" if selector.endswith("}") else f"{selector}{{{own}}}"
            expr = f"group by ({label}) (last_over_time({narrowed}[{seconds_of(board)}s]))"
            for value in options(prometheus, board, variable, {}):
                try:
                    found = prometheus.now(filled(expr, board, {name: (value,)}))
                except Refused as refused:
                    yield f"{name} {value!r}: {refused}"
                    continue
                if found.labels != ({label: value},):
                    yield f"{name} {value!r} selects {found.labels}"


def astray(prometheus: Prometheus, board: Json) -> Iterator[str]:
    """The links that hand over what the board they lead to does not offer."""
    own = {variable["name"] for variable in board["templating"]["list"]}
    for panel in panels(board):
        for column, url in links(panel):
            uid, _, query = url.removeprefix("/d/").partition("?")
            target = next(board for board in BOARDS if board["uid"] == uid)
            there = {variable["name"]: variable for variable in target["templating"]["list"]}
            for part in query.split("&"):
                given = re.fullmatch(r"var-(\w+)=\$\{__(?:data\.fields\.(\w+)|value\.raw):percentencode\}", part)
                if given is None:
                    passed = re.fullmatch(r"\$\{(?:__url_time_range|(\w+):queryparam)\}", part)
                    if not passed or (passed[1] and passed[1] not in own & there.keys()):
                        yield f"{panel['title']}, {column}: {part} means nothing to {uid}"
                elif given[1] not in there:
                    yield f"{panel['title']}, {column}: {uid} has no variable {given[1]}"
                else:
                    shown = cells(prometheus, board, panel, given[2] or column)
                    offered = options(prometheus, target, there[given[1]], {})
                    if not shown & {*offered}:
                        yield f"{panel['title']}, {column}: {uid} offers none of {shown}"


def links(panel: Json) -> Iterator[tuple[str, str]]:
    """(title of the column, URL) of the links in a table; "" where the panel as a whole is one."""
    for link in panel["fieldConfig"]["defaults"].get("links", ()):
        yield "", link["url"]
    for override in panel["fieldConfig"]["overrides"]:
        for prop in override["properties"]:
            if prop["id"] == "links":
                for link in prop["value"]:
                    yield override["matcher"]["options"], link["url"]


def cells(prometheus: Prometheus, board: Json, panel: Json, column: str) -> set[str]:
    """What stands in the column of a table, for all values."""
    titles = panel["transformations"][-1]["options"]["renameByName"]
    label = next(field for field, title in titles.items() if title == column)
    choice = next(everything(prometheus, board))
    return {
        labels[label]
        for target in panel["targets"]
        for labels in prometheus.now(filled(target["expr"], board, choice)).labels
        if labels.get(label)
    }


@pytest.mark.server
def test_every_query_of_every_board_is_answered_whatever_is_chosen(tmp_path: Path) -> None:
    wrong = []
    with lived(tmp_path, looked_back_on()) as prometheus:
        for board in BOARDS:
            uid = board["uid"]
            for panel, ref, expr, over_time in queries(board):
                found = [*trouble(prometheus, board, expr, over_time=over_time)]
                if (uid, panel, ref) in EMPTY:
                    found = [] if found == [NOTHING] else [f"is no longer just empty: {found or 'it has data'}"]
                wrong += [f"{uid}, {panel}, {ref}: {what}" for what in found]
            wrong += [f"{uid}: {what}" for check in (scarce, misread, astray) for what in check(prometheus, board)]
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One that has nothing but the page above."""
    folder = tmp_path_factory.mktemp("small")
    write_past(folder, (f"{line} {AT - ago:.0f}\n" for line in PAGE.split("\n")[1:-1] for ago in (60, 0)))
    with started(folder, {"scrape_configs": []}, "--storage.tsdb.retention.time=10y") as url:
        yield Prometheus(url, AT)


@pytest.mark.server
def test_what_is_empty_where_all_is_well_is_filled_where_something_is_not(small: Prometheus) -> None:
    asked = {
        (board["uid"], panel, ref): [*trouble(small, board, expr, over_time=over_time)]
        for board in BOARDS
        for panel, ref, expr, over_time in queries(board)
        if (board["uid"], panel, ref) in EMPTY
    }
    assert asked == {key: [] for key in EMPTY}


@pytest.mark.server
@pytest.mark.parametrize(
    ("expr", "words"),
    [
        ('ebbtide_source_inf{source=~"$source"}', NOTHING),
        ('ebbtide_source_info{source="$source"}', NOTHING),
        ('0 / (0 * ebbtide_source_info{source=~"$source"})', NOTHING),
        ('sum(ebbtide_source_info{source=~"$source"}) > 1', "one value: nothing"),
        ('sum(ebbtide_source_info{source=~"$source"}) != 2', "several values: nothing"),
        ('ebbtide_scan_errors{source=~"$source"} * on () ebbtide_source_info{source=~"$source"}', "many-to-many"),
        ('sum(ebbtide_source_info{source=~"$source"}', "parse error"),
    ],
)
def test_a_broken_query_is_found(small: Prometheus, expr: str, words: str) -> None:
    board = next(board for board in BOARDS if board["uid"] == "ebbtide-exporter")
    [found] = trouble(small, board, expr, over_time=False)
    assert words in found


@pytest.mark.server
def test_a_value_that_is_taken_for_a_regular_expression_is_found(small: Prometheus) -> None:
    board = copy.deepcopy(next(board for board in BOARDS if board["uid"] == "ebbtide-scans"))
    assert [*misread(small, board)] == []
    variables(board)[-1].update(multi=False, includeAll=False)
    assert [*misread(small, board)] == ["root '/data/*' selects ()"]


@pytest.mark.server
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/d/ebbtide-exporter?${ds:queryparam}&var-source=${__data.fields.Source:percentencode}", ""),
        ("/d/ebbtide-scans?${ds:queryparam}&${__url_time_range}&var-root=${__value.raw:percentencode}", "offers none"),
        ("/d/ebbtide-scans?var-server=${__value.raw:percentencode}", "no variable server"),
        ("/d/ebbtide-scans?${group:queryparam}", "means nothing"),
        ("/d/ebbtide-scans?var-source=${__value.raw}", "means nothing"),
    ],
)
def test_a_link_that_hands_over_what_is_not_on_offer_is_found(small: Prometheus, url: str, words: str) -> None:
    board = copy.deepcopy(next(board for board in BOARDS if board["uid"] == "ebbtide-exporter"))
    board["panels"] = [panel for panel in panels(board) if panel["title"] == "Sources"]
    link = {"id": "links", "value": [{"url": url}]}
    board["panels"][0]["fieldConfig"]["overrides"] = [{"matcher": {"options": "Source"}, "properties": [link]}]
    assert words in " ".join(astray(small, board))
    assert bool(words) is bool([*astray(small, board)])
