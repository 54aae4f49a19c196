"""Plans, and what each of their copies is told to keep: a basic rule in days and cycles, and extended ones.

GET /Plan (GET /V2/Plan where that is unknown), one call. Releases that list no storage there are asked further, by the
first of these that answers:

- GET /V2/StoragePolicy and one call per policy with propertyLevel=10: days and cycles, but no flags. Aging, managed
  disk space and whether a copy leaves its days to its pool stay unknown, as do extended rules that are not told.
- GET /V4/ServerPlan/{id}/BackupDestinations per plan and GET /V5/ServerPlan/{id}/BackupDestination/{id} per copy: days,
  extended rules and aging, but no cycles and no storage policy.

GET /Plan may leave out the names of policies; GET /V2/StoragePolicy has them, and where it is refused their ids are
shown. With `copy_details`, copies whose managed disk space is not told are asked for one by one. Plans derived from
others, and such for Office 365, often have no storage of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from exporter.asking import detail, each
from exporter.errors import SourceGarbled, reading
from exporter.http import dig
from exporter.model import MINUTE, Copy, Plan, Plans, Poll
from exporter.sources.commvault import rule_versions
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.copies import copy, destination, managed_disk_space
from exporter.sources.commvault.fields import Row, amount, identity, name, number, part, rows, text

LIST = "GET /Plan"
LIST_V2 = "GET /V2/Plan"
POLICIES = "GET /V2/StoragePolicy"
POLICY = "GET /V2/StoragePolicy/{id}"
COPY = "GET /V2/StoragePolicy/{id}/Copy/{id}"
DESTINATIONS = "GET /V4/ServerPlan/{id}/BackupDestinations"
DESTINATION = "GET /V5/ServerPlan/{id}/BackupDestination/{id}"

_TYPES = {2: "server", 6: "office_365", 7: "data_classification"}
_LAPTOP = 33554439


def fetch(client: CommvaultClient, poll: Poll) -> Plans:
    plans, tells_extended = read(client)
    plans = _named(client, plans)
    if client.copy_details:
        plans = _detailed(client, plans)
    compared = rule_versions.compare(plans, poll, tells_extended=tells_extended)
    return replace(compared, cycle_semantics=client.cycle_semantics)


def read(client: CommvaultClient) -> tuple[tuple[Plan, ...], bool]:
    """The plans with their copies, and whether a copy without extended rules is said to have none."""
    payload, endpoint = listing(client)
    plans = parse(payload, endpoint)
    if not _lacks_storage(payload, endpoint):
        return plans, True
    # Policies tell extended rules or leave them out; only the other answers say that there are none.
    return client.first(
        {
            POLICY: lambda: (_by_policies(client, plans), False),
            DESTINATIONS: lambda: (_by_destinations(client, plans), True),
        }
    )


def listing(client: CommvaultClient) -> tuple[dict[str, Any], str]:
    """What this release answers to the list of plans, and to which name."""
    return client.first({LIST: lambda: (client.get("/Plan"), LIST), LIST_V2: lambda: (client.get("/V2/Plan"), LIST_V2)})


def parse(payload: Any, endpoint: str = LIST) -> tuple[Plan, ...]:
    with reading(endpoint):
        return tuple(_plan(row, endpoint) for row in rows(payload, "plans", endpoint))


def parse_policies(payload: Any) -> dict[str, tuple[str, tuple[str, ...]]]:
    """By policy id its name, and the ids of its plans, empty where those are not told."""
    with reading(POLICIES):
        return dict(_policy(row) for row in rows(payload, "policies", POLICIES))


def parse_policy(payload: Any) -> tuple[Copy, ...]:
    """The copies of a policy, under one of the two names that they have."""
    with reading(POLICY):
        [policy] = rows(payload, "policies", POLICY)
        field = "copies" if "copies" in policy else "copy"
        return tuple(copy(row, POLICY) for row in rows(policy, field, POLICY))


def parse_destinations(payload: Any) -> list[str]:
    """The ids of a plan's copies."""
    # In lower case where the vendor documents it, and not so within GET /V4/ServerPlan/{id}.
    field = "backupDestinations" if "backupDestinations" in payload else "backupdestinations"
    with reading(DESTINATIONS):
        listed = rows(payload, field, DESTINATIONS)
        return [identity(dig(row, "planBackupDestination", endpoint=DESTINATIONS, expect=dict), "id") for row in listed]


def parse_destination(payload: Any) -> Copy:
    with reading(DESTINATION):
        return destination(payload, DESTINATION)


def parse_managed_disk_space(payload: Any) -> bool | None:
    with reading(COPY):
        return managed_disk_space(dig(payload, "copy", endpoint=COPY, expect=dict))


