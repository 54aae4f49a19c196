"""What stands in a simulated data centre before its first night: the small site with every oddity, and a big one.

The small site holds what readers of this API stumble over: equal names, accents, jobs that never ran, machines in which
nothing changes. The big one is the small one grown to 300 jobs and 40 repositories.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from exporter.simulator.vbr_records import GIB, NO_ID, Job, Machine, Repository, Retention, ScaleOut, identity

JOBS_IN_DOCUMENTS = 300
REPOSITORIES_IN_DOCUMENTS = 40
Maker = Callable[..., Job]


@dataclass
class Site:
    """`scale_outs` count as repositories too: the states list them beside their extents.

    `switched_off`: jobs by name, and how many days ago they were disabled. `orphan` is gone but for its backup.
    """

    repositories: list[Repository]
    scale_outs: list[ScaleOut]
    jobs: list[Job]
    orphan: Job
    switched_off: dict[str, float]


def build(size: str, seed: int) -> Site:
    """The site of that size; ValueError when there is none."""
    if size == "small":
        return _small(seed)
    if size == "documents":
        return _grown(_small(seed), seed)
    raise ValueError(f"no estate of size {size!r}, one of: small, documents")


def _small(seed: int) -> Site:
    repositories = [
        _repository(seed, "Hardened-01", "LinuxHardened", "rep01", "/backups", free=0.34, fast_clone=True, immutable=7),
        _repository(seed, "Répertoire-A", "WinLocal", "rep02", "R:\\Backup", free=0.31, fast_clone=True, other=0.45),
        _repository(seed, "DataDomain-01", "DDBoost", "dd01", "ddboost://dd01.example.com:ebbtide@/vbr", free=0.47),
        _repository(seed, "SOBR-Prod", "WinLocal", "rep03", "E:\\Backups", free=0.38),
        _repository(seed, "SOBR-Prod-02", "LinuxLocal", "rep04", "/srv/backups", free=0.44),
        _repository(seed, "S3-Offload", "S3Compatible", "s3", "vbr-offload"),
        _repository(seed, "Branch-NAS", "Nfs", "nas01", "nas01.example.org:/export/vbr", free=0.22),
        _repository(seed, "Default Backup Repository", "WinLocal", "vbr01", "C:\\Backup", free=0.6, out_of_date=True),
    ]
    ids = {repository.name: repository.id for repository in repositories}
    scale_out = ScaleOut(
        identity(seed, "scale-out", "SOBR-Prod"),
        "SOBR-Prod",
        (ids["SOBR-Prod"], ids["SOBR-Prod-02"]),
        ids["S3-Offload"],
    )
    targets = ids | {"SOBR-Prod": scale_out.id}
    retired = tuple(_machines(seed, "retired-web", 2))
    orphan = Job(NO_ID, "Retired Web Farm", "vsphere", ids["Hardened-01"], retired, _points(4), None)
    return Site(repositories, [scale_out], _small_jobs(seed, targets), orphan, {"Old Branch Office": 35.0})


def _small_jobs(seed: int, targets: dict[str, str]) -> list[Job]:
    def job(name: str, target: str, machines: int, retention: Retention, start: int | None, **more: object) -> Job:
        platform = str(more.pop("platform", "vsphere"))
        hosts = tuple(_machines(seed, name.lower().replace(" ", "-"), machines))
        made = Job(identity(seed, "job", name), name, platform, targets[target], hosts, retention, start)
        return replace(made, **more)  # type: ignore[arg-type]

    return [*_everyday_jobs(job), *_odd_jobs(job)]


def _everyday_jobs(job: Maker) -> list[Job]:
    points, days, hour = _points, _days, 60
    return [
        job("VM Linux Web", "Hardened-01", 6, points(14), 22 * hour, full_day=5, dedup=88, compress=44),
        job("VM Linux DB", "Hardened-01", 3, days(14, weeks=6), 23 * hour, full_day=6, full_bytes=190 * GIB, dedup=96),
        job("VM Windows AD", "Répertoire-A", 2, points(14), 20 * hour, full_day=0, change_rate=0.05, compress=52),
        job(
            "VM Windows Files", "Répertoire-A", 2, days(21, weeks=4, months=3), 21 * hour, full_day=2, change_rate=0.03
        ),
        job("VM Exchange", "Répertoire-A", 3, points(10), 22 * hour, full_day=4, change_rate=0.07, compress=61),
        job("Hyper-V Test", "DataDomain-01", 4, points(14), 2 * hour, platform="hyperv", full_day=6, dedup=81),
        job("VM SAP", "SOBR-Prod", 4, days(30, weeks=8, months=6), 19 * hour, full_day=6, per_machine=True, minutes=70),
        job("VM VDI", "SOBR-Prod", 8, points(7), 1 * hour, full_day=3, full_bytes=40 * GIB, dedup=63, compress=39),
        job("Agent Linux Physical", "SOBR-Prod", 2, points(7), 3 * hour, platform="agent", full_day=1, compress=55),
        job("Copy to DataDomain", "DataDomain-01", 5, days(30), 4 * hour, platform="copy", full_day=6, minutes=90),
    ]


def _odd_jobs(job: Maker) -> list[Job]:
    points, hour = _points, 60
    return [
        job("Cluster Witness", "Hardened-01", 1, points(14), 22 * hour + 30, full_bytes=9 * GIB, profile="tiny"),
        job("Datawarehouse", "DataDomain-01", 1, points(7), 18 * hour, full_bytes=700 * GIB, profile="endless"),
        job("Old Branch Office", "Branch-NAS", 2, points(14), 21 * hour),
        job("New Project", "Hardened-01", 3, points(7), None),
    ]


def _grown(site: Site, seed: int) -> Site:
    chance = random.Random(f"{seed}:documents")
    extra = REPOSITORIES_IN_DOCUMENTS - len(site.repositories) - len(site.scale_outs)
    added = [_grown_repository(seed, number, chance) for number in range(1, extra + 1)]
    targets = [*[repository.id for repository in added], site.scale_outs[0].id]
    jobs = [
        _grown_job(seed, number, targets[number % len(targets)], chance)
        for number in range(1, JOBS_IN_DOCUMENTS - len(site.jobs) + 1)
    ]
    return replace(site, repositories=site.repositories + added, jobs=site.jobs + jobs)


def _grown_repository(seed: int, number: int, chance: random.Random) -> Repository:
    kind = ("WinLocal", "LinuxHardened", "LinuxLocal", "DDBoost")[number % 4]
    path = "D:\\Backup" if kind == "WinLocal" else f"/backup/{number:02d}"
    immutable = 14 if kind == "LinuxHardened" else 0
    return _repository(
        seed,
        f"Repository {number:02d}",
        kind,
        f"rep{number + 10}",
        path,
        free=chance.uniform(0.15, 0.6),
        fast_clone=kind == "LinuxHardened",
        immutable=immutable,
    )


def _grown_job(seed: int, number: int, target: str, chance: random.Random) -> Job:
    unit = ("Finance", "Research", "Sales", "Plant", "Hosting", "Intranet")[number % 6]
    name = f"{unit} {number:03d}"
    quantity = chance.choice((7, 10, 14, 21))
    weeks = 6 if number % 5 == 0 else 0
    return Job(
        identity(seed, "job", name),
        name,
        ("vsphere", "vsphere", "vsphere", "hyperv", "agent")[number % 5],
        target,
        tuple(_machines(seed, name.lower().replace(" ", "-"), chance.randint(1, 6))),
        Retention("Days" if number % 3 == 0 else "RestorePoints", quantity, weeks),
        (18 * 60 + 7 * number % 600) % 1440,
        full_day=number % 7,
        minutes=chance.randint(6, 80),
        full_bytes=chance.randint(20, 300) * GIB,
        change_rate=chance.uniform(0.01, 0.08),
        growth=chance.uniform(0.0, 0.002),
        dedup=chance.randint(60, 99),
        compress=chance.randint(30, 65),
        per_machine=number % 12 == 0,
    )


def _repository(
    seed: int,
    name: str,
    kind: str,
    host: str,
    path: str,
    *,
    free: float = 0.4,
    fast_clone: bool = False,
    other: float = 0.02,
    immutable: int = 0,
    out_of_date: bool = False,
) -> Repository:
    return Repository(
        identity(seed, "repository", name),
        name,
        kind,
        f"{host}.example.com",
        path,
        free,
        fast_clone,
        other,
        immutable,
        out_of_date,
    )


def _machines(seed: int, stem: str, count: int) -> Iterator[Machine]:
    for number in range(1, count + 1):
        name = f"{stem}-{number:02d}"
        yield Machine(identity(seed, "machine", name), name, f"vm-{int(identity(seed, name)[:4], 16)}")


def _points(quantity: int) -> Retention:
    return Retention("RestorePoints", quantity)


def _days(quantity: int, weeks: int = 0, months: int = 0) -> Retention:
    return Retention("Days", quantity, weeks, months)
