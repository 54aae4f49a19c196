"""What a Veeam Backup & Replication server has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupJob:
    """A Veeam job: the definition, and how its last finished run went."""

    id: str
    name: str
    job_type: str = ""
    repository: str = ""
    enabled: bool | None = None
    running: bool | None = None
    last_result: str = "none"
    last_run_at: float | None = None
    last_success_at: float | None = None
    objects: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupChain:
    """The files of one Veeam backup, summed; sizes in bytes."""

    backup: str
    # "" for an orphaned or imported backup.
    job: str
    job_id: str = ""
    repository: str
    repository_id: str = ""
    files: int
    data_bytes: float
    stored_bytes: float
    # Data left after deduplication alone; None where no file told.
    deduplicated_bytes: float | None
    # Of the files that no long-term (GFS) rule keeps.
    oldest_at: float | None
    newest_at: float | None
