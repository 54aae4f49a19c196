"""Any page of the job history, newest first, without making more jobs than the page shows."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from exporter.simulator.jobs import AGING, AUX_COPY, BACKUP, DDB_BACKUP, MAX_DURATION, RECLAMATION, RECOVERY, Numbering
from exporter.simulator.landscape import Landscape, PlanSpec
from exporter.simulator.noise import chance, mixed
from exporter.simulator.retention import Copy, day_of, noon_of
from exporter.simulator.sizes import DAY

YEAR = 365 * DAY
FIRST_CLIENT = 5001
REMEMBERED_DAYS = 400
ALL, ACTIVE, FINISHED = range(3)
TYPES = (
    "Backup",
    "Data Aging",
    "CS DR Backup",
    "DDB Backup",
    "Auxiliary Copy",
    "Data Verification",
    "DDB Space Reclamation",
)
SYNTHETIC = "Synthetic Full"
OUTCOMES = (
    (12, "Failed"),
    (20, "Completed w/ one or more errors"),
    (24, "Killed"),
    (40, "Completed w/ one or more warnings"),
    (42, "Committed"),
    (44, "Failed to Start"),
)
FAILED = ("Failed", "Killed", "Failed to Start")


@dataclass(frozen=True)
class Job:
    """Sizes in bytes. `end` None is running; `level` None is an admin job."""

    id: int
    type: str
    level: str | None
    status: str
    start: int
    end: int | None
    elapsed: int
    client_id: int
    client: str
    subclient: str
    plan: PlanSpec | None
    application_bytes: int
    media_bytes: int
    is_aged: bool


@dataclass(frozen=True)
class JobQuery:
    """`lookup` in seconds back counts for finished jobs; empty sets mean all."""

    lookup: float = YEAR
    category: int = ALL
    admin: bool = True
    statuses: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    clients: frozenset[int] = frozenset()

    @property
    def picks(self) -> bool:
        return bool(self.statuses or self.types or self.clients)


@dataclass
class JobHistory:
    landscape: Landscape
    numbering: Numbering
    primaries: dict[int, Copy]
    full_fails: Callable[[int, float], bool]
    _picked: dict[tuple[int, JobQuery], Sequence[int]] = field(default_factory=dict, repr=False)

    def page(self, query: JobQuery, now: float, offset: int, limit: int) -> tuple[int, list[Job]]:
        """How many jobs there are in all, and those from `offset` on."""
        total, wanted = 0, []
        for day, slots in self._days(query, now):
            count = len(slots)
            begin = max(0, offset - total)
            end = min(count, offset + limit - total)
            wanted += [(day, slots[count - 1 - index]) for index in range(begin, end)]
            total += count
        return total, [self.job(day, slot, now) for day, slot in wanted]

    def find(self, job_id: int, now: float) -> Job | None:
        place = self.numbering.place_of(job_id)
        if place is None or noon_of(place[0]) + self._start(*place) > now:
            return None
        return self.job(*place, now)

    def of_plan(self, plan: PlanSpec, day: int, now: float) -> list[Job]:
        """The backups of a plan that have started on a day, the newest first."""
        layout = self.numbering.layout(day)
        started = self.numbering.begun(day, now - noon_of(day))
        return [self.job(day, slot, now) for slot in reversed(layout.slots_of_plan[plan.id]) if slot < started]

    def failed_fulls(self, plan_id: int, since: float, until: float, now: float) -> list[Job]:
        """Those of a plan that started within a time and have ended, in the order they started."""
        index, plan = next((i, plan) for i, plan in enumerate(self.landscape.plans) if plan.id == plan_id)
        jobs = (
            self.job(day, slot, now)
            for day in range(day_of(since), day_of(min(until, now)) + 1)
            if plan.is_full(day)
            for slot, of in enumerate(self.numbering.layout(day).slot_plans)
            if of == index
        )
        return [job for job in jobs if since <= job.start < until and job.end is not None and job.status == "Failed"]

    def job(self, day: int, slot: int, now: float) -> Job:
        layout = self.numbering.layout(day)
        kind, about = layout.kinds[slot], layout.abouts[slot]
        start = int(noon_of(day)) + layout.starts[slot]
        duration = self._duration(day, slot)
        ended = start + duration <= now
        status = self._outcome(day, slot) if ended else "Running"
        plan = self._plan(day, slot)
        client_id, client, subclient = self._client(kind, about)
        media = self._media(day, slot) if kind == BACKUP and status not in FAILED else 0
        return Job(
            id=self.numbering.id_of(day, slot),
            type=self._type(day, slot),
            level=self._level(day, plan) if kind == BACKUP and plan else None,
            status=status,
            start=start,
            end=start + duration if ended else None,
            elapsed=duration if ended else int(now - start),
            client_id=client_id,
            client=client,
            subclient=subclient,
            plan=plan,
            application_bytes=int(media * plan.dedup_ratio) if plan else 0,
            media_bytes=media,
            is_aged=kind == BACKUP and plan is not None and not self.primaries[plan.id].keeps(day),
        )

    def _days(self, query: JobQuery, now: float) -> Iterator[tuple[int, Sequence[int]]]:
        """The days of a query from the newest back, each with the slots that match."""
        since = now - (MAX_DURATION if query.category == ACTIVE else query.lookup)
        first = max(self.numbering.first_day, day_of(since - MAX_DURATION))
        for day in range(day_of(now), first - 1, -1):
            yield day, self._slots(query, day, since, now)

    def _slots(self, query: JobQuery, day: int, since: float, now: float) -> Sequence[int]:
        noon = noon_of(day)
        is_past = noon + DAY + MAX_DURATION <= now
        slots = self._picked_slots(query, day, now, is_past=is_past)
        starts = self.numbering.layout(day).starts
        if not is_past:
            slots = slots[: bisect_left(slots, bisect_right(starts, now - noon))]
        if noon < since:
            inside = bisect_left(slots, bisect_left(starts, max(0.0, since - noon)))
            early = bisect_left(slots, bisect_left(starts, max(0.0, since - MAX_DURATION - noon)))
            late = [slot for slot in slots[early:inside] if noon + starts[slot] + self._duration(day, slot) >= since]
            slots = [*late, *slots[inside:]]
        if query.category != ALL and not is_past:
            active = query.category == ACTIVE
            slots = [slot for slot in slots if (noon + starts[slot] + self._duration(day, slot) > now) == active]
        return slots if query.category != ACTIVE or not is_past else ()

    def _picked_slots(self, query: JobQuery, day: int, now: float, *, is_past: bool) -> Sequence[int]:
        layout = self.numbering.layout(day)
        slots = layout.every_slot if query.admin else layout.backup_slots
        if not query.picks:
            return slots
        key = (day, JobQuery(0, ALL, query.admin, query.statuses, query.types, query.clients))
        if is_past and key in self._picked:
            return self._picked[key]
        picked = array("I", [slot for slot in slots if self._matches(query, day, slot, now)])
        if is_past:
            if len(self._picked) >= REMEMBERED_DAYS:
                self._picked.clear()
            self._picked[key] = picked
        return picked

    def _matches(self, query: JobQuery, day: int, slot: int, now: float) -> bool:
        if query.types and self._type(day, slot) not in query.types:
            return False
        layout = self.numbering.layout(day)
        if query.clients and self._client(layout.kinds[slot], layout.abouts[slot])[0] not in query.clients:
            return False
        if not query.statuses:
            return True
        ended = noon_of(day) + self._start(day, slot) + self._duration(day, slot) <= now
        return (self._outcome(day, slot) if ended else "Running") in query.statuses

    def _start(self, day: int, slot: int) -> int:
        return self.numbering.layout(day).starts[slot]

    def _plan(self, day: int, slot: int) -> PlanSpec | None:
        index = self.numbering.layout(day).slot_plans[slot]
        return None if index < 0 else self.landscape.plans[index]

    def _client(self, kind: int, about: int) -> tuple[int, str, str]:
        """Id, name and subclient; admin jobs belong to the CommServe, which is client 2."""
        if kind == DDB_BACKUP:
            agent = self.landscape.pools[about].agents[0]
            return agent.id, agent.name, "DDBBackup"
        if kind != BACKUP:
            return 2, "cs01", ""
        turn, index = divmod(about, self.landscape.size.clients)
        return FIRST_CLIENT + index, self.landscape.clients[index], "default" if turn == 0 else f"data{turn}"

    def _type(self, day: int, slot: int) -> str:
        kind = self.numbering.layout(day).kinds[slot]
        plan = self._plan(day, slot) if kind == BACKUP else None
        return SYNTHETIC if plan and plan.synthetic and plan.is_full(day) else TYPES[kind]

    def _level(self, day: int, plan: PlanSpec) -> str:
        if not plan.is_full(day):
            return "Incremental"
        return SYNTHETIC if plan.synthetic else "Full"

    def _duration(self, day: int, slot: int) -> int:
        kind = self.numbering.layout(day).kinds[slot]
        roll = chance(self.landscape.seed, day, slot, 1)
        if kind == AGING:
            return 40 + int(roll * 120)
        if kind in (RECOVERY, RECLAMATION, AUX_COPY):
            return 600 + int(roll * 5400)
        plan = self._plan(day, slot)
        return int((300 + roll * 1800) * (4 if plan and plan.is_full(day) else 1))

    def _outcome(self, day: int, slot: int) -> str:
        plan = self._plan(day, slot)
        if self.numbering.layout(day).kinds[slot] != BACKUP or plan is None:
            return "Completed"
        if plan.is_full(day) and self.full_fails(plan.id, noon_of(day) + self._start(day, slot)):
            return "Failed"
        roll = mixed(self.landscape.seed, day, slot, 2) % 1000
        return next((status for limit, status in OUTCOMES if roll < limit), "Completed")

    def _media(self, day: int, slot: int) -> int:
        layout = self.numbering.layout(day)
        plan = self._plan(day, slot)
        if plan is None:
            return 0
        jobs = max(1, layout.backups // len(layout.plans))
        return int(self.primaries[plan.id].bytes_on(day) / jobs * (0.5 + chance(self.landscape.seed, day, slot, 3)))
