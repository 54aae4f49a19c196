"""Backup files, summed per backup: how much data went in, how much was stored, how far back it reaches.

GET /api/v1/backups and GET /api/v1/backups/{id}/backupFiles, from 1.2-rev0 (VBR 12.3) on. Needs the role Backup Viewer.

dedupRatio and compressRatio are percent that is LEFT: 100 means nothing was saved, 40 means 2.5x. backupSize is what
dedup and compression left together, so of the two only dedupRatio is read: it says how to split data / stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo

from exporter.errors import SourceGarbled, reading
from exporter.http import UnexpectedStatus
from exporter.model import MEBIBYTE, BackupChain, Poll
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.fields import Row, enum, moment, number, optional, reference, text
from exporter.sources.veeam.revision import error_code

BACKUPS = "/api/v1/backups"
FILES = "/api/v1/backups/{}/backupFiles"
_BACKUPS, _FILES = f"GET {BACKUPS}", f"GET {FILES}"
_FIRST_REVISION = "1.2-rev0"

# In files with less data the metadata outweighs it, and their percentages mean nothing.
_SMALLEST_TELLING = MEBIBYTE


def fetch(client: VeeamClient, _: Poll) -> tuple[BackupChain, ...]:
    if not client.speaks(_FIRST_REVISION):
        raise SourceGarbled(
            f"{_FILES}: backup files need VBR 12.3 (REST {_FIRST_REVISION}); this server speaks {client.revision()}"
        )
    repositories, jobs, zone = client.repository_names(), client.job_names(), client.zone()
    chains, gone = [], None
    for backup in client.pages(BACKUPS):
        try:
            files = list(client.pages(FILES, backup["id"]))
        except UnexpectedStatus as error:
            if error.status != 404 or error_code(error) != "notfound":
                raise
            # Deleted since it was listed; if it is so with all of them, it is the endpoint that is missing.
            gone = error
            continue
        chains.append(parse(backup, files, repositories, jobs, zone=zone))
    if gone and not chains:
        raise gone
    return tuple(chains)


def parse(
    backup: Row, files: Iterable[Row], repositories: Mapping[str, str], jobs: Mapping[str, str], *, zone: tzinfo
) -> BackupChain:
    """A row of backups and the rows of its backupFiles; repositories and jobs: names by id."""
    files = list(files)
    with reading(_BACKUPS):
        job = reference(backup, "jobId", endpoint=_BACKUPS)
        repository = reference(backup, "repositoryId", endpoint=_BACKUPS)
        repository_name = optional(backup, "repositoryName", str, endpoint=_BACKUPS)
        name = text(backup, "name", endpoint=_BACKUPS)
    with reading(_FILES):
        created = [at for row in files if not _is_long_term(row) and (at := _created(row, zone))]
        return BackupChain(
            backup=name,
            job=jobs.get(job, ""),
            job_id=job,
            repository=repository_name or repositories.get(repository, ""),
            repository_id=repository,
            files=len(files),
            data_bytes=sum(number(row, "dataSize", endpoint=_FILES) for row in files),
            stored_bytes=sum(number(row, "backupSize", endpoint=_FILES) for row in files),
            deduplicated_bytes=_deduplicated(files),
            oldest_at=min(created, default=None),
            newest_at=max(created, default=None),
        )


def _deduplicated(files: Iterable[Row]) -> float | None:
    """Data left by dedup, weighted by size; files that do not tell are taken for the average of those that do.

    A percentage of 0 is "no data", not infinite dedup.
    """
    data = told = left = 0.0
    for row in files:
        size = number(row, "dataSize", endpoint=_FILES)
        percent = number(row, "dedupRatio", endpoint=_FILES)
        data += size
        if size >= _SMALLEST_TELLING and 0 < percent <= 100:
            told += size
            left += size * percent / 100
    return data * left / told if told else None


def _is_long_term(row: Row) -> bool:
    periods = optional(row, "gfsPeriods", list, endpoint=_FILES) or ()
    return any(enum(period) not in ("", "none") for period in periods)


def _created(row: Row, zone: tzinfo) -> float | None:
    return moment(text(row, "creationTime", endpoint=_FILES), zone)
