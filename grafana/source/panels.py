"""Builders of panels in classic dashboard JSON: queries, the three kinds of panel, what a field or column looks like.

Plain functions instead of Grafana's SDK: what they return is the JSON one knows from the panel editor, and there is
no version to pin but the schema's (board.py).
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "${ds}"}
TRANSPARENT, NEUTRAL, GREEN, ORANGE, RED, BLUE = "transparent", "text", "green", "orange", "red", "blue"

_THRESHOLDS = Path(__file__).parents[2] / "rules" / "thresholds.yaml"


def limit(quantity: str, severity: str) -> float:
    """The default of rules/thresholds.yaml, for colours; lines in graphs are drawn from the series itself."""
    rules = yaml.safe_load(_THRESHOLDS.read_text())["groups"][0]["rules"]
    name = f"severity:{quantity}:threshold"
    [expr] = [r["expr"] for r in rules if r["record"] == name and r["labels"] == {"severity": severity}]
    return float(expr.removeprefix("vector(").removesuffix(")"))


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


def steps(first: str, *more: tuple[float, str]) -> Json:
    """Colours by value: `first` from below and where there is no value, each other from its number on."""
    return {
        "mode": "absolute",
        "steps": [{"color": first, "value": None}, *({"color": color, "value": value} for value, color in more)],
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
            "wideLayout": True,
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
            "legend": {"calcs": ["lastNotNull"], "displayMode": "table", "placement": "right", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "asc"},
        },
    }
    defaults = panel["fieldConfig"]["defaults"]
    defaults["color"] = {"mode": "palette-classic"}
    defaults["custom"] = {"drawStyle": "line", "fillOpacity": 0, "lineInterpolation": "stepAfter", "lineWidth": 1}
    defaults |= {name: value for name, value in zip(("min", "max"), span, strict=True) if value is not None}
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

    columns: (title, field, properties) from left to right; field is a label or "Value #REF"; every other field is
    hidden. sort: title of a column, and whether the largest comes first.
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
    }
    return panel


def override(field: str, *properties: Json) -> Json:
    return {"matcher": {"id": "byName", "options": field}, "properties": list(properties)}


def threshold_line(ref: str, color: str) -> Json:
    """Draws the series of the query `ref` as a limit: dashed, in its colour."""
    return {
        "matcher": {"id": "byFrameRefID", "options": ref},
        "properties": [
            prop("color", {"fixedColor": color, "mode": "fixed"}),
            prop("custom.lineStyle", {"dash": [10, 10], "fill": "dash"}),
            prop("custom.lineWidth", 2),
        ],
    }


def prop(name: str, value: Any) -> Json:
    return {"id": name, "value": value}


def unit(name: str, decimals: int | None = None) -> list[Json]:
    return [prop("unit", name)] + ([] if decimals is None else [prop("decimals", decimals)])


def colored(colors: Json) -> list[Json]:
    """A cell whose background follows its value."""
    return [prop("thresholds", colors), prop("custom.cellOptions", {"type": "color-background"})]


def says(words: Mapping[float, str], color: str | None = None) -> Json:
    """Text in place of certain values. Infinity is one of them: no range of Grafana's reaches it."""
    results = {
        _key(value): {"index": index, "text": text} | ({"color": color} if color else {})
        for index, (value, text) in enumerate(words.items())
    }
    return prop("mappings", [{"type": "value", "options": results}])


def _key(value: float) -> str:
    """The number as JavaScript writes it."""
    return "Infinity" if value == math.inf else f"{value:.0f}"


def width(pixels: int) -> Json:
    return prop("custom.width", pixels)


def yes_no(yes: str, no: str) -> list[Json]:
    options = {"1": {"text": yes, "color": GREEN, "index": 0}, "0": {"text": no, "color": RED, "index": 1}}
    return [
        prop("mappings", [{"type": "value", "options": options}]),
        prop("custom.cellOptions", {"type": "color-text"}),
    ]


def link(title: str, url: str) -> Json:
    return prop("links", [{"title": title, "url": url}])


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
    return {
        "defaults": {
            "color": {"mode": "thresholds"},
            "mappings": [],
            "noValue": none,
            "thresholds": colors,
            "unit": unit,
        },
        "overrides": list(overrides),
    }
