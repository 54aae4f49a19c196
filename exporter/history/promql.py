"""Asked of Prometheus, VictoriaMetrics, Thanos or Mimir: they scrape what we publish, so nothing is appended.

Each step is asked for as `last_over_time(…[step])` (or min, max) at its end. A window looks at nothing but itself:
neither the server's lookback of five minutes nor a stale marker reaches into it, so a gap stays a gap.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from exporter.errors import ConfigError, HistoryError, SourceError, SourceGarbled
from exporter.history import NOTHING, Of, Sample, Series, Steps
from exporter.http import HttpClient, HttpStatus, dig
from exporter.settings import Pinned, Secret
from exporter.telemetry import Telemetry

# How Mimir, Cortex and Thanos refuse a range that is longer than a tenant may ask for at once.
_TOO_LONG = "time range exceeds the limit"
# Remarks on the query itself, and what Thanos says of a time of which no store has anything.
_HARMLESS = ("PromQL ", "No StoreAPIs matched")

# A server answers at most 11,000 points a series.
MOST_POINTS = 10_000

_ROUTE = "/api/v1/query_range"
_ENDPOINT = f"GET {_ROUTE}"

# What others than Prometheus must be told, and it does not mind: VictoriaMetrics else moves the steps to multiples
# of their length, it and Thanos else answer without a store that is down, and Thanos else without downsampled blocks
# and perhaps with each replica for itself.
_NO_APPROXIMATION = {
    "nocache": "1", "deny_partial_response": "1", "partial_response": "false", "max_source_resolution": "auto",
    "dedup": "true",
}  # fmt: skip


class Credentials:
    """A bearer token, or a username and password; read anew for each request, so that they can be rotated."""

    def __init__(self, secret: Secret, username: str | None = None) -> None:
        self._secret, self._username = secret, username

    def headers(self) -> Mapping[str, str]:
        if self._username is None:
            return {"Authorization": f"Bearer {self._secret.read()}"}
        pair = f"{self._username}:{self._secret.read()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def reject(self, headers: Mapping[str, str]) -> None:
        """They are read again for the second attempt."""


class PromqlHistory:
    """url: the server's root or prefix, below which /api/v1 is; selector: labels put into every query;
    tenant: of Mimir, Cortex and Loki's kin, sent as X-Scope-OrgID."""

    def __init__(
        self,
        url: str,
        telemetry: Telemetry,
        *,
        selector: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
        tenant: str | None = None,
        verify: bool | Path | Pinned = True,
    ) -> None:
        headers = {"X-Scope-OrgID": tenant} if tenant else {}
        self.url = url
        self._client = HttpClient(
            "history", url, telemetry, verify=verify, headers=headers, concurrency=2, attempts=2
        )  # fmt: skip
        self._client.login = credentials
        self._selector = dict(selector or {})
        # Seconds between the first and the last point of one request; learned from its refusals.
        self._longest = math.inf

    def append(self, samples: Iterable[Sample], at: float) -> None:
        """Nothing to do: the server has scraped them."""

    def range(
        self, name: str, labels: Mapping[str, str], start: float, end: float, step: float, of: Of = "last"
    ) -> Series:
        return self.ranges(name, labels, (), start, end, step, of).get((), NOTHING)

    def ranges(
        self,
        name: str,
        matching: Mapping[str, str],
        by: Sequence[str],
        start: float,
        end: float,
        step: float,
        of: Of = "last",
    ) -> dict[tuple[str, ...], Series]:
        matchers = ",".join(f"{key}={_quoted(value)}" for key, value in {**matching, **self._selector}.items())
        steps = Steps.between(start, end, step)
        # A millisecond less: Prometheus 2 counts a sample on the edge of two windows into both.
        query = f"{of}_over_time({name}{{{matchers}}}[{steps.seconds * 1000 - 1}ms])"
        # Several series may be one here: scraped by two jobs, or before and after a rename of the instance.
        found: dict[tuple[str, ...], dict[int, float]] = {}
        for labels, points in self._ask(query, steps):
            known = found.setdefault(tuple(labels.get(label, "") for label in by), {})
            for moment, value in points:
                known[round((end - float(moment)) / steps.seconds)] = float(value)
        return {key: _series(steps, points) for key, points in found.items() if points}

    def close(self) -> None:
        self._client.close()

    def _ask(self, query: str, steps: Steps) -> Iterator[tuple[Mapping[str, str], list[tuple[float, str]]]]:
        """(labels, points) as answered, in as many requests as the limits of points and of time want."""
        # Numbers of steps, (oldest, newest), the part to ask for next at the end.
        parts = [(steps.count - 1, 0)]
        while parts:
            oldest, newest = parts.pop()
            most = int(min(MOST_POINTS, 1 + self._longest / steps.seconds))
            if oldest - newest >= most:
                parts.append((oldest - most, newest))
                newest = oldest - most + 1
            first, last = (steps.end - number * steps.seconds for number in (oldest, newest))
            asked = {"query": query, "start": f"{first:.3f}", "end": f"{last:.3f}", "step": str(steps.seconds)}
            try:
                answer = self._client.get(_ROUTE, params=asked | _NO_APPROXIMATION).json()
                _refuse_partial(answer)
                for series in dig(answer, "data", "result", endpoint=_ENDPOINT, expect=list):
                    yield series["metric"], [(float(at), value) for at, value in series["values"]]
            except (SourceError, ConfigError) as error:
                if _TOO_LONG in _said(error) and oldest > newest:
                    self._longest = (last - first) / 2
                    parts.append((oldest, newest))
                    continue
                raise HistoryError(f"history {self.url}: {error}{_said(error)}") from error
            except (KeyError, TypeError, ValueError) as error:
                raise HistoryError(f"history {self.url}: {_ENDPOINT}: a series of another shape: {error}") from error


def _refuse_partial(answer: object) -> None:
    """A cluster may say in an answer that a part of it is missing, though it was told not to answer then."""
    if not isinstance(answer, dict):
        return
    said = [str(text) for text in answer.get("warnings") or () if not str(text).startswith(_HARMLESS)]
    if answer.get("isPartial") or said:
        raise SourceGarbled(f"{_ENDPOINT}: the answer is not complete{_shortened(said[0]) if said else ''}")


def _series(steps: Steps, points: Mapping[int, float]) -> Series:
    numbers = np.array(sorted(points, reverse=True), np.float64)
    return Series(steps.moments(numbers), np.array([points[int(number)] for number in numbers], np.float64))


def _said(error: Exception) -> str:
    """What the server has against the query: too many samples, a tenant it does not know."""
    if not isinstance(error, HttpStatus) or error.status in (401, 403):
        return ""
    try:
        text = json.loads(error.body)["error"]
    except (ValueError, TypeError, KeyError):
        return ""
    return _shortened(text)


def _shortened(text: object) -> str:
    return f": {' '.join(str(text).split())[:200]}"


def _quoted(value: str) -> str:
    # As the page shows a label that is not valid text.
    value = value.encode("utf-8", "backslashreplace").decode()
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'
