"""How fast the boards are at full scale: every query of every board, asked of a real Prometheus as Grafana asks.

    python benchmarks/boards.py
    python benchmarks/boards.py --folder /srv/full --boards overview pools    # prepared once, asked often

The store has the 156,000 series of a CommCell of 200 plans, VBR servers and hosts, what the rules record of them, and
15 days of everything that a board looks back on. Rules are not evaluated meanwhile: rule_cost.py measures those.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from full_scale import prepared, running

from exporter.model import DAY, HOUR, MINUTE
from exporter.settings import parse_duration

DASHBOARDS = Path(__file__).parent.parent / "grafana" / "dashboards"
CONNECTIONS = 6
PIXELS = 1000
SCRAPE_INTERVAL = MINUTE
REPEATS = 3
QUERY_S, BOARD_S = 0.2, 2.0
# Grafana's: an interval below the first of a pair becomes the second.
ROUNDED = (
    (90, 60), (210, 120), (450, 300), (750, 600), (1050, 900), (1500, 1200), (2700, 1800), (5400, HOUR),
    (9000, 2 * HOUR), (16_200, 3 * HOUR), (32_400, 6 * HOUR), (86_400, 12 * HOUR), (604_800, DAY),
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A query of a panel: its step in seconds and how far back it begins, or neither for one of the newest samples."""

    title: str
    expr: str
    step: float | None = None
    since: float = 0.0

    @property
    def over_time(self) -> bool:
        return self.step is not None or re.search(r"\[\S+\]|\boffset\b", self.expr) is not None


@dataclass(frozen=True)
class Answer:
    """seconds: until its last byte; evaluation: as Prometheus says; series: how many it has."""

    seconds: float
    evaluation: float
    series: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=156_000)
    parser.add_argument("--days", type=float, default=15.0, help="how long the past is")
    parser.add_argument("--folder", type=Path, help="keep the store there, and use it if it is there")
    parser.add_argument("--boards", nargs="*", default=[""], metavar="PART", help="only boards with that in their uid")
    chosen = parser.parse_args()
    boards = [json.loads(file.read_text()) for file in sorted(DASHBOARDS.glob("*/*.json"))]
    with ExitStack() as stack:
        folder = chosen.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ebbtide-boards-")))
        if not (folder / "page").exists():
            expressions, over_time = looked_at(boards)
            prepared(folder, chosen.series, chosen.days, expressions, over_time)
        url = stack.enter_context(running(folder))
        # So that the first board does not pay for the first question of all.
        ask(url, Question("", 'count({__name__=~"ebbtide_.+"})'))
        measured = {}
        for board in boards:
            if any(part in board["uid"] for part in chosen.boards):
                measured[board["uid"]] = [asked_for(url, board, narrow=narrow) for narrow in (False, True)]
    print(table(measured))
    print("\n".join(slow(measured)))


