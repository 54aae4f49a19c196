"""Events, as they happened, and the alerts that are raised at present."""

from exporter.simulator import chronicle
from exporter.simulator.chronicle import Event
from exporter.simulator.commserve_call import Body, Call, Route
from exporter.simulator.sizes import DAY

ALERT_TYPES = {
    "MediaAgent went offline": "Configuration - MediaAgents",
    "Mount Path went Offline": "Media Management - Library Management",
    "DDB Store got corrupted": "Media Management - Deduplication",
    "Job Failed": "Job Management - Data Protection",
}


def events(call: Call) -> Body:
    """Between fromTime and toTime, in unix seconds; without them all."""
    first = int(call.request.first("fromTime") or 0)
    last = int(call.request.first("toTime") or call.at)
    return {"commservEvents": [_event(e) for e in chronicle.events(call.estate) if first <= e.at <= last]}


def alerts(call: Call) -> Body:
    """What has been so since before the estate was made was detected a day before its birth.

    A DDB is sealed because it was found to be corrupted.
    """
    estate = call.estate
    before = int(estate.born - DAY)
    since = {story.object: int(story.began_at) for story in estate.told("agent_dead")}
    rows = [
        _alert(agent.id, "MediaAgent went offline", since.get(agent.name, before), agent.id, agent.name)
        for agent in estate.landscape.agents
        if estate.agent_state(agent) == "OFFLINE"
    ]
    rows += [
        _alert(pool.spec.id, "Mount Path went Offline", before, pool.spec.agents[0].id, pool.spec.agents[0].name)
        for pool in estate.pools
        if pool.spec.offline
    ]
    for story in estate.told("ddb_sealed"):
        pool = estate.pool(story.object)
        agent = pool.spec.agents[0]
        [sealed] = [store for store in estate.stores if store.pool is pool and store.sealed_at == story.began_at]
        rows.append(_alert(sealed.id, "DDB Store got corrupted", int(story.began_at), agent.id, agent.name))
    rows += [
        _alert(job.id, "Job Failed", job.start + job.elapsed, job.client_id, job.client, job.id)
        for story in estate.told("fulls_failing")
        for job in chronicle.failed_fulls(estate, story)
    ]
    return {"totalCount": len(rows), "unreadCount": len(rows), "alertsTriggered": rows}


def _event(event: Event) -> Body:
    return {
        "id": event.id,
        "severity": event.severity,
        "eventCode": str(1073741824 + int(event.code.partition(":")[2])),
        "eventCodeString": event.code,
        "timeSource": event.at,
        "subsystem": event.subsystem,
        "description": event.description,
        "jobId": event.job_id,
        "clientEntity": {"clientId": event.client_id, "clientName": event.client},
    }


def _alert(alert_id: int, criterion: str, at: int, client_id: int, client: str, job_id: int = 0) -> Body:
    return {
        "id": alert_id,
        "severity": "CRITICAL",
        "detectedCriterion": criterion,
        "type": ALERT_TYPES[criterion],
        "detectedTime": at,
        "client": {"id": client_id, "name": client},
        "jobId": job_id,
        "readStatus": False,
    }


ROUTES = (
    Route("GET", "Events", events),
    Route("GET", "V4/TriggeredAlerts", alerts),
)
