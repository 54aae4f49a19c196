"""The simulated VBR server as a client meets it: versions, tokens, roles, pages, filters, refusals."""

import json
from urllib.parse import urlencode

import pytest
import requests

from exporter.simulator.clock import Clock
from exporter.simulator.messages import Request
from exporter.simulator.vbr import ENDPOINTS, Vbr
from exporter.simulator.vbr_call import REVISIONS
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Fault, Server

NOON = 1_780_000_000.0
NIGHT = NOON + 9 * 3600
HOUR = 3600.0
NEWEST = "1.3-rev2"
USER = {"grant_type": "password", "username": "svc-ebbtide", "password": "not-a-real-secret"}


class Client:
    """Logs in once and asks with that token, unless told otherwise."""

    def __init__(self, app, revision=NEWEST):
        self.app = app
        self.revision = revision
        self.token = self.login().body["access_token"]

    def login(self, **form):
        return self.post("/api/oauth2/token", form or USER)

    def post(self, path, form=None, token=None):
        body = urlencode(form or {}).encode()
        return self.app(Request.of("POST", path, self._headers(token), body))

    def get(self, path, token=None, **query):
        target = f"/api/v1/{path}?{urlencode(query, doseq=True)}"
        return self.app(Request.of("GET", target, self._headers(token or self.token)))

    def rows(self, path, **query):
        answer = self.get(path, **query)
        assert answer.status == 200, answer.body
        return answer.body["data"]

    def _headers(self, token):
        return {"X-API-Version": self.revision} | ({"Authorization": f"Bearer {token}"} if token else {})


@pytest.fixture
def clock():
    return Clock(NOON, rate=0)


@pytest.fixture
def estate(clock):
    return VbrEstate("small", clock, days=20)


@pytest.fixture
def app(estate, clock):
    return Vbr(estate, clock)


@pytest.fixture
def client(app):
    return Client(app)


@pytest.mark.parametrize("headers", [{}, {"x-api-version": "1.4-rev0"}, {"x-api-version": "v1"}])
def test_a_call_needs_a_known_version(app, headers):
    answer = app(Request.of("GET", "/api/v1/serverTime", headers))
    assert answer.status == 400
    assert answer.body == {"errorCode": "NotImplemented", "message": "The specified API version is not supported."}


def test_a_server_knows_the_revisions_up_to_its_build(estate, clock):
    app = Vbr(estate, clock, newest_revision="1.2-rev1", role="administrator")
    asked = {one: app(Request.of("GET", "/api/v1/serverTime", {"x-api-version": one})).status for one in REVISIONS}
    assert [revision for revision, status in asked.items() if status == 200] == list(
        REVISIONS[: REVISIONS.index("1.2-rev1") + 1]
    )
    assert Client(app, "1.1-rev0").get("serverInfo").body["buildVersion"] == "12.3.1.1139"


def test_an_unknown_newest_revision_is_refused(estate, clock):
    with pytest.raises(ValueError, match="unknown revision"):
        Vbr(estate, clock, newest_revision="2.0")


def test_without_a_token_nothing_but_the_time_is_told(app):
    for endpoint in ENDPOINTS:
        answer = app(Request.of("GET", endpoint.path, {"x-api-version": NEWEST}))
        if endpoint.is_in(NEWEST) and not endpoint.anyone:
            assert answer.status == 401
            assert answer.body["errorCode"] == "AccessDenied"
    assert app(Request.of("GET", "/api/v1/serverTime", {"x-api-version": NEWEST})).status == 200


@pytest.mark.parametrize(
    "form",
    [{**USER, "password": "wrong"}, {**USER, "username": "root"}, {"grant_type": "refresh_token", "refresh_token": ""}],
)
def test_wrong_credentials_are_refused(client, form):
    answer = client.login(**form)
    assert (answer.status, answer.body["errorCode"]) == (401, "AccessDenied")


def test_a_token_lives_as_long_as_it_says(client, clock):
    answer = client.login().body
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 900)
    assert "+" not in answer[".issued"] < answer[".expires"]
    clock.advance(899)
    assert client.get("jobs", token=answer["access_token"]).status == 200
    clock.advance(2)
    assert client.get("jobs", token=answer["access_token"]).status == 401


def test_a_refresh_token_is_good_for_one_use(client, clock):
    first = client.login().body
    clock.advance(3600)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = client.login(**form).body
    assert client.get("jobs", token=second["access_token"]).status == 200
    assert client.login(**form).status == 401
    assert client.login(**{**form, "refresh_token": second["refresh_token"]}).status == 200


