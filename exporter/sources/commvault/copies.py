"""Copies of a plan and their retention rules, in the two ways that a CommServe writes them.

`copy` reads those of GET /Plan and of the storage policies, `destination` those of the V5 API, which calls them backup
destinations and knows no cycles. -1 days or cycles are for ever; a pool's -1 days mean that it has no rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from exporter.http import dig
from exporter.model import DAY, Copy, RetentionRule
from exporter.sources.commvault.fields import Row, amount, flag, identity, name, number, part, text

_EXTENDED = ("One", "Two", "Three", "Four", "Five")
_EXTENDED_V5 = ("first", "second", "third")
_KINDS = {
    2: "all_fulls",
    4: "weekly",
    8: "monthly",
    16: "quarterly",
    32: "half_yearly",
    64: "yearly",
    262144: "hourly",
    524288: "daily",
}
_KNOWN_BITS = sum(_KINDS)
_KINDS_V5 = {f"{kind.removesuffix('_fulls')}_fulls".upper(): kind for kind in _KINDS.values()}
_BY_JOBS_V5 = "SNAP_RECOVERY_POINTS"
# 932575 days have been seen; nobody means them.
_FOR_EVER_DAYS = 36500


def copy(row: Row, endpoint: str) -> Copy:
    entity = dig(row, "StoragePolicyCopy", endpoint=endpoint, expect=dict)
    # GET /Plan calls the pool by the policy that stands for it; it may name one that no longer exists.
    pool = part(row, "useGlobalPolicy")
    if pool:
        pool_id, pool_name = identity(pool, "storagePolicyId"), text(pool, "storagePolicyName")
    else:
        pool = part(row, "storagePool")
        pool_id, pool_name = identity(pool, "storagePoolId") if pool else "", text(pool, "storagePoolName")
    return Copy(
        id=identity(entity, "copyId"),
        name=name(entity, "copyName"),
        pool=_stripped(pool_name),
        pool_id=pool_id,
        active=flag(row, "active"),
        managed_disk_space=managed_disk_space(row),
        rules=tuple(_rules(row, endpoint)),
    )


def managed_disk_space(row: Row) -> bool | None:
    return flag(part(part(row, "retentionRules"), "retentionFlags"), "enableManagedDiskSpace")


def destination(row: Row, endpoint: str) -> Copy:
    entity = dig(row, "planBackupDestination", endpoint=endpoint, expect=dict)
    general = part(row, "general")
    pool = part(general, "storage")
    return Copy(
        id=identity(entity, "id"),
        name=name(entity, "name"),
        pool=_stripped(text(pool, "name")),
        pool_id=identity(pool, "id") if pool else "",
        active=flag(general, "isActive"),
        rules=tuple(_rules_v5(dig(row, "retentionRules", endpoint=endpoint, expect=dict), pool)),
    )


def _rules(row: Row, endpoint: str) -> Iterator[RetentionRule]:
    told = dig(row, "retentionRules", endpoint=endpoint, expect=dict)
    flags = part(told, "retentionFlags")
    aging = flag(flags, "enableDataAging")
    # A snap copy that keeps a number of jobs has days and cycles too, which mean nothing.
    by_jobs = flag(flags, "jobBasedRetention")
    own = flag(part(row, "extendedFlags"), "overRideGACPRetention")
    days = _days(number(told, "retainBackupDataForDays"), amount(row, "poolRetentionPeriodDays"), own=own)
    yield RetentionRule(
        rule="basic",
        retention_seconds=None if by_jobs else days,
        cycles=None if by_jobs else _endless(number(told, "retainBackupDataForCycles")),
        aging_enabled=aging,
    )
    for index, word in enumerate(_EXTENDED, start=1):
        extended = part(told, f"extendedRetentionRule{word}")
        if flag(extended, "isEnabled"):
            yield RetentionRule(
                rule=f"extended_{index}",
                kind=_kind(number(extended, "rule")),
                retention_seconds=_seconds(number(extended, "endDays")),
                aging_enabled=aging,
            )


def _rules_v5(told: Row, pool: Row) -> Iterator[RetentionRule]:
    aging = flag(told, "enableDataAging")
    own = flag(told, "overrideRetentionSettings")
    days = _days(number(told, "retentionPeriodDays"), amount(pool, "retentionPeriodDays"), own=own)
    by_jobs = text(told, "retentionRuleType").upper() == _BY_JOBS_V5
    yield RetentionRule(rule="basic", retention_seconds=None if by_jobs else days, aging_enabled=aging)
    if not flag(told, "useExtendedRetentionRules"):
        return
    rules = part(told, "extendedRetentionRules")
    for index, word in enumerate(_EXTENDED_V5, start=1):
        extended = part(rules, f"{word}ExtendedRetentionRule")
        if extended:
            endless = flag(extended, "isInfiniteRetention")
            yield RetentionRule(
                rule=f"extended_{index}",
                kind=_KINDS_V5.get(text(extended, "type").upper(), "other"),
                retention_seconds=math.inf if endless else _seconds(number(extended, "retentionPeriodDays")),
                aging_enabled=aging,
            )


def _days(told: float | None, of_pool: float | None, *, own: bool | None) -> float | None:
    """Seconds of the copy itself, unless it leaves them to its pool."""
    return _seconds(told if own or of_pool is None else of_pool)


def _kind(bits: float | None) -> str:
    """The other bits say which jobs of a period count, and for how long they may come late."""
    return _KINDS.get(int(bits or 0) & _KNOWN_BITS, "other")


def _seconds(days: float | None) -> float | None:
    endless = _endless(days)
    return None if endless is None else math.inf if endless > _FOR_EVER_DAYS else endless * DAY


def _endless(value: float | None) -> float | None:
    return math.inf if value is not None and value < 0 else value


def _stripped(told: str) -> str:
    return told.replace("\u00a0", " ").strip()
