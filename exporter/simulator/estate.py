"""A CommCell that lives: backups, aging and pruning go on as its clock goes on, forward only.

The same seed, stories and times give the same estate, however often one looks in between: it moves in fixed steps,
within which everything runs at a steady rate.
"""

import threading
from collections.abc import Mapping

from exporter.simulator.clock import Clock
from exporter.simulator.history import JobHistory
from exporter.simulator.jobs import Layout, Numbering
from exporter.simulator.landscape import Agent, Landscape
from exporter.simulator.messages import Json
from exporter.simulator.names import APEX
from exporter.simulator.pools import FOREIGN_RATIO, Disk, Pool
from exporter.simulator.retention import NOON, Copy, day_of, noon_of
from exporter.simulator.sizes import DAY, HOUR, SIZES, Size
from exporter.simulator.stores import Stores
from exporter.simulator.stories import EXTENDED, STORIES, WEEKEND_DAYS, Story


class Estate:
    """`age` seconds of its life lie behind it when it is made. With `brisk_aging`, Data Aging runs every so many
    seconds (a part of an hour) from the last noon on, instead of once a day at noon. An estate that is not `ailing`
    has no MediaAgent and no pool that is out of order from the beginning."""

    def __init__(
        self,
        size: str | Size = "small",
        clock: Clock | None = None,
        seed: int = 1,
        *,
        age: float = 0.0,
        brisk_aging: int | None = None,
        levels: Mapping[str, float] | None = None,
        ailing: bool = True,
    ) -> None:
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.landscape = Landscape.of(SIZES[size] if isinstance(size, str) else size, seed, levels, ailing=ailing)
        self.stories: list[Story] = []
        # Operation windows of the CommCell, as the API writes them.
        self.windows: list[Json] = []
        now = self.clock.now()
        today = day_of(now)
        self._brisk_from = noon_of(today) if brisk_aging else float("inf")
        self._brisk_aging = brisk_aging or DAY
        self.time = self.born = now - age
        self._build(self.time // HOUR * HOUR)
        self.jobs = self._job_history(today)
        self._step_end = 0.0
        self._begin_step(self.time // HOUR * HOUR, born=True)
        self.advance(self.time)

    @classmethod
    def demo(cls, clock: Clock, seed: int = 1) -> "Estate":
        """See demo_estate."""
        from exporter.simulator.demo import demo_estate

        return demo_estate(clock, seed)

    @property
    def seed(self) -> int:
        return self.landscape.seed

    def catch_up(self) -> float:
        """Lives on to the clock's time; which it is."""
        with self.lock:
            self.advance(self.clock.now())
            return self.time

    def advance(self, to: float) -> None:
        """Lives on to a time; one that has passed changes nothing."""
        with self.lock:
            while True:
                end = min([self._step_end, *self._story_ends()])
                if end > to:
                    break
                self._settle(end)
                for story in [story for story in self.stories if story.ended_at == end]:
                    self._turn(story, begins=False)
                if end == self._step_end:
                    self._begin_step(end)
            self.time = max(self.time, to)

    def tell(self, story: str, object: str | None = None, *, at: float | None = None, **options: float) -> None:  # noqa: A002
        """Starts a story now, or at a time that is still to come; ValueError when there is no such story or object.

        Options: `seconds` until it ends by itself; for a storm and what is kept for ever `bytes_per_hour`; for
        capacity that is extended, which stays so, `factor`.
        """
        with self.lock:
            named = self._object(story, object)
            self.advance(self.clock.now() if at is None else at)
            told = Story(story, named, self.time, options)
            self.end(story, named, at=self.time)
            self.stories.append(told)
            self._turn(told, begins=True)

    def end(self, story: str, object: str | None = None, *, at: float | None = None) -> None:  # noqa: A002
        with self.lock:
            named = self._object(story, object)
            self.advance(self.clock.now() if at is None else at)
            for told in self.told(story):
                if told.object == named:
                    told.ended_at = self.time
                    self._turn(told, begins=False)

    def told(self, name: str) -> list[Story]:
        """The stories of a name that go on at present."""
        return [story for story in self.stories if story.name == name and story.is_told_at(self.time)]

    def free_bytes(self, pool: Pool) -> float:
        """What the pool's disk can still take; pools on one disk answer the same."""
        return self._free(pool.disk, self.time)

    def used_bytes(self, pool: Pool) -> float:
        return pool.disk.capacity - self.free_bytes(pool)

    def used_ratio(self, name: str) -> float:
        pool = self.pool(name)
        return self.used_bytes(pool) / pool.disk.capacity

    def agent_state(self, agent: Agent) -> str:
        dead = any(story.object == agent.name for story in self.told("agent_dead"))
        return "OFFLINE" if dead else agent.state

    def full_fails(self, plan_id: int, at: float) -> bool:
        return any(
            story.name == "fulls_failing" and self.plan_ids[story.object] == plan_id and story.is_told_at(at)
            for story in self.stories
        )

    def pool(self, name: str) -> Pool:
        return next(pool for pool in self.pools if pool.spec.name.strip() == name.strip())

    def _build(self, at: float) -> None:
        plans = self.landscape.plans
        disks: dict[str, Disk] = {}
        for spec in self.landscape.pools:
            disks.setdefault(spec.disk, Disk(spec.capacity, spec.storage == "cloud"))
        self.pools = [Pool(spec, disks[spec.disk]) for spec in self.landscape.pools]
        for pool in self.pools:
            pool.disk.pools.append(pool)
        by_id = {pool.spec.id: pool for pool in self.pools}
        self.copies = {spec.id: Copy(spec, plan, self.seed) for plan in plans for spec in plan.copies}
        for copy in self.copies.values():
            by_id[copy.spec.pool_id].copies.append(copy)
        for pool in self.pools:
            pool.be_born(at, day_of(at))
        self.plan_ids = {plan.name: plan.id for plan in plans}
        self.stores = Stores(self.pools, at)

    def _job_history(self, today: int) -> JobHistory:
        daily = Layout(self.landscape)
        brisk = daily if self._brisk_aging == DAY else Layout(self.landscape, aging_seconds=self._brisk_aging)
        numbering = Numbering(today - self.landscape.size.days, today, daily, brisk)
        primaries = {plan.id: self.copies[plan.copies[0].id] for plan in self.landscape.plans if plan.copies}
        return JobHistory(self.landscape, numbering, primaries, self.full_fails)

    def _begin_step(self, at: float, *, born: bool = False) -> None:
        since_noon = (at - NOON) % DAY
        is_brisk = at >= self._brisk_from and since_noon % self._brisk_aging == 0
        for pool in self.pools:
            if not born and (since_noon == 0 or is_brisk):
                pool.age(at)
            if born or since_noon == 0:
                failing = frozenset(copy.plan.id for copy in pool.copies if self.full_fails(copy.plan.id, at))
                pool.open_day(day_of(at), at, failing)
        self._set_rates(at)
        length = HOUR if at < self._brisk_from else min(HOUR, self._brisk_aging)
        self._step_end = at + length

    def _set_rates(self, at: float) -> None:
        """From now on to the end of the step, or to the next story."""
        hour = int((at - NOON) % DAY // HOUR)
        stopped = {s.object for s in self.stories if s.name == "pruning_stopped" and s.is_told_at(at)}
        dead = {s.object for s in self.stories if s.name == "agent_dead" and s.is_told_at(at)}
        storms, hoards = (
            {s.object: s.bytes_per_second for s in self.stories if s.name == story and s.is_told_at(at)}
            for story in ("storm", "kept_for_ever")
        )
        if day_of(at) % 7 >= WEEKEND_DAYS:
            stopped |= {s.object for s in self.stories if s.name == "pruning_weekly" and s.is_told_at(at)}
        for pool in self.pools:
            name = pool.spec.name
            pool.is_pruning = name not in stopped and dead.isdisjoint(agent.name for agent in pool.spec.agents)
            pool.storm(at, storms.get(name, 0.0))
            pool.hoard_rate = hoards.get(name, 0.0)
            pool.step(hour, self._free(pool.disk, at) / len(pool.disk.pools))

    def _settle(self, at: float) -> None:
        self.time = max(self.time, at)
        for pool in self.pools:
            pool.settle(at)

    def _story_ends(self) -> list[float]:
        return [story.ended_at for story in self.stories if story.ended_at is not None and story.ended_at > self.time]

    def _turn(self, story: Story, *, begins: bool) -> None:
        """What a story changes at once, at its beginning or its end."""
        self._settle(self.time)
        if story.name == "retention_regressed":
            for copy in self.copies.values():
                if copy.plan.name == story.object and copy.spec.precedence == 1:
                    copy.demand_cycles(copy.spec.cycles + begins)
        if story.name == "capacity_extended" and begins:
            disk = self.pool(story.object).disk
            disk.capacity = int(disk.capacity * story.options.get("factor", EXTENDED))
        if story.name == "ddb_sealed" and begins:
            self.stores.seal(self.pool(story.object), self.time)
        self._set_rates(self.time)

    def _free(self, disk: Disk, at: float) -> float:
        if disk.is_endless:
            return float("inf")
        written = sum(pool.written_at(at) for pool in disk.pools)
        return max(0.0, disk.capacity * (1 - FOREIGN_RATIO) - written)

    def _object(self, story: str, named: str | None) -> str:
        """The full name of what a story is about; without one, a thing the story fits."""
        if story not in STORIES:
            raise ValueError(f"no story {story!r}, one of: {', '.join(STORIES)}")
        names = {
            "pool": [pool.spec.name for pool in self.pools],
            "agent": [agent.name for agent in self.landscape.agents],
            "plan": [plan.name for plan in self.landscape.plans if plan.copies],
        }[STORIES[story]]
        if named is None:
            return self._fitting(story, names)
        for name in names:
            if name.strip().lower() == named.strip().lower():
                return name
        raise ValueError(f"no {STORIES[story]} {named!r}")

    def _fitting(self, story: str, names: list[str]) -> str:
        if story == "retention_regressed":
            short = [copy for copy in self.copies.values() if (copy.rule.days, copy.rule.cycles) == (14, 1)]
            return short[0].plan.name if short else names[0]
        return APEX if APEX in names else names[0]
