"""The clock a simulated system lives by: wall time, a time of one's own, faster, slower or still."""

import threading
import time


class Clock:
    """Unix seconds that start where one wants and run `rate` times as fast as the wall clock; rate 0 stands still."""

    def __init__(self, start: float | None = None, rate: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._anchor = time.time()
        self._base = self._anchor if start is None else float(start)
        self._rate = rate

    @property
    def rate(self) -> float:
        return self._rate

    def now(self) -> float:
        with self._lock:
            return self._now()

    def set(self, t: float) -> None:
        with self._lock:
            self._base, self._anchor = float(t), time.time()

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._base += seconds

    def run(self, rate: float) -> None:
        """Goes on from the present moment at another rate."""
        with self._lock:
            self._base, self._anchor = self._now(), time.time()
            self._rate = rate

    def _now(self) -> float:
        return self._base + (time.time() - self._anchor) * self._rate
