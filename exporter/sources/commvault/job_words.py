"""The CommServe's words for jobs, and ours. Only the untranslated ones are read, never localizedStatus and the like."""

from __future__ import annotations

from exporter.model.jobs import FULL, INCREMENTAL, SYNTHETIC_FULL

OPERATIONS = (
    FULL,
    INCREMENTAL,
    SYNTHETIC_FULL,
    "data_aging",
    "auxiliary_copy",
    "ddb_backup",
    "ddb_verification",
    "ddb_space_reclamation",
    "disaster_recovery_backup",
    "restore",
    "other",
)

_TYPES = {
    "synthetic full": SYNTHETIC_FULL,
    "data aging": "data_aging",
    "auxiliary copy": "auxiliary_copy",
    "ddb backup": "ddb_backup",
    "cs dr backup": "disaster_recovery_backup",
    "data verification": "ddb_verification",
    "ddb verification": "ddb_verification",
    "ddb space reclamation": "ddb_space_reclamation",
    "restore": "restore",
}
_LEVELS = {
    "full": FULL,
    "incremental": INCREMENTAL,
    "differential": INCREMENTAL,
    "synthetic full": SYNTHETIC_FULL,
}
_LEVEL_NUMBERS = {1: "full", 2: "incremental", 4: "differential", 64: "synthetic full"}
_UNFINISHED = {
    "running",
    "waiting",
    "pending",
    "queued",
    "suspended",
    "kill pending",
    "suspend pending",
    "interrupt pending",
    "dangling cleanup",
}


def operation_of(job_type: str, level_name: str, level: int | None) -> str:
    """What a job does. Only jobs of type Backup have their level looked at: a DDB or DR backup has one, too."""
    word = job_type.strip().lower()
    if word == "backup":
        return _LEVELS.get(level_name.strip().lower() or _LEVEL_NUMBERS.get(level or 0, ""), "other")
    return _TYPES.get(word, "other")


def result_of(status: str) -> str | None:
    """success, partial, failed, killed or other; None while the job has not ended."""
    word = status.strip().lower()
    if word in _UNFINISHED:
        return None
    if word == "completed":
        return "success"
    return next((result for part, result in _RESULTS if part in word), "other")


_RESULTS = (
    # With errors, with warnings, or ended by hand with what it had.
    ("completed", "partial"),
    ("committed", "partial"),
    ("killed", "killed"),
    ("failed", "failed"),
)
