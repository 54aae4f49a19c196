"""The job history over the wire: pages of a list that moves while it is read."""

from exporter.simulator.commserve_call import Body, Call, Route, no_such
from exporter.simulator.history import ACTIVE, ALL, FINISHED, SYNTHETIC, TYPES, YEAR, Job, JobQuery
from exporter.simulator.jobs import AGING, AUX_COPY, BACKUP, DDB_BACKUP, RECLAMATION, RECOVERY, VERIFICATION
from exporter.simulator.messages import Json

LEVELS = {"Full": 1, "Incremental": 2, "Synthetic Full": 64}
CATEGORIES = {"active": ACTIVE, "finished": FINISHED, "all": ALL}
# What jobFilter may name, by word or by number.
FILTERS = {
    **dict.fromkeys(("ALLOPS", "1"), (SYNTHETIC, *TYPES)),
    **dict.fromkeys(("BACKUP", "4"), (SYNTHETIC, TYPES[BACKUP])),
    **dict.fromkeys(("SYNTHFULL", "14"), (SYNTHETIC,)),
    **dict.fromkeys(("CSDRBKP", "11"), (TYPES[RECOVERY],)),
    **dict.fromkeys(("AUXCOPY", "13", "104"), (TYPES[AUX_COPY],)),
    **dict.fromkeys(("DATA_VERIFICATION", "82"), (TYPES[VERIFICATION],)),
    **dict.fromkeys(("SPACE_RECLAMATION", "115"), (TYPES[RECLAMATION],)),
    **dict.fromkeys(("DDBOPS", "100"), (TYPES[DDB_BACKUP], TYPES[VERIFICATION], TYPES[RECLAMATION])),
    "PRUNE": (TYPES[AGING],),
}
DEFAULT_LIMIT = 100
LARGEST_LIMIT = 10_000


def list_jobs(call: Call) -> Body:
    """GET /Job: paging by headers or parameters, only backups unless a filter says otherwise, a year by default."""
    request = call.request

    def paging(name: str, usual: int) -> int:
        return int(request.headers.get(name) or request.first(name) or usual)

    is_filtered = any(key.lower() == "jobfilter" for key in request.query)
    words = [word.strip().upper() for word in request.first("jobFilter").split(",") if word.strip()]
    query = JobQuery(
        lookup=float(request.first("completedJobLookupTime") or YEAR),
        category=CATEGORIES.get(request.first("jobCategory").lower(), ALL),
        admin=is_filtered and request.first("hideAdminJobs", "true").lower() == "false",
        types=frozenset(name for word in words for name in FILTERS[word]),
    )
    return _page(call, query, paging("offset", 0), paging("limit", DEFAULT_LIMIT))


def query_jobs(call: Call) -> Body:
    """POST /Jobs: filters and paging in the body."""
    body = call.request.json()
    asked, paging = body.get("jobFilter") or {}, body.get("pagingConfig") or {}
    query = JobQuery(
        lookup=float(asked.get("completedJobLookupTime") or YEAR),
        category=int(body.get("category") or ALL),
        admin=not asked.get("hideAdminJobs", True),
        statuses=frozenset(asked.get("statusList") or ()),
        types=frozenset(asked.get("jobTypeList") or ()),
        clients=frozenset(int(client["clientId"]) for client in asked.get("clientList") or ()),
    )
    return _page(call, query, int(paging.get("offset") or 0), int(paging.get("limit") or DEFAULT_LIMIT))


def one_job(call: Call) -> Body:
    job = call.estate.jobs.find(call.number(), call.at)
    return {"totalRecordsWithoutPaging": 1, "jobs": [_row(call, job)]} if job else no_such("job")


def _page(call: Call, query: JobQuery, offset: int, limit: int) -> Body:
    total, jobs = call.estate.jobs.page(query, call.at, offset, min(limit, LARGEST_LIMIT))
    answer: Body = {"processinginstructioninfo": {"attributeList": {}}, "totalRecordsWithoutPaging": total}
    if jobs:
        answer["jobs"] = [_row(call, job) for job in jobs]
    return answer


def _row(call: Call, job: Job) -> Body:
    summary: dict[str, Json] = {
        "jobId": job.id,
        "status": job.status,
        "localizedStatus": job.status,
        "jobType": job.type,
        "localizedOperationName": job.type,
        "isVisible": True,
        "isAged": job.is_aged,
        "percentComplete": 100 if job.end else 50,
        "jobStartTime": job.start,
        "jobEndTime": job.end or 0,
        "lastUpdateTime": job.end or int(call.at),
        "jobElapsedTime": job.elapsed,
        "sizeOfApplication": job.application_bytes,
        "sizeOfMediaOnDisk": job.media_bytes,
        "percentSavings": savings(job.application_bytes, job.media_bytes),
        "userName": {"userName": "admin"},
        "subclient": {"clientId": job.client_id, "clientName": job.client, "subclientName": job.subclient},
    }
    if job.level is not None:
        summary |= {"backupLevelName": job.level, "backupLevel": LEVELS[job.level]}
    if job.plan is not None:
        summary["storagePolicy"] = {"storagePolicyId": job.plan.policy_id, "storagePolicyName": job.plan.name}
    return {"jobSummary": summary}


def savings(application_bytes: int, media_bytes: int) -> float:
    return round(100 * (1 - media_bytes / application_bytes), 2) if application_bytes else 0.0


ROUTES = (
    Route("GET", "Job", list_jobs),
    Route("GET", "Job/{}", one_job),
    Route("POST", "Jobs", query_jobs),
)
