"""What Veeam's backup files come to: reduction per repository and job, and how long backups really live."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.model import BackupChain, BackupJob, EffectiveRetention, Reduction


@dataclass(frozen=True)
class JobReduction:
    """The backup files of one Veeam job, summed over its backups."""

    job: str
    files: int
    logical_bytes: float
    stored_bytes: float
    dedup_ratio: float | None
    compression_ratio: float | None


@dataclass(frozen=True)
class BackupFiles:
    chains: Sequence[BackupChain]
    jobs: Sequence[BackupJob]

    def reductions(self, repositories: Mapping[str, str]) -> list[Reduction]:
        """Per repository; repositories: their names by id."""
        by_repository: dict[str, list[BackupChain]] = defaultdict(list)
        for chain in self.chains:
            # A scale-out repository is no pool; its extents are, and files do not say on which of them they lie.
            if chain.repository_id in repositories:
                by_repository[repositories[chain.repository_id]].append(chain)
        return [_reduction(repository, chains) for repository, chains in by_repository.items()]

    def job_reductions(self) -> list[JobReduction]:
        by_job: dict[str, list[BackupChain]] = defaultdict(list)
        for chain in self.chains:
            by_job[self._job_name(chain)].append(chain)
        return [_job_reduction(job, chains) for job, chains in by_job.items() if job]

    def retention(self, at: float) -> Iterator[EffectiveRetention]:
        oldest: dict[str, float] = {}
        for chain in self.chains:
            job = self._job_name(chain)
            if job and chain.oldest_at is not None:
                oldest[job] = min(chain.oldest_at, oldest.get(job, chain.oldest_at))
        for job, moment in oldest.items():
            yield EffectiveRetention(
                kind="veeam", plan=job, earliest_seconds=None, latest_seconds=max(0.0, at - moment),
                semantics="", method="oldest_file",
            )  # fmt: skip

    def _job_name(self, chain: BackupChain) -> str:
        return next((j.name for j in self.jobs if j.id and j.id == chain.job_id), chain.job)


def _ratios(chains: Sequence[BackupChain]) -> tuple[float | None, float | None]:
    """(dedup, compression) as x:1, weighted by size: combined = data / stored is exact, dedup splits it."""
    stored = sum(c.stored_bytes for c in chains)
    told = [c for c in chains if c.deduplicated_bytes]
    deduplicated = sum(c.deduplicated_bytes or 0.0 for c in told)
    if not deduplicated or not stored:
        return None, None
    return (
        sum(c.data_bytes for c in told) / deduplicated,
        deduplicated / sum(c.stored_bytes for c in told) if sum(c.stored_bytes for c in told) else None,
    )


def _reduction(repository: str, chains: Sequence[BackupChain]) -> Reduction:
    dedup, compression = _ratios(chains)
    return Reduction(
        kind="veeam", pool=repository, dedup_ratio=dedup, compression_ratio=compression,
        logical_bytes=sum(c.data_bytes for c in chains), stored_bytes=sum(c.stored_bytes for c in chains),
    )  # fmt: skip


def _job_reduction(job: str, chains: Sequence[BackupChain]) -> JobReduction:
    dedup, compression = _ratios(chains)
    return JobReduction(
        job, sum(c.files for c in chains), sum(c.data_bytes for c in chains), sum(c.stored_bytes for c in chains),
        dedup, compression,
    )  # fmt: skip
