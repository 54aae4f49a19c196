"""A plan's copy on a pool: what it writes each day, and what its rule lets age.

Both conditions of a rule must be exceeded, the days for every job of a cycle: a cycle leaves as a whole.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from exporter.simulator.landscape import INFINITE, CopySpec, PlanSpec
from exporter.simulator.noise import chance
from exporter.simulator.sizes import DAY

FULL_WEIGHT = 3.0
BACKUP_HOUR = 9 * 3600
NOON = DAY // 2
ANCESTRY = 20


def day_of(at: float) -> int:
    """The backup day, from noon to noon: aging runs at noon, the backups of the evening follow."""
    return int((at - NOON) // DAY)


def noon_of(day: int) -> float:
    return day * DAY + NOON


@dataclass(frozen=True)
class Rule:
    days: int
    cycles: int

    @property
    def is_infinite(self) -> bool:
        return self.days == INFINITE

    def life_days(self, full_every: int) -> float:
        """How long the full of a cycle lives when all goes well, up to the aging run that takes it."""
        return max(self.cycles * full_every, full_every - 1 + self.days) + 1


@dataclass
class Cycle:
    """A full and the incrementals that depend on it; times are those when its first and last job started."""

    full_at: float
    last_job_at: float
    size: float


class Copy:
    """A living copy. `unit` is what an average incremental day writes."""

    def __init__(self, spec: CopySpec, plan: PlanSpec, seed: int) -> None:
        self.spec = spec
        self.plan = plan
        self.rule = Rule(spec.days, spec.cycles)
        self.unit = 0.0
        self.cycles: deque[Cycle] = deque()
        # When which days of backups lost their reason to be there.
        self.aged: deque[tuple[float, range]] = deque(maxlen=ANCESTRY)
        self._seed = seed

    @property
    def cycle_units(self) -> float:
        return FULL_WEIGHT + self.plan.full_every - 1

    def units_alive(self) -> float:
        """What the copy keeps on average, in units: each job of a cycle lives shorter by its age within the cycle."""
        every = self.plan.full_every
        life = ANCESTRY * every if self.rule.is_infinite else self.rule.life_days(every)
        return (FULL_WEIGHT * life + sum(life - age for age in range(1, every))) / every

    def bytes_on(self, day: int) -> float:
        """What the plan's jobs of a day write, as long as its fulls succeed."""
        if not self.spec.active:
            return 0.0
        weight = FULL_WEIGHT if self.plan.is_full(day) else 1.0
        return self.unit * weight * (0.8 + 0.4 * chance(self._seed, self.spec.id, day))

    def be_born(self, day: int) -> float:
        """Fills the copy with what a healthy past has left there on this day; the bytes."""
        every = self.plan.full_every
        newest = day - 1 - (day - 1 - self.plan.full_offset) % every
        life = ANCESTRY * every if self.rule.is_infinite else self.rule.life_days(every)
        full_day = newest - int((newest - day + life - 1) // every) * every
        while full_day <= newest:
            last_day = min(full_day + every, day) - 1
            size = self.unit * (FULL_WEIGHT + last_day - full_day) if self.spec.active else 0.0
            self.cycles.append(Cycle(noon_of(full_day) + BACKUP_HOUR, noon_of(last_day) + BACKUP_HOUR, size))
            full_day += every
        return sum(cycle.size for cycle in self.cycles)

    def write(self, day: int, size: float, *, full_succeeds: bool) -> None:
        at = noon_of(day) + BACKUP_HOUR
        if self.plan.is_full(day) and full_succeeds:
            self.cycles.append(Cycle(at, at, size))
        else:
            newest = self.cycles[-1]
            newest.size += size
            newest.last_job_at = at

    def age(self, at: float) -> float:
        """Lets go of the cycles whose time is over; the bytes that lose their reason to be there."""
        if self.rule.is_infinite:
            return 0.0
        aged = 0.0
        while len(self.cycles) > max(1, self.rule.cycles):
            oldest = self.cycles[0]
            if at - oldest.last_job_at <= self.rule.days * DAY:
                break
            aged += self.cycles.popleft().size
            self.aged.append((at, range(day_of(oldest.full_at), day_of(self.cycles[0].full_at))))
        return aged

    def keeps(self, day: int) -> bool:
        return day >= day_of(self.cycles[0].full_at)

    def keeps_longer(self, day: int, at: float) -> float:
        """For how many seconds an extended rule keeps the jobs of a day: 0 when none does, or no longer."""
        if self.spec.monthly_for_days is None or not self.plan.is_full(day):
            return 0.0
        is_first = _month_of(day) != _month_of(day - self.plan.full_every)
        life = self.spec.monthly_for_days * DAY
        return life if is_first and at - noon_of(day) <= life else 0.0

    def cycle_of(self, day: int) -> Cycle:
        """The cycle of a day that the copy keeps."""
        return self.cycles[bisect_right(self.cycles, day, key=lambda cycle: day_of(cycle.full_at)) - 1]

    def demand_cycles(self, cycles: int) -> None:
        self.rule = replace(self.rule, cycles=cycles)


def _month_of(day: int) -> int:
    return datetime.fromtimestamp(noon_of(day), UTC).month
