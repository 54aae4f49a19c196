"""What the documentation takes from rules/thresholds.yaml: a table of every number and what it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from exporter.model import DAY, HOUR, MINUTE

_TITLE = """# Thresholds

Written by `ebbtide docs --thresholds` from `rules/thresholds.yaml`. Change a number there, or uncomment an example and
make it yours, and reload Prometheus: alerts, dashboards and Nagios read the same series. The narrowest exception wins.

| series | for | number | what it is |
| --- | --- | --- | --- |
"""
_EXCEPTIONS = """
## Exceptions

For one object, named with its source. These are the examples of the file; the other numbers have the levels that
stand in front of the first colon, and no more.

| series | for | number |
| --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Threshold:
    record: str
    labels: dict[str, str]
    number: float
    meaning: str
    example: bool


def threshold_tables(text: str) -> str:
    """A page of Markdown with a row for every number, and one for every exception that is shown as an example."""
    page, exceptions = _TITLE, _EXCEPTIONS
    for threshold in _read(text):
        labels = ", ".join(f"{name}={value}" for name, value in threshold.labels.items())
        row = f"| `{threshold.record}` | {labels} | {_shown(threshold)} |"
        if threshold.example:
            exceptions += f"{row}\n"
        else:
            page += f"{row} {threshold.meaning} |\n"
    return page + exceptions


def _read(text: str) -> Iterator[Threshold]:
    """Entries below a comment have its meaning, until the next comment. Raises KeyError for an entry that has none."""
    comment: list[str] = []
    meaning = ""
    for line in map(str.strip, text.partition("rules:")[2].splitlines()):
        entry = re.fullmatch(r"(?P<example># )?- (?P<rule>\{record: .+\})", line)
        if entry is None:
            comment = [*comment, line.removeprefix("# ")] if line.startswith("#") else []
            continue
        if comment:
            meaning, comment = " ".join(comment), []
        rule = yaml.safe_load(entry["rule"])
        number = float(rule["expr"].removeprefix("vector(").removesuffix(")"))
        yield Threshold(rule["record"], rule["labels"], number, meaning, entry["example"] is not None)


def _shown(threshold: Threshold) -> str:
    number = threshold.number
    quantity = threshold.record.split(":")[1]
    if quantity.endswith("_seconds"):
        for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
            if number >= size and number % size == 0:
                return f"{number:.0f} ({number / size:g} {unit})"
    if quantity.endswith("_ratio"):
        return f"{number:g} ({number:.0%})"
    return f"{number:g}"
