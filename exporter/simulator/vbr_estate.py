"""A VBR server's estate that lives on the clock: nightly runs, weekly fulls, retention, repositories that fill.

Whoever looks at it lets the nights happen that have passed since the last look, in the order of their time. Disks are
bought after a history of `days`: as big as the aimed free ratio says, so every estate starts in a known state.
"""

import functools
import threading
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from exporter.simulator.clock import Clock
from exporter.simulator.vbr_agenda import Agenda
from exporter.simulator.vbr_disks import Disks, Sizes
from exporter.simulator.vbr_nights import chain_key, duration, stream, written
from exporter.simulator.vbr_records import (
    DAY,
    FAILED,
    NO_ID,
    SUCCESS,
    WARNING,
    Backup,
    Job,
    Repository,
    ScaleOut,
    Session,
    identity,
)
from exporter.simulator.vbr_retention import survivors
from exporter.simulator.vbr_sites import build
from exporter.simulator.vbr_stories import Stories, Story

Told = Sequence[tuple[float, str, str | None]]
BRANCH_OFFICE_GONE: Told = ((12.0, "repository_offline", "Branch-NAS"),)
SESSION_KINDS = {"vsphere": "backup", "hyperv": "backup", "agent": "agent", "copy": "copy"}
RETENTION_AT, CONFIG_BACKUP_AT = 5 * 60 + 30, 10 * 60
RETENTION_SECONDS, CONFIG_SECONDS, OBSTACLE_SECONDS = 240.0, 35.0, 95.0
ENDLESS_RETRY_SECONDS = 3600.0


