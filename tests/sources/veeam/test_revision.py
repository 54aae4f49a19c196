from __future__ import annotations

import pytest

from exporter.errors import NotOffered, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.sources.veeam.revision import REVISIONS, release, revision_of_build

INFO, PROBE, TOKEN = "/api/v1/serverInfo", "/api/v1/backups", "/api/oauth2/token"
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
        ("11.0.1.1261 P20230227", "1.0-rev2"),
        ("11.0.0.837", "1.0-rev1"),
        ("10.0.1.4854", None),
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


def test_a_server_that_cannot_say_what_it_is_is_taken_for_what_it_was(client, requests_mock, payload, clock):
    info = payload("veeam-1.3/serverInfo")
    newer = {"json": info | {"buildVersion": "13.1.0.411"}}
    requests_mock.get(INFO, [{"json": info}, {"status_code": 500}, newer])
    vbr = client(api_revision=None)
    vbr.revision()
    clock.now += 86400
    assert [vbr.revision(), vbr.revision()] == ["1.3-rev1"] * 2
    assert len(asked(requests_mock, INFO)) == 2
    clock.now += 3600
    assert vbr.revision() == "1.3-rev2"


def test_a_viewer_hears_of_an_upgrade_by_probing_again(client, requests_mock, unsupported, clock):
    requests_mock.get(INFO, status_code=403)
    requests_mock.get(PROBE, json=only("1.1-rev2", unsupported=unsupported))
    vbr = client(api_revision=None)
    assert vbr.revision() == "1.1-rev2"
    requests_mock.get(PROBE, json=only("1.1-rev2", "1.2-rev0", unsupported=unsupported))
    assert vbr.revision() == "1.1-rev2"
    clock.now += 86400
    assert vbr.revision() == "1.2-rev0"


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


def refused(*revisions, unsupported, body):
    """An answer that refuses these revisions."""

    def answer(request, context):
        if request.headers["x-api-version"] in revisions:
            context.status_code = 400
            return unsupported
        return body

    return answer


@pytest.mark.parametrize(
    ("build", "dropped", "found", "tried"),
    [
        ("13.0.1.180", {"1.0-rev1", "1.0-rev2"}, "1.3-rev1", ["1.1-rev0"]),
        ("14.0.0.1", set(NAMES) - {"1.3-rev2"}, "1.3-rev2", ["1.1-rev0", "1.0-rev2", "1.0-rev1", *NAMES[6::-1]]),
        ("11.0.1.1261", set(NAMES) - {"1.0-rev1", "1.0-rev2"}, "1.0-rev2", ["1.1-rev0", "1.0-rev2"]),
    ],
)
def test_the_login_and_the_question_for_the_build_are_asked_in_a_revision_that_the_server_takes(
    client, requests_mock, payload, unsupported, build, dropped, found, tried
):
    token, info = payload("veeam-1.3/token"), payload("veeam-1.3/serverInfo") | {"buildVersion": build}
    requests_mock.post(TOKEN, json=refused(*dropped, unsupported=unsupported, body=token))
    requests_mock.get(INFO, json=refused(*dropped, unsupported=unsupported, body=info))
    assert client(api_revision=None).revision() == found
    assert asked(requests_mock, TOKEN) == tried
    assert asked(requests_mock, INFO) == tried


def test_a_broken_server_is_not_guessed_at(client, requests_mock):
    requests_mock.get(INFO, status_code=500)
    with pytest.raises(SourceUnreachable, match="GET /api/v1/serverInfo"):
        client(api_revision=None).revision()


@pytest.mark.parametrize(
    ("build", "complaint"),
    [("10.0.1.4854", "build 10.0.1.4854 is older than 11.0"), ("thirteen", "buildVersion"), (13, "buildVersion")],
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


@pytest.mark.parametrize(("status", "code"), [(404, "InvalidURI"), (404, "NotFound"), (405, "MethodNotAllowed")])
def test_what_a_vbr_11_lacks_is_not_offered(client, requests_mock, status, code):
    requests_mock.get("/api/v1/jobs", status_code=status, json={"errorCode": code})
    with pytest.raises(NotOffered, match=r"^GET /api/v1/jobs: VBR 11 \(REST 1\.0-rev2\) has no such thing$"):
        client(api_revision="1.0-rev2").get("/api/v1/jobs")
    with pytest.raises(SourceGarbled, match=f"unexpected status {status}"):
        client(api_revision="1.1-rev0").get("/api/v1/jobs")


@pytest.mark.parametrize("answer", [{"status_code": 404}, {"status_code": 400, "json": {"errorCode": "InvalidURI"}}])
def test_a_page_of_a_proxy_and_a_wrong_question_are_failures_of_a_vbr_11_too(client, requests_mock, answer):
    requests_mock.get("/api/v1/jobs", **answer)
    with pytest.raises(SourceGarbled):
        client(api_revision="1.0-rev2").get("/api/v1/jobs")


def test_an_object_that_is_gone_from_a_vbr_11_is_not_a_thing_it_lacks(client, requests_mock):
    requests_mock.get("/api/v1/backups/5", status_code=404, json={"errorCode": "NotFound"})
    with pytest.raises(SourceGarbled, match="unexpected status 404"):
        client(api_revision="1.0-rev2").get("/api/v1/backups/{}", 5)