def test_a_refresh_token_lives_two_weeks_or_a_little_longer_than_its_access_token(client, clock):
    long, short = client.login().body, client.login(**USER, use_short_term_refresh="true").body
    clock.advance(2 * HOUR)
    assert client.login(grant_type="refresh_token", refresh_token=short["refresh_token"]).status == 401
    assert client.login(grant_type="refresh_token", refresh_token=long["refresh_token"]).status == 200
    late = client.login().body
    clock.advance(15 * 86400)
    assert client.login(grant_type="refresh_token", refresh_token=late["refresh_token"]).status == 401


def test_logout_ends_both_tokens(client):
    pair = client.login().body
    assert client.post("/api/oauth2/logout", token=pair["access_token"]).body == {}
    assert client.get("jobs", token=pair["access_token"]).status == 401
    assert client.login(grant_type="refresh_token", refresh_token=pair["refresh_token"]).status == 401
    assert client.post("/api/oauth2/logout").status == 401


@pytest.mark.parametrize(
    ("revision", "strict", "grant_type", "status"),
    [
        ("1.2-rev1", False, "password", 200),
        ("1.2-rev1", False, "Password", 400),
        ("1.3-rev2", False, "password", 200),
        ("1.3-rev2", False, "Password", 200),
        ("1.3-rev2", True, "password", 400),
        ("1.3-rev2", True, "Password", 200),
        ("1.3-rev2", False, "vbr_token", 400),
        ("1.3-rev2", False, "", 400),
    ],
)
def test_grant_types_are_taken_as_the_revision_spells_them(estate, clock, revision, strict, grant_type, status):
    app = Vbr(estate, clock, capitalised_grants=strict)
    body = urlencode({**USER, "grant_type": grant_type}).encode()
    answer = app(Request.of("POST", "/api/oauth2/token", {"x-api-version": revision}, body))
    assert answer.status == status
    assert status == 200 or answer.body["errorCode"] == "UnexpectedContent"


def test_a_viewer_is_kept_from_what_is_for_administrators(estate, clock):
    wanted = ["serverInfo", "license", "configBackup", "securityAnalyzer/bestPractices", "malwareDetection/events"]
    viewer, administrator = Vbr(estate, clock), Vbr(estate, clock, role="administrator")
    for revision, refused in (("1.2-rev1", wanted), ("1.3-rev1", wanted[:4]), ("1.3-rev2", wanted[:4])):
        answers = {path: Client(viewer, revision).get(path) for path in wanted}
        assert [path for path, answer in answers.items() if answer.status == 403] == refused
        assert answers["license"].body == {"errorCode": "AccessDenied", "message": "Forbidden"}
        assert {Client(administrator, revision).get(path).status for path in wanted} == {200}
    assert Client(viewer, "1.1-rev0").get("serverInfo").status == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nothing", 404, "InvalidURI"),
        ("backups/00000000-0000-0000-0000-000000000001", 404, "NotFound"),
        ("backups/00000000-0000-0000-0000-000000000001/backupFiles", 404, "NotFound"),
        ("sessions/00000000-0000-0000-0000-000000000001/taskSessions", 404, "NotFound"),
        ("sessions?limit=many", 400, "UnexpectedContent"),
        ("sessions?skip=-1", 400, "UnexpectedContent"),
        ("sessions?createdAfterFilter=yesterday", 400, "UnexpectedContent"),
        ("sessions?orderColumn=Colour", 400, "UnexpectedContent"),
    ],
)
def test_bad_requests_are_answered_with_an_error_body(client, path, status, code):
    headers = {"x-api-version": NEWEST, "Authorization": f"Bearer {client.token}"}
    answer = client.app(Request.of("GET", f"/api/v1/{path}", headers))
    assert (answer.status, answer.body["errorCode"]) == (status, code)
    assert answer.body["message"]
    assert ("resourceId" in answer.body) == (code == "NotFound")


def test_a_wrong_method_is_refused(client):
    assert client.post("/api/v1/jobs", token=client.token).status == 405


def test_pages_cover_the_list_and_say_where_they_are(client):
    first = client.get("sessions").body
    assert first["pagination"] == {"total": first["pagination"]["total"], "count": 200, "skip": 0, "limit": 200}
    ids = []
    while page := client.rows("sessions", skip=len(ids), limit=300):
        ids += [row["id"] for row in page]
    assert len(ids) == len(set(ids)) == first["pagination"]["total"] > 300


