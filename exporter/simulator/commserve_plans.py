"""Plans, storage policies and their copies: where cycles and days are."""

from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice

from exporter.simulator.commserve_call import NOT_FOUND, Body, Call, Route, no_such
from exporter.simulator.commserve_storage import COMPANY
from exporter.simulator.landscape import CopySpec, PlanSpec
from exporter.simulator.messages import Answer, Json
from exporter.simulator.sizes import DAY

SERVER_PLAN = {"type": 2, "subtype": 33554437}
MONTHLY_FULLS = 8
NO_RULE = {"isEnabled": 0, "rule": 0, "endDays": 0, "graceDays": 0, "everyXHours": 0}


def plans(call: Call) -> Body:
    protects = Counter(plans_of_clients(call))
    return {"plans": [_plan(call, plan, protects[plan.id]) for plan in call.estate.landscape.plans]}


def policies(call: Call) -> Body:
    """The plans of a policy are told at a higher level only."""
    listed = [plan for plan in call.estate.landscape.plans if plan.copies]
    with_plans = call.request.first("propertyLevel") == "20"
    return {
        "policies": [
            {"storagePolicy": _policy(plan), "numberOfStreams": 50}
            | ({"plans": [{"planId": plan.id, "planName": plan.name}]} if with_plans else {})
            for plan in listed
        ]
    }


def policy(call: Call) -> Body | Answer:
    """Its copies, without flags."""
    for plan in call.estate.landscape.plans:
        if plan.copies and plan.policy_id == call.number():
            if call.request.first("propertyLevel") != "10":
                return {"policies": [{"storagePolicy": _policy(plan)}]}
            return {
                "policies": [{"storagePolicy": _policy(plan), "copies": [_bare(call, plan, c) for c in plan.copies]}]
            }
    return NOT_FOUND


def _bare(call: Call, plan: PlanSpec, spec: CopySpec) -> Body:
    told = _copy(call, plan, spec)
    rules = told["retentionRules"]
    return {
        key: told[key] for key in ("StoragePolicyCopy", "copyType", "isDefault", "isSnapCopy", "copyPrecedence")
    } | {
        "storagePool": {"storagePoolId": spec.pool_id},
        "library": told["library"],
        "retentionRules": {key: rules[key] for key in rules if key.startswith("retain")},
    }


def policy_copy(call: Call) -> Body:
    for plan in call.estate.landscape.plans:
        for spec in plan.copies:
            if (plan.policy_id, spec.id) == (call.number(0), call.number(1)):
                agent = pool_of(call, spec).spec.agents[0]
                copy = _copy(call, plan, spec) | {
                    "storagePool": {"storagePoolId": spec.pool_id, "storagePoolName": pool_of(call, spec).spec.name},
                    "mediaAgent": {"mediaAgentId": agent.id, "mediaAgentName": agent.name},
                }
                copy["retentionRules"]["retentionFlags"]["enableManagedDiskSpace"] = int(spec.managed_disk_space)
                return {"copy": copy, "error": {"errorCode": 0, "errorMessage": ""}}
    return no_such("storage policy copy")


def _plan(call: Call, plan: PlanSpec, clients: int) -> Body:
    row: Body = {
        "plan": {
            "planId": plan.id,
            "planName": plan.name,
            "planType": SERVER_PLAN["type"],
            "planSubtype": SERVER_PLAN["subtype"],
            "planSummary": f"RPOHours:24,NumberOfCopies:{len(plan.copies)}",
            "entityInfo": COMPANY,
        },
        **SERVER_PLAN,
        "rpoInMinutes": DAY // 60,
        "numDevices": clients,
        "numUsers": 0,
        "numCopies": len(plan.copies),
        "numAssocEntities": 0,
        "planStatusFlag": 0,
    }
    if plan.parent_id is not None:
        names = {other.id: other.name for other in call.estate.landscape.plans}
        row["parent"] = {"planId": plan.parent_id, "planName": names[plan.parent_id]}
    if plan.copies:
        row["storageTarget"] = pool_of(call, plan.copies[0]).spec.name
        if call.abilities.generation != "v5":
            row["storage"] = {
                "storagePolicy": _policy(plan),
                "copy": [_copy(call, plan, spec) for spec in plan.copies],
            }
    return row


def plans_of_clients(call: Call) -> Iterator[int]:
    """The plan of each client, by its id."""
    own = [plan.id for plan in call.estate.landscape.plans if plan.copies]
    return islice(cycle(own), call.estate.landscape.size.clients)


def _policy(plan: PlanSpec) -> Body:
    return {"storagePolicyId": plan.policy_id, "storagePolicyName": plan.name}


def _copy(call: Call, plan: PlanSpec, spec: CopySpec) -> Body:
    pool = pool_of(call, spec)
    rule = call.estate.copies[spec.id].rule
    monthly: Json = dict(NO_RULE)
    if spec.monthly_for_days is not None:
        monthly = {**NO_RULE, "isEnabled": 1, "rule": MONTHLY_FULLS, "endDays": spec.monthly_for_days}
    return {
        "StoragePolicyCopy": {"copyId": spec.id, "copyName": spec.name, "storagePolicyName": plan.name},
        "copyType": 1,
        "active": int(spec.active),
        "isDefault": int(spec.precedence == 1),
        "isSnapCopy": 0,
        "isMirrorCopy": 0,
        "copyPrecedence": spec.precedence,
        "wormStorageFlag": pool.spec.worm,
        "poolRetentionPeriodDays": 30 if pool.spec.worm else -1,
        "library": {"libraryId": pool.spec.library_id, "libraryName": pool.spec.name},
        "useGlobalPolicy": {"storagePolicyId": pool.spec.id, "storagePolicyName": pool.spec.name},
        "extendedFlags": {"overRideGACPRetention": 1},
        "dedupeFlags": {"enableDeduplication": 1, "useGlobalDedupStore": 1} if pool.spec.dedup else {},
        "retentionRules": {
            "retainBackupDataForDays": rule.days,
            "retainBackupDataForCycles": rule.cycles,
            "retainArchiverDataForDays": -1,
            "jobs": 0,
            "retentionFlags": {"enableDataAging": 1, "jobBasedRetention": 0},
            "extendedRetentionRuleOne": monthly,
            "extendedRetentionRuleTwo": dict(NO_RULE),
            "extendedRetentionRuleThree": dict(NO_RULE),
        },
    }


def pool_of(call: Call, spec: CopySpec) -> Json:
    return next(pool for pool in call.estate.pools if pool.spec.id == spec.pool_id)


ROUTES = (
    Route("GET", "Plan", plans),
    Route("GET", "V2/Plan", plans),
    Route("GET", "V2/StoragePolicy", policies),
    Route("GET", "V2/StoragePolicy/{}", policy),
    Route("GET", "V2/StoragePolicy/{}/Copy/{}", policy_copy),
)
