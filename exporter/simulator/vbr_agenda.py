"""What is due when: things at a time, things that happen daily at a time on the server's wall clock."""

import heapq
import itertools
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Action = Callable[[float], None]


class Agenda:
    """Actions get the time they were due at, in the order of that time."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._order = itertools.count()
        self._due: list[tuple[float, int, Action]] = []

    def at(self, when: float, action: Action) -> None:
        heapq.heappush(self._due, (when, next(self._order), action))

    def daily(self, minutes: int, after: float, action: Action) -> None:
        """Every day at `minutes` after local midnight, from the first such time after `after` on."""

        def today(at: float) -> None:
            action(at)
            self.daily(minutes, at, action)

        self.at(self.next_local(minutes, after), today)

    def live_until(self, present: float) -> None:
        while self._due and self._due[0][0] <= present:
            when, _, action = heapq.heappop(self._due)
            action(when)

    def next_local(self, minutes: int, after: float) -> float:
        """The first time after `after` at which the clock on the server's wall shows `minutes` after midnight."""
        day = datetime.fromtimestamp(after, self._zone).date()
        today = self._local(day, minutes)
        return today if today > after else self._local(day + timedelta(days=1), minutes)

    def _local(self, day: date, minutes: int) -> float:
        return datetime.combine(day, time(minutes // 60, minutes % 60), self._zone).timestamp()
