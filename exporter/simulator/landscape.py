"""What a CommCell consists of before it lives: MediaAgents, pools, plans and their copies, made up from a seed."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from exporter.simulator.names import AGENT, APEX, COPY_NAMES, POOLS, SITES, WORKLOADS, Quirks, plan_name
from exporter.simulator.sizes import TIB, Size

INFINITE = -1
FIRST_POOL, FIRST_LIBRARY, FIRST_AGENT, FIRST_PLAN, FIRST_POLICY, FIRST_COPY = 301, 101, 601, 71, 1371, 2101
CAPACITIES_TIB = (10, 20, 20, 40, 60, 100)
PRIMARY_RULES = ((30, 1), (15, 2), (30, 1), (14, 1), (14, 2), (60, 1), (30, 1))
SECONDARY_RULES = ((30, 1), (60, 1), (90, 1), (30, 2))
FAR_RULES = ((365, 1), (INFINITE, INFINITE), (180, 1))


@dataclass(frozen=True)
class Agent:
    id: int
    name: str
    state: str = "ONLINE"

    @property
    def host(self) -> str:
        return f"{self.name}.example.com"


@dataclass(frozen=True)
class PoolSpec:
    """`storage` is disk, cloud or hyperscale. Pools with the same `disk` share its capacity and its free space."""

    id: int
    name: str
    library_id: int
    storage: str
    disk: str
    capacity: int
    level: float
    agents: tuple[Agent, ...]
    dedup: bool = True
    offline: bool = False
    worm: int = 0
    records_per_day: int = 4_000


@dataclass(frozen=True)
class CopySpec:
    id: int
    name: str
    precedence: int
    pool_id: int
    days: int
    cycles: int
    active: bool = True
    monthly_for_days: int | None = None
    managed_disk_space: bool = False


@dataclass(frozen=True)
class PlanSpec:
    """A full every `full_every` days, on the days whose number leaves `full_offset`; incrementals on the others."""

    id: int
    name: str
    policy_id: int
    full_every: int
    full_offset: int
    synthetic: bool
    dedup_ratio: float
    copies: tuple[CopySpec, ...] = ()
    parent_id: int | None = None

    def is_full(self, day: int) -> bool:
        return day % self.full_every == self.full_offset


@dataclass(frozen=True)
class Landscape:
    size: Size
    seed: int
    agents: tuple[Agent, ...]
    pools: tuple[PoolSpec, ...]
    plans: tuple[PlanSpec, ...]
    clients: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(
        cls, size: Size, seed: int, levels: Mapping[str, float] | None = None, *, ailing: bool = True
    ) -> "Landscape":
        """`levels` sets how full the named pools are when all is well, 0 to 1."""
        dice = random.Random(seed)
        agents = tuple(_agents(size))
        pools = tuple(_pools(size, dice, agents, levels or {}))
        if not ailing:
            agents = tuple(replace(agent, state="ONLINE") for agent in agents)
            pools = tuple(replace(pool, offline=False) for pool in pools)
        plans = tuple(_plans(size, dice, pools))
        clients = tuple(f"{WORKLOADS[i % len(WORKLOADS)]}{i + 1:04d}" for i in range(size.clients))
        return cls(size, seed, agents, pools, plans, clients)


def _agents(size: Size) -> Iterator[Agent]:
    """All but the last few carry pools: those are the ones that are in maintenance or long switched off."""
    for index in range(size.agents):
        from_end = size.agents - index
        state = {1: "OFFLINE", 2: "MAINTENANCE"}.get(from_end, "ONLINE")
        yield Agent(FIRST_AGENT + index, AGENT.format(index + 1), state)


def _pools(
    size: Size, dice: random.Random, agents: tuple[Agent, ...], levels: Mapping[str, float]
) -> Iterator[PoolSpec]:
    usable = agents[:-2] or agents
    for index in range(size.pools):
        quirks = POOLS[index] if index < len(POOLS) else _ordinary(index)
        name = quirks["name"]
        share = quirks.get("disk", name)
        capacity = quirks.get("capacity_tib", dice.choice(CAPACITIES_TIB)) * TIB
        level = dice.uniform(0.52, 0.66) / quirks.get("shared_by", 1)
        first, width = index % len(usable), 1 + index % 2
        yield PoolSpec(
            id=FIRST_POOL + index,
            name=name,
            library_id=FIRST_LIBRARY + index,
            storage=quirks.get("storage", "disk"),
            disk=share,
            capacity=capacity,
            level=levels.get(name, level),
            agents=tuple(usable[(first + step) % len(usable)] for step in range(width)),
            dedup=quirks.get("dedup", True),
            offline=quirks.get("offline", False),
            worm=quirks.get("worm", 0),
            records_per_day=quirks.get("records_per_day", 4_000),
        )


def _ordinary(index: int) -> Quirks:
    name = f"{SITES[index % len(SITES)]} {index:02d}"
    if index % 9 == 0:
        return {"name": f"{name} Cloud", "storage": "cloud"}
    if index % 23 == 0:
        return {"name": name, "offline": True}
    return {"name": name, "dedup": index % 11 != 0}


def _plans(size: Size, dice: random.Random, pools: tuple[PoolSpec, ...]) -> Iterator[PlanSpec]:
    """The last plan is derived from the first and has no storage of its own."""
    own = size.plans - 1 if size.plans > 1 else size.plans
    targets = _targets(pools)
    copy_id = FIRST_COPY
    for index in range(size.plans):
        monthly = index % 11 == 10
        wanted = (size.rules // own + (index < size.rules % own)) if index < own else 0
        copies = tuple(_copies(index, own, wanted, copy_id, targets))
        copy_id += wanted
        yield PlanSpec(
            id=FIRST_PLAN + index,
            name=plan_name(index),
            policy_id=FIRST_POLICY + index,
            full_every=28 if monthly else 7,
            full_offset=index % 28 if monthly else index % 7,
            synthetic=index % 3 == 2,
            dedup_ratio=round(dice.uniform(5.0, 14.0), 1),
            copies=copies,
            parent_id=None if copies else FIRST_PLAN,
        )


def _targets(pools: tuple[PoolSpec, ...]) -> tuple[list[PoolSpec], list[PoolSpec]]:
    """The pools near by, Apex GDP more often than the others, and the clouds far away."""
    near: list[PoolSpec] = []
    for pool in pools:
        if pool.storage == "cloud" or pool.offline:
            continue
        if len(near) % 6 == 0 and near:
            near.append(pools[0])
        near.append(pool)
    return near, [pool for pool in pools if pool.storage == "cloud" and not pool.offline]


def _copies(
    plan: int, plans: int, wanted: int, first_id: int, targets: tuple[list[PoolSpec], list[PoolSpec]]
) -> Iterator[CopySpec]:
    near, far = targets
    taken: set[int] = set()
    for rank in range(wanted):
        pools = far if rank == 2 and far else near
        start = plan if rank == 2 else plan + rank * plans
        ring = (pools[(start + step) % len(pools)] for step in range(len(pools)))
        pool = next((pool for pool in ring if pool.id not in taken), pools[start % len(pools)])
        taken.add(pool.id)
        rules = (PRIMARY_RULES, SECONDARY_RULES, FAR_RULES)[min(rank, 2)]
        days, cycles = rules[plan % len(rules)]
        yield CopySpec(
            id=first_id + rank,
            name=COPY_NAMES[rank] if rank < len(COPY_NAMES) else f"Copy {rank + 1}",
            precedence=rank + 1,
            pool_id=pool.id,
            days=days,
            cycles=cycles,
            active=(plan * 3 + rank) % 23 != 22,
            monthly_for_days=365 if rank == 1 and plan % 4 == 1 else None,
            managed_disk_space=pool.name != APEX and plan % 5 == 4,
        )
