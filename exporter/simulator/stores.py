"""Deduplication databases: each dedup pool has one in use, and sealed ones from before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exporter.simulator.landscape import Agent
from exporter.simulator.noise import chance
from exporter.simulator.pools import Pool
from exporter.simulator.sizes import DAY, GIB

BLOCK = 128 * 1024
REFERENCES = 9
DATA_LIFE = 21 * DAY
FIRST_STORE, FIRST_PARTITION = 60, 1001
PARTITION_DISK = 512 * GIB
BYTES_PER_ENTRY = 180


@dataclass
class Store:
    """Data written before `created_at` belongs to the store before; `sealed_at` None is the one in use."""

    id: int
    pool: Pool
    created_at: float
    sealed_at: float | None = None

    @property
    def name(self) -> str:
        return f"{self.pool.spec.name.strip()}_{self.id}"

    def share(self, at: float) -> float:
        """The part of the pool's data that this store knows, as old data leaves and new data comes."""
        begun = min(1.0, (at - self.created_at) / DATA_LIFE)
        left = 1.0 if self.sealed_at is None else max(0.0, 1 - (at - self.sealed_at) / DATA_LIFE)
        return min(begun, left)

    def pending(self, at: float) -> tuple[float, int]:
        """Aged data is as old as its life: it belongs to the store of that time."""
        written_at = at - DATA_LIFE
        owns = self.created_at <= written_at and (self.sealed_at is None or written_at < self.sealed_at)
        return self.pool.pending_at(at) if owns else (0.0, 0)


@dataclass(frozen=True)
class Partition:
    id: int
    store: Store
    agent: Agent
    number: int
    of: int

    @property
    def path(self) -> str:
        return f"D:\\DDB\\{self.store.id}_{self.number}"

    def entries(self, at: float) -> int:
        return int(self.store.pool.written_at(at) * self.store.share(at) / BLOCK / self.of)

    def pending_records(self, at: float) -> int:
        whole = self.store.pending(at)[1]
        return whole // self.of + (self.number <= whole % self.of)

    def query_microseconds(self, at: float, seed: int) -> int:
        """Average time of a lookup; a long queue of deletes makes them slow."""
        usual = 300 + 350 * chance(seed, self.id, int(at // DAY))
        return round(usual * (1 + self.store.pending(at)[1] / 150_000))

    def free_bytes(self, at: float) -> int:
        return max(PARTITION_DISK // 50, PARTITION_DISK - self.entries(at) * BYTES_PER_ENTRY * 4)


class Stores:
    """All stores of an estate, in the order of their ids. WORM pools start with one that has been sealed."""

    def __init__(self, pools: Sequence[Pool], at: float) -> None:
        self.all: list[Store] = []
        for pool in pools:
            if pool.spec.dedup:
                old = Store(FIRST_STORE + len(self.all), pool, at - 400 * DAY)
                self.all.append(old)
                if pool.spec.worm:
                    self.seal(pool, at - 200 * DAY)

    def __iter__(self) -> Iterator[Store]:
        return iter(self.all)

    def find(self, store_id: int) -> Store | None:
        return next((store for store in self.all if store.id == store_id), None)

    def of(self, pool: Pool) -> Store | None:
        """The store in use on a pool."""
        return next((store for store in self.all if store.pool is pool and store.sealed_at is None), None)

    def seal(self, pool: Pool, at: float) -> None:
        """Closes the store in use and opens a new one, which knows no data yet: for a while backups are big."""
        old = self.of(pool)
        if old is not None:
            old.sealed_at = at
            pool.sealed_at = at
            self.all.append(Store(FIRST_STORE + len(self.all), pool, at))


def partitions_of(store: Store) -> tuple[Partition, ...]:
    """One partition on each of the pool's MediaAgents."""
    agents = store.pool.spec.agents
    first = FIRST_PARTITION + (store.id - FIRST_STORE) * 4
    return tuple(Partition(first + index, store, agent, index + 1, len(agents)) for index, agent in enumerate(agents))
