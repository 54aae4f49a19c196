"""Builders of panels in classic dashboard JSON, and of the queries they ask; looks.py says what a field looks like.

Plain functions instead of Grafana's SDK: what they return is the JSON one knows from the panel editor, and there is
no version to pin but the schema's (board.py).
"""

from __future__ import annotations

import string
from collections.abc import Sequence

from looks import BLUE, GREEN, TRANSPARENT, Json, override, prop, says, steps

DATASOURCE = {"type": "prometheus", "uid": "${ds}"}


def query(expr: str, legend: str = "", *, ref: str = "", over_time: bool = False, table: bool = False) -> Json:
    """One PromQL query: its present value, unless over_time. `ref` is its refId; by default the panel numbers it."""
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": expr,
        "format": "table" if table else "time_series",
        "instant": not over_time,
        "legendFormat": legend or "__auto",
        "range": over_time,
        "refId": ref,
    }


def stat(
    title: str,
    description: str,
    targets: Sequence[Json],
    *,
    unit: str,
    none: str,
    colors: Json,
    named: bool = False,
    overrides: Sequence[Json] = (),
) -> Json:
    """A large number; named shows the legend with it."""
    return _panel("stat", title, description, targets) | {
        "fieldConfig": _fields(unit, none, colors, overrides),
        "options": {
            "colorMode": "value",
            "graphMode": "area" if any(t["range"] for t in targets) else "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "value_and_name" if named else "value",
            "wideLayout": False,
        },
    }


def timeseries(
    title: str,
    description: str,
    targets: Sequence[Json],
    *,
    unit: str,
    none: str,
    span: tuple[float | None, float | None] = (0, None),
    overrides: Sequence[Json] = (),
) -> Json:
    panel = _panel("timeseries", title, description, targets) | {
        "fieldConfig": _fields(unit, none, steps(GREEN), overrides),
        "options": {
            "legend": {
                "calcs": ["lastNotNull"],
                "displayMode": "table",
                "placement": "right",
                "showLegend": True,
                "sortBy": "Last *",
                "sortDesc": True,
            },
            "tooltip": {"mode": "multi", "sort": "asc"},
        },
    }
    defaults = panel["fieldConfig"]["defaults"]
    defaults["color"] = {"mode": "palette-classic"}
    defaults["custom"] = {"drawStyle": "line", "fillOpacity": 0, "lineInterpolation": "stepAfter", "lineWidth": 1}
    _bound(panel, span)
    return panel


def table(
    title: str,
    description: str,
    columns: Sequence[tuple[str, str, Sequence[Json]]],
    targets: Sequence[Json],
    *,
    none: str,
    sort: tuple[str, bool],
) -> Json:
    """One row per object, the queries merged on their common labels.

    columns: (title, field, properties) from left to right; field is a label or "Value #REF", but "Value" of a query
    that is alone: so Grafana's data source names them. Every other field is hidden. sort: title of a column, and whether the largest comes first.
    """
    panel = _panel("table", title, description, targets)
    fields = {field: title for title, field, _ in columns}
    panel |= {
        "fieldConfig": _fields(
            "none",
            none,
            steps(TRANSPARENT),
            [override(title, *props, prop("noValue", "-")) for title, _, props in columns],
        ),
        "options": {
            "cellHeight": "sm",
            "showHeader": True,
            "sortBy": [{"displayName": sort[0], "desc": sort[1]}],
        },
        "transformations": [
            {"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": {"include": {"names": list(fields)}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {field: index for index, field in enumerate(fields)},
                    "renameByName": fields,
                },
            },
        ],
    }
    panel["fieldConfig"]["defaults"]["custom"] = {
        "align": "auto",
        "cellOptions": {"type": "auto"},
        "filterable": True,
        "inspect": False,
        "minWidth": 85,
    }
    return panel


def bargauge(
    title: str,
    description: str,
    targets: Sequence[Json],
    *,
    unit: str,
    none: str,
    colors: Json,
    span: tuple[float | None, float | None] = (0, None),
    overrides: Sequence[Json] = (),
) -> Json:
    """A bar for each series, its name beside it."""
    panel = _panel("bargauge", title, description, targets) | {
        "fieldConfig": _fields(unit, none, colors, overrides),
        "options": {
            "displayMode": "basic",
            "minVizHeight": 16,
            "minVizWidth": 8,
            "namePlacement": "left",
            "orientation": "horizontal",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "showUnfilled": True,
            "sizing": "auto",
            "text": {"titleSize": 13, "valueSize": 15},
            "valueMode": "color",
        },
    }
    _bound(panel, span)
    return panel


def statetimeline(
    title: str, description: str, targets: Sequence[Json], *, states: Sequence[tuple[float, str, str]], none: str
) -> Json:
    """A row for each series, whose values are states: (value, what it is called, colour)."""
    panel = _panel("state-timeline", title, description, targets) | {
        "fieldConfig": _fields("none", none, steps(TRANSPARENT), ()),
        "options": {
            "alignValue": "left",
            "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
            "mergeValues": True,
            "rowHeight": 0.8,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        },
    }
    mappings = [m for value, text, color in states for m in says({value: text}, color)["value"]]
    panel["fieldConfig"]["defaults"]["mappings"] = mappings
    panel["fieldConfig"]["defaults"]["custom"] = {"fillOpacity": 80, "lineWidth": 0}
    return panel


def sparse(panel: Json, points: int = 200) -> Json:
    """A graph of a line for each of hundreds of objects: so many moments of each, not one for every pixel."""
    return panel | {"maxDataPoints": points}


def nodegraph(title: str, description: str, nodes: Json, edges: Json, *, none: str) -> Json:
    """Nodes with the fields id, title, subtitle and arc__*; edges with id, source and target."""
    panel = _panel("nodeGraph", title, description, [nodes | {"refId": "nodes"}, edges | {"refId": "edges"}])
    return panel | {"fieldConfig": _fields("none", none, steps(BLUE), ()), "options": {"edges": {}, "nodes": {}}}


def text(title: str, markdown: str) -> Json:
    """Words that stand on the board itself."""
    return {
        "datasource": DATASOURCE,
        "description": "",
        "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {"code": {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False}, "content": markdown, "mode": "markdown"},
        "title": title,
        "transparent": False,
        "type": "text",
    }  # fmt: skip


def _bound(panel: Json, span: tuple[float | None, float | None]) -> None:
    panel["fieldConfig"]["defaults"] |= {
        name: value for name, value in zip(("min", "max"), span, strict=True) if value is not None
    }


def _panel(type_: str, title: str, description: str, targets: Sequence[Json]) -> Json:
    for letter, target in zip(string.ascii_uppercase, targets, strict=False):
        target["refId"] = target["refId"] or letter
    return {
        "datasource": DATASOURCE,
        "description": description,
        "targets": list(targets),
        "title": title,
        "transparent": False,
        "type": type_,
    }


def _fields(unit: str, none: str, colors: Json, overrides: Sequence[Json]) -> Json:
    # 4.66 days claim more than is known.
    decimals = {"decimals": 1} if unit == "s" else {}
    return {
        "defaults": decimals
        | {
            "color": {"mode": "thresholds"},
            "mappings": [],
            "noValue": none,
            "thresholds": colors,
            "unit": unit,
        },
        "overrides": list(overrides),
    }
