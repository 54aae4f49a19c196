"""Jobs of a copy: what it keeps and why, and what has aged there and waits for pruning."""

from collections.abc import Iterator

from exporter.simulator.commserve_call import NOT_FOUND, Body, Call, Route
from exporter.simulator.commserve_jobs import savings
from exporter.simulator.commserve_plans import pool_of
from exporter.simulator.history import FAILED, SYNTHETIC, Job
from exporter.simulator.jobs import COPIES
from exporter.simulator.messages import Answer
from exporter.simulator.retention import Copy, day_of, noon_of
from exporter.simulator.sizes import DAY, HOUR

FOR_EVER = -1
VIEWS = {"last24hours": DAY, "lastweek": 7 * DAY, "lastmonth": 30 * DAY, "last3months": 90 * DAY}
RETAINED_BY = {0: "No Data Available", 1: "Basic Retention", 2: "Extended Retention"}
WITHOUT_AGED, AGED_ONLY, WITH_AGED = range(3)


def jobs_on_copy(call: Call) -> Body | Answer:
    """Those that started within the time asked for; without a view, the last 24 hours."""
    copy = call.estate.copies.get(call.number())
    if copy is None:
        return NOT_FOUND
    view = call.request.first("view", "last24Hours").lower()
    if view == "custom":
        since, until = float(call.request.first("startTime", "0")), float(call.request.first("endTime", str(call.at)))
    else:
        since, until = call.at - VIEWS[view], call.at
    aged = int(call.request.first("agedData", str(WITHOUT_AGED)))
    listed = (
        _row(call, copy, job, day)
        for day in _days(call, copy, since, until)
        for job in call.estate.jobs.of_plan(copy.plan, day, call.at)
        if since <= job.start <= until and job.status not in FAILED
    )
    return {"jobs": [row for row in listed if aged == WITH_AGED or row["isAged"] == (aged == AGED_ONLY)]}


def _days(call: Call, copy: Copy, since: float, until: float) -> Iterator[int]:
    """The newest first; without those that the copy has nothing of, or nothing yet."""
    waits_since = pool_of(call, copy.spec).waiting_since(call.at)
    waiting = {day for at, days in copy.aged if at >= waits_since for day in days}
    for day in range(day_of(min(until, call.at)), max(call.estate.jobs.numbering.first_day, day_of(since)) - 1, -1):
        here = copy.spec.active and (copy.spec.precedence == 1 or _is_copied(call, day))
        if here and (copy.keeps(day) or copy.keeps_longer(day, call.at) or day in waiting):
            yield day


def _row(call: Call, copy: Copy, job: Job, day: int) -> Body:
    by, reason, until = _retention(call, copy, job, day)
    written = _written(call, copy, job, day)
    return {
        "jobId": job.id,
        "jobType": job.level or SYNTHETIC,
        "status": job.status,
        "startTime": job.start,
        "endTime": job.end or 0,
        "duration": job.elapsed,
        "sizeOfApplication": job.application_bytes,
        "dataWritten": written,
        "savingPercentage": savings(job.application_bytes, written),
        "server": {"id": job.client_id, "name": job.client},
        "subClient": {"id": 0, "name": job.subclient},
        "retainUntil": until,
        "retentionReason": reason,
        "retainedBy": by,
        "strRetainedBy": RETAINED_BY[by],
        "isAged": by == 0 and not reason,
        "isSoftAged": False,
        "deduplicated": pool_of(call, copy.spec).spec.dedup,
    }


def _retention(call: Call, copy: Copy, job: Job, day: int) -> tuple[int, str, int]:
    """(retainedBy, retentionReason, retainUntil); all empty once the job has aged."""
    if job.end is None:
        return 0, "JOBRUNNING", 0
    if not copy.keeps(day):
        longer = copy.keeps_longer(day, call.at)
        return (2, "EXTENDED_RETENTION", int(job.start + longer)) if longer else (0, "", 0)
    if copy.rule.is_infinite:
        return 1, "INFINITE", FOR_EVER
    until = int(copy.cycle_of(day).last_job_at + copy.rule.days * DAY)
    if any(spec.active for spec in copy.plan.copies[1:]) and not _is_copied(call, day):
        return 1, "NOT_COPIED", until
    # As the last aging run saw it.
    return 1, "BASIC_DAYS" if until >= noon_of(day_of(call.at)) else "BASIC_CYCLES", until


def _is_copied(call: Call, day: int) -> bool:
    """Whether the last auxiliary copy of the day has ended."""
    return call.at > noon_of(day) + COPIES[1] + 2 * HOUR


def _written(call: Call, copy: Copy, job: Job, day: int) -> int:
    """What the job of the plan has become on this copy."""
    primary = call.estate.copies[copy.plan.copies[0].id].bytes_on(day)
    return round(job.media_bytes * copy.bytes_on(day) / primary) if primary else 0


ROUTES = (Route("GET", "V4/Plan/BackupDestination/{}/Jobs", jobs_on_copy),)
