"""The closed sets of words that become labels; the last of each is for what we do not know."""

POOL_STATUSES = ("online", "degraded", "offline", "unknown")
DEDUP_STORE_STATUSES = ("active", "sealed", "offline", "corrupted", "unknown")
JOB_RESULTS = ("success", "warning", "failed", "none")
