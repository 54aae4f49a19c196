"""Names and oddities of the estate. All made up; the oddities are those that real CommCells are known to have."""

from typing import TypedDict


class Quirks(TypedDict, total=False):
    name: str
    storage: str
    disk: str
    shared_by: int
    capacity_tib: int
    dedup: bool
    offline: bool
    worm: int
    records_per_day: int


APEX = "Apex GDP"

POOLS: tuple[Quirks, ...] = (
    {"name": APEX, "capacity_tib": 10, "records_per_day": 13_000},
    {"name": "Gold Primary", "capacity_tib": 60},
    {"name": "Gold Secondary", "capacity_tib": 60},
    {"name": "Silver Primary", "capacity_tib": 40},
    {"name": "Silver Secondary ", "capacity_tib": 40},
    {"name": "Bronze"},
    {"name": "SQL", "capacity_tib": 20},
    {"name": "Share North A", "disk": "north", "shared_by": 3, "capacity_tib": 40},
    {"name": "Share North B", "disk": "north", "shared_by": 3, "capacity_tib": 40},
    {"name": "Share North C", "disk": "north", "shared_by": 3, "capacity_tib": 40},
    {"name": "Share South A", "disk": "south", "shared_by": 2, "capacity_tib": 20},
    {"name": "Share South B", "disk": "south", "shared_by": 2, "capacity_tib": 20},
    {"name": "S3 Archive", "storage": "cloud", "capacity_tib": 200},
    {"name": "Blob Cool", "storage": "cloud", "capacity_tib": 100},
    {"name": "Old SAN", "offline": True, "capacity_tib": 20},
    {"name": "HyperScale 01", "storage": "hyperscale", "capacity_tib": 100},
    {"name": "WORM Vault", "worm": 2, "capacity_tib": 40},
    {"name": "Exchange"},
    {"name": "Oracle", "dedup": False},
    {"name": "VMware"},
)

SITES = ("Harbour", "Valley", "Summit", "Meadow", "Quarry", "Orchard", "Lagoon", "Ridge", "Delta", "Moor")
WORKLOADS = ("sql", "file", "vm", "mail", "ora", "web")
AGENT = "ma{:02d}"
COPY_NAMES = ("Primary", "Secondary", "Archive")

PLANS = (
    "Gold",
    "Silver",
    "Bronze",
    "Short",
    "SQL",
    "Oracle",
    "Exchange",
    "VMware",
    "File Servers",
    "Apex Databases",
    "Monthly Fulls",
    "Gold North",
)


def plan_name(index: int) -> str:
    if index < len(PLANS):
        return PLANS[index]
    return f"{PLANS[index % len(PLANS)]} {SITES[index % len(SITES)]} {index:03d}"
