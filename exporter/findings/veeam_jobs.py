"""Veeam jobs with what their sessions, their backups and their repositories tell of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from exporter.model import BackupChain, BackupJob, EffectiveRetention, JobRun, Repository

_SUCCESSES = ("success", "warning")


@dataclass(frozen=True)
class JobFinding:
    """run: the newest finished one; chains: the backups of the job; immutable_seconds: of where it writes to."""

    job: BackupJob
    run: JobRun | None = None
    chains: Sequence[BackupChain] = ()
    immutable_seconds: float | None = None

    @property
    def last_result(self) -> str:
        """While a session runs, the state of the job hides the result before, which the run still tells."""
        if self.job.last_result == "none" and self.run:
            return self.run.result
        return self.job.last_result

    @property
    def last_success_at(self) -> float | None:
        """A success that is older than all sessions is known by its begin only: it ended after that."""
        of_run = self.run.last_success_at if self.run else None
        of_state = self.job.last_run_at if self.job.last_result in _SUCCESSES else None
        return max((at for at in (of_run, of_state) if at is not None), default=None)

    @property
    def restore_points(self) -> int | None:
        told = [chain.restore_points for chain in self.chains if chain.restore_points is not None]
        return sum(told) if told else None

    @property
    def oldest_at(self) -> float | None:
        return min((chain.oldest_at for chain in self.chains if chain.oldest_at is not None), default=None)

    @property
    def newest_at(self) -> float | None:
        return max((chain.newest_at for chain in self.chains if chain.newest_at is not None), default=None)

    def retention(self, at: float) -> EffectiveRetention | None:
        """How old its oldest backup is that no long-term (GFS) rule keeps, beside what is configured.

        None where that is unknown: restore points do not tell which of them such a rule keeps, only files do.
        """
        oldest = self.oldest_at
        by_files = all(chain.files is not None for chain in self.chains)
        if oldest is None or (self.job.gfs and not by_files):
            return None
        return EffectiveRetention(
            kind="veeam",
            plan=self.job.name,
            configured_seconds=self.job.retention_seconds,
            earliest_seconds=None,
            latest_seconds=max(0.0, at - oldest),
            semantics="",
            method="oldest_file" if by_files else "oldest_restore_point",
        )


@dataclass(frozen=True)
class RepositoryFinding:
    """pool: the name under which it is a pool."""

    pool: str
    repository: Repository


@dataclass(frozen=True)
class _Places:
    """Immutability by the id of a repository, and by the name of a scale-out repository."""

    of_repository: dict[str, float | None] = field(default_factory=dict)
    of_scale_out: dict[str, float | None] = field(default_factory=dict)

    def immutable_seconds(self, job: BackupJob) -> float | None:
        if job.repository_id in self.of_repository:
            return self.of_repository[job.repository_id]
        return self.of_scale_out.get(job.repository)


def job_findings(
    jobs: Sequence[BackupJob],
    runs: Iterable[JobRun],
    chains: Iterable[BackupChain],
    repositories: Iterable[Repository],
) -> list[JobFinding]:
    run_of = {run.job_id: run for run in runs}
    chains_of = by_job(chains, jobs)
    places = _places(repositories)
    return [
        JobFinding(job, run_of.get(job.id), chains_of.get(job.name, ()), places.immutable_seconds(job)) for job in jobs
    ]


def by_job(chains: Iterable[BackupChain], jobs: Sequence[BackupJob]) -> dict[str, list[BackupChain]]:
    """By the name of the job, which is the one of today where its id is known; orphans are left out."""
    names = {job.id: job.name for job in jobs if job.id}
    found: dict[str, list[BackupChain]] = defaultdict(list)
    for chain in chains:
        if name := names.get(chain.job_id, chain.job):
            found[name].append(chain)
    return dict(found)


def retention(chains: Iterable[BackupChain], found: Sequence[JobFinding], at: float) -> Iterator[EffectiveRetention]:
    """Of all jobs that have backups; of a job that is listed no more, what its backups tell."""
    jobs = [finding.job for finding in found]
    known = {job.name for job in jobs}
    others = [
        JobFinding(BackupJob(id="", name=name), chains=of_job)
        for name, of_job in by_job(chains, jobs).items()
        if name not in known
    ]
    for finding in (*found, *others):
        if kept := finding.retention(at):
            yield kept


def repository_findings(repositories: Iterable[Repository], pools: Mapping[str, str]) -> list[RepositoryFinding]:
    """pools: their names by id."""
    return [RepositoryFinding(pools.get(one.id, one.name), one) for one in repositories]


def _places(repositories: Iterable[Repository]) -> _Places:
    places = _Places()
    for one in repositories:
        places.of_repository[one.id] = one.immutable_seconds
        if one.tier == "performance" and one.immutable_seconds is not None:
            longest = max(one.immutable_seconds, places.of_scale_out.get(one.scale_out) or 0.0)
            places.of_scale_out[one.scale_out] = longest
    return places
