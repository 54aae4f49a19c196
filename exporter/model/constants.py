"""The closed sets of words that become labels; the last of each is for what we do not know."""

POOL_STATUSES = ("online", "degraded", "offline", "unknown")
DEDUP_STORE_STATUSES = ("active", "sealed", "offline", "corrupted", "unknown")
JOB_RESULTS = ("success", "warning", "failed", "none")
SESSION_TYPES = (
    "backup", "backup_copy", "agent_backup", "file_backup", "replica", "log_backup", "retention", "delete_backup",
    "configuration_backup", "repository_maintenance", "restore", "other",
)  # fmt: skip
TRENDS = ("improving", "stable", "degrading", "none")
GRADES = ("A", "B", "C", "D", "F", "none")
