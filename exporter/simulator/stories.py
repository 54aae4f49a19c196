"""What can go wrong in an estate on command."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

STORIES: Mapping[str, str] = {
    "pruning_stopped": "pool",
    "ddb_sealed": "pool",
    "storm": "pool",
    "pruning_weekly": "pool",
    "kept_for_ever": "pool",
    "capacity_extended": "pool",
    "agent_dead": "agent",
    "fulls_failing": "plan",
    "retention_regressed": "plan",
}
OPTIONS = {
    "storm": ("seconds", "bytes_per_hour"),
    "kept_for_ever": ("seconds", "bytes_per_hour"),
    "capacity_extended": ("factor",),
}
STORM_BYTES_PER_HOUR = float(1024**4)
EXTENDED = 1.5
# Of seven, on which a pool that is pruned once a week is.
WEEKEND_DAYS = 2


@dataclass
class Story:
    """`object` is the name of a pool, a MediaAgent or a plan, as the story wants; `ended_at` None goes on."""

    name: str
    object: str
    began_at: float
    options: dict[str, float] = field(default_factory=dict)
    ended_at: float | None = None

    def __post_init__(self) -> None:
        unknown = set(self.options) - set(OPTIONS.get(self.name, ("seconds",)))
        if unknown:
            raise ValueError(f"{self.name} has no option {', '.join(sorted(unknown))}")
        for option, value in self.options.items():
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{option} must be a number above 0, not {value!r}")
        if "seconds" in self.options:
            self.ended_at = self.began_at + self.options["seconds"]

    @property
    def bytes_per_second(self) -> float:
        return self.options.get("bytes_per_hour", STORM_BYTES_PER_HOUR) / 3600

    def is_told_at(self, at: float) -> bool:
        return self.began_at <= at and (self.ended_at is None or at < self.ended_at)
