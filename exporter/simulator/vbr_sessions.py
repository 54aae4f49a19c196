"""Sessions and task sessions: what ran, when, and how it ended."""

from collections.abc import Iterator
from typing import Any

from exporter.simulator.messages import Answer, Json
from exporter.simulator.vbr_call import Call, not_found, unexpected
from exporter.simulator.vbr_listing import Listing, after, before, equal, named
from exporter.simulator.vbr_progress import percent, progress
from exporter.simulator.vbr_records import NO_ID, Machine, Session, identity

TYPES = {
    "backup": "BackupJob",
    "agent": "AgentBackup",
    "copy": "BackupCopyJob",
    "retention": "Retention",
    "config": "ConfigurationBackup",
}
TYPES_FROM_1_3 = ("AgentBackup", "BackupCopyJob", "Retention")
Task = tuple[Session, Machine]


def sessions(call: Call) -> Answer:
    """Newest first, so rows shift when a run begins between two pages."""
    _refuse_unknown_types(call)
    return Listing(
        [session for session in reversed(call.estate.sessions) if _type(call, session)],
        lambda session: _session(call, session),
        {
            "Name": lambda session: session.name,
            "SessionType": lambda session: _type(call, session),
            "CreationTime": lambda session: session.started,
            "EndTime": lambda session: session.ended or 0.0,
            "State": _state,
            "Result": _result,
        },
        {
            "nameFilter": named(lambda session: session.name),
            "createdAfterFilter": after(call, lambda session: session.started),
            "createdBeforeFilter": before(call, lambda session: session.started),
            "endedAfterFilter": after(call, lambda session: session.ended),
            "endedBeforeFilter": before(call, lambda session: session.ended),
            "typeFilter": equal(lambda session: _type(call, session)),
            "stateFilter": equal(_state),
            "resultFilter": equal(_result),
            "jobIdFilter": equal(lambda session: session.job),
        },
    ).answer(call)


def session(call: Call) -> Answer:
    return Answer(_session(call, _wanted(call)))


def task_sessions(call: Call) -> Answer:
    return _tasks(call, [task for one in reversed(call.estate.sessions) for task in _tasks_of(call, one)])


def tasks_of_session(call: Call) -> Answer:
    return _tasks(call, list(_tasks_of(call, _wanted(call))))


def _wanted(call: Call) -> Session:
    for one in call.estate.sessions:
        if one.id == call.ids["id"] and _type(call, one):
            return one
    raise not_found(call.ids["id"])


def _tasks(call: Call, tasks: list[Task]) -> Answer:
    return Listing(
        tasks,
        lambda task: _task(call, *task),
        {"Name": lambda task: task[1].name, "CreationTime": lambda task: task[0].started},
        {
            "nameFilter": named(lambda task: task[1].name),
            "createdAfterFilter": after(call, lambda task: task[0].started),
            "createdBeforeFilter": before(call, lambda task: task[0].started),
            "endedAfterFilter": after(call, lambda task: task[0].ended),
            "endedBeforeFilter": before(call, lambda task: task[0].ended),
            "stateFilter": equal(lambda task: _state(task[0])),
            "resultFilter": equal(lambda task: _result(task[0])),
            "sessionIdFilter": equal(lambda task: task[0].id),
        },
    ).answer(call)


def _tasks_of(call: Call, of: Session) -> Iterator[Task]:
    return ((of, machine) for machine in of.machines if _type(call, of))


def _type(call: Call, of: Session) -> str:
    """ "" for what this revision has no word for, and does not show."""
    if of.kind == "backup" and not call.since("1.2-rev0"):
        return "Job"
    name = TYPES[of.kind]
    return "" if name in TYPES_FROM_1_3 and not call.since("1.3-rev0") else name


def _refuse_unknown_types(call: Call) -> None:
    for wanted in call.request.query.get("typeFilter", []):
        too_new = wanted in TYPES_FROM_1_3 and not call.since("1.3-rev0")
        too_old = wanted == "Job" and call.since("1.2-rev0")
        if too_new or too_old or (wanted == "BackupJob" and not call.since("1.2-rev0")):
            raise unexpected(f"The value '{wanted}' is not valid for typeFilter.")


def _state(of: Session) -> str:
    return "Working" if of.ended is None else "Stopped"


def _result(of: Session) -> str:
    return of.result or "None"


def _session(call: Call, of: Session) -> Json:
    shown: dict[str, Any] = {
        "id": of.id,
        "name": of.name,
        ("jobId" if call.since("1.1-rev1") else "activityId"): of.job,
        "sessionType": _type(call, of),
        "creationTime": call.zoned(of.started),
        "endTime": None if of.ended is None else call.zoned(of.ended),
        "state": _state(of),
        "progressPercent": percent(call, of),
        "result": _outcome(of),
        "resourceId": of.resource,
        "resourceReference": f"/api/v1/backups/{of.resource}" if of.kind in ("backup", "agent", "copy") else None,
        "parentSessionId": None,
        "usn": of.number,
    }
    if not call.since("1.3-rev0"):
        return shown
    shown = {key: value for key, value in shown.items() if value is not None}
    shown["initiatedBy"] = "SYSTEM"
    if call.since("1.3-rev2") and of.machines:
        shown |= {"algorithm": _algorithm(of), "progress": progress(call, of)}
    return shown


def _task(call: Call, of: Session, machine: Machine) -> Json:
    """Its times are the server's wall clock, without a zone."""
    point = identity(of.id, "point", machine.id) if of.read else None
    shown = {
        "id": identity(of.id, "task", machine.id),
        "type": "Backup",
        "sessionId": of.id,
        "sessionType": _type(call, of),
        "creationTime": call.zoneless(of.started),
        "endTime": None if of.ended is None else call.zoneless(of.ended),
        "name": machine.name,
        "restorePointId": point,
        "restorePointReference": f"/api/v1/restorePoints/{point}" if point else None,
        "algorithm": _algorithm(of),
        "repositoryId": _repository(call, of),
        "usn": of.number,
        "state": _state(of),
        "result": _outcome(of),
        "progress": progress(call, of, len(of.machines)),
    }
    return {key: value for key, value in shown.items() if value is not None or not call.since("1.3-rev2")}


def _repository(call: Call, of: Session) -> str:
    job = call.estate.jobs.get(of.job)
    return job.target if job and of.read else NO_ID


def _outcome(of: Session) -> Json:
    outcome = {"result": _result(of), "isCanceled": False}
    return outcome if of.ended is None else {**outcome, "message": of.message}


def _algorithm(of: Session) -> str:
    return "Full" if of.is_full else "Increment"
