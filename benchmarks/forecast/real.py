"""Real series: source trees as their git history left them, and the pools that would have backed them up.

For each repository and its larger top folders: the tree itself (lines, as bytes), and a deduplicated pool that keeps
what was changed for 30 or 90 days and prunes once a week. Origins are drawn where the next year is known.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.forecast.case import DAY, Case, capacity_of
from benchmarks.forecast.shapes import HORIZON, HOURS, FloatArray

_LINE = 40.0


def cases(repository: Path, origins: int, seed: int) -> list[Case]:
    """Up to `origins` cases of each series of the repository."""
    rng = np.random.default_rng(seed)
    found = []
    for name, t, added, removed in _changes(repository):
        for kind, series in _series(t, added, removed):
            for _ in range(origins):
                case = _cut(rng, f"{name} {kind}", series)
                if case is not None:
                    found.append(case)
    return found


def _changes(repository: Path) -> Iterator[tuple[str, FloatArray, FloatArray, FloatArray]]:
    """(folder, commit times, lines added, lines removed) of the whole tree and of its four busiest folders."""
    log = subprocess.run(
        ["git", "-C", str(repository), "log", "--no-merges", "--reverse", "--no-renames", "--numstat", "--format=@%ct"],
        capture_output=True, text=True, check=True, errors="replace",
    ).stdout  # fmt: skip
    rows: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    at = 0.0
    for line in log.splitlines():
        if line.startswith("@"):
            at = float(line[1:])
        elif line and not line.startswith("-"):
            added, removed, path = line.split("\t", 2)
            row = (at, float(added), float(removed))
            rows["."].append(row)
            if "/" in path:
                rows[path.split("/")[0]].append(row)
    for folder in sorted(rows, key=lambda name: -len(rows[name]))[:5]:
        t, added, removed = np.array(sorted(rows[folder])).T
        yield f"{repository.parent.name}/{folder}", t, added * _LINE, removed * _LINE


def _series(t: FloatArray, added: FloatArray, removed: FloatArray) -> Iterator[tuple[str, FloatArray]]:
    hours = int((t[-1] - t[0]) // 3600) + 1
    hour = ((t - t[0]) // 3600).astype(np.intp)
    came = np.bincount(hour, weights=added, minlength=hours)
    tree = np.maximum(np.cumsum(came - np.bincount(hour, weights=removed, minlength=hours)), 1.0)
    yield "tree", tree
    total = np.concatenate([[0.0], np.cumsum(came)])
    now = np.arange(hours)
    for days in (30, 90):
        pruned = np.maximum(now // (7 * HOURS) * 7 * HOURS - days * HOURS, 0)
        yield f"kept {days} d", tree + total[now + 1] - total[pruned]


def _cut(rng: np.random.Generator, name: str, series: FloatArray) -> Case | None:
    days = int(rng.integers(60, 181))
    if series.size < (days + HORIZON + 300) * HOURS:
        return None
    now = int(rng.integers(200 * HOURS, series.size - HORIZON * HOURS - 1))
    past, future = series[now - days * HOURS : now + 1], series[now + 1 : now + 1 + HORIZON * HOURS]
    if np.unique(past).size < 10 or past.min() < 0.05 * past.max():
        return None
    capacity = capacity_of(rng, past, future)
    hit = np.flatnonzero(future >= capacity)
    return Case(
        name, 1.7e9 + np.arange(past.size) * DAY / HOURS, past, capacity, future[HOURS - 1 :: HOURS][:HORIZON],
        (hit[0] + 1) / HOURS if hit.size else np.inf, np.zeros(past.size, dtype=bool),
    )  # fmt: skip
