"""Machines, shares and the like that have backups: how many, how many of them cannot be restored.

GET /api/v1/backupObjects, slow: some seconds per 500 objects. Needs the role Backup Viewer. What is in no backup at all
is not in this list. lastRunFailed is told from 1.3-rev0 (VBR 13) on.
"""

from __future__ import annotations

from collections.abc import Iterable

from exporter.errors import reading
from exporter.model import BackupObjects, Poll
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.fields import Row, optional

BACKUP_OBJECTS = "/api/v1/backupObjects"
_OBJECTS = f"GET {BACKUP_OBJECTS}"
# What VBR puts before the name of an object that it has replaced by a new one.
_STALE = "outdated_"


def fetch(client: VeeamClient, _: Poll) -> BackupObjects:
    return parse(client.pages(BACKUP_OBJECTS))


def parse(rows: Iterable[Row]) -> BackupObjects:
    """Without stale objects; last_run_failed is None where no object tells."""
    points: list[int | None] = []
    failures: list[bool] = []
    with reading(_OBJECTS):
        for row in rows:
            if (optional(row, "name", str, endpoint=_OBJECTS) or "").startswith(_STALE):
                continue
            points.append(optional(row, "restorePointsCount", int, endpoint=_OBJECTS))
            failed = optional(row, "lastRunFailed", bool, endpoint=_OBJECTS)
            failures += [] if failed is None else [failed]
    return BackupObjects(
        total=len(points), unprotected=points.count(0), last_run_failed=sum(failures) if failures else None
    )
