"""What a VBR server keeps: repositories, jobs, backups, files, sessions. Times are unix seconds, sizes bytes.

How a revision of the REST API spells them is said elsewhere; nothing here knows JSON.
"""

import uuid
from dataclasses import dataclass, field

GIB = 1024**3
DAY = 86400.0
NO_ID = "00000000-0000-0000-0000-000000000000"
SUCCESS, WARNING, FAILED = "Success", "Warning", "Failed"
NAMESPACE = uuid.UUID("6f1f7f0e-6e3b-5c1b-9a52-eb0000000001")


def identity(*parts: object) -> str:
    """The same id for the same parts, in every run."""
    return str(uuid.uuid5(NAMESPACE, "/".join(map(str, parts))))


@dataclass(frozen=True)
class Machine:
    """A protected machine; `objects` count it once."""

    id: str
    name: str
    reference: str


@dataclass(frozen=True)
class Retention:
    """`kind` is RestorePoints or Days. Weekly fulls are kept `weeks` weeks, one a month `months` months; 0 is off."""

    kind: str
    quantity: int
    weeks: int = 0
    months: int = 0


@dataclass(frozen=True)
class Occupancy:
    """`physical` is what the disk is short of, `logical` the sum of the file sizes; fast clone makes them differ."""

    physical: int
    logical: int


@dataclass
class Repository:
    """A place for backup files. `kind` is spelled as before 1.3-rev2; capacity 0 is object storage without a quota."""

    id: str
    name: str
    kind: str
    host: str
    path: str
    free_ratio: float = 0.4
    fast_clone: bool = False
    other_ratio: float = 0.02
    immutable_days: int = 0
    out_of_date: bool = False
    capacity: int = 0
    other: int = 0

    @property
    def has_capacity(self) -> bool:
        return self.kind not in ("S3Compatible", "AmazonS3", "WasabiCloud")


@dataclass(frozen=True)
class ScaleOut:
    """A scale-out repository; its extents are repositories of their own."""

    id: str
    name: str
    performance: tuple[str, ...]
    capacity: str | None = None
    operational_days: int = 14


@dataclass
class Job:
    """What is backed up, when and how well it shrinks.

    `platform` is vsphere, hyperv, agent or copy; `target` a repository or scale-out repository; `start` minutes after
    local midnight, None when started by hand only; `full_day` 0 is Monday. Sizes are per machine. The profile is "tiny"
    for machines in which almost nothing changes, "endless" for a job whose next run starts as the last one ends.
    """

    id: str
    name: str
    platform: str
    target: str
    machines: tuple[Machine, ...]
    retention: Retention
    start: int | None
    full_day: int = 5
    minutes: int = 25
    full_bytes: int = 80 * GIB
    change_rate: float = 0.04
    growth: float = 0.0004
    dedup: int = 92
    compress: int = 48
    per_machine: bool = False
    profile: str = ""
    switched_off: float | None = None
    next_run: float | None = None
    runs: list["Session"] = field(default_factory=list)

    @property
    def disabled(self) -> bool:
        return self.switched_off is not None


@dataclass
class Session:
    """One run; `ended` and `result` are None while it lasts. `kind` is backup, agent, copy, retention or config."""

    id: str
    kind: str
    name: str
    job: str
    resource: str
    started: float
    until: float
    number: int
    is_full: bool = False
    ended: float | None = None
    result: str | None = None
    message: str = ""
    machines: tuple[Machine, ...] = ()
    processed: int = 0
    read: int = 0
    transferred: int = 0


@dataclass
class File:
    """One backup file. `dedup` and `compress` are percent left, 0 without data. `archived`: only GFS keeps it alive."""

    id: str
    name: str
    backup: str
    session: str
    repository: str
    machines: tuple[Machine, ...]
    created: float
    is_full: bool
    data: int
    size: int
    physical: int
    dedup: int
    compress: int
    gfs: tuple[str, ...] = ()
    archived: bool = False


@dataclass
class Backup:
    """What a job left behind: per chain (a machine, or the whole job) its files, oldest first."""

    id: str
    name: str
    job: str
    platform: str
    target: str
    created: float
    chains: dict[str, list[File]] = field(default_factory=dict)

    @property
    def files(self) -> list[File]:
        return [file for chain in self.chains.values() for file in chain]
