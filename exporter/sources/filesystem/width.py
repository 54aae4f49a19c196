"""How many threads a slow mount is asked with: more while they help, fewer when it suffers."""

from __future__ import annotations

from dataclasses import dataclass

# Below, the filesystem answers from memory or a local disk, and a thread costs more than it gains.
LOCAL_SECONDS = 50e-6
_GROWTH = 1.15
_SUFFERS = 2.0
_WEIGHT = 0.3


@dataclass(slots=True)
class Width:
    """now: threads at work. latency: mean seconds of a call when the scan began. window: seconds of a comparison."""

    latency: float
    now: int = 4
    cap: int = 64
    window: float = 1.0
    _average: float = 0.0
    _entries: int = 0
    _since: float | None = None
    _last_rate: float = 0.0

    def note(self, entries: int, seconds: float, at: float) -> None:
        """A part of that many entries came back, which spent the seconds in calls, at a time by the clock."""
        if self._since is None:
            self._since = at
        self._entries += entries
        if entries:
            mean = seconds / entries
            self._average = mean if not self._average else self._average + _WEIGHT * (mean - self._average)
        if at - self._since >= self.window:
            self._compare(self._entries / (at - self._since))
            self._entries, self._since = 0, at

    def _compare(self, rate: float) -> None:
        if self._average > _SUFFERS * self.latency and self.now > 1:
            self.cap = self.now = self.now // 2
            self._average = 0.0
        elif self.now < self.cap:
            if rate >= _GROWTH * self._last_rate:
                self.now = min(self.cap, self.now * 2)
            else:
                self.cap = self.now
        self._last_rate = rate
