"""How long a job keeps its backups, as its definition says.

Jobs of machines and agents keep it in `storage`, copy jobs in `target`, jobs of files and of object storage in
`backupRepository`, copies of files beside everything else; replicas and content scans have none. The unit is restore
points or days, months for files, years for audit logs. A GFS tier counts when it and GFS are switched on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.model import DAY
from exporter.sources.veeam.fields import Row, enum, optional, text

_PLACES = ("storage", "target", "backupRepository")
# The vendor counts in calendar months and years.
_UNIT_SECONDS = {"days": DAY, "months": 30 * DAY, "years": 365 * DAY}
_TIERS = {"weekly": "keepForNumberOfWeeks", "monthly": "keepForNumberOfMonths", "yearly": "keepForNumberOfYears"}


@dataclass(frozen=True, slots=True)
class Retention:
    """seconds, or a number of restore points; gfs: how many of weekly, monthly, yearly are kept; None: not told."""

    seconds: float | None = None
    points: int | None = None
    gfs: Mapping[str, int] | None = None


NOT_TOLD = Retention()


def retention(job: Row, *, endpoint: str) -> Retention:
    """Of a row of jobs."""
    place = next((found for name in _PLACES if (found := optional(job, name, dict, endpoint=endpoint))), job)
    policy = optional(place, "retentionPolicy", dict, endpoint=endpoint)
    # A copy of files may keep what the job that it copies from keeps; what its own policy says is not in force then.
    if policy is None or optional(place, "useCustomRetention", bool, endpoint=endpoint) is False:
        return NOT_TOLD
    unit = enum(text(policy, "type", endpoint=endpoint))
    quantity = optional(policy, "quantity", int, endpoint=endpoint)
    seconds = _UNIT_SECONDS.get(unit)
    return Retention(
        seconds=None if seconds is None or quantity is None else seconds * quantity,
        points=quantity if unit == "restorepoints" else None,
        gfs=_gfs(place, endpoint),
    )


def _gfs(place: Row, endpoint: str) -> dict[str, int] | None:
    policy = optional(place, "gfsPolicy", dict, endpoint=endpoint)
    if policy is None:
        return None
    kept: dict[str, int] = {}
    if optional(policy, "isEnabled", bool, endpoint=endpoint):
        for tier, field in _TIERS.items():
            settings: Row = optional(policy, tier, dict, endpoint=endpoint) or {}
            count = optional(settings, field, int, endpoint=endpoint)
            if optional(settings, "isEnabled", bool, endpoint=endpoint) and count is not None:
                kept[tier] = count
    return kept
