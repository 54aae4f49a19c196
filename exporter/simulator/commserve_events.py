"""Events, as they happened, and the alerts that are raised at present."""

from exporter.simulator import chronicle
from exporter.simulator.chronicle import Event
from exporter.simulator.commserve_call import Body, Call, Route
from exporter.simulator.sizes import DAY

ALERT_TYPES = {
    "MediaAgent went offline": "Configuration - MediaAgents",
    "Mount Path went Offline": "Media Management - Library Management",
}


def events(call: Call) -> Body:
    """Between fromTime and toTime, in unix seconds; without them all."""
    first = int(call.request.first("fromTime") or 0)
    last = int(call.request.first("toTime") or call.at)
    return {"commservEvents": [_event(call, e) for e in chronicle.events(call.estate) if first <= e.at <= last]}


def alerts(call: Call) -> Body:
    """What has been so since before the estate was made was detected a day before its birth."""
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
    return {"totalCount": len(rows), "unreadCount": len(rows), "alertsTriggered": rows}


def _event(call: Call, event: Event) -> Body:
    ids = {agent.name: agent.id for agent in call.estate.landscape.agents}
    name = event.agent or "cs01"
    return {
        "id": event.id,
        "severity": event.severity,
        "eventCode": str(1073741824 + int(event.code.partition(":")[2])),
        "eventCodeString": event.code,
        "timeSource": event.at,
        "subsystem": event.subsystem,
        "description": event.description,
        "jobId": 0,
        "clientEntity": {"clientId": ids.get(name, 2), "clientName": name},
    }


def _alert(alert_id: int, criterion: str, at: int, client_id: int, client: str) -> Body:
    return {
        "id": alert_id,
        "severity": "CRITICAL",
        "detectedCriterion": criterion,
        "type": ALERT_TYPES[criterion],
        "detectedTime": at,
        "client": {"id": client_id, "name": client},
        "jobId": 0,
        "readStatus": False,
    }


ROUTES = (
    Route("GET", "Events", events),
    Route("GET", "V4/TriggeredAlerts", alerts),
)