def looked_at(boards: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """All expressions, and those that look back; choices do, as Grafana asks for them over the time range."""
    expressions, over_time = [], []
    for board in boards:
        values = {each["name"]: "" if selector(each) else each["current"]["value"] for each in variables(board)}
        found = list(questions(board, values))
        labels = [expr for each in variables(board) if (expr := selector(each))]
        expressions += [question.expr for question in found] + labels
        over_time += [question.expr for question in found if question.over_time] + labels
    return expressions, over_time


def variables(board: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [variable for variable in board["templating"]["list"] if variable["type"] != "datasource"]


def selector(variable: Mapping[str, Any]) -> str:
    """The expression that a choice is made of; an empty word if it is made of none."""
    asked = variable["query"]
    found = isinstance(asked, dict) and re.fullmatch(r"label_values\((.+), \w+\)|query_result\((.+)\)", asked["query"])
    return (found[1] or found[2]) if found else ""


def questions(board: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[Question]:
    """What Grafana asks of Prometheus for the board, its annotations included."""
    since = parse_duration(board["time"]["from"].removeprefix("now-"))
    for annotation in board["annotations"]["list"]:
        step = parse_duration(annotation["step"])
        yield Question(annotation["name"], filled(annotation["expr"], values, step), step, since)
    for panel in board["panels"]:
        step = rounded(since / panel.get("maxDataPoints", PIXELS))
        for target in panel.get("targets", ()):
            title, expr = f"{panel['title']}, {target['refId']}", filled(target["expr"], values, step)
            yield Question(title, expr) if target.get("instant") else Question(title, expr, step, since)


def filled(expr: str, values: Mapping[str, str], step: float) -> str:
    every = max(step + SCRAPE_INTERVAL, 4 * SCRAPE_INTERVAL)
    there = {**values, "__rate_interval": f"{every:.0f}s"}
    return re.sub(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))", lambda found: there.get(found[1] or found[2], found[0]), expr)


def rounded(interval: float) -> float:
    """The step that Grafana chooses where so many seconds would give each pixel a value."""
    return max(SCRAPE_INTERVAL, next((nice for below, nice in ROUNDED if interval < below), 7 * DAY))


def choose(url: str, board: Mapping[str, Any], *, narrow: bool) -> tuple[dict[str, str], float]:
    """The value of every variable, and the seconds it took to ask for them; narrow: the first label value of each."""
    values: dict[str, str] = {}
    begun = time.perf_counter()
    for variable in variables(board):
        if not selector(variable):
            values[variable["name"]] = variable["current"]["value"]
            continue
        names = [re.escape(name).replace("\\", "\\\\") for name in options(url, board, variable, values)]
        first = not variable["includeAll"] or (narrow and not variable["hide"])
        values[variable["name"]] = names[0] if first and names else variable.get("allValue") or "|".join(names)
    return values, time.perf_counter() - begun


def options(url: str, board: Mapping[str, Any], variable: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """What a reader could choose."""
    expr, now = filled(selector(variable), values, 0), time.time()
    query = variable["query"]["query"]
    if query.startswith("query_result"):
        label = variable["name"].partition("_")[2]
        found = requests.post(f"{url}/api/v1/query", data={"query": expr}, timeout=300).json()["data"]["result"]
        return sorted({each["metric"][label] for each in found})
    label = query.removesuffix(")").rpartition(", ")[2]
    start = now - parse_duration(board["time"]["from"].removeprefix("now-"))
    match = {"match[]": expr, "start": f"{start:.0f}", "end": f"{now:.0f}"}
    answer = requests.get(f"{url}/api/v1/label/{label}/values", params=match, timeout=300)
    return [name for name in answer.json()["data"] if name]


def asked_for(url: str, board: Mapping[str, Any], *, narrow: bool) -> Measured:
    """The board asked for once, as by its first reader, and then some times more."""
    values, choices = choose(url, board, narrow=narrow)
    wanted = list(questions(board, values))
    walls, answers = [], []
    with ThreadPoolExecutor(CONNECTIONS) as browser, requests.Session() as session:
        for _ in range(2 + REPEATS):
            begun = time.perf_counter()
            answers.append(list(browser.map(lambda question: ask(url, question, session), wanted)))
            walls.append(time.perf_counter() - begun)
        alone = [ask(url, question, session) for question in wanted]
    return Measured(wanted, choices, walls[0], walls[2:], [answer for each in answers[2:] for answer in each], alone)


@dataclass(frozen=True)
class Measured:
    """Of a board: seconds to ask for its choices, and until its last answer; its answers.

    cold: when it was asked for first; alone: its queries one after another, once each.
    """

    questions: list[Question]
    choices: float
    cold: float
    warm: list[float]
    together: list[Answer]
    alone: list[Answer]


def ask(url: str, question: Question, session: requests.Session | None = None) -> Answer:
    now = time.time()
    if question.step is None:
        path, asked = "query", {"query": question.expr, "time": f"{now:.0f}"}
    else:
        end = now // question.step * question.step
        asked = {"query": question.expr, "start": f"{end - question.since:.0f}", "end": f"{end:.0f}"}
        path, asked["step"] = "query_range", f"{question.step:.0f}"
    begun = time.perf_counter()
    answer = (session or requests).post(f"{url}/api/v1/{path}", data={**asked, "stats": "all"}, timeout=300)
    took = time.perf_counter() - begun
    if not answer.ok:
        raise SystemExit(f"{question.title}: {answer.text[:500]}\n{question.expr}")
    # The statistics are at the end, after what may be megabytes.
    found = re.search(rb'"evalTotalTime":([\d.e-]+)', answer.content[-4000:])
    return Answer(took, float(found[1]) if found else 0.0, answer.content.count(b'"metric":'))


def table(measured: Mapping[str, Sequence[Measured]]) -> str:
    titles = ["board", "queries", "empty", "choices", "cold", "all", "worst", "one of each"]
    titles += ["together p50", "p95", "max", "alone p50", "p95", "max", "evaluation max"]
    lines = [f"| {' | '.join(titles)} |", "| --- " * len(titles) + "|"]
    for uid, (everything, one) in measured.items():
        if not everything.questions:
            continue
        inside = [answer.seconds for answer in everything.together]
        alone = [answer.seconds for answer in everything.alone]
        cells = [everything.choices, everything.cold, statistics.median(everything.warm), max(everything.warm)]
        cells += [statistics.median(one.warm)]
        for times in (inside, alone):
            cells += [percentile(times, 50), percentile(times, 95), max(times)]
        cells += [max(answer.evaluation for answer in everything.alone)]
        empty = sum(answer.series == 0 for answer in everything.alone)
        told = " | ".join(f"{cell * 1000:,.0f}" for cell in cells)
        lines.append(f"| {uid.removeprefix('ebbtide-')} | {len(everything.questions)} | {empty} | {told} |")
    return "\n".join(lines)


def percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def slow(measured: Mapping[str, Sequence[Measured]]) -> Iterator[str]:
    """The queries over QUERY_S when asked alone, and the boards over BOARD_S."""
    found = [
        (answer.seconds, answer.evaluation, answer.series, f"{uid} ({which}): {question.title}")
        for uid, both in measured.items()
        for which, one in zip(("all", "one"), both, strict=True)
        for question, answer in zip(one.questions, one.alone, strict=True)
    ]
    over = [each for each in sorted(found, reverse=True) if each[0] > QUERY_S]
    p95 = percentile([each[0] for each in found], 95) * 1000
    yield f"{len(over)} of {len(found)} queries take over {QUERY_S * 1000:.0f} ms alone; p95 of all: {p95:.0f} ms"
    yield "  ms, of which evaluation, series"
    for seconds, evaluation, series, name in over:
        yield f"  {seconds * 1000:7,.0f} {evaluation * 1000:7,.0f} {series:6,}  {name}"
    late = [uid for uid, both in measured.items() for one in both if max(one.warm, default=0.0) > BOARD_S]
    yield f"boards over {BOARD_S:g} s: {', '.join(dict.fromkeys(late)) or 'none'}"


if __name__ == "__main__":
    main()
