"""Asked of Prometheus, VictoriaMetrics, Thanos or Mimir: they scrape what we publish, so nothing is appended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from exporter.errors import HistoryError, SourceError
from exporter.history import Sample, Series
from exporter.http import HttpClient, dig
from exporter.telemetry import Telemetry

# A server answers at most 11,000 points a series.
_MOST_POINTS = 10_000


class PromqlHistory:
    """url: the server's root or prefix, below which /api/v1 is; selector: labels put into every query."""

    def __init__(self, url: str, telemetry: Telemetry, *, selector: Mapping[str, str] | None = None) -> None:
        self._client = HttpClient("history", url, telemetry, concurrency=2, attempts=2)
        self._selector = dict(selector or {})

    def append(self, samples: Iterable[Sample], at: float) -> None:
        """Nothing to do: the server has scraped them."""

    def range(self, name: str, labels: Mapping[str, str], start: float, end: float, step: float) -> Series:
        matchers = ",".join(f"{key}={_quoted(value)}" for key, value in {**labels, **self._selector}.items())
        seconds = math.ceil(max(step, (end - start) / _MOST_POINTS, 1.0))
        # Counted back from the end, so that the newest value is in the last step.
        first = end - max(0, math.floor((end - start) / seconds) - 1) * seconds
        query = {
            # A millisecond less: Prometheus 2 counts a sample on the edge of two windows into both.
            "query": f"last_over_time({name}{{{matchers}}}[{seconds * 1000 - 1}ms])",
            "start": f"{first:.3f}", "end": f"{end:.3f}", "step": str(seconds),
        }  # fmt: skip
        try:
            answer = self._client.get("/api/v1/query_range", params=query).json()
            found = dig(answer, "data", "result", endpoint="GET /api/v1/query_range", expect=list)
            points: dict[float, float] = {}
            # Several: the same series scraped by two jobs, or before and after a rename of the instance.
            for series in found:
                points.update((float(at), float(value)) for at, value in series["values"])
        except (SourceError, KeyError, TypeError, ValueError) as error:
            raise HistoryError(f"history: {error}") from error
        ordered = sorted(points)
        return Series(np.array(ordered, dtype=np.float64), np.array([points[at] for at in ordered], dtype=np.float64))

    def close(self) -> None:
        self._client.close()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'
