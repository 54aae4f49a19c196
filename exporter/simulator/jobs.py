"""The job history, computed and not stored: what job 1,234,567 was follows from its number.

Every backup day, from noon to noon, has the same jobs at the same times (`Layout`), so number, day and time lead to
each other by arithmetic, and a million jobs need no more memory than one day of them.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from exporter.simulator.landscape import Landscape
from exporter.simulator.sizes import DAY, HOUR

BACKUPS = (8 * HOUR, 15 * HOUR)
COPIES = (16 * HOUR, 19 * HOUR)
DDB_BACKUP_START = 20 * HOUR
MAX_DURATION = 4 * HOUR

BACKUP, AGING, RECOVERY, DDB_BACKUP, AUX_COPY, VERIFICATION, RECLAMATION = range(7)


@dataclass(frozen=True)
class Slot:
    """One job of every day. `about` is a client slot, a plan or a pool, as the kind wants."""

    start: int
    kind: int
    about: int = 0


class Layout:
    """The jobs of a day in the order they start."""

    def __init__(self, landscape: Landscape, *, aging_seconds: int = DAY) -> None:
        size = landscape.size
        own = [index for index, plan in enumerate(landscape.plans) if plan.copies]
        admin = [Slot(start, AGING) for start in range(0, DAY, aging_seconds)]
        admin += [Slot(HOUR, VERIFICATION), Slot(2 * HOUR, RECLAMATION), Slot(22 * HOUR, RECOVERY)]
        copied = [index for index in own if len(landscape.plans[index].copies) > 1]
        admin += [Slot(_spread(COPIES, n, len(copied)), AUX_COPY, plan) for n, plan in enumerate(copied)]
        dedup = [index for index, pool in enumerate(landscape.pools) if pool.dedup]
        admin += [Slot(DDB_BACKUP_START + 10 * n, DDB_BACKUP, pool) for n, pool in enumerate(dedup)]
        daily = len([slot for slot in admin if slot.kind != AGING]) + 1
        backups = max(size.clients, ceil(size.jobs / size.days) - daily)
        slots = [Slot(_spread(BACKUPS, n, backups), BACKUP, n) for n in range(backups)]
        slots = sorted([*admin, *slots], key=lambda slot: slot.start)
        self.starts = array("I", [slot.start for slot in slots])
        self.kinds = array("B", [slot.kind for slot in slots])
        self.abouts = array("I", [slot.about for slot in slots])
        self.backups = backups
        self.plans = own
        self.slot_plans = array("i", [self._plan_of(slot, size.clients) for slot in slots])
        # The backups of each plan, by its id.
        self.slots_of_plan = {plan.id: array("I") for plan in landscape.plans}
        for index, slot in enumerate(slots):
            if slot.kind == BACKUP:
                self.slots_of_plan[landscape.plans[self.slot_plans[index]].id].append(index)

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def every_slot(self) -> Sequence[int]:
        return array("I", range(len(self)))

    @cached_property
    def backup_slots(self) -> Sequence[int]:
        return array("I", [index for index, kind in enumerate(self.kinds) if kind == BACKUP])

    def _plan_of(self, slot: Slot, clients: int) -> int:
        """The index of the plan that a backup or a copy belongs to, else -1."""
        if slot.kind == BACKUP:
            return self.plans[slot.about % clients % len(self.plans)]
        return slot.about if slot.kind == AUX_COPY else -1


def _spread(window: tuple[int, int], index: int, count: int) -> int:
    return window[0] + (window[1] - window[0]) * index // max(1, count)


@dataclass(frozen=True)
class Numbering:
    """Job numbers: days before `change_day` follow one layout, the days from then on another."""

    first_day: int
    change_day: int
    before: Layout
    after: Layout
    first_id: int = 1_000_001

    def layout(self, day: int) -> Layout:
        return self.before if day < self.change_day else self.after

    def id_of(self, day: int, slot: int) -> int:
        early = min(day, self.change_day) - self.first_day
        late = max(0, day - self.change_day)
        return self.first_id + early * len(self.before) + late * len(self.after) + slot

    def place_of(self, job_id: int) -> tuple[int, int] | None:
        """The day and the slot of a number; None before the first."""
        rest = job_id - self.first_id
        if rest < 0:
            return None
        early = (self.change_day - self.first_day) * len(self.before)
        if rest < early:
            days, slot = divmod(rest, len(self.before))
            return self.first_day + days, slot
        days, slot = divmod(rest - early, len(self.after))
        return self.change_day + days, slot

    def begun(self, day: int, seconds: float) -> int:
        """How many jobs of a day have started so many seconds after its noon."""
        return bisect_right(self.layout(day).starts, seconds)
