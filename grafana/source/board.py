"""What surrounds the panels: variables, rows and their layout, the dashboard itself."""

from __future__ import annotations

from collections.abc import Iterable

from looks import Json
from panels import DATASOURCE

SCHEMA_VERSION = 39  # Grafana 11.0; newer ones migrate it when they load it.
WIDTH = 24
# Tag of the boards that the menu leads to.
MENU = "ebbtide"


def variable(name: str, label: str, values: str) -> Json:
    """A choice of label values, several or all; `values` is a label_values() query."""
    return {
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": DATASOURCE,
        "hide": 0,
        "includeAll": True,
        "label": label,
        "multi": True,
        "name": name,
        "options": [],
        "query": {"qryType": 1, "query": values, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": 5,
        "type": "query",
    }


def one(name: str, label: str, values: str) -> Json:
    """Exactly one label value, the first until the reader or a link says which."""
    several = variable(name, label, values)
    del several["allValue"]
    return several | {"current": {"selected": False, "text": "", "value": ""}, "includeAll": False, "multi": False}


def from_series(name: str, expr: str, regex: str) -> Json:
    """Not shown: what `regex` takes from each series that `expr` finds at the end of the time range, as if chosen.

    A graph of the few that lead a ranking asks for these alone; ranking all of them at every step would read them all.
    """
    asked = {"qryType": 3, "query": f"query_result({expr})", "refId": "PrometheusVariableQueryEditor-VariableQuery"}
    several = variable(name, name, "")
    del several["allValue"]
    return several | {"hide": 2, "query": asked, "regex": regex, "sort": 0}


def choice(name: str, label: str, *options: str) -> Json:
    """One of a few words; the first is the default."""
    found = [{"selected": index == 0, "text": option, "value": option} for index, option in enumerate(options)]
    return {
        "current": found[0],
        "hide": 0,
        "includeAll": False,
        "label": label,
        "multi": False,
        "name": name,
        "options": found,
        "query": ",".join(options),
        "skipUrlSync": False,
        "type": "custom",
    }


def textbox(name: str, label: str, value: str) -> Json:
    """What the reader types; `value` until then."""
    current = {"selected": True, "text": value, "value": value}
    return {
        "current": current,
        "hide": 0,
        "label": label,
        "name": name,
        "options": [current],
        "query": value,
        "skipUrlSync": False,
        "type": "textbox",
    }


def datasource() -> Json:
    return {
        "current": {"selected": False, "text": "default", "value": "default"},
        "hide": 0,
        "includeAll": False,
        "label": "Prometheus",
        "multi": False,
        "name": "ds",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "type": "datasource",
    }


def annotation(name: str, expr: str, color: str, text: str) -> Json:
    """A mark on every graph at each moment that a value of `expr`, in unix seconds, names; text may name {{labels}}.

    The value says when, and no window does: Grafana gives $__rate_interval of annotations another length than their
    step. Some releases read the query from where it stood before, some from target alone.
    """
    expr, step = f"1000 * {expr}", "5m"
    return {
        "datasource": DATASOURCE,
        "enable": True,
        "expr": expr,
        "hide": False,
        "iconColor": color,
        "name": name,
        "step": step,
        "target": {"expr": expr, "instant": False, "interval": step, "range": True, "refId": "Anno"},
        "titleFormat": name,
        "textFormat": text,
        "useValueForTime": True,
    }


def row(title: str, *panels: tuple[int, int, Json]) -> tuple[str, tuple[tuple[int, int, Json], ...]]:
    """A titled row of (width, height, panel), from left to right, wrapping at 24 columns."""
    return title, panels


def dashboard(
    uid: str,
    title: str,
    description: str,
    variables: Iterable[Json],
    rows: Iterable[tuple[str, Iterable[tuple[int, int, Json]]]],
    *,
    tags: Iterable[str] = (),
    annotations: Iterable[Json] = (),
    since: str = "now-7d",
    in_menu: bool = True,
) -> Json:
    """A board in classic JSON. since: where the time range begins; in_menu: whether the menu of every board has it."""
    return {
        "annotations": {"list": list(annotations)},
        "description": description,
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [
            {
                "asDropdown": True,
                "icon": "external link",
                "includeVars": True,
                "keepTime": True,
                "tags": [MENU],
                "targetBlank": False,
                "title": "Ebbtide",
                "tooltip": "The other dashboards, with the same choice",
                "type": "dashboards",
                "url": "",
            }
        ],
        "panels": _placed(rows),
        "refresh": "5m",
        "schemaVersion": SCHEMA_VERSION,
        "tags": [MENU, *tags] if in_menu else [*tags],
        "templating": {"list": [datasource(), *variables]},
        "time": {"from": since, "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": title,
        "uid": uid,
        "version": 1,
        "weekStart": "",
    }


def _placed(rows: Iterable[tuple[str, Iterable[tuple[int, int, Json]]]]) -> list[Json]:
    placed: list[Json] = []
    y = 0
    for title, panels in rows:
        placed.append(
            {"collapsed": False, "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y}, "panels": [], "title": title}
            | {"id": len(placed) + 1, "type": "row"}
        )
        x, y, deepest = 0, y + 1, 0
        for width, height, panel in panels:
            if x + width > WIDTH:
                x, y, deepest = 0, y + deepest, 0
            placed.append(panel | {"gridPos": {"h": height, "w": width, "x": x, "y": y}, "id": len(placed) + 1})
            x, deepest = x + width, max(deepest, height)
        y += deepest
    return placed
