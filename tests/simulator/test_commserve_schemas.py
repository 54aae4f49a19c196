"""Every V4 answer of the simulated CommServe against the vendor's own OpenAPI document, where it is at hand.

The document belongs to Commvault and is not in this repository: EBBTIDE_VENDOR_SPECS names a folder with
commvault-openapi3.trimmed.json. It requires next to nothing, so a field that it does not name is an error here too.
"""

import json
import re
from functools import cache
from itertools import islice

import jsonschema
import pytest

from exporter.simulator.commserve import ROUTES
from exporter.simulator.sizes import DAY
from tests.servers import vendor_specs

DOCUMENT = "commvault-openapi3.trimmed.json"
# The document counts sizes in int32, which real pools outgrow: formats are left out.
KEPT = ("type", "enum", "minimum", "maximum", "required")
TEMPLATES = {
    "V4/License": "/V4/License",
    "V4/TriggeredAlerts": "/V4/TriggeredAlerts",
    "V4/mediaAgent": "/V4/mediaAgent",
    "V4/PlanIds": "/V4/PlanIds",
    "V4/Plan/Summary": "/V4/Plan/Summary",
    "V4/Plan/BackupDestination/{}/Jobs": "/V4/Plan/BackupDestination/{backupDestinationId}/Jobs",
    "V4/ServerPlan/{}": "/V4/ServerPlan/{planId}",
    "V4/ServerPlan/{}/BackupDestinations": "/V4/ServerPlan/{planId}/BackupDestinations",
    "V4/ServerPlan/{}/RPO": "/V4/ServerPlan/{planId}/RPO",
    "V5/ServerPlan/{}/BackupDestination/{}": "/V5/ServerPlan/{planId}/BackupDestination/{BackupDestinationId}",
    "V4/Storage/Disk": "/V4/Storage/Disk",
    "V4/Storage/Cloud": "/V4/Storage/Cloud",
    "V4/Storage/HyperScale": "/V4/Storage/HyperScale",
    "V4/Storage/Disk/{}": "/V4/Storage/Disk/{storagePoolId}",
    "V4/Storage/Cloud/{}": "/V4/Storage/Cloud/{cloudStorageId}",
    "V4/Storage/HyperScale/{}": "/V4/Storage/HyperScale/{hyperScaleStorageId}",
}


def _document():
    """Asked for at the test, so that a run without the document says why it skipped."""
    return _read(vendor_specs() / DOCUMENT)


@cache
def _read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _schema(part, schemas):
    """As JSON Schema: nullable becomes a type, and an object has no field but those described."""
    if "$ref" in part:
        return {"$ref": part["$ref"].replace("#/components/schemas/", "#/$defs/")}
    fixed = {key: part[key] for key in KEPT if key in part}
    # Retention for ever is written as -1, the document says, beside a minimum of 1.
    if part.get("description", "").startswith("Retention period in days"):
        fixed.pop("minimum", None)
    fields = _fields(part, schemas)
    if fields:
        fixed["properties"] = {name: _schema(field, schemas) for name, field in fields.items()}
        fixed["additionalProperties"] = False
    if "items" in part:
        fixed["items"] = _schema(part["items"], schemas)
    if part.get("nullable") and "type" in fixed:
        fixed["type"] = [fixed["type"], "null"]
    return fixed


def _fields(part, schemas):
    """Those of an object and of all that it is made of."""
    if "$ref" in part:
        return _fields(schemas[part["$ref"].rpartition("/")[2]], schemas)
    fields = dict(part.get("properties", {}))
    for each in part.get("allOf", ()):
        fields |= _fields(each, schemas)
    return fields


def _errors(document, route, body):
    path = route.partition("?")[0]
    template = TEMPLATES.get(path) or TEMPLATES[re.sub(r"/\d+", "/{}", path)]
    answer = document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    schemas = document["components"]["schemas"]
    definitions = {name: _schema(part, schemas) for name, part in schemas.items()}
    validator = jsonschema.Draft202012Validator({"$defs": definitions, **_schema(answer, schemas)})
    return [(route, list(error.absolute_path), error.message[:200]) for error in validator.iter_errors(body)]


def _answers(client):
    for route in TEMPLATES:
        if "{}" not in route:
            yield route, client.get(route)
            continue
        if route.endswith("/Jobs"):
            # Those of one plan are enough: they are thousands.
            for _, copy in islice(_plans(client), 3):
                yield route, client.get(route.format(copy) + "?view=custom&agedData=2&startTime=1")
            continue
        if "/ServerPlan/" in route:
            for ids in _plans(client):
                yield route, client.get(route.format(*ids))
            continue
        [pools] = client.get(route.removesuffix("/{}")).values()
        for pool in pools:
            yield route, client.get(route.format(pool["id"]))


def _plans(client):
    """(plan, copy): all plans, with all copies of those that have some."""
    for plan in client.get("V4/PlanIds")["entities"]:
        copies = client.get(f"V4/ServerPlan/{plan['id']}/BackupDestinations")["backupdestinations"]
        for copy in copies:
            yield plan["id"], copy["planBackupDestination"]["id"]


def test_every_v4_answer_is_what_the_vendor_describes(client, clock, estate):
    document = _document()
    estate.tell("agent_dead", "ma01")
    clock.advance(7 * DAY)
    answers = list(_answers(client))
    assert {route for route, _ in answers} == set(TEMPLATES)
    assert [error for route, body in answers for error in _errors(document, route, body)] == []


@pytest.mark.parametrize(
    ("route", "spoil"),
    [
        ("V4/mediaAgent", lambda body: body["mediaAgents"][0].update(status="Online")),
        ("V4/mediaAgent", lambda body: body["mediaAgents"][0].update(surprise=1)),
        ("V4/Storage/Disk", lambda body: body["diskStorage"][0].update(capacity="10.00 TB")),
        ("V4/Storage/Cloud", lambda body: body["cloudStorage"][0].update(storagePoolType="CLOUD")),
        ("V4/Plan/Summary", lambda body: body["plans"][0].update(planType="Servers")),
        ("V4/ServerPlan/71/RPO", lambda body: body["schedules"][0].update(backupType="Full")),
        ("V4/Plan/BackupDestination/2101/Jobs", lambda body: body["jobs"][0].update(strRetainedBy="Basic")),
        ("V4/Plan/BackupDestination/2101/Jobs", lambda body: body["jobs"][0].update(retainUntil="2026-03-01")),
        ("V4/License", lambda body: body.update(licenseMode="FREE")),
    ],
)
def test_the_check_is_not_blind(client, route, spoil):
    document = _document()
    body = client.get(route)
    spoil(body)
    assert _errors(document, route, body)


def test_every_v4_route_that_is_read_is_checked():
    newer = {route.path for route in ROUTES if route.method == "GET" and route.path.startswith(("V4/", "V5/"))}
    assert newer == set(TEMPLATES)