def _plan(row: Row, endpoint: str) -> Plan:
    entity = dig(row, "plan", endpoint=endpoint, expect=dict)
    storage = part(row, "storage")
    copies = rows(storage, "copy", endpoint) if "copy" in storage else []
    policy = dig(storage, "storagePolicy", endpoint=endpoint, expect=dict) if copies else {}
    clients = amount(row, "numDevices")
    rpo = amount(row, "rpoInMinutes")
    return Plan(
        id=identity(entity, "planId"),
        name=name(entity, "planName"),
        plan_type=_plan_type(row),
        company=text(part(entity, "entityInfo"), "companyName"),
        policy=name(policy, "storagePolicyName") if "storagePolicyName" in policy else "",
        policy_id=identity(policy, "storagePolicyId") if copies else "",
        clients=None if clients is None else int(clients),
        rpo_seconds=rpo * MINUTE if rpo else None,
        copies=tuple(copy(each_copy, endpoint) for each_copy in copies),
    )


def _plan_type(row: Row) -> str:
    told = number(row, "type")
    if told is None:
        return ""
    return "laptop" if number(row, "subtype") == _LAPTOP else _TYPES.get(int(told), "other")


def _lacks_storage(payload: Any, endpoint: str) -> bool:
    """Whether not even plans that must have storage of their own carry it."""
    listed = rows(payload, "plans", endpoint)
    with reading(endpoint):
        return not any(part(row, "storage") for row in listed) and any(
            _plan_type(row) == "server" and not part(row, "parent") for row in listed
        )


def _policy(row: Row) -> tuple[str, tuple[str, tuple[str, ...]]]:
    entity = dig(row, "storagePolicy", endpoint=POLICIES, expect=dict)
    plans = rows(row, "plans", POLICIES) if row.get("plans") else []
    of_plans = tuple(identity(part(plan, "plan") or plan, "planId") for plan in plans)
    return identity(entity, "storagePolicyId"), (name(entity, "storagePolicyName"), of_plans)


def _by_policies(client: CommvaultClient, plans: Sequence[Plan]) -> tuple[Plan, ...]:
    policies = parse_policies(client.get("/V2/StoragePolicy", params={"propertyLevel": 20}))
    told = {plan_id: policy_id for policy_id, (_, plan_ids) in policies.items() for plan_id in plan_ids}
    # The product gives the policy that it makes for a plan the name of the plan.
    named = {policy_name: policy_id for policy_id, (policy_name, _) in policies.items()}
    policy_ids = {plan.id: told.get(plan.id) or named.get(plan.name, "") for plan in plans}
    own = [plan for plan in plans if policy_ids[plan.id]]
    if not own:
        raise SourceGarbled(f"{POLICIES}: none of the policies belongs to a plan")

    def ask(plan: Plan) -> Plan:
        policy_id = policy_ids[plan.id]
        copies = parse_policy(client.get("/V2/StoragePolicy/{}", policy_id, params={"propertyLevel": 10}))
        return replace(plan, policy_id=policy_id, policy=policies[policy_id][0], copies=copies)

    return _replaced(plans, each(own, ask))


def _by_destinations(client: CommvaultClient, plans: Sequence[Plan]) -> tuple[Plan, ...]:
    def ask(plan: Plan) -> Plan:
        ids = parse_destinations(client.get("/V4/ServerPlan/{}/BackupDestinations", plan.id))
        copies = each(
            ids, lambda i: parse_destination(client.get("/V5/ServerPlan/{}/BackupDestination/{}", plan.id, i))
        )
        return replace(plan, copies=tuple(copies))

    # Server plans first: the call may not know laptops.
    asked = sorted((p for p in plans if p.plan_type in ("server", "laptop")), key=lambda p: p.plan_type, reverse=True)
    return _replaced(plans, each(asked, ask))


def _replaced(plans: Sequence[Plan], known: Sequence[Plan]) -> tuple[Plan, ...]:
    by_id = {plan.id: plan for plan in known}
    return tuple(by_id.get(plan.id, plan) for plan in plans)


def _named(client: CommvaultClient, plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
    if all(plan.policy or not plan.policy_id for plan in plans):
        return plans
    policies = detail(lambda: parse_policies(client.get("/V2/StoragePolicy"))) or {}
    names = {policy_id: policy for policy_id, (policy, _) in policies.items()}
    return tuple(replace(p, policy=p.policy or names.get(p.policy_id, p.policy_id)) for p in plans)


def _detailed(client: CommvaultClient, plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
    silent = [(p.policy_id, c.id) for p in plans if p.policy_id for c in p.copies if c.managed_disk_space is None]

    def ask(ids: tuple[str, str]) -> tuple[str, bool | None]:
        return ids[1], parse_managed_disk_space(client.get("/V2/StoragePolicy/{}/Copy/{}", *ids))

    managed: Mapping[str, bool | None] = dict(detail(lambda: each(silent, ask)) or ())
    return tuple(
        replace(plan, copies=tuple(_with_details(each_copy, managed) for each_copy in plan.copies)) for plan in plans
    )


def _with_details(found: Copy, managed: Mapping[str, bool | None]) -> Copy:
    return replace(found, managed_disk_space=managed[found.id]) if found.id in managed else found