def test_rows_shift_when_a_session_begins_between_two_pages(client, clock):
    first = client.rows("sessions", skip=0, limit=3)
    clock.set(NIGHT)
    client.token = client.login().body["access_token"]
    again = client.rows("sessions", skip=3, limit=40)
    assert {row["id"] for row in first} <= {row["id"] for row in again}


def test_sessions_are_filtered_by_time_type_and_result(client, estate):
    estate.tell("retention_failing", "Hardened-01")
    estate.clock.advance(26 * HOUR)
    client.token = client.login().body["access_token"]
    recent = client.rows("sessions", createdAfterFilter="2026-05-29T00:00:00Z")
    assert recent
    assert min(row["creationTime"] for row in recent) >= "2026-05-29T02"
    [failed] = client.rows("sessions", typeFilter="Retention", resultFilter="Failed", limit=500)
    assert failed["name"] == "Retention (Hardened-01)"
    both = client.rows("sessions", typeFilter=["Retention", "ConfigurationBackup"], limit=500)
    assert {row["sessionType"] for row in both} == {"Retention", "ConfigurationBackup"}
    [one] = client.rows("sessions", jobIdFilter=failed["jobId"], resultFilter="Failed", stateFilter="Stopped")
    assert one == failed == client.get(f"sessions/{failed['id']}").body
    ended = client.rows("sessions", endedAfterFilter=failed["endTime"], endedBeforeFilter=failed["endTime"])
    assert failed["id"] in [row["id"] for row in ended]


def test_filters_without_a_zone_mean_the_servers_time(client):
    local = client.rows("sessions", createdAfterFilter="2026-05-28T00:00:00", limit=500)
    zoned = client.rows("sessions", createdAfterFilter="2026-05-28T00:00:00+02:00", limit=500)
    assert local == zoned != client.rows("sessions", createdAfterFilter="2026-05-28T00:00:00Z", limit=500)


def test_lists_are_ordered_when_asked(client):
    times = [row["creationTime"] for row in client.rows("sessions", orderColumn="CreationTime", orderAsc="true")]
    assert times == sorted(times)
    newest = client.rows("sessions", orderColumn="CreationTime", limit=1)
    assert newest == client.rows("sessions", limit=1)
    free = [row["freeGB"] for row in client.rows("backupInfrastructure/repositories/states", orderColumn="FreeGB")]
    assert free == sorted(free, reverse=True)


def test_names_are_matched_with_asterisks_and_parameter_names_exactly(client):
    assert [row["name"] for row in client.rows("jobs", nameFilter="vm linux*")] == ["VM Linux DB", "VM Linux Web"]
    assert len(client.rows("jobs", NameFilter="vm linux*")) == 14


def test_the_same_list_twice_is_the_same(client):
    for endpoint in ENDPOINTS:
        path = endpoint.path.removeprefix("/api/v1/")
        if endpoint.is_in(NEWEST) and "{" not in path and path != "serverTime":
            assert client.get(path).payload() == client.get(path).payload()


def test_it_is_served_and_steered_over_http(app):
    headers = {"x-api-version": NEWEST}
    with Server(app) as server:
        token = requests.post(server.url + "/api/oauth2/token", USER, headers=headers, timeout=5).json()["access_token"]
        headers["Authorization"] = f"Bearer {token}"
        jobs = requests.get(server.url + "/api/v1/jobs/states", headers=headers, timeout=5).json()
        assert jobs["pagination"]["total"] == 14
        story = {"name": "job_failing", "object": "VM SAP"}
        state = requests.post(server.url + "/-/sim/story", json=story, timeout=5).json()
        assert [one["object"] for one in state["stories"]] == ["Branch-NAS", "VM SAP"]
        state = requests.post(server.url + "/-/sim/clock", json={"advance": 60, "rate": 2}, timeout=5).json()
        assert (state["rate"], state["now"] >= NOON + 60) == (2, True)
        assert requests.delete(server.url + "/-/sim/story", json=story, timeout=5).status_code == 200
        assert app.control.stories == ("repository_offline: Branch-NAS",)
        bad = requests.post(server.url + "/-/sim/story", json={**story, "seconds": 5}, timeout=5)
        assert bad.status_code == 400
        server.faults.add(Fault("429", "jobs", count=1))
        assert requests.get(server.url + "/api/v1/jobs", headers=headers, timeout=5).status_code == 429


def test_the_answers_are_json(client):
    for endpoint in ENDPOINTS:
        if endpoint.is_in(NEWEST) and "{" not in endpoint.path:
            assert isinstance(json.loads(client.get(endpoint.path.removeprefix("/api/v1/")).payload()), dict)
