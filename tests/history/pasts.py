"""A past to be remembered, and what a history says of it."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.history import History, Sample, Series

# Whole hours, so that a store that answers by the step answers with the very moments.
AT = 1_772_442_000.0
DAY = 86400.0
NAME = "ebbtide_pool_free_bytes"
GOLD = {"source": "cs01", "kind": "commvault", "pool": "Gold"}
Past = list[tuple[list[Sample], float]]


def line(labels: Mapping[str, str], values: list[float], *, step: float, end: float = AT) -> Past:
    """One value each `step` seconds; the last one at the end."""
    first = end - step * (len(values) - 1)
    return [([(NAME, labels, value)], first + step * i) for i, value in enumerate(values)]


def said(series: Series) -> list[tuple[float, float]]:
    return list(zip(series.timestamps.tolist(), series.values.tolist(), strict=True))


def all_of(history: History, labels: Mapping[str, str] = GOLD) -> list[float]:
    return history.range(NAME, labels, 0, 2 * AT, 1.0).values.tolist()
