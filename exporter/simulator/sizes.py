"""How big a simulated CommCell is."""

from dataclasses import dataclass

MIB = 1024**2
GIB = 1024**3
TIB = 1024**4
HOUR = 3600
DAY = 86400


@dataclass(frozen=True)
class Size:
    """`jobs` is the length of the job history, which reaches `days` back when the estate is made."""

    pools: int
    plans: int
    rules: int
    agents: int
    clients: int
    jobs: int
    days: int = 90


SIZES = {
    "small": Size(pools=20, plans=12, rules=30, agents=8, clients=40, jobs=10_800),
    "documents": Size(pools=75, plans=200, rules=500, agents=243, clients=3_600, jobs=1_000_000),
}
