"""What a field, a column or a cell looks like: unit, colours by value, words for values, links."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

TRANSPARENT, NEUTRAL, GREEN, ORANGE, RED, BLUE = "transparent", "text", "green", "orange", "red", "blue"

_THRESHOLDS = Path(__file__).parents[2] / "rules" / "thresholds.yaml"


def limit(quantity: str, severity: str, kind: str = "") -> float:
    """The default of rules/thresholds.yaml, for colours; lines in graphs are drawn from the series itself."""
    if kind:
        return _default(f"severity_kind:{quantity}:threshold", severity=severity, kind=kind)
    return _default(f"severity:{quantity}:threshold", severity=severity)


def limit_of(alert: str, quantity: str) -> float:
    """The same of a number that only one alert has."""
    return _default(f"alert:{quantity}:threshold", alert=alert)


def target(name: str) -> float:
    """The default of a figure's target, for colours."""
    return _default("target:ebbtide_target:threshold", target=name)


def _default(record: str, **labels: str) -> float:
    rules = yaml.safe_load(_THRESHOLDS.read_text())["groups"][0]["rules"]
    [expr] = [r["expr"] for r in rules if r["record"] == record and r["labels"] == labels]
    return float(expr.removeprefix("vector(").removesuffix(")"))


# Grafana's own date units show seconds.
DATE = "time:YYYY-MM-DD"


def steps(first: str, *more: tuple[float, str]) -> Json:
    """Colours by value: `first` from below and where there is no value, each other from its number on."""
    return {
        "mode": "absolute",
        "steps": [{"color": first, "value": None}, *({"color": color, "value": value} for value, color in more)],
    }


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
    return [prop("thresholds", colors), prop("custom.cellOptions", {"type": "color-background", "mode": "basic"})]


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


def left() -> Json:
    return prop("custom.align", "left")


def yes_no(yes: str, no: str, *, good: int = 1) -> list[Json]:
    colors = {good: GREEN, 1 - good: RED}
    return words({"1": (yes, colors[1]), "0": (no, colors[0])})


def words(meanings: Mapping[str, tuple[str, str]]) -> list[Json]:
    """A cell that says (text, colour) in place of each value."""
    options = {
        value: {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(meanings.items())
    }
    return [
        prop("mappings", [{"type": "value", "options": options}]),
        prop("custom.cellOptions", {"type": "color-text"}),
        # What has no word of its own, the dash too, would be written in the colour of a table's background.
        prop("thresholds", steps(NEUTRAL)),
    ]


def link(title: str, url: str) -> Json:
    return prop("links", [{"title": title, "url": url}])


def drill(title: str, uid: str, **columns: str) -> Json:
    """A link of a cell to the board `uid` at the same time: each variable takes what the row has in the column."""
    chosen = "".join(f"&var-{name}=${{__data.fields.{column}:percentencode}}" for name, column in columns.items())
    return link(title, f"/d/{uid}?${{ds:queryparam}}&${{__url_time_range}}{chosen}")
