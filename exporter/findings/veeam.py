"""What Veeam's backup files come to: reduction per repository and job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.findings.veeam_jobs import by_job
from exporter.model import BackupChain, BackupJob, Reduction


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
class _Files:
    """The files of one backup."""

    number: int
    data_bytes: float
    stored_bytes: float
    deduplicated_bytes: float | None


def reductions(chains: Sequence[BackupChain], repositories: Mapping[str, str]) -> list[Reduction]:
    """Per repository; repositories: their names by id. None where the revision does not list files."""
    by_repository: dict[str, list[BackupChain]] = defaultdict(list)
    for chain in chains:
        # A scale-out repository is no pool; its extents are, and files do not say on which of them they lie.
        if chain.repository_id in repositories:
            by_repository[repositories[chain.repository_id]].append(chain)
    return [
        _reduction(repository, files) for repository, told in by_repository.items() if (files := _files(told))
    ]  # fmt: skip


def job_reductions(chains: Sequence[BackupChain], jobs: Sequence[BackupJob]) -> list[JobReduction]:
    return [_job_reduction(job, files) for job, told in by_job(chains, jobs).items() if (files := _files(told))]


def _files(chains: Sequence[BackupChain]) -> list[_Files]:
    return [
        _Files(c.files, c.data_bytes, c.stored_bytes, c.deduplicated_bytes)
        for c in chains
        if c.files is not None and c.data_bytes is not None and c.stored_bytes is not None
    ]


def _ratios(files: Sequence[_Files]) -> tuple[float | None, float | None]:
    """(dedup, compression) as x:1, weighted by size: combined = data / stored is exact, dedup splits it."""
    told = [f for f in files if f.deduplicated_bytes]
    deduplicated = sum(f.deduplicated_bytes or 0.0 for f in told)
    if not deduplicated or not any(f.stored_bytes for f in files):
        return None, None
    stored = sum(f.stored_bytes for f in told)
    return sum(f.data_bytes for f in told) / deduplicated, deduplicated / stored if stored else None


def _reduction(repository: str, files: Sequence[_Files]) -> Reduction:
    dedup, compression = _ratios(files)
    return Reduction(
        kind="veeam", pool=repository, dedup_ratio=dedup, compression_ratio=compression,
        logical_bytes=sum(f.data_bytes for f in files), stored_bytes=sum(f.stored_bytes for f in files),
    )  # fmt: skip


def _job_reduction(job: str, files: Sequence[_Files]) -> JobReduction:
    dedup, compression = _ratios(files)
    return JobReduction(
        job, sum(f.number for f in files), sum(f.data_bytes for f in files), sum(f.stored_bytes for f in files),
        dedup, compression,
    )  # fmt: skip