class VbrEstate:
    """`told` are stories of the history: (days ago, story, object); `free_ratios` by repository name.

    `failure_rate` is the share of runs that fail for no reason; three times as many end with a warning.
    """

    def __init__(
        self,
        size: str,
        clock: Clock,
        seed: int = 1,
        *,
        days: float = 60.0,
        timezone: str = "Europe/Berlin",
        told: Told = BRANCH_OFFICE_GONE,
        free_ratios: dict[str, float] | None = None,
        failure_rate: float = 0.01,
    ) -> None:
        site = build(size, seed)
        present = clock.now()
        self.lock = threading.RLock()
        self.size, self.clock, self.seed = size, clock, seed
        self.timezone, self.zone = timezone, ZoneInfo(timezone)
        self.born = present - days * DAY
        self.repositories = {repository.id: repository for repository in site.repositories}
        self.scale_outs = {scale_out.id: scale_out for scale_out in site.scale_outs}
        self.jobs = {job.id: job for job in site.jobs}
        self.backups: dict[str, Backup] = {}
        self.sessions: list[Session] = []
        self._failure_rate = failure_rate
        self._stories = Stories(site.jobs, site.scale_outs, site.repositories)
        self._disks = Disks(site.repositories, site.scale_outs, self._stories)
        self._agenda = Agenda(self.zone)
        self._leave_orphan(site.orphan)
        for job in site.jobs:
            ago = site.switched_off.get(job.name)
            job.switched_off = None if ago is None else present - ago * DAY
        self._schedule()
        for ago, story, name in sorted(told, key=lambda entry: -entry[0]):
            self._agenda.live_until(present - ago * DAY)
            self._tell(story, name, present - ago * DAY)
        self._agenda.live_until(present)
        self._disks.buy(free_ratios or {})

    def live(self) -> float:
        """Lets happen what the clock has passed; returns its time."""
        with self.lock:
            now = self.clock.now()
            self._agenda.live_until(now)
            return now

    def tell(self, story: str, object: str | None = None) -> None:  # noqa: A002
        """Starts a story; ValueError when there is no such story or object. The object is a name or an id."""
        with self.lock:
            self._tell(story, object, self.live())

    def end(self, story: str, object: str | None = None) -> None:  # noqa: A002
        """Ends a story; without object it ends for everybody."""
        with self.lock:
            self.live()
            for repository in self._stories.end(story, object):
                if self.is_online(repository):
                    self._disks.find_again(repository)

    def told(self) -> tuple[Story, ...]:
        with self.lock:
            return self._stories.current()

    def is_online(self, repository: Repository) -> bool:
        return not self._stories.happens_at("repository_offline", repository)

    def sizes(self, repository: Repository) -> Sizes:
        """Of an offline repository as it was last seen."""
        return self._disks.sizes(repository)

    def extents(self, scale_out: ScaleOut) -> list[Repository]:
        return [self.repositories[extent] for extent in scale_out.performance]

    def target_name(self, target: str) -> str:
        return (self.scale_outs.get(target) or self.repositories[target]).name

    def backup_of(self, job: Job) -> Backup | None:
        return self.backups.get(identity(job.id, "backup"))

    def _tell(self, story: str, name: str | None, at: float) -> None:
        for repository in self._stories.tell(story, name, at):
            if story == "repository_offline":
                self._disks.lose_sight(repository)

    def _leave_orphan(self, job: Job) -> None:
        """A backup whose job is gone: a full and three increments of long ago."""
        started = self.born - 300 * DAY
        backup = Backup(identity(self.seed, "orphan"), job.name, NO_ID, job.platform, job.target, started)
        self.backups[backup.id] = backup
        for day in range(4):
            session = Session(identity(backup.id, day), "backup", job.name, NO_ID, backup.id, started + day * DAY, 0, 0)
            self._keep(job, session, backup)

    def _schedule(self) -> None:
        for job in self.jobs.values():
            if job.start is not None:
                self._plan(job, self.born)
        for target in sorted({job.target for job in self.jobs.values() if not job.disabled}):
            self._agenda.daily(RETENTION_AT, self.born, functools.partial(self._start_retention, target))
        self._agenda.daily(CONFIG_BACKUP_AT, self.born, self._start_config_backup)

    def _plan(self, job: Job, after: float) -> None:
        planned = self._agenda.next_local(job.start or 0, after)
        off = job.switched_off is not None and planned >= job.switched_off
        job.next_run = None if off else planned
        if not off:
            late = stream(self.seed, job.name, int(planned), "late").uniform(2.0, 25.0)
            self._agenda.at(planned + late, functools.partial(self._start, job, planned))

    def _start(self, job: Job, planned: float, at: float) -> None:
        weekday = datetime.fromtimestamp(planned, self.zone).weekday()
        session = self._session(SESSION_KINDS[job.platform], job.name, job.id, identity(job.id, "backup"), at)
        session.is_full = weekday == job.full_day or self.backup_of(job) is None
        session.machines = job.machines
        session.message = self._obstacle(job)
        length = OBSTACLE_SECONDS if session.message else duration(job, session.id, is_full=session.is_full)
        job.runs.append(session)
        self._ends(session, length, functools.partial(self._finish, job, session))
        if job.profile == "endless":
            job.next_run = None
        else:
            self._plan(job, planned)

    def _finish(self, job: Job, session: Session, at: float) -> None:
        luck = stream(self.seed, session.id, "luck").random()
        problem = session.message or self._obstacle(job)
        if not problem and luck < self._failure_rate:
            problem = "Processing failed: the snapshot of a machine could not be created"
        if not problem:
            problem = self._store(job, session)
        if problem:
            _conclude(session, at, FAILED, problem)
        elif luck < 4 * self._failure_rate:
            _conclude(session, at, WARNING, "A VSS writer was not ready, the backup is crash-consistent")
        else:
            _conclude_well(session, at)
        if job.profile == "endless":
            again = at + (ENDLESS_RETRY_SECONDS if problem else 1.0)
            self._agenda.at(again, functools.partial(self._start, job, again))

    def _store(self, job: Job, session: Session) -> str:
        """Writes the files of a run; or says why not."""
        backup = self.backup_of(job) or Backup(
            session.resource, job.name, job.id, job.platform, job.target, session.started
        )
        if problem := self._keep(job, session, backup):
            return problem
        self.backups[backup.id] = backup
        return ""

    def _keep(self, job: Job, session: Session, backup: Backup) -> str:
        place = self._place(job)
        dedup_off = self._stories.happens("dedup_off", job.id)
        files = written(job, session, backup, place, seed=self.seed, zone=self.zone, dedup_off=dedup_off)
        if not self._disks.has_room(place, files):
            return f"Error: There is not enough space on the disk of {place.name}"
        for file in files:
            backup.chains.setdefault(chain_key(job, file.machines), []).append(file)
            self._disks.add(file)
        session.processed = int(len(job.machines) * job.full_bytes * 1.4)
        session.read = sum(file.data for file in files)
        session.transferred = sum(file.size for file in files)
        return ""

    def _place(self, job: Job) -> Repository:
        """All files of a job lie on one extent: data locality."""
        scale_out = self.scale_outs.get(job.target)
        if scale_out is None:
            return self.repositories[job.target]
        extents = self.extents(scale_out)
        return extents[int(job.id[:8], 16) % len(extents)]

    def _obstacle(self, job: Job) -> str:
        if self._stories.happens("job_failing", job.id):
            return "Error: Cannot connect to the host vcenter01.example.com: login failed"
        place = self._place(job)
        return "" if self.is_online(place) else f"Failed to connect to the backup repository {place.name}"

    def _start_retention(self, target: str, at: float) -> None:
        name = f"Retention ({self.target_name(target)})"
        session = self._session("retention", name, identity(target, "retention"), target, at)
        self._ends(session, RETENTION_SECONDS, functools.partial(self._finish_retention, target, session))

    def _finish_retention(self, target: str, session: Session, at: float) -> None:
        scale_out = self.scale_outs.get(target)
        extents = self.extents(scale_out) if scale_out else [self.repositories[target]]
        if self._stories.happens("retention_failing", target, *[extent.id for extent in extents]):
            _conclude(session, at, FAILED, "Failed to delete backup files: the file is locked by another process")
        elif not all(map(self.is_online, extents)):
            _conclude(session, at, FAILED, "Failed to connect to the backup repository")
        else:
            _conclude_well(session, at)
            self._prune(target, at)

    def _prune(self, target: str, at: float) -> None:
        for backup in self.backups.values():
            job = self.jobs.get(backup.job)
            if job is None or job.disabled or backup.target != target:
                continue
            for key, chain in backup.chains.items():
                kept = survivors(chain, job.retention, at)
                if len(kept) < len(chain):
                    living = {file.id for file in kept}
                    for file in chain:
                        if file.id not in living:
                            self._disks.remove(file)
                    backup.chains[key] = kept

    def _start_config_backup(self, at: float) -> None:
        session = self._session("config", "Backup Configuration Job", identity(self.seed, "config-backup"), NO_ID, at)
        self._ends(session, CONFIG_SECONDS, functools.partial(_conclude_well, session))

    def _session(self, kind: str, name: str, job: str, resource: str, at: float) -> Session:
        session = Session(identity(job, int(at)), kind, name, job, resource, at, at, 10_000 + len(self.sessions))
        self.sessions.append(session)
        return session

    def _ends(self, session: Session, seconds: float, action: functools.partial[None]) -> None:
        session.until = session.started + seconds
        self._agenda.at(session.until, action)


def _conclude(session: Session, at: float, result: str, message: str) -> None:
    session.ended, session.result, session.message = at, result, message


def _conclude_well(session: Session, at: float) -> None:
    _conclude(session, at, SUCCESS, "Success")
