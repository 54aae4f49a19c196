"""Past values as text: CSV for people, OpenMetrics for `promtool tsdb create-blocks-from openmetrics`.

CSV has the columns time, metric, value, then low and high, which only days have, then a column for each label.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from exporter.errors import HistoryError
from exporter.history.backfill import Point

TIME, METRIC, VALUE, LOW, HIGH = _FIXED = ("time", "metric", "value", "low", "high")

# Later than any second of this millennium, and earlier than any millisecond since 1973.
_MILLISECONDS = 1e11
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,\s*|(?=\}))')
_ESCAPED = re.compile(r'\\([\\"n])')

# (line number, point)
Numbered = Iterator[tuple[int, Point]]


def read_csv(lines: Iterable[str], file: str) -> Numbered:
    """Raises HistoryError that names the line."""
    rows = csv.reader(lines, strict=True)
    with _line(file, lambda: rows.line_num):
        head = [cell.strip() for cell in next(rows, [])]
        if missing := [name for name in (TIME, METRIC, VALUE) if name not in head]:
            raise ValueError(f"the first line names the columns; there is none for {', '.join(missing)}")
        if len(set(head)) < len(head):
            raise ValueError("two columns have the same name")
        for cells in rows:
            if not cells:
                continue
            if len(cells) != len(head):
                raise ValueError(f"{len(cells)} cells, where the first line has {len(head)}")
            row = dict(zip(head, cells, strict=True))
            low, high = (_number(row[name]) if row.get(name) else None for name in (LOW, HIGH))
            labels = {name: text for name, text in row.items() if name not in _FIXED}
            yield rows.line_num, Point(row[METRIC], labels, moment(row[TIME]), _number(row[VALUE]), low, high)


def read_openmetrics(lines: Iterable[str], file: str) -> Numbered:
    """Raises HistoryError that names the line, also for a file that was cut off before its end."""
    number, ended = 0, False
    with _line(file, lambda: number):
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if ended and text:
                raise ValueError("something follows # EOF")
            ended = ended or text == "# EOF"
            if text and not text.startswith("#"):
                yield number, _sample(text)
        if not ended:
            raise ValueError("the file ends without # EOF: it is cut off, or no OpenMetrics")


def write_csv(points: Iterable[Point], labels: Iterable[str], to: TextIO) -> None:
    """labels: of all points, in the order of their columns."""
    names = list(labels)
    rows = csv.writer(to, lineterminator="\n")
    rows.writerow([*_FIXED, *names])
    for point in points:
        moment = datetime.fromtimestamp(point.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        of_day = ["" if one is None else repr(one) for one in (point.low, point.high)]
        cells = [point.labels.get(name, "") for name in names]
        rows.writerow([moment, point.name, repr(point.value), *of_day, *cells])


def write_openmetrics(points: Iterable[Point], extra: Mapping[str, str], to: TextIO) -> None:
    """points: family by family, of each series in the order of time; extra: labels that each of them gets.

    The lowest and the highest value of a day are samples of their own in its last seconds, so that a server that
    has read them answers as the store does.
    """
    family = ""
    for point in points:
        if point.name != family:
            family = point.name
            counter = family.removesuffix("_total") if family.endswith("_total") else ""
            to.write(f"# TYPE {counter or family} {'counter' if counter else 'gauge'}\n")
        pairs = ",".join(f'{name}="{_escape(text)}"' for name, text in {**point.labels, **extra}.items())
        extremes = (
            [] if point.low is None or point.high is None else [(point.at - 2, point.low), (point.at - 1, point.high)]
        )
        for at, value in (*(one for one in extremes if one[1] != point.value), (point.at, point.value)):
            shown = {"inf": "+Inf", "-inf": "-Inf"}.get(repr(value), repr(value))
            to.write(f"{family}{{{pairs}}} {shown} {at:.0f}\n")
    to.write("# EOF\n")


@contextmanager
def _line(file: str, number: Callable[[], int]) -> Iterator[None]:
    """Whatever is wrong within, as a HistoryError that names file and line."""
    try:
        yield
    except UnicodeDecodeError:
        raise HistoryError(f"{file}: not UTF-8 text, after line {number()}") from None
    except (ValueError, csv.Error) as error:
        raise HistoryError(f"{file}:{number()}: {error}") from None


def _sample(text: str) -> Point:
    """name{label="value",…} value timestamp"""
    name = _NAME.match(text)
    if not name:
        raise ValueError("a line begins with the name of a metric")
    labels, place = {}, name.end()
    if text[place : place + 1] == "{":
        place += 1
        while label := _LABEL.match(text, place):
            labels[label[1]] = _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], label[2])
            place = label.end()
        if text[place : place + 1] != "}":
            raise ValueError('the labels are not written like {pool="Gold"}')
        place += 1
    value, *rest = text[place:].partition("#")[0].split() or [""]
    if len(rest) != 1:
        raise ValueError(
            "a line ends with a value and the time in seconds" if rest or not value else "the time is missing"
        )
    at = _number(rest[0])
    if at > _MILLISECONDS:
        raise ValueError("the time is in milliseconds, where OpenMetrics has seconds")
    return Point(name[0], labels, at, _number(value))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a number") from None


def moment(text: str) -> float:
    """Unix seconds, or an ISO time, which is UTC unless it says; ValueError."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is neither an ISO time nor unix seconds") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
