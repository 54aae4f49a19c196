"""Every dashboard keeps the same habits, asks only for what exists, and is what its source builds."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import requests
import yaml

from tests.grafana.boards import BOARDS, FILES, GRAFANA, Json, panels
from tests.promql import ROOT, known, labels_of, nodes, selectors
from tests.servers import free_port, need, running, wait_until

UNITS = {line for line in (ROOT / "tests/grafana/units-11.6.txt").read_text().splitlines() if line[:1] != "#"}
# A format of its own, which Grafana takes after "time:".
DATE = "time:YYYY-MM-DD"
KNOWN = known()
# What Grafana puts in by itself, with a value that any query takes.
MACROS = {"__rate_interval": "5m", "__interval": "1m", "__range": "7d"}

every_board = pytest.mark.parametrize("board", BOARDS, ids=lambda b: b["uid"])
every_panel = pytest.mark.parametrize(
    "panel",
    [
        pytest.param(panel, id=f"{board['uid']}-{panel['title']}")
        for board in BOARDS
        for panel in panels(board)
        if panel["type"] != "text"  # Words ask nothing and have no unit.
    ],
)


# What is typed or one of a few words has no All: it stands at its default.
DEFAULTS = {
    variable["name"]: variable["current"]["value"]
    for board in BOARDS
    for variable in board["templating"]["list"]
    if variable["type"] in ("textbox", "custom")
}


def substituted(expr: str) -> str:
    """As Prometheus gets it, every variable at All; $1 is not one."""
    return re.sub(r"\$\{?([a-z_]\w*)(?::\w+)?\}?", lambda m: (MACROS | DEFAULTS).get(m[1], ".*"), expr)


def test_the_committed_files_are_what_the_sources_build(tmp_path: Path) -> None:
    subprocess.run([sys.executable, GRAFANA / "source/build.py", tmp_path], check=True, timeout=60)
    built = {f.relative_to(tmp_path): f.read_text() for f in tmp_path.rglob("*.json")}
    assert built
    assert {f.relative_to(GRAFANA / "dashboards"): f.read_text() for f in FILES} == built, (
        "stale: run python grafana/source/build.py"
    )


def test_every_uid_is_the_name_of_its_file_and_there_once() -> None:
    assert [board["uid"] for board in BOARDS] == [file.stem for file in FILES]
    assert len({file.stem for file in FILES}) == len(FILES)


@every_board
def test_a_board_is_not_edited_in_the_browser_and_has_no_number_of_another_grafana(board: Json) -> None:
    assert board["editable"] is False
    assert board["id"] is None
    assert board["tags"]
    assert board["title"]
    assert board["description"]
    assert board["schemaVersion"] == 39


@every_board
def test_a_board_lets_its_reader_choose_the_prometheus(board: Json) -> None:
    [ds] = [v for v in board["templating"]["list"] if v["type"] == "datasource"]
    assert (ds["name"], ds["query"]) == ("ds", "prometheus")
    uids = re.findall(r'"datasource": \{[^}]*"uid": "([^"]*)"', json.dumps(board))
    assert len(uids) > sum(panel["type"] != "text" for panel in panels(board))
    assert {*uids} == {"${ds}"}


@every_board
def test_a_variable_follows_the_time_range_and_the_choice_before_it(board: Json) -> None:
    """job and instance are left out on purpose: a source is the same through whichever exporter it is scraped."""
    before: set[str] = set()
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            assert variable["refresh"] == 2
            # Several and all; or, where a board is about one object, exactly one.
            # One that is not shown is all that was found, by name.
            assert (variable["includeAll"], variable["multi"], variable.get("allValue")) in (
                ((True, True, None),) if variable["hide"] else ((True, True, ".*"), (False, False, None))
            )
            assert variable["label"]
            # What the reader chooses; or, not shown, a label of what leads a ranking.
            pattern = r"^query_result\((.+)()\)$" if variable["hide"] else r"^label_values\((.+), (\w+)\)$"
            [(asked, label)] = re.findall(pattern, variable["query"]["query"])
            label = label or variable["name"].partition("_")[2]
            assert label in labels_of(promql.parse(substituted(asked)), KNOWN)
            assert {*re.findall(r"\$(\w+)", asked)} <= before
        before.add(variable["name"])


@every_board
def test_every_variable_is_used_and_every_used_one_is_there(board: Json) -> None:
    own = {variable["name"] for variable in board["templating"]["list"]}
    used = {*re.findall(r"\$\{?([a-z_]\w*)", json.dumps([board["panels"], board["links"]]))}
    used -= {"__data", "__value", "__url_time_range", *MACROS}
    assert used == own


@every_board
def test_panels_have_one_place_and_one_id_each(board: Json) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    assert len({*ids}) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert 0 <= at["x"] < at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("named", ["/data", 'Apex "GDP"', "a} b"])
def test_a_variable_that_is_not_shown_takes_its_label_from_what_grafana_writes_of_a_series(named: str) -> None:
    hidden = [v for board in BOARDS for v in board["templating"]["list"] if v.get("hide") == 2]
    assert hidden
    for variable in hidden:
        label = variable["name"].partition("_")[2]
        what = "pool" if label == "source" else label
        written = f'{{{what}="{named}",source="host, 1"}} 0.5 1700000000000'
        taken = re.search(variable["regex"].strip("/"), written)
        assert taken
        assert taken[1] == ("host, 1" if label == "source" else named)


def test_the_home_page_asks_at_most_twelve_queries() -> None:
    [home] = [board for board in BOARDS if board["uid"] == "ebbtide-overview"]
    assert len([target for panel in panels(home) for target in panel.get("targets", ())]) <= 12


@every_board
def test_a_mark_stands_at_the_moment_that_its_series_names_in_milliseconds(board: Json) -> None:
    for mark in board["annotations"]["list"]:
        assert mark["target"]["expr"] == mark["expr"]
        assert mark["useValueForTime"] is True
        assert mark["expr"].startswith("1000 * ")
        assert {s.name.endswith("_timestamp_seconds") for s in selectors(promql.parse(substituted(mark["expr"])))} == {
            True
        }
        assert "$__" not in mark["expr"]


@every_board
def test_rows_are_open_and_titled(board: Json) -> None:
    rows = [panel for panel in board["panels"] if panel["type"] == "row"]
    assert rows
    assert all(row["title"] and not row["collapsed"] and not row["panels"] for row in rows)


@every_board
def test_links_lead_to_boards_we_ship(board: Json) -> None:
    there = {b["uid"] for b in BOARDS}
    linked = {*re.findall(r"/d/([\w-]+)", json.dumps(board))}
    assert linked <= there
    for link in board["links"]:
        assert link["type"] == "dashboards"
        assert {*link["tags"]} <= {tag for b in BOARDS for tag in b["tags"]}


@every_board
def test_the_menu_leads_to_every_board_that_can_take_its_choice(board: Json) -> None:
    """Links keep variables, and Grafana keeps an All that came by one even where the variable has none."""
    of_one = any(v["type"] == "query" and not v["includeAll"] for v in board["templating"]["list"])
    assert ("ebbtide" in board["tags"]) is not of_one
    assert [link["tags"] for link in board["links"]] == [["ebbtide"]]


@every_panel
def test_a_panel_says_what_it_shows_and_what_to_do(panel: Json) -> None:
    assert panel["title"]
    assert len(panel["description"]) > 60
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["noValue"]


@every_panel
def test_a_panel_has_a_unit_that_grafana_knows(panel: Json) -> None:
    fields = panel["fieldConfig"]
    own = [p["value"] for override in fields["overrides"] for p in override["properties"] if p["id"] == "unit"]
    assert {fields["defaults"]["unit"], *own} <= UNITS | {DATE}


@every_panel
def test_a_share_is_shown_as_one_and_a_time_as_one(panel: Json) -> None:
    """Of panels with one unit; a table gives each column its own."""
    if panel["type"] == "table":
        return
    unit = panel["fieldConfig"]["defaults"]["unit"]
    # Grafana's axis of seconds has steps of 5.79 days: where retention is drawn, its title says the unit.
    seconds = "none" if panel["title"].endswith(", in days") else "s"
    wanted = {"_ratio": "percentunit", "_bytes": "bytes", "_seconds": seconds}
    for target in panel["targets"]:
        counted = any(
            str(n.op) in ("sum", "count") for n in nodes(_tree(target)) if isinstance(n, promql.AggregateExpr)
        )
        for selector in selectors(_tree(target)):
            for suffix, right in wanted.items():
                if selector.name.endswith(suffix) and not counted:
                    assert unit == right, selector.name


@every_panel
def test_threshold_colors_begin_without_a_number_and_ascend(panel: Json) -> None:
    fields = panel["fieldConfig"]
    own = [p["value"] for override in fields["overrides"] for p in override["properties"] if p["id"] == "thresholds"]
    for thresholds in [fields["defaults"]["thresholds"], *own]:
        first, *more = [step["value"] for step in thresholds["steps"]]
        assert first is None
        assert more == sorted(more)
        assert thresholds["mode"] == "absolute"


@every_panel
def test_a_panel_asks_only_for_series_and_labels_that_exist(panel: Json) -> None:
    assert panel["targets"]
    refs = [target["refId"] for target in panel["targets"]]
    assert len({*refs}) == len(refs)
    for target in panel["targets"]:
        labels = labels_of(_tree(target), KNOWN)
        assert {*re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])} <= labels
        assert "job" not in labels, "one object through two exporters would be shown twice"
        assert "instance" not in labels


@every_panel
def test_counters_are_read_as_rates_over_the_interval_grafana_chooses(panel: Json) -> None:
    """Or over a whole day: aging, pruning and fulls come once in it, and a shorter interval shows needles."""
    for target in panel["targets"]:
        calls = [n for n in nodes(_tree(target)) if isinstance(n, promql.Call)]
        rated = [call for call in calls if call.func.name in ("rate", "increase")]
        lowest = [call for call in calls if call.func.name == "min_over_time"]
        counters = [s.name for s in selectors(_tree(target)) if s.name.endswith(("_total", "_bucket"))]
        assert counters == [s.name for call in rated for s in selectors(call)]
        assert len(rated + lowest) == sum(map(target["expr"].count, ("$__rate_interval", "[1d]")))


@every_panel
def test_a_column_shows_a_label_or_a_query_that_is_there(panel: Json) -> None:
    if panel["type"] != "table":
        return
    merge, keep, arrange = panel["transformations"]
    assert (merge["id"], keep["id"], arrange["id"]) == ("merge", "filterFieldsByName", "organize")
    labels = {label for target in panel["targets"] for label in labels_of(_tree(target), KNOWN)}
    # Of a query that is alone Grafana's data source leaves the refId out.
    alone = len(panel["targets"]) == 1
    values = {"Value"} if alone else {f"Value #{target['refId']}" for target in panel["targets"]}
    shown = keep["options"]["include"]["names"]
    assert {*shown} <= labels | values
    titles = arrange["options"]["renameByName"]
    assert {*shown} == {*titles}
    assert {o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]} <= {*titles.values()}
    assert {s["displayName"] for s in panel["options"]["sortBy"]} <= {*titles.values()}


@every_panel
def test_a_text_that_follows_its_value_in_colour_is_never_transparent(panel: Json) -> None:
    for override in panel["fieldConfig"]["overrides"]:
        of = {p["id"]: p["value"] for p in override["properties"]}
        if of.get("custom.cellOptions", {}).get("type") == "color-text" and of.get("color", {}).get("mode") != "fixed":
            steps = of.get("thresholds", panel["fieldConfig"]["defaults"]["thresholds"])["steps"]
            assert "transparent" not in {step["color"] for step in steps}, override["matcher"]["options"]


@every_panel
def test_what_an_override_names_is_drawn_under_that_name(panel: Json) -> None:
    """A series without a legend of its own has its whole expression as its name."""
    if panel["type"] == "table":
        return
    legends = {target["legendFormat"] for target in panel["targets"]}
    named = {o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"] if o["matcher"]["id"] == "byName"}
    assert named <= legends or any("{{" in legend for legend in legends)


def test_every_threshold_an_alert_compares_objects_with_is_drawn() -> None:
    drawn = {
        s.name
        for board in BOARDS
        for panel in panels(board)
        for t in panel.get("targets", ())
        for s in selectors(_tree(t))
    }
    assert drawn >= {
        "source_kind_pool:ebbtide_pool_free_ratio:threshold",
        "source_ddb:ebbtide_commvault_ddb_pending_deletes:threshold",
    }


def test_provisioning_mounts_as_it_is() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/ebbtide.yaml").read_text())
    assert sources["apiVersion"] == 1
    by_type = {source["type"]: source for source in sources["datasources"]}
    assert by_type.keys() == {"prometheus", "alertmanager"}
    assert by_type["prometheus"]["jsonData"]["alertmanagerUid"] == by_type["alertmanager"]["uid"]
    dashboards = yaml.safe_load((GRAFANA / "provisioning/dashboards/ebbtide.yaml").read_text())
    [provider] = dashboards["providers"]
    assert provider["options"]["foldersFromFilesStructure"] is True
    assert not {"folder", "folderUid"} & provider.keys()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "p.yml").write_text("scrape_configs: []\n")
    address = f"127.0.0.1:{free_port()}"
    command = [
        need("prometheus"), f"--config.file={folder / 'p.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
    ]  # fmt: skip
    with running(command, folder / "log"):
        wait_until(lambda: _ready(address), "Prometheus is ready")
        yield f"http://{address}"


@pytest.mark.server
@every_panel
def test_prometheus_takes_every_query(prometheus: str, panel: Json) -> None:
    for target in panel["targets"]:
        answer = requests.get(f"{prometheus}/api/v1/query", params={"query": substituted(target["expr"])}, timeout=10)
        assert answer.status_code == 200, answer.text


def _tree(target: Json) -> Any:
    return promql.parse(substituted(target["expr"]))


def _ready(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/-/ready", timeout=1).ok
    except requests.ConnectionError:
        return False
