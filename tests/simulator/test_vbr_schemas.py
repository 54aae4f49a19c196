"""Every answer of the simulated VBR against the vendor's own OpenAPI documents, where these are at hand.

The documents belong to Veeam and are not in this repository: EBBTIDE_VENDOR_SPECS names a folder with
vbr-<revision>.trimmed.json files. What the documents get wrong about themselves is repaired in `_repaired`.
"""

import json
from datetime import datetime
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from exporter.simulator.clock import Clock
from exporter.simulator.messages import Request
from exporter.simulator.vbr import ENDPOINTS, Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.vbr_stories import JOB_STORIES, REPOSITORY_STORIES
from tests.servers import vendor_specs

REVISIONS = ("1.1-rev0", "1.2-rev1", "1.3-rev1", "1.3-rev2")
NOON = 1_780_000_000.0
BY_ANY = "__any"
FORMATS = jsonschema.FormatChecker(["uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(text):
    """Also without a zone: the vendor's samples have such, for all that RFC 3339 wants one."""
    return isinstance(text, str) and datetime.fromisoformat(text) is not None


@cache
def _document(folder, revision):
    return json.loads((folder / f"vbr-{revision}.trimmed.json").read_text(encoding="utf-8"))


@cache
def _definitions(folder, revision):
    """The schemas as JSON Schema: `Parent` is a record to build upon, `Parent__any` the record or the kind of it that
    its discriminator names, without a field that is not described."""
    schemas = _document(folder, revision)["components"]["schemas"]
    definitions = {}
    for name, schema in schemas.items():
        bare = {key: value for key, value in schema.items() if key not in ("oneOf", "discriminator")}
        definitions[name] = _repaired(bare, inside_all_of=False)
        whole = _by_discriminator(name, schema["discriminator"], schemas) if "discriminator" in schema else {}
        definitions[name + BY_ANY] = {"$ref": f"#/$defs/{name}", **whole, "unevaluatedProperties": False}
    return definitions


def _by_discriminator(name, discriminator, schemas):
    field = discriminator["propertyName"]
    kinds = {word: target.split("/")[-1] for word, target in discriminator["mapping"].items()}
    return {
        "allOf": [
            {
                "if": {"properties": {field: {"const": word}}, "required": [field]},
                "then": {"$ref": f"#/$defs/{target}"},
            }
            for word, target in kinds.items()
            if target in schemas
        ]
    }


def _repaired(schema, *, inside_all_of):
    """nullable becomes a type; a required name without a property is a slip of the document and is dropped."""
    if isinstance(schema, list):
        return [_repaired(item, inside_all_of=inside_all_of) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].split("/")[-1]
        return {"$ref": f"#/$defs/{name}{'' if inside_all_of else BY_ANY}"}
    fixed = {}
    for key, value in schema.items():
        if key == "properties":
            fixed[key] = {name: _repaired(part, inside_all_of=False) for name, part in value.items()}
        elif key == "required" and isinstance(value, list):
            fixed[key] = [name for name in value if name in schema.get("properties", {})]
        elif key in ("allOf", "items"):
            fixed[key] = _repaired(value, inside_all_of=key == "allOf")
        elif key in ("type", "enum", "format", "minimum", "maximum", "minItems", "uniqueItems"):
            fixed[key] = value
    if schema.get("nullable"):
        fixed["type"] = [fixed["type"], "null"]
    return fixed


def _without_nulls(value):
    """The documents' own samples write null where a field that is not required has no value."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _validator(folder, revision, path, method="get"):
    responses = _document(folder, revision)["paths"][path][method]["responses"]
    schema = responses["200"]["content"]["application/json"]["schema"]
    root = {"$defs": _definitions(folder, revision), **_repaired(schema, inside_all_of=False)}
    return jsonschema.Draft202012Validator(root, format_checker=FORMATS)


@pytest.fixture(scope="module")
def estate():
    """With everything in it that can go wrong, two nights later."""
    clock = Clock(NOON, rate=0)
    estate = VbrEstate("small", clock)
    for story in (*JOB_STORIES, *REPOSITORY_STORIES):
        estate.tell(story)
    clock.advance(2 * 86400)
    return estate


def _login(app, revision):
    body = b"grant_type=password&username=svc-ebbtide&password=not-a-real-secret"
    return app(Request.of("POST", "/api/oauth2/token", {"x-api-version": revision}, body)).body


def _asker(app, revision):
    headers = {"x-api-version": revision, "Authorization": f"Bearer {_login(app, revision)['access_token']}"}
    return lambda target: app(Request.of("GET", target, headers))


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_answer_is_what_the_vendor_describes(estate, revision):
    folder = vendor_specs()
    app = Vbr(estate, estate.clock, role="administrator")
    _check(folder, revision, "/api/oauth2/token", _login(app, revision), method="post")
    ask = _asker(app, revision)
    shown_in_all = next(session for session in reversed(estate.sessions) if session.kind == "backup")
    ids = {"backups": next(iter(estate.backups)), "sessions": shown_in_all.id}
    checked = 0
    for endpoint in ENDPOINTS:
        if not endpoint.is_in(revision):
            assert endpoint.path not in _document(folder, revision)["paths"], f"{endpoint.path} is in {revision}"
            continue
        for target in _targets(endpoint.path, ids, estate):
            answer = ask(target)
            assert answer.status == 200, (target, answer.body)
            _check(folder, revision, endpoint.path, json.loads(answer.payload()))
            checked += 1
    assert checked >= 15


def _targets(path, ids, estate):
    if "backupFiles" in path:
        return [path.replace("{id}", backup) for backup in estate.backups]
    for kind, one in ids.items():
        path = path.replace(f"/{kind}/{{id}}", f"/{kind}/{one}")
    return [f"{path}?limit=150"]


def _check(folder, revision, path, body, method="get"):
    errors = _errors(folder, revision, path, body, method)
    assert not errors, [(path, list(error.absolute_path), error.message[:300]) for error in errors[:5]]


def _errors(folder, revision, path, body, method="get"):
    return list(_validator(folder, revision, path, method).iter_errors(_without_nulls(body)))


@pytest.mark.parametrize(
    ("path", "spoil"),
    [
        ("backupInfrastructure/repositories/states", lambda row: row.pop("freeGB")),
        ("backupInfrastructure/repositories/states", lambda row: row.update(type="Floppy")),
        ("backupInfrastructure/repositories", lambda row: row.pop("bucket", None) or row.pop("repository", None)),
        ("backupInfrastructure/proxies", lambda row: row["server"].update(transportMode="auto")),
        ("jobs", lambda row: row.update(surprise=1)),
        ("jobs/states", lambda row: row.update(status="running")),
        ("backups", lambda row: row.update(id="seven")),
        ("sessions", lambda row: row.update(creationTime="/Date(1772402400000)/")),
    ],
)
def test_the_check_is_not_blind(estate, path, spoil):
    folder = vendor_specs()
    ask = _asker(Vbr(estate, estate.clock, role="administrator"), "1.3-rev2")
    body = json.loads(ask(f"/api/v1/{path}").payload())
    for row in body["data"]:
        spoil(row)
    assert _errors(folder, "1.3-rev2", f"/api/v1/{path}", body)


PAYLOADS = Path(__file__).parents[1] / "payloads"
PAYLOAD_REVISIONS = {
    "veeam-1.1": "1.1-rev0", "veeam-1.2": "1.2-rev1", "veeam-1.3": "1.3-rev1", "veeam-1.3-rev2": "1.3-rev2",
}  # fmt: skip
PAYLOAD_PATHS = {
    "serverInfo": "serverInfo",
    "license": "license",
    "license_perpetual": "license",
    "configBackup": "configBackup",
    "bestPractices": "securityAnalyzer/bestPractices",
    "malwareEvents": "malwareDetection/events",
    "proxies": "backupInfrastructure/proxies",
    "proxies_states": "backupInfrastructure/proxies/states",
    "managedServers": "backupInfrastructure/managedServers",
    "backupObjects": "backupObjects",
}


@pytest.mark.parametrize(
    "payload",
    [
        f"{folder}/{name}"
        for folder in PAYLOAD_REVISIONS
        for name in PAYLOAD_PATHS
        if (PAYLOADS / folder / f"{name}.json").exists()
    ],
)
def test_a_payload_of_the_tests_is_what_the_vendor_describes(payload):
    folder, name = payload.split("/")
    body = json.loads((PAYLOADS / f"{payload}.json").read_text(encoding="utf-8"))
    _check(vendor_specs(), PAYLOAD_REVISIONS[folder], f"/api/v1/{PAYLOAD_PATHS[name]}", body)
