"""A living storage pool: backups fill it, aging marks what may go, pruning frees it.

Between two steps everything runs at a steady rate, so that the level at any moment is the same however often one looks.
"""

from collections import deque
from dataclasses import dataclass, field

from exporter.simulator.landscape import PoolSpec
from exporter.simulator.retention import Copy
from exporter.simulator.sizes import DAY, HOUR, MIB

FOREIGN_RATIO = 0.015
LOG_SHARE = 0.2
LOG_LIFE = 7 * DAY
PRUNE_SECONDS = 16 * HOUR
SEALED_FACTOR = 2.5
SEALED_SECONDS = 7 * DAY
LOOK_BACK_DAYS = 30

# Share of a day's backups written in each hour from noon on: the nights are long, the days are quiet.
PROFILE = tuple(weight / 100 for weight in (1, 1, 1, 1, 1, 1, 2, 3, 8, 12, 14, 13, 11, 9, 6, 4, 3, 2, 2, 1, 1, 1, 1, 1))


@dataclass
class Disk:
    """What pools stand on: usually one each, sometimes shared. A cloud is endless."""

    capacity: int
    is_endless: bool = False
    pools: list["Pool"] = field(default_factory=list)


class Pool:
    """Bytes of a pool at the start of the present step, and the rates at which they change."""

    def __init__(self, spec: PoolSpec, disk: Disk) -> None:
        self.spec = spec
        self.disk = disk
        self.copies: list[Copy] = []
        self.written = 0.0
        self.pending = 0.0
        self.pending_records = 0.0
        self.is_pruning = True
        self.storm_rate = 0.0
        # Backups that no rule ever lets go.
        self.hoard_rate = 0.0
        self.record_bytes = float(MIB)
        self.sealed_at: float | None = None
        self.written_by_day: deque[float] = deque(maxlen=LOOK_BACK_DAYS)
        self.freed_by_day: deque[float] = deque(maxlen=LOOK_BACK_DAYS)
        self._freed_today = 0.0
        self._aged: deque[tuple[float, float]] = deque()
        self._since = 0.0
        self._room = float("inf")
        self._day_bytes = 0.0
        self._backup_rate = 0.0
        self._log_rate = 0.0
        self._prune_rate = 0.0
        self._log_segments: deque[tuple[float, float]] = deque([(float("-inf"), 0.0)])
        self._logs_aged_until = 0.0

    def be_born(self, at: float, day: int) -> None:
        """Starts at the level that a healthy past would have led to."""
        self._since = at
        if self.spec.offline:
            self.written = self.spec.capacity * self.spec.level
            return
        target = self.spec.capacity * self.spec.level
        self._share_out(target)
        self._log_rate = target * LOG_SHARE / (LOG_LIFE + DAY / 2)
        self._log_segments[0] = (float("-inf"), self._log_rate)
        self._logs_aged_until = at - LOG_LIFE
        self.written = self._log_rate * LOG_LIFE + sum(copy.be_born(day) for copy in self.copies)
        weekly = sum(
            copy.unit * copy.cycle_units * 7 / copy.plan.full_every for copy in self.copies if copy.spec.active
        )
        self._prune_rate = (weekly + self._log_rate * DAY) / PRUNE_SECONDS
        self.record_bytes = (weekly / 7 + self._log_rate * DAY) / self.spec.records_per_day

    def written_at(self, at: float) -> float:
        elapsed = at - self._since
        inflow = min((self._backup_rate + self._log_rate + self.storm_rate + self.hoard_rate) * elapsed, self._room)
        return max(0.0, self.written + inflow - self._pruned(elapsed))

    def pending_at(self, at: float) -> tuple[float, int]:
        """Bytes and records that aging has given up and pruning has not freed."""
        left = self.pending - self._pruned(at - self._since)
        share = left / self.pending if self.pending > 0 else 0.0
        return left, round(self.pending_records * share)

    def settle(self, at: float) -> None:
        """Makes this moment the start of a step; `step` sets its rates."""
        pruned = self._pruned(at - self._since)
        if pruned > 0:
            self._freed_today += pruned
            self.pending_records *= 1 - pruned / self.pending
        self.written = self.written_at(at)
        self.pending -= pruned
        self._since = at

    def step(self, hour: int, room: float) -> None:
        """`hour` since noon; `room` bytes are left on the disk."""
        self._backup_rate = self._day_bytes * PROFILE[hour] / HOUR
        self._room = room

    def open_day(self, day: int, at: float, failing: frozenset[int]) -> None:
        """Backups of a new day; `failing` are the plans whose fulls do not come through."""
        self.freed_by_day.append(self._freed_today)
        self._freed_today = self._day_bytes = 0.0
        fresh = self.sealed_at is not None and at - self.sealed_at < SEALED_SECONDS
        for copy in self.copies:
            size = copy.bytes_on(day) * (SEALED_FACTOR if fresh else 1.0)
            copy.write(day, size, full_succeeds=copy.plan.id not in failing)
            self._day_bytes += size
        self.written_by_day.append(self._day_bytes + self._log_rate * DAY)

    def age(self, at: float) -> None:
        """A Data Aging run: cycles and log backups whose time is over wait for pruning from now on."""
        aged = sum(copy.age(at) for copy in self.copies) + self._age_logs(at)
        self.pending += aged
        self.pending_records += aged / self.record_bytes
        if aged:
            self._aged.append((at, aged))
        waiting_since = self.waiting_since(at)
        while self._aged and self._aged[0][0] < waiting_since:
            self._aged.popleft()

    def waiting_since(self, at: float) -> float:
        """When the oldest of what waits for pruning has aged; infinite when nothing waits."""
        left, _ = self.pending_at(at)
        since = float("inf")
        for aged_at, aged in reversed(self._aged):
            # Sums of floats: less than a byte is nothing.
            if left < 1.0:
                break
            left -= aged
            since = aged_at
        return since

    def storm(self, at: float, rate: float) -> None:
        """Log backups come in at so many bytes per second on top of the usual; 0 ends it."""
        if rate == self.storm_rate:
            return
        self.storm_rate = rate
        self._log_segments.append((at, self._log_rate + rate))

    def _pruned(self, elapsed: float) -> float:
        return min(self._prune_rate * elapsed, self.pending) if self.is_pruning else 0.0

    def _share_out(self, target: float) -> None:
        """Gives every copy its part of the level."""
        active = [copy for copy in self.copies if copy.spec.active]
        for copy in active:
            copy.unit = target * (1 - LOG_SHARE) / len(active) / copy.units_alive()

    def _age_logs(self, at: float) -> float:
        until = at - LOG_LIFE
        ends = [start for start, _ in list(self._log_segments)[1:]] + [float("inf")]
        aged = 0.0
        for (start, rate), end in zip(self._log_segments, ends, strict=True):
            aged += rate * max(0.0, min(end, until) - max(start, self._logs_aged_until))
        while len(self._log_segments) > 1 and self._log_segments[1][0] <= until:
            self._log_segments.popleft()
        self._logs_aged_until = until
        return aged
