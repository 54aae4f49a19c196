"""What each copy of each plan is told to keep: a basic rule in days and cycles, and up to three extended ones.

GET /Plan, one call; only this and the V2 calls know cycles.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from exporter.errors import SourceGarbled, reading
from exporter.http import dig
from exporter.model import DAY, Poll, RetentionRule
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, amount, flag, identity, name, number, part, rows

ENDPOINT = "GET /Plan"

_EXTENDED = {
    "extended_1": "extendedRetentionRuleOne",
    "extended_2": "extendedRetentionRuleTwo",
    "extended_3": "extendedRetentionRuleThree",
}
_SERVER_PLAN = 2
# 932575 days have been seen; nobody means them.
_FOR_EVER_DAYS = 36500


def fetch(client: CommvaultClient, poll: Poll) -> tuple[RetentionRule, ...]:  # noqa: ARG001
    return parse(client.get("/Plan"))


def parse(payload: Any) -> tuple[RetentionRule, ...]:
    plans = rows(payload, "plans", ENDPOINT)
    with reading(ENDPOINT):
        # Plans for laptops or Office 365, and plans derived from another one, often have no storage of their own.
        own = [p for p in plans if number(p, "type") == _SERVER_PLAN and not part(p, "parent")]
        if own and not any(part(p, "storage") for p in plans):
            raise SourceGarbled(f"{ENDPOINT}: this release lists plans without the field storage, where retention is")
        return tuple(rule for plan in plans for rule in _rules(plan))


def _rules(plan: Row) -> Iterator[RetentionRule]:
    storage = part(plan, "storage")
    copies = rows(storage, "copy", ENDPOINT) if "copy" in storage else []
    if not copies:
        return
    plan_name = name(dig(plan, "plan", endpoint=ENDPOINT, expect=dict), "planName")
    policy = dig(storage, "storagePolicy", endpoint=ENDPOINT, expect=dict)
    for copy in copies:
        yield from _of_copy(plan_name, identity(policy, "storagePolicyId"), copy)


def _of_copy(plan: str, policy_id: str, copy: Row) -> Iterator[RetentionRule]:
    told = dig(copy, "retentionRules", endpoint=ENDPOINT, expect=dict)
    pool = part(copy, "useGlobalPolicy")
    flags = part(told, "retentionFlags")
    of_copy: dict[str, Any] = {
        "plan": plan,
        "copy": name(dig(copy, "StoragePolicyCopy", endpoint=ENDPOINT, expect=dict), "copyName"),
        "policy_id": policy_id,
        "pool": name(pool, "storagePolicyName") if "storagePolicyName" in pool else "",
        "aging_enabled": flag(flags, "enableDataAging"),
    }
    by_jobs = flag(flags, "jobBasedRetention")
    yield RetentionRule(
        **of_copy,
        rule="basic",
        # A snap copy that keeps a number of jobs has days and cycles too, which mean nothing.
        retention_seconds=None if by_jobs else _seconds(_days(copy, told)),
        cycles=None if by_jobs else _endless(number(told, "retainBackupDataForCycles")),
    )
    for rule, field in _EXTENDED.items():
        extended = part(told, field)
        if flag(extended, "isEnabled"):
            yield RetentionRule(**of_copy, rule=rule, retention_seconds=_seconds(number(extended, "endDays")))


def _days(copy: Row, told: Row) -> float | None:
    """Days of the copy itself, unless it leaves them to its pool. -1 is for ever, a pool's -1 that it has none."""
    if not flag(part(copy, "extendedFlags"), "overRideGACPRetention"):
        of_pool = amount(copy, "poolRetentionPeriodDays")
        if of_pool is not None:
            return of_pool
    return number(told, "retainBackupDataForDays")


def _seconds(days: float | None) -> float | None:
    endless = _endless(days)
    return None if endless is None else math.inf if endless > _FOR_EVER_DAYS else endless * DAY


def _endless(value: float | None) -> float | None:
    return math.inf if value is not None and value < 0 else value
