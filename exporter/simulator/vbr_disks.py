"""How full the repositories are: every file is counted when it is written and when it is deleted."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.simulator.vbr_records import GIB, File, Occupancy, Repository, ScaleOut
from exporter.simulator.vbr_stories import Stories

SYSTEM_DISK = 200 * GIB
LEFT_WHEN_FULL = 0.00005
SHARE_IN_CAPACITY_TIER = 0.4


@dataclass(frozen=True)
class Sizes:
    """In bytes, as VBR states them: `used` is the sum of the file sizes and may exceed `capacity`."""

    capacity: int
    free: int
    used: int


class Disks:
    """Until they are bought there is room for everything."""

    def __init__(self, repositories: Iterable[Repository], scale_outs: Iterable[ScaleOut], stories: Stories) -> None:
        self._repositories = tuple(repositories)
        self._scale_outs = tuple(scale_outs)
        self._stories = stories
        self._held = {repository.id: Occupancy(0, 0) for repository in self._repositories}
        self._last_seen: dict[str, Occupancy] = {}

    def add(self, file: File) -> None:
        self._count(file, 1)

    def remove(self, file: File) -> None:
        self._count(file, -1)

    def has_room(self, repository: Repository, files: Iterable[File]) -> bool:
        needed = sum(file.physical for file in files)
        return repository.capacity == 0 or needed <= self._free(repository, self._held[repository.id])

    def lose_sight(self, repository: Repository) -> None:
        """From now on its sizes are the ones of this moment."""
        self._last_seen.setdefault(repository.id, self._held[repository.id])

    def find_again(self, repository: Repository) -> None:
        self._last_seen.pop(repository.id, None)

    def sizes(self, repository: Repository) -> Sizes:
        if not repository.has_capacity:
            return Sizes(0, 0, self._offloaded(repository))
        held = self._last_seen.get(repository.id, self._held[repository.id])
        return Sizes(repository.capacity, self._free(repository, held), held.logical)

    def buy(self, free_ratios: dict[str, float]) -> None:
        """As big as needed for the aimed free ratio at this moment; `free_ratios` by name go before the site's own."""
        for repository in self._repositories:
            free_ratio = free_ratios.get(repository.name, repository.free_ratio)
            held = self._last_seen.get(repository.id, self._held[repository.id]).physical
            other = repository.other_ratio if held else 1 - free_ratio
            capacity = held / (1 - free_ratio - other) if held else SYSTEM_DISK
            repository.capacity = int(capacity // GIB + 1) * GIB if repository.has_capacity else 0
            repository.other = int(other * repository.capacity)

    def _count(self, file: File, sign: int) -> None:
        held = self._held[file.repository]
        self._held[file.repository] = Occupancy(held.physical + sign * file.physical, held.logical + sign * file.size)

    def _free(self, repository: Repository, held: Occupancy) -> int:
        free = max(0, repository.capacity - repository.other - held.physical)
        full = self._stories.happens_at("repository_full", repository)
        return min(free, int(LEFT_WHEN_FULL * repository.capacity)) if full else free

    def _offloaded(self, repository: Repository) -> int:
        owners = [scale_out for scale_out in self._scale_outs if scale_out.capacity == repository.id]
        stored = sum(self._held[extent].logical for owner in owners for extent in owner.performance)
        return int(SHARE_IN_CAPACITY_TIER * stored)
