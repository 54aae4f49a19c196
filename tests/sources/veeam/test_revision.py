from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.sources.veeam.revision import REVISIONS, release, revision_of_build

INFO, PROBE = "/api/v1/serverInfo", "/api/v1/backups"
NAMES = [revision for revision, _ in REVISIONS]
EMPTY = {"data": [], "pagination": {"total": 0, "count": 0}}


@pytest.fixture(autouse=True)
def login(requests_mock, payload):
    return requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))


@pytest.fixture
def unsupported(payload):
    return payload("veeam-1.1/unsupported")


def only(*known, unsupported, status=400):
    """An answer that refuses other revisions."""

    def answer(request, context):
        if request.headers["x-api-version"] in known:
            return EMPTY
        context.status_code = status
        return unsupported

    return answer


def asked(mock, route):
    return [r.headers["x-api-version"] for r in mock.request_history if r.path == route.lower()]


@pytest.mark.parametrize(
    ("build", "revision"),
    [
        ("12.0.0.1420", "1.1-rev0"),
        ("12.1.2.172", "1.1-rev1"),
        ("12.3.0.310", "1.2-rev0"),
        ("12.3.2.3617", "1.2-rev1"),
        ("13.0.1.180 P20251203", "1.3-rev1"),
        ("13.1.0.411", "1.3-rev2"),
        ("14.0.0.1", "1.3-rev2"),
        ("11.0.1.1261", None),
    ],
)
def test_the_build_tells_the_newest_revision(build, revision):
    assert revision_of_build(build) == revision


def test_revisions_are_in_order():
    assert sorted(NAMES, key=release, reverse=True) == NAMES


def test_what_is_configured_is_spoken_and_nobody_is_asked(client, requests_mock):
    assert client(api_revision="1.2-rev0").revision() == "1.2-rev0"
    assert requests_mock.call_count == 0


def test_the_server_is_asked_once(client, requests_mock, payload, login):
    info = requests_mock.get(INFO, json=payload("veeam-1.3/serverInfo"))
    vbr = client(api_revision=None)
    assert [vbr.revision(), vbr.revision()] == ["1.3-rev1"] * 2
    assert info.call_count == 1
    assert login.last_request.headers["x-api-version"] == "1.1-rev0"
    assert vbr.speaks("1.2-rev1")
    assert not vbr.speaks("1.3-rev2")


def test_an_upgrade_is_noticed_within_a_day(client, requests_mock, payload, clock):
    info = payload("veeam-1.3/serverInfo")
    requests_mock.get(INFO, [{"json": info}, {"json": info | {"buildVersion": "13.1.0.411"}}])
    vbr = client(api_revision=None)
    vbr.revision()
    clock.now += 86399
    assert vbr.revision() == "1.3-rev1"
    clock.now += 1
    assert vbr.revision() == "1.3-rev2"


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("refusal", [400, 404, 405, 501])
def test_where_server_info_is_refused_the_newest_that_works_is_found(
    client, requests_mock, unsupported, status, refusal
):
    requests_mock.get(INFO, status_code=status, json={"errorCode": "AccessDenied", "message": "Forbidden"})
    requests_mock.get(PROBE, json=only("1.1-rev0", "1.2-rev0", "1.2-rev1", unsupported=unsupported, status=refusal))
    assert client(api_revision=None).revision() == "1.2-rev1"
    assert asked(requests_mock, PROBE) == NAMES[:4]
    assert requests_mock.last_request.qs == {"skip": ["0"], "limit": ["1"]}


def test_a_probe_stops_at_a_refusal(client, requests_mock):
    requests_mock.get(INFO, status_code=403)
    requests_mock.get(PROBE, status_code=403)
    with pytest.raises(SourceRefused, match=r"GET /api/v1/backups: refused \(403\)") as refused:
        client(api_revision=None).revision()
    assert refused.value.contact is True
    assert len(asked(requests_mock, PROBE)) == 1


def test_a_server_without_any_known_revision_is_told(client, requests_mock, unsupported):
    requests_mock.get(INFO, status_code=400, json=unsupported)
    with pytest.raises(SourceGarbled, match="no known revision of the API; set api_revision"):
        client(api_revision=None).revision()
    requests_mock.get(INFO, status_code=403)
    requests_mock.get(PROBE, status_code=404)
    with pytest.raises(SourceGarbled, match="no known revision of the API; set api_revision"):
        client(api_revision=None).revision()


def test_a_server_that_dropped_the_oldest_revision_is_asked_in_a_later_one(
    client, requests_mock, payload, unsupported, login
):
    def refuse_the_oldest(body):
        def answer(request, context):
            if request.headers["x-api-version"] == "1.1-rev0":
                context.status_code = 400
                return unsupported
            return body

        return answer

    requests_mock.post("/api/oauth2/token", json=refuse_the_oldest(payload("veeam-1.3/token")))
    requests_mock.get(INFO, json=refuse_the_oldest(payload("veeam-1.3/serverInfo")))
    assert client(api_revision=None).revision() == "1.3-rev1"


def test_a_broken_server_is_not_guessed_at(client, requests_mock):
    requests_mock.get(INFO, status_code=500)
    with pytest.raises(SourceUnreachable, match="GET /api/v1/serverInfo"):
        client(api_revision=None).revision()


@pytest.mark.parametrize(
    ("build", "complaint"),
    [("11.0.1.1261", "build 11.0.1.1261 is older than 12.0"), ("thirteen", "buildVersion"), (13, "buildVersion")],
)
def test_a_build_we_cannot_read_is_told(client, requests_mock, payload, build, complaint):
    requests_mock.get(INFO, json=payload("veeam-1.3/serverInfo") | {"buildVersion": build})
    with pytest.raises(SourceGarbled, match=f"^GET /api/v1/serverInfo: .*{complaint}"):
        client(api_revision=None).revision()


def test_a_revision_that_is_no_longer_supported_is_looked_for_again(client, requests_mock, payload, unsupported):
    info = payload("veeam-1.3/serverInfo")
    requests_mock.get(INFO, [{"json": info}, {"json": info | {"buildVersion": "12.3.1.1139"}}])
    requests_mock.get("/api/v1/jobs", json=only("1.2-rev1", unsupported=unsupported))
    vbr = client(api_revision=None)
    assert list(vbr.pages("/api/v1/jobs")) == []
    assert vbr.revision() == "1.2-rev1"
    assert asked(requests_mock, "/api/v1/jobs") == ["1.3-rev1", "1.2-rev1"]


@pytest.mark.parametrize("configured", ["1.3-rev1", None])
def test_what_stays_unsupported_is_told_and_not_asked_again(client, requests_mock, payload, unsupported, configured):
    requests_mock.get(INFO, json=payload("veeam-1.3/serverInfo"))
    requests_mock.get("/api/v1/jobs", status_code=501, json=unsupported)
    with pytest.raises(
        SourceGarbled, match=r"GET /api/v1/jobs: the server does not offer this in API revision 1.3-rev1"
    ):
        client(api_revision=configured).get("/api/v1/jobs")
    assert len(asked(requests_mock, "/api/v1/jobs")) == 1


@pytest.mark.parametrize("body", ["[]", "<html>", '{"errorCode": "UnexpectedContent"}'])
def test_another_400_is_not_a_matter_of_revisions(client, requests_mock, body):
    requests_mock.get("/api/v1/jobs", status_code=400, text=body)
    with pytest.raises(SourceGarbled, match="GET /api/v1/jobs: unexpected status 400"):
        client().get("/api/v1/jobs")
    assert len(asked(requests_mock, "/api/v1/jobs")) == 1
