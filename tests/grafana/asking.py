"""What Prometheus is asked when somebody looks at a board: variables filled in as Grafana fills them."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.grafana.boards import Json

# The values chosen of each variable; none is All.
Choice = Mapping[str, tuple[str, ...]]

PIXELS = 1000
# The scrape interval of the provisioned data source.
SCRAPE_S = 60
_SINCE = {"now-7d": 7 * 86400, "now-30d": 30 * 86400, "now-1y": 365 * 86400}


class Refused(Exception):
    """Prometheus did not answer, or not without a warning; in its own words."""


@dataclass(frozen=True)
class Answer:
    """The series of an answer that have a number, by their labels."""

    labels: tuple[Mapping[str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.labels)


@dataclass
class Prometheus:
    """One that is asked as of the moment `at`, None for the present."""

    url: str
    at: float | None = None
    session: requests.Session = field(default_factory=requests.Session)
    # Variables of many boards are filled alike.
    _values: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def now(self, expr: str) -> Answer:
        """The answer to an instant query."""
        found = self._ask("query", query=expr, time=self._present())
        return _numbers((s["metric"], [s["value"]]) for s in found["result"])

    def over(self, expr: str, seconds: int, step: int) -> Answer:
        """The answer to a range query for so many seconds, one point in `step` of them."""
        end = self._present()
        found = self._ask("query_range", query=expr, start=end - seconds // step * step, end=end, step=step)
        return _numbers((s["metric"], s["values"]) for s in found["result"])

    def values(self, selector: str, label: str, seconds: float) -> list[str]:
        """What label_values(selector, label) offers."""
        key = (selector, label)
        if key not in self._values:
            end = self._present()
            limits = {"match[]": selector, "start": end - seconds, "end": end}
            self._values[key] = self._ask(f"label/{label}/values", **limits)
        return self._values[key]

    def _present(self) -> float:
        return time.time() if self.at is None else self.at

    def _ask(self, path: str, **params: Any) -> Any:
        answer = self.session.get(f"{self.url}/api/v1/{path}", params=params, timeout=60).json()
        if answer["status"] != "success":
            raise Refused(answer["error"])
        if said := [*answer.get("warnings", ()), *answer.get("infos", ())]:
            raise Refused("; ".join(said))
        return answer["data"]


def _numbers(series: Iterator[tuple[Mapping[str, str], list[tuple[float, str]]]]) -> Answer:
    return Answer(tuple(labels for labels, values in series if any(not math.isnan(float(v)) for _, v in values)))


def step_of(board: Json) -> int:
    """Seconds from one point of a graph to the next."""
    return max(SCRAPE_S, round(seconds_of(board) / PIXELS))


def seconds_of(board: Json) -> int:
    """How long a time the board shows at first."""
    return _SINCE[board["time"]["from"]]


def variables(board: Json) -> list[Json]:
    """Those that the reader chooses and a query fills, in the order in which they are filled."""
    return [v for v in board["templating"]["list"] if v["type"] == "query" and not v["hide"]]


def leaders(prometheus: Prometheus, board: Json, choice: Choice) -> Choice:
    """The choice, and the values of the variables that are not shown: what their regex takes from each series found."""
    found = dict(choice)
    for variable in board["templating"]["list"]:
        if variable["type"] == "query" and variable["hide"]:
            [expr] = re.findall(r"^query_result\((.+)\)$", variable["query"]["query"])
            regex = re.compile(variable["regex"].strip("/"))
            found_now = prometheus.now(filled(expr, board, choice)).labels
            series = (",".join(f'{name}="{value}"' for name, value in sorted(each.items())) for each in found_now)
            matches = [match for text in series if (match := regex.search(f"{{{text}}} 1 1"))]
            found[variable["name"]] = tuple(dict.fromkeys(match[1] for match in matches)) or ("",)
    return found


def selected(variable: Json) -> tuple[str, str]:
    """The selector and the label of the variable's query."""
    parsed = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    assert parsed, variable["query"]["query"]
    return parsed[1], parsed[2]


def options(prometheus: Prometheus, board: Json, variable: Json, choice: Choice) -> list[str]:
    """What the variable offers when those before it are at that choice."""
    selector, label = selected(variable)
    return prometheus.values(filled(selector, board, choice), label, seconds_of(board))


def everything(prometheus: Prometheus, board: Json) -> Iterator[Choice]:
    """All values of each variable; a choice for each value of one that takes one only."""
    return single(prometheus, board, {variable["name"]: () for variable in variables(board) if variable["multi"]})


def single(prometheus: Prometheus, board: Json, choice: Choice) -> Iterator[Choice]:
    """Every choice of one value of each variable of which nothing is chosen yet."""
    waiting = next((variable for variable in variables(board) if variable["name"] not in choice), None)
    if waiting is None:
        yield choice
        return
    for value in options(prometheus, board, waiting, choice):
        yield from single(prometheus, board, {**choice, waiting["name"]: (value,)})


def several(prometheus: Prometheus, board: Json, one: Choice) -> Choice:
    """The choice, and another value of each variable that takes several and has one."""
    some = dict(one)
    for variable in variables(board):
        if variable["multi"]:
            name = variable["name"]
            others = [value for value in options(prometheus, board, variable, some) if value not in one[name]]
            some[name] = (*one[name], *others[:1])
    return some


def filled(text: str, board: Json, choice: Choice) -> str:
    """The text with every variable at its choice, and at its default where there is none."""
    seconds = seconds_of(board)
    step = step_of(board)
    macros = {
        "__range": f"{seconds}s",
        "__rate_interval": f"{max(step + SCRAPE_S, 4 * SCRAPE_S)}s",
    }
    known = {variable["name"]: variable for variable in board["templating"]["list"]}

    def value(name: str) -> str:
        if name in macros:
            return macros[name]
        if known[name]["type"] == "query":
            return _written(known[name], choice.get(name, ()))
        return str(known[name]["current"]["value"])

    return re.sub(r"\$\{?([a-z_]\w*)\}?", lambda m: value(m[1]), text)


def _written(variable: Json, chosen: tuple[str, ...]) -> str:
    """As Grafana's data source for Prometheus writes it: a regular expression where several may be chosen."""
    if not variable["multi"]:
        [value] = chosen
        return value.replace("\\", "\\\\").replace("'", "\\\\'")
    if not chosen:
        return str(variable["allValue"])
    escaped = [re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value.replace("\\", "\\" * 4)) for value in chosen]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
