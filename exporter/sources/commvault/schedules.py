"""When plans are told to make fulls and synthetic fulls.

GET /V4/ServerPlan/{id}/RPO, one call per server plan and day, after GET /V4/Plan/Summary, which lists them (GET /Plan
where that is unknown). Releases without the V4 API have GET /Schedules, one call: there the backup level and the
association of a schedule to a plan are inferred, and plans that no schedule names are left out.

A month counts as 30.4375 days, a year as 365.25. Several fulls a week make a mean interval. Schedules for databases
alone, of other backup levels, disabled ones, and repeats within a day are left out. Automatic synthetic fulls come when
the product sees a need, at the latest after their days: those are the interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.errors import reading
from exporter.http import dig
from exporter.model import DAY, MINUTE, Plan, PlanSchedule, Poll
from exporter.sources.commvault import plans
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, amount, flag, identity, name, number, part, rows, text

SUMMARY = "GET /V4/Plan/Summary"
RPO = "GET /V4/ServerPlan/{id}/RPO"
SCHEDULES = "GET /Schedules"
_LIST = "the list of all plans"

_SERVER_TYPES = {"", "server", "fsserver", "vsaserver", "database", "snap"}
_WEEK, _MONTH, _YEAR = 7 * DAY, 365.25 / 12 * DAY, 365.25 * DAY
_FULL, _SYNTHETIC = "FULL", "SYNTHETICFULL"
_PERIODS = {"MINUTES": MINUTE, "DAILY": DAY, "WEEKLY": _WEEK, "MONTHLY": _MONTH, "YEARLY": _YEAR}
# By freq_type; the others run once, automatically or all the time.
_FREQUENCIES = {4: DAY, 8: _WEEK, 16: _MONTH, 32: _MONTH, 64: _YEAR, 128: _YEAR}
_WEEKLY = 8
_BACKUP = 2
_LEVELS = {"1": _FULL, "4": _SYNTHETIC, "64": _SYNTHETIC}
_PLAN_ENTITY = 158


@dataclass(frozen=True)
class _Level:
    """Backups of one level; interval: None where they do not come at fixed times."""

    level: str
    interval: float | None


def fetch(client: CommvaultClient, poll: Poll) -> tuple[PlanSchedule, ...]:
    return client.first(
        {
            RPO: lambda: _of_each_plan(client, poll.at),
            SCHEDULES: lambda: parse_tasks(client.get("/Schedules"), _plans(client)),
        }
    )


def parse_summary(payload: Any) -> list[tuple[str, str]]:
    """(id, name) of the server plans."""
    with reading(SUMMARY):
        listed = [row for row in rows(payload, "plans", SUMMARY) if text(row, "planType").lower() in _SERVER_TYPES]
        entities = [dig(row, "plan", endpoint=SUMMARY, expect=dict) for row in listed]
        return [(identity(entity, "id"), name(entity, "name")) for entity in entities]


def parse(payload: Any, plan_id: str, plan: str) -> PlanSchedule:
    with reading(RPO):
        return _schedule(plan_id, plan, [level for row in rows(payload, "schedules", RPO) for level in _levels(row)])


def parse_tasks(payload: Any, known: Sequence[Plan]) -> tuple[PlanSchedule, ...]:
    """What the schedules say of those plans that they name, by themselves or by their storage policies."""
    levels: dict[str, list[_Level]] = {}
    with reading(SCHEDULES):
        for row in rows(payload, "taskDetail", SCHEDULES):
            found = list(_task_levels(row))
            for plan_id in _plan_ids(row, known):
                levels.setdefault(plan_id, []).extend(found)
    return tuple(_schedule(plan.id, plan.name, levels[plan.id]) for plan in known if plan.id in levels)


def _of_each_plan(client: CommvaultClient, at: float) -> tuple[PlanSchedule, ...]:
    listed = client.first(
        {
            SUMMARY: lambda: parse_summary(client.get("/V4/Plan/Summary")),
            _LIST: lambda: [(plan.id, plan.name) for plan in _plans(client) if plan.plan_type == "server"],
        }
    )
    names = dict(listed)

    def ask(plan_id: str) -> PlanSchedule:
        return parse(client.get("/V4/ServerPlan/{}/RPO", plan_id), plan_id, names[plan_id])

    return tuple(client.round_of("schedules", DAY).read(list(names), at, ask).values())


def _plans(client: CommvaultClient) -> tuple[Plan, ...]:
    return plans.parse(*plans.listing(client))


def _schedule(plan_id: str, plan: str, levels: Sequence[_Level]) -> PlanSchedule:
    """Nothing scheduled at all says nothing about synthetic fulls: a derived plan may inherit them."""
    synthetic = [found for found in levels if found.level == _SYNTHETIC]
    return PlanSchedule(
        plan_id=plan_id,
        plan=plan,
        full_interval_seconds=_mean(found.interval for found in levels if found.level == _FULL),
        synthetic_full=bool(synthetic) if levels else None,
        synthetic_full_interval_seconds=_mean(found.interval for found in synthetic),
    )


def _mean(intervals: Iterable[float | None]) -> float | None:
    """The interval of all of them together."""
    rate = sum(1 / interval for interval in intervals if interval)
    return 1 / rate if rate else None


def _levels(row: Row) -> Iterator[_Level]:
    if flag(row, "forDatabasesOnly"):
        return
    pattern = part(row, "schedulePattern")
    period = _PERIODS.get(text(pattern, "scheduleFrequencyType").upper())
    level = text(row, "backupType").upper()
    if period is None:
        interval = _automatic(level, amount(pattern, "daysBetweenSyntheticFulls"))
    else:
        times = len(_listed(pattern, "weeklyDays")) if period == _WEEK else 1
        interval = period * (amount(pattern, "frequency") or 1) / (times or 1)
    yield _Level(level, interval)


def _task_levels(row: Row) -> Iterator[_Level]:
    if flag(part(part(row, "task"), "taskFlags"), "disabled"):
        return
    for step in rows(row, "subTasks", SCHEDULES) if row.get("subTasks") else []:
        if number(part(step, "subTask"), "operationType") != _BACKUP:
            continue
        options = part(step, "options")
        told = str(part(options, "backupOpts").get("backupLevel", "")).upper().replace("_", "")
        level = _LEVELS.get(told, told)
        pattern = part(step, "pattern")
        kind = int(number(pattern, "freq_type") or 0)
        if kind in _FREQUENCIES:
            weekdays = int(number(pattern, "freq_interval") or 0).bit_count() if kind == _WEEKLY else 1
            every = amount(pattern, "freq_recurrence_factor") or 1
            interval: float | None = _FREQUENCIES[kind] * every / (weekdays or 1)
        else:
            automatic = part(part(options, "commonOpts"), "automaticSchedulePattern")
            interval = _automatic(level, amount(automatic, "daysBetweenSyntheticBackup"))
        yield _Level(level, interval)


def _automatic(level: str, days_between_synthetic: float | None) -> float | None:
    return days_between_synthetic * DAY if days_between_synthetic and level == _SYNTHETIC else None


def _plan_ids(row: Row, known: Sequence[Plan]) -> set[str]:
    ids = {plan.id for plan in known}
    by_policy = {plan.policy_id: plan.id for plan in known if plan.policy_id}
    found: set[str] = set()
    for associated in rows(row, "associations", SCHEDULES) if row.get("associations") else []:
        plan = part(associated, "plan") or associated
        found.add(_id(plan, "planId"))
        found.add(by_policy.get(_id(associated, "storagePolicyId"), ""))
        if number(associated, "entityType") == _PLAN_ENTITY:
            found.add(_id(associated, "entityId"))
    return found & ids


def _id(row: Row, field: str) -> str:
    return identity(row, field) if field in row else ""


def _listed(row: Mapping[str, Any], field: str) -> list[Any]:
    value = row.get(field)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{field} is of type {type(value).__name__}")
    return value
