"""How a scan leaves the machine to others: a limit of entries a second, and times at which it does nothing."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from datetime import time as time_of_day
from pathlib import Path

# A thread that was late by less may catch up.
_BURST_SECONDS = 0.1
# Nobody who wants a scan to stop waits longer.
_LONGEST_SLEEP = 0.25


@dataclass(slots=True)
class Bucket:
    """`rate` entries a second for all that share it; should_stop is asked at each take and while it sleeps.

    Raises what should_stop raises.
    """

    rate: float | None = None
    should_stop: Callable[[], object] = lambda: None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _due: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, entries: int) -> None:
        """Return when that many more may be looked at. The first take after a pause owes nothing for it."""
        self.should_stop()
        if self.rate is None:
            return
        with self._lock:
            now = self.clock()
            due = self._due = max(self._due or now, now - _BURST_SECONDS) + entries / self.rate
        while (left := due - self.clock()) > 0:
            self.sleep(min(left, _LONGEST_SLEEP))
            self.should_stop()


@dataclass(slots=True)
class Pressure:
    """Whether tasks of this machine wait for its disks too often: /proc/pressure/io.

    limit: percent of the last ten seconds in which some task waited. Once above, it is high until below half of it.
    A kernel that does not tell is never under pressure.
    """

    limit: float
    path: Path = Path("/proc/pressure/io")
    clock: Callable[[], float] = time.monotonic
    _high: bool = False
    _read_at: float = -1.0

    def is_high(self) -> bool:
        now = self.clock()
        if now >= self._read_at + 1:
            self._read_at = now
            percent = self._percent()
            self._high = percent > (self.limit / 2 if self._high else self.limit)
        return self._high

    def _percent(self) -> float:
        try:
            text = self.path.read_text(encoding="ascii")
        except OSError:
            # Absent, or built in and switched off: then reading says EOPNOTSUPP.
            return 0.0
        found = re.search(r"^some avg10=([0-9.]+)", text)
        return float(found[1]) if found else 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """A time of day, in local time, that ends before it begins if it goes over midnight."""

    begin: time_of_day
    end: time_of_day

    def holds(self, at: datetime) -> bool:
        if self.begin <= self.end:
            return self.begin <= at.time() < self.end
        return at.time() >= self.begin or at.time() < self.end


def parse_window(text: str) -> Window:
    """Of "08:00-18:30". Raises ValueError for anything else."""
    begin, dash, end = text.partition("-")
    try:
        window = Window(*(datetime.strptime(each.strip(), "%H:%M").time() for each in (begin, end)))  # noqa: DTZ007
    except ValueError as error:
        raise ValueError(f'{text!r} is no time of day like "08:00-18:30"') from error
    if not dash or window.begin == window.end:
        raise ValueError(f'{text!r} is no time of day like "08:00-18:30"')
    return window


@dataclass(frozen=True, slots=True)
class Pauses:
    """Why no new part of a scan may be begun just now."""

    pressure: Pressure | None = None
    windows: Sequence[Window] = ()

    def reason(self, at: datetime | None = None) -> str | None:
        """ "window", "pressure" or None."""
        if self.windows and any(window.holds(at or datetime.now().astimezone()) for window in self.windows):
            return "window"
        return "pressure" if self.pressure is not None and self.pressure.is_high() else None


def be_nice() -> None:
    """Let all others go first: this thread only on Linux, elsewhere the process is left as it is."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
