"""All sources as one, watched like a source of its own: what is said of groups across them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor

from exporter.findings import GroupOf
from exporter.findings.config import ESTATE, ForecastSettings
from exporter.findings.groups import forecast_groups
from exporter.history import History
from exporter.model import Collector, GroupForecast, Poll, State

# Groups grow by the day.
_INTERVALS = 4


class Estate:
    """states: of the sources as they are configured at the moment, by name."""

    name: str = ESTATE
    kind: str = ESTATE
    host: str = ""
    client: None = None
    efficiency: None = None

    def __init__(
        self,
        states: Callable[[], Iterable[tuple[str, State]]],
        history: History,
        group_of: GroupOf,
        executor: Executor,
        settings: ForecastSettings,
    ) -> None:
        def groups(_: object, poll: Poll) -> tuple[GroupForecast, ...]:
            return forecast_groups(dict(states()), history, group_of, poll.at, executor, settings)

        self.collectors: tuple[Collector, ...] = (
            Collector("groups", groups, _INTERVALS * settings.interval, elsewhere=True),
        )

    def close(self) -> None:
        """It holds nothing of its own."""
