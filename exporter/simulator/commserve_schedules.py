"""When plans make fulls, when data aging runs, and the times in which something must not run."""

from exporter.simulator.commserve_call import Body, Call, Route
from exporter.simulator.landscape import PlanSpec
from exporter.simulator.messages import Json
from exporter.simulator.retention import BACKUP_HOUR, NOON
from exporter.simulator.sizes import DAY

BACKUP_OPERATION, AGING_OPERATION, PRUNING_OPERATION = 2, 4018, 131072
DAILY, WEEKLY, AUTOMATIC = 4, 8, 1024
PLAN_ENTITY = 158
FIRST_TASK = 1000
WEEKDAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
# Day 0 of the backup days was one.
THURSDAY = 4
EVENING = int(NOON) + BACKUP_HOUR


def plan_schedules(plan: PlanSpec) -> list[Json]:
    """As the V4 API has them: fulls once in so many weeks, or synthetic ones when the product sees a need."""
    if plan.synthetic:
        pattern: Body = {"scheduleFrequencyType": "AUTOMATIC", "daysBetweenSyntheticFulls": plan.full_every}
    else:
        pattern = {
            "scheduleFrequencyType": "WEEKLY",
            "frequency": plan.full_every // 7,
            "weeklyDays": [WEEKDAYS[_weekday(plan)]],
            "startTime": EVENING,
        }
    nightly = {"scheduleFrequencyType": "DAILY", "frequency": 1, "startTime": EVENING}
    level = "SYNTHETICFULL" if plan.synthetic else "FULL"
    return [
        {"scheduleId": 2 * plan.id, "backupType": "INCREMENTAL", "forDatabasesOnly": False, "schedulePattern": nightly},
        {"scheduleId": 2 * plan.id + 1, "backupType": level, "forDatabasesOnly": False, "schedulePattern": pattern},
    ]


def schedules(call: Call) -> Body:
    asked = call.request.first("operationType").upper()
    wanted = [] if asked not in ("", "DATA_AGING", str(AGING_OPERATION)) else [_aging()]
    if asked in ("", "BACKUP", str(BACKUP_OPERATION)):
        wanted += [_backups(plan) for plan in call.estate.landscape.plans]
    return {"taskDetail": wanted} if wanted else {}


def windows(call: Call) -> Body:
    """Those of the CommCell are the estate's; one MediaAgent must not be pruned in office hours."""
    rule = {
        "ruleId": 3,
        "name": "no pruning by day",
        "operations": [PRUNING_OPERATION],
        "startDate": 0,
        "endDate": 0,
        "dayTime": [{"startTime": 32400, "endTime": 61200, "dayOfWeek": [1, 2, 3, 4, 5]}],
    }
    client = call.request.first("clientId", "0")
    of_agent = [rule] if client == str(call.estate.landscape.agents[0].id) else []
    return {"error": {"errorCode": 0}, "operationWindow": call.estate.windows if client == "0" else of_agent}


def _weekday(plan: PlanSpec) -> int:
    return (THURSDAY + plan.full_offset) % 7


def _aging() -> Body:
    pattern = _every(DAILY, 1, DAY // 2) | {"description": "Every day at 12:00 PM"}
    step = {"subTask": {"subTaskId": 140, "subTaskName": "Data Aging", "operationType": AGING_OPERATION}}
    return {
        "task": {"taskId": 14, "taskName": "System Created Data Aging"},
        "subTasks": [{**step, "pattern": pattern}],
    }


def _backups(plan: PlanSpec) -> Body:
    fulls = _every(WEEKLY, plan.full_every // 7, EVENING) | {"freq_interval": 1 << _weekday(plan)}
    level = "FULL"
    common: Body = {}
    if plan.synthetic:
        fulls, level = {"freq_type": AUTOMATIC}, "SYNTHETIC_FULL"
        common = {"automaticSchedulePattern": {"daysBetweenSyntheticBackup": plan.full_every}}
    return {
        "task": {"taskId": FIRST_TASK + plan.id, "taskName": plan.name, "taskFlags": {"disabled": False}},
        "associations": [{"entityType": PLAN_ENTITY, "entityId": plan.id}],
        "subTasks": [
            _step(2 * plan.id, _every(DAILY, 1, EVENING), "INCREMENTAL", {}),
            _step(2 * plan.id + 1, fulls, level, common),
        ],
    }


def _every(kind: int, recurrence: int, start: int) -> Body:
    return {"freq_type": kind, "freq_recurrence_factor": recurrence, "active_start_time": start}


def _step(number: int, pattern: Body, level: str, common: Body) -> Body:
    return {
        "subTask": {"subTaskId": number, "subTaskName": level.title(), "operationType": BACKUP_OPERATION},
        "pattern": pattern,
        "options": {"backupOpts": {"backupLevel": level}, "commonOpts": common},
    }


ROUTES = (
    Route("GET", "Schedules", schedules),
    Route("GET", "OperationWindow/OpWindowList", windows),
)
