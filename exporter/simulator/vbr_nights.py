"""One run of a job: how long it takes, how much it reads, what files it leaves.

Every run draws from a random stream of its own, named after seed, job and start: what happens to one job never changes
the numbers of another, and it does not matter how often somebody looks.
"""

import random
from dataclasses import dataclass
from datetime import datetime, tzinfo

from exporter.simulator.vbr_records import DAY, Backup, File, Job, Machine, Repository, Session, identity
from exporter.simulator.vbr_retention import gfs_periods

METADATA = 416_768
ENDLESS_SECONDS = 86_340.0
FULL_TAKES_LONGER = 4.0
SYNTHETIC_FULL_ON_DISK = 0.2
TINY_RUNS_WITHOUT_DATA = 5


@dataclass(frozen=True)
class Amount:
    """`dedup` and `compress` in percent left, 0 where there was no data."""

    data: int
    size: int
    dedup: int
    compress: int


def stream(seed: int, *parts: object) -> random.Random:
    return random.Random("/".join(map(str, (seed, *parts))))


def duration(job: Job, session_id: str, *, is_full: bool) -> float:
    """Seconds until a run that nothing hinders is through."""
    if job.profile == "endless":
        return ENDLESS_SECONDS
    longer = FULL_TAKES_LONGER if is_full else 1.0
    return 60.0 * job.minutes * longer * stream(0, session_id, "duration").uniform(0.8, 1.25)


def written(
    job: Job, session: Session, backup: Backup, place: Repository, *, seed: int, zone: tzinfo, dedup_off: bool
) -> list[File]:
    """The files of a run, one per machine or one for all of them; `backup` says which chains there are already."""
    groups = [(machine,) for machine in job.machines] if job.per_machine else [job.machines]
    return [_file(job, session, backup, place, group, seed=seed, zone=zone, dedup_off=dedup_off) for group in groups]


def chain_key(job: Job, machines: tuple[Machine, ...]) -> str:
    return machines[0].id if job.per_machine else ""


def _file(
    job: Job,
    session: Session,
    backup: Backup,
    place: Repository,
    group: tuple[Machine, ...],
    *,
    seed: int,
    zone: tzinfo,
    dedup_off: bool,
) -> File:
    chain = backup.chains.get(chain_key(job, group), [])
    is_full = session.is_full or not chain
    chance = stream(seed, job.name, group[0].name, int(session.started))
    age = (session.started - backup.created) / DAY
    amount = _tiny(session, chance) if job.profile == "tiny" and not is_full else None
    amount = amount or _amount(job, len(group), age, chance, is_full=is_full, dedup_off=dedup_off)
    on_disk = SYNTHETIC_FULL_ON_DISK if place.fast_clone and is_full and chain else 1.0
    created = float(int(session.started))
    return File(
        identity(session.id, "file", group[0].id),
        _path(place, job, group, created, zone, is_full=is_full),
        backup.id,
        session.id,
        place.id,
        group,
        created,
        is_full,
        amount.data,
        amount.size,
        int(amount.size * on_disk),
        amount.dedup,
        amount.compress,
        gfs_periods(chain, job.retention, created) if is_full else (),
    )


def _amount(job: Job, machines: int, age: float, chance: random.Random, *, is_full: bool, dedup_off: bool) -> Amount:
    """VBR states what is left after dedup and compression in whole percent; metadata makes the file a bit bigger."""
    share = 1.0 if is_full else job.change_rate * chance.uniform(0.6, 1.4)
    data = int(machines * job.full_bytes * share * (1 + job.growth * age))
    easier = 0 if is_full else 3
    dedup = 100 if dedup_off else min(100, max(1, job.dedup + easier + chance.randint(-2, 2)))
    compress = min(100, max(1, job.compress + chance.randint(-2, 2)))
    size = int(data * dedup * compress / 10_000 * chance.uniform(1.0, 1.03))
    return Amount(data, size, dedup, compress)


def _tiny(session: Session, chance: random.Random) -> Amount:
    """Next to no changes: the metadata outweighs the data, and on some days there is no data at all."""
    if int(session.started // DAY) % TINY_RUNS_WITHOUT_DATA == 0:
        return Amount(0, METADATA, 0, 0)
    data = chance.randint(20_000, 180_000)
    return Amount(data, METADATA, 100, round(100 * METADATA / data))


def _path(
    place: Repository, job: Job, group: tuple[Machine, ...], created: float, zone: tzinfo, *, is_full: bool
) -> str:
    separator = "\\" if place.kind == "WinLocal" else "/"
    stem = f"{group[0].name}.{group[0].reference}" if job.per_machine else job.name
    stamp = datetime.fromtimestamp(created, zone).strftime("D%Y-%m-%dT%H%M%S")
    return separator.join((place.path, job.name, f"{stem}{stamp}{'.vbk' if is_full else '.vib'}"))
