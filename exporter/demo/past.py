"""The made-up past of the demo: polls at moments behind us, and what they put on the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Protocol

from exporter.board import Board
from exporter.watch import Watch

DAY, HOUR = 86400.0, 3600.0

# Asked every hour of the last two days. Further back only sizes matter, for the forecast.
_RECENT = ("pools", "dedup_stores", "media_agents", "jobs", "backup_jobs", "forecasts")
_RECENT_S = 2 * DAY
_DISTANT_STEP_S = 6 * HOUR
# For how long Prometheus has to show a sample of this past, and how often one is written; more often where rules look
# back. A series that no later poll shows ends.
LOOKBACK_S = 1860
_DISTANT_HOLD_S, _HOLD_S = 1800.0, 240.0
_HELD_FOR_S = 26 * HOUR
_ENDS_AFTER_S = 1.2 * _DISTANT_STEP_S


class Simulated(Protocol):
    def live_until(self, moment: float) -> None: ...


class Past:
    """`whole`: every collector is polled as often as it likes and there are moments, filesystems too. Takes minutes."""

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        # "name{labels}" to its (moment, value) in order of time.
        self._series: dict[str, list[tuple[float, str]]] = defaultdict(list)
        self._until = 0.0

    def live(self, watches: Iterable[Watch], board: Board, simulated: Simulated, now: float, days: int) -> None:
        """Poll the simulated sources as of moments from `days` ago to now."""
        asked = [watch for watch in watches if self._whole or watch.source.kind != "filesystem"]
        moments = [*_moments(now - days * DAY, now)]
        polled: dict[tuple[str, str], float] = {}
        for moment in moments:
            simulated.live_until(moment)
            for watch in asked:
                for name, collector in watch.collectors.items():
                    key = (watch.source.name, name)
                    if (
                        moment in (moments[0], moments[-1])
                        or name == "pools"
                        or (name in _RECENT and moment >= now - _RECENT_S)
                        or (self._whole and moment - polled[key] >= collector.interval)
                    ):
                        watch.poll(name, moment)
                        polled[key] = moment
            self._keep(board, moment)
        self._until = now

    def openmetrics(self, labels: str) -> Iterator[str]:
        """What was on the page, as `promtool tsdb create-blocks-from openmetrics` reads it.

        labels: added to every series, such as 'job="ebbtide"'.
        """
        by_name: dict[str, list[str]] = defaultdict(list)
        for series in self._series:
            by_name[series.partition("{")[0]].append(series)
        for name, members in sorted(by_name.items()):
            yield f"# TYPE {name} gauge\n"
            for series in members:
                for at, value in self._held(self._series[series]):
                    yield f"{series[:-1]},{labels}}} {value} {at:.3f}\n"
        yield "# EOF\n"

    def _held(self, samples: list[tuple[float, str]]) -> Iterator[tuple[float, str]]:
        ends = [at for at, _ in samples[1:]] + [self._until]
        for (at, value), next_at in zip(samples, ends, strict=True):
            yield at, value
            hold = _HOLD_S if at > self._until - _HELD_FOR_S else _DISTANT_HOLD_S
            end = min(next_at, at + _ENDS_AFTER_S)
            held = at + hold
            while held < end:
                yield held, value
                held += hold

    def _keep(self, board: Board, moment: float) -> None:
        for line in board.page(moment).text.decode().splitlines():
            if not line.startswith("#"):
                series, _, value = line.rpartition(" ")
                self._series[series].append((moment, value))


def _moments(start: float, end: float) -> Iterator[float]:
    """From start to end, every six hours and in the last two days every hour."""
    moment = start
    while moment < end:
        yield moment
        moment += HOUR if moment >= end - _RECENT_S else _DISTANT_STEP_S
    yield end
