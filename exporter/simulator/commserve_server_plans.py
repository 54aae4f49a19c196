"""Server plans and their backup destinations in the V4 and V5 API, which knows days and no cycles."""

from collections import Counter
from collections.abc import Iterator

from exporter.simulator.commserve_call import NOT_FOUND, Body, Call, Route
from exporter.simulator.commserve_plans import plans_of_clients, pool_of
from exporter.simulator.commserve_schedules import plan_schedules
from exporter.simulator.commserve_storage import COMPANY
from exporter.simulator.landscape import CopySpec, PlanSpec
from exporter.simulator.messages import Answer
from exporter.simulator.sizes import DAY

TYPES = {"disk": "DISK", "cloud": "CLOUD", "hyperscale": "HYPERSCALE"}


def ids(call: Call) -> Body:
    return {"entities": [_entity(plan) for plan in call.estate.landscape.plans]}


def summary(call: Call) -> Body:
    protects = Counter(plans_of_clients(call))
    plans = call.estate.landscape.plans
    return {"plans": [_summary(call, plan, protects[plan.id]) for plan in plans], "plansCount": len(plans)}


def server_plan(call: Call) -> Body | Answer:
    for plan in _asked(call):
        return {
            "plan": _entity(plan),
            "backupDestinations": [_listed(call, spec) for spec in plan.copies],
            "rpo": {"backupFrequency": {"schedules": plan_schedules(plan)}},
        }
    return NOT_FOUND


def destinations(call: Call) -> Body | Answer:
    for plan in _asked(call):
        return {"backupdestinations": [_listed(call, spec) for spec in plan.copies], "regionsConfigured": False}
    return NOT_FOUND


def destination(call: Call) -> Body | Answer:
    for plan in _asked(call):
        for spec in plan.copies:
            if spec.id == call.number(1):
                return {"plan": _entity(plan), **_destination(call, spec)}
    return NOT_FOUND


def rpo(call: Call) -> Body | Answer:
    for plan in _asked(call):
        return {"schedules": plan_schedules(plan)}
    return NOT_FOUND


def _asked(call: Call) -> Iterator[PlanSpec]:
    return (plan for plan in call.estate.landscape.plans if plan.id == call.number())


def _entity(plan: PlanSpec | CopySpec) -> Body:
    return {"id": plan.id, "name": plan.name}


def _summary(call: Call, plan: PlanSpec, clients: int) -> Body:
    row: Body = {
        "plan": _entity(plan),
        "planType": "Server",
        "associatedEntities": clients,
        "RPO": DAY // 60,
        "numberOfCopies": len(plan.copies),
        "status": "ENABLED",
        "company": {"id": COMPANY["companyId"], "name": COMPANY["companyName"]},
    }
    if plan.parent_id is not None:
        row["parentPlan"] = next(_entity(p) for p in call.estate.landscape.plans if p.id == plan.parent_id)
    return row


def _listed(call: Call, spec: CopySpec) -> Body:
    """The list leaves retention to the single destination."""
    general = _general(call, spec)
    return {
        "planBackupDestination": _entity(spec),
        "isDefault": general["isDefault"],
        "isSnapCopy": False,
        "copyType": "SYNCHRONOUS",
        "copyPrecedence": spec.precedence,
        "storagePool": general["storage"],
        "storageType": general["storageType"],
    }


def _destination(call: Call, spec: CopySpec) -> Body:
    rule = call.estate.copies[spec.id].rule
    retention: Body = {
        "enableDataAging": True,
        "overrideRetentionSettings": True,
        "retentionRuleType": "RETENTION_PERIOD",
        "retentionPeriodDays": rule.days,
        "useExtendedRetentionRules": spec.monthly_for_days is not None,
    }
    if spec.monthly_for_days is not None:
        monthly = {"isInfiniteRetention": False, "retentionPeriodDays": spec.monthly_for_days, "type": "MONTHLY_FULLS"}
        retention["extendedRetentionRules"] = {"firstExtendedRetentionRule": monthly}
    return {"planBackupDestination": _entity(spec), "general": _general(call, spec), "retentionRules": retention}


def _general(call: Call, spec: CopySpec) -> Body:
    pool = pool_of(call, spec)
    return {
        "storage": {
            "id": pool.spec.id,
            "name": pool.spec.name,
            "type": "DEDUPLICATION" if pool.spec.dedup else "NON_DEDUPLICATION",
            "wormStoragePoolFlag": pool.spec.worm,
        },
        "storageType": TYPES[pool.spec.storage],
        "isActive": spec.active,
        "isDefault": spec.precedence == 1,
        "isSnapCopy": False,
        "copyType": "SYNCHRONOUS",
        "copyPrecedence": spec.precedence,
    }


ROUTES = (
    Route("GET", "V4/PlanIds", ids),
    Route("GET", "V4/Plan/Summary", summary),
    Route("GET", "V4/ServerPlan/{}", server_plan),
    Route("GET", "V4/ServerPlan/{}/BackupDestinations", destinations),
    Route("GET", "V4/ServerPlan/{}/RPO", rpo),
    Route("GET", "V5/ServerPlan/{}/BackupDestination/{}", destination),
)
