"""Our forecast beside what others do with the same readings, one table.

    python -m benchmarks.forecast.run [--quick] [--seed 1000] [--git CLONE ...] [--throughput 10000]

The numbers of docs/forecasting.md come from here. Needs the dependency group `benchmark`.
"""

from __future__ import annotations

import argparse
import functools
import os
import resource
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.forecast import real, rivals
from benchmarks.forecast.case import DAY, Case, case
from benchmarks.forecast.score import Row, score, summary
from benchmarks.forecast.shapes import HORIZON, SHAPES
from exporter.analysis.forecast import forecast

Rival = Callable[[Case], Mapping[str, Any]]


def _ours(method: str) -> Rival:
    return lambda c: forecast(c.t, c.used, c.capacity, HORIZON * DAY, method=method)  # type: ignore[arg-type]


def _theirs(function: Callable[..., Mapping[str, Any]], *more: float) -> Rival:
    return lambda c: function(c.t, c.used, c.capacity, HORIZON, *more)


METHODS: dict[str, Rival] = {
    "predict_linear 7 d": _theirs(rivals.predict_linear, 7),
    "predict_linear 30 d": _theirs(rivals.predict_linear, 30),
    "Theil-Sen 30 d": _theirs(rivals.theil_sen, 30),
    "statsmodels ETS damped": _theirs(rivals.ets),
    "statsforecast AutoETS": _theirs(rivals.auto_ets),
    "ours": _ours("simulation"),
    "ours, ets": _ours("ets"),
    "ours, blend": _ours("blend"),
}
COLUMNS = {
    "MASE 7/30/90": ("mase7", "mase30", "mase90"), "sMAPE 30": ("smape30",),
    "TTF median/P90": ("ttf_median", "ttf_p90"),
    "P50 14 d P/R/F1": ("precision_p50", "recall_p50", "f1_p50"), "P10 14 d P/R": ("precision_p10", "recall_p10"),
    "80 % 30/90 d": ("cover80_30", "cover80_90"), "95 % 30/90 d": ("cover95_30", "cover95_90"),
    "TTF P10-P90": ("ttf_cover",), "Winkler 30": ("winkler30",), "false dates": ("false_date",),
    "outliers P/R": ("outlier_precision", "outlier_recall"), "season found/false": ("season_found", "season_false"),
    "regime": ("regime",), "ms": ("ms",),
}  # fmt: skip


def answer(method: str, one: Case) -> Row:
    """Scores; milliseconds of processor time, because a benchmark is seldom alone on its machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.process_time()
        given = METHODS[method](one)
        return score(one, given, 1000 * (time.process_time() - began))


def _synthetic(method: str, which: tuple[str, int]) -> Row:
    return answer(method, case(*which))


def rows(methods: Iterable[str], score_one: Callable[..., Row], what: list[Any], pool: ProcessPoolExecutor) -> None:
    print("| | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS))
    for method in methods:
        found = summary(list(pool.map(functools.partial(score_one, method), what, chunksize=10)))
        cells = (" / ".join(_short(found[name]) for name in names) for names in COLUMNS.values())
        print(f"| {method} | " + " | ".join(cells) + " |", flush=True)


def by_shape(seeds: range, pool: ProcessPoolExecutor) -> None:
    """Each shape by itself: no single one may pay for the others."""
    columns = ("MASE 30/90", "sMAPE 30", "TTF median", "80 % 30/90 d")
    names = (("mase30", "mase90"), ("smape30",), ("ttf_median",), ("cover80_30", "cover80_90"))
    methods = ("predict_linear 30 d", "statsforecast AutoETS", "ours")
    print(f"\n| | {' | '.join(columns)} | " + " | ".join(f"sMAPE 30 {method}" for method in methods[:2]) + " |")
    print("|---|" + "---|" * (len(columns) + 2))
    for shape in SHAPES:
        which = [(shape, seed) for seed in seeds]
        *others, ours = (
            summary(list(pool.map(functools.partial(_synthetic, method), which, chunksize=5))) for method in methods
        )
        cells = [" / ".join(_short(ours[name]) for name in group) for group in names]
        print(f"| {shape} | " + " | ".join(cells + [_short(other["smape30"]) for other in others]) + " |", flush=True)


def throughput(count: int, processes: int) -> None:
    """`count` series of 90 days, hourly."""
    cases = [case("linear", seed) for seed in range(20)]
    arguments = [(c.t[-2160:], c.used[-2160:], c.capacity, HORIZON * DAY) for c in cases]
    for n in (1, processes):
        began = time.perf_counter()
        with ProcessPoolExecutor(n) as pool:
            list(pool.map(_many, [arguments] * (count // len(cases)), chunksize=5))
            most = max(pool.map(_memory, range(n)))
        print(f"{count} series, {n} processes: {time.perf_counter() - began:.0f} s, {most:.0f} MB each at most")


def _many(arguments: list[tuple[Any, ...]]) -> None:
    for one in arguments:
        forecast(*one)


def _memory(_: int) -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _short(value: float) -> str:
    return "-" if value != value else f"{value:.3g}" if abs(value) < 1000 else f"{value:.2g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="6 series a shape, and none of the slow rivals")
    parser.add_argument("--seed", type=int, default=1000, help="of the first series of each shape")
    parser.add_argument("--git", type=Path, nargs="*", default=[], help="clones with their history: real series")
    parser.add_argument("--shapes", action="store_true", help="also a table by shape")
    parser.add_argument("--throughput", type=int, default=0, help="time so many series")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    methods = [name for name in METHODS if not asked.quick or ("ETS" not in name and "," not in name)]
    seeds = range(asked.seed, asked.seed + (6 if asked.quick else 60))
    with ProcessPoolExecutor(asked.processes) as pool:
        rows(methods, _synthetic, [(shape, seed) for shape in SHAPES for seed in seeds], pool)
        if asked.shapes:
            by_shape(seeds, pool)
        if asked.git:
            cases = [one for i, clone in enumerate(asked.git) for one in real.cases(clone, 5, asked.seed + i)]
            print(f"\n{len(cases)} real cases\n")
            rows(methods, answer, cases, pool)
    if asked.throughput:
        throughput(asked.throughput, asked.processes)


if __name__ == "__main__":
    main()
