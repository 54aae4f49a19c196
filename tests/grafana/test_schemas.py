"""Every board is what Grafana's own published types allow, from the oldest release we support to the newest.

The types are those of the npm packages @grafana/schema, turned into JSON Schema by tests/node/grafana-schemas.mjs.
"""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.grafana.boards import BOARDS, Json, panels
from tests.promql import ROOT
from tests.servers import leave_out, need

RELEASES = ("10.4", "11.6", "12.4", "13.2")
NODE = ROOT / "tests/node"


def type_of(panel: Json) -> str:
    """The name of the panel's type in the packages: state-timeline is statetimeline there."""
    name: str = panel["type"]
    return name.replace("-", "").lower()


PANEL_TYPES = sorted({type_of(panel) for board in BOARDS for panel in panels(board)})

# What the data source of an annotation keeps beside it: each has its own, and the types name none.
OF_PROMETHEUS = {"expr", "step", "target", "titleFormat", "textFormat", "useValueForTime"}

every_release = pytest.mark.parametrize("release", RELEASES)


@cache
def schemas(release: str) -> dict[str, Json]:
    """Board, <type>_Options and <type>_FieldConfig."""
    if not (NODE / f"node_modules/grafana-schema-{release}").is_dir():
        leave_out(f"the types of Grafana {release} are not installed: npm ci --prefix tests/node")
    command = [need("node"), "grafana-schemas.mjs", release, ",".join(PANEL_TYPES)]
    done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {name: _closed(schema) for name, schema in json.loads(done.stdout).items()}


def _closed(schema: Any) -> Any:
    """No type takes a property it does not name: what is misspelt is not there."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    return closed if "properties" not in closed else {"additionalProperties": False} | closed


def faults(board: Json, release: str) -> Iterator[str]:
    types = schemas(release)
    marks = [{k: v for k, v in mark.items() if k not in OF_PROMETHEUS} for mark in board["annotations"]["list"]]
    yield from _errors(types["Board"], board | {"annotations": {"list": marks}}, "")
    for panel in panels(board):
        yield from _errors(types[f"{type_of(panel)}_Options"], panel["options"], panel["title"])
        custom = panel["fieldConfig"]["defaults"].get("custom", {})
        yield from _errors(types.get(f"{type_of(panel)}_FieldConfig", {"maxProperties": 0}), custom, panel["title"])


def _errors(schema: Json, what: Json, where: str) -> Iterator[str]:
    for error in Draft7Validator(schema).iter_errors(what):
        yield f"{where} {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"


@every_release
def test_the_types_are_there(release: str) -> None:
    """A wrong path to them would make a schema that takes everything."""
    assert len(schemas(release)["Board"]["definitions"]) > 30
    for panel_type in PANEL_TYPES:
        assert schemas(release)[f"{panel_type}_Options"]["properties"]


@every_release
@pytest.mark.parametrize("board", BOARDS, ids=lambda b: b["uid"])
def test_a_board_is_what_grafana_says_a_board_is(board: Json, release: str) -> None:
    assert not list(faults(board, release))


def _first(board: Json, panel_type: str) -> Json:
    return next(panel for panel in panels(board) if panel["type"] == panel_type)


DEFECTS: dict[str, Callable[[Json], Any]] = {
    "a misspelt key of the board": lambda board: board.update(tittle="x"),
    "a height in letters": lambda board: board["panels"][1]["gridPos"].update(h="4"),
    "a mode of thresholds that is none": lambda board: panels(board)[0]["fieldConfig"]["defaults"]["thresholds"].update(
        mode="relative"
    ),
    "a refresh of a variable that is none": lambda board: board["templating"]["list"][1].update(refresh=7),
    "a misspelt option of a panel": lambda board: _first(board, "stat")["options"].update(colourMode="value"),
    "a colour mode that a stat has not": lambda board: _first(board, "stat")["options"].update(colorMode="rainbow"),
    "a line style that is none": lambda board: _first(board, "timeseries")["fieldConfig"]["defaults"]["custom"].update(
        lineInterpolation="wavy"
    ),
}


@every_release
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_seen(defect: str, release: str) -> None:
    board = copy.deepcopy(next(b for b in BOARDS if b["uid"] == "ebbtide-pool"))
    DEFECTS[defect](board)
    assert len(list(faults(board, release))) >= 1
