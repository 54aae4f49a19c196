"""XML is read like JSON, whichever collector asks, and what attacks by XML is refused."""

from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceRefused
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.commserve_xml import as_xml
from exporter.simulator.estate import Estate
from exporter.simulator.wire import Server
from exporter.sources.commvault import COLLECTORS, job_parse, media_agents, operation_windows, pools, xml
from exporter.sources.commvault.fields import flag, rows

from .conftest import AT, URL

BOMB = (
    b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>"""
)


def as_read(payload):
    """A payload as it arrives when the server sends it as XML."""
    return xml.parse(as_xml("Resp", payload).payload())


def only_first(payload, *path):
    """The payload with one element left in the list at `path`."""
    *above, last = path
    holder = payload
    for key in above:
        holder = holder[key]
    holder[last] = holder[last][:1]
    return payload


@pytest.mark.parametrize("cut", [lambda payload, *path: payload, only_first])
def test_pools_and_agents_are_the_same_in_both(payload, cut):
    listed = cut(payload("storagepool"), "storagePoolList")
    assert pools.parse(as_read(listed)) == pools.parse(listed)
    for name, key, parse in (
        ("v4_mediaagent", "mediaAgents", media_agents.parse),
        ("v2_mediaagents", "mediaAgentList", media_agents.parse_v2),
    ):
        listed = cut(payload(name), key)
        assert parse(as_read(listed)) == parse(listed)


@pytest.mark.parametrize("cut", [lambda payload, *path: payload, only_first])
def test_operation_windows_are_the_same_in_both(payload, cut):
    listed = cut(payload("opwindowlist"), "operationWindow")
    assert operation_windows.parse(as_read(listed)) == operation_windows.parse(listed)


@pytest.mark.parametrize("cut", [lambda payload, *path: payload, only_first])
def test_jobs_are_the_same_in_both(payload, cut):
    def read(answer):
        return job_parse.parse([job["jobSummary"] for job in answer["jobs"]], "GET /Job")

    listed = cut(payload("jobs"), "jobs")
    assert read(as_read(listed)) == read(listed)


@pytest.mark.parametrize("collector", [c.name for c in COLLECTORS])
def test_a_release_that_sends_xml_whatever_it_is_asked_fills_every_field(
    client, account, monkeypatch, memory, poll, collector
):
    monkeypatch.setenv("CV_PASSWORD", "not-a-real-secret")
    [wanted] = [c for c in COLLECTORS if c.name == collector]
    told = []
    for sends_xml in (False, True):
        clock = Clock(AT, rate=0)
        with Server(CommServe(Estate("small", clock), clock, xml=sends_xml)) as server:
            one = client(url=f"{server.url}/commandcenter/api", **account | {"username": "svc-ebbtide"})
            told.append(wanted.fetch(one, poll()))
    assert told[0] == told[1]


def test_access_denied_is_found_in_xml(client, requests_mock):
    denied = '<?xml version="1.0" encoding="UTF-8"?><App_GenericResp errorCode="5" errorMessage="Access denied"/>'
    requests_mock.get(f"{URL}/StoragePool", text=denied, headers={"Content-Type": "application/xml"})
    with pytest.raises(SourceRefused, match="error 5"):
        client().get("/StoragePool")


def test_a_token_is_found_in_xml(client, account, requests_mock):
    requests_mock.post(f"{URL}/Login", text='<DM2_CheckCredentialResp token="QSDK example"/>')
    requests_mock.get(f"{URL}/StoragePool", text="\ufeff <App_Resp/>")
    assert client(**account).get("/StoragePool") == {}
    assert requests_mock.last_request.headers["Authtoken"] == "QSDK example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<r/>", {}),
        ('<r a="1" b="-1"/>', {"a": "1", "b": "-1"}),
        ('<r><c x="1"/></r>', {"c": {"x": "1"}}),
        ('<r><c x="1"/><c x="2"/></r>', {"c": [{"x": "1"}, {"x": "2"}]}),
        ('<r><c x="1"/><c x="2"/><c x="3"/></r>', {"c": [{"x": "1"}, {"x": "2"}, {"x": "3"}]}),
        ('<r><storagePoolList x="1"/></r>', {"storagePoolList": [{"x": "1"}]}),
        ('<r><operations val="131072"/></r>', {"operations": ["131072"]}),
        ("<r><operations>1</operations><operations>4</operations></r>", {"operations": ["1", "4"]}),
        ('<r><copy x="1"/></r>', {"copy": {"x": "1"}}),
        ('<r><storage><copy x="1"/></storage></r>', {"storage": {"copy": [{"x": "1"}]}}),
        ("<r>\n  <name> Gold &amp; Co </name>\n</r>", {"name": "Gold & Co"}),
        ('<r jobs="0"><retentionRules jobs="0"/></r>', {"jobs": "0", "retentionRules": {"jobs": "0"}}),
        ("<r><!-- none --><c/></r>", {"c": {}}),
    ],
)
def test_elements_become_fields(text, expected):
    assert xml.parse(text.encode()) == expected


@pytest.mark.parametrize(("written", "meant"), [("true", True), ("False", False), ("1", True), ("0", False)])
def test_truth_may_be_a_text(written, meant):
    assert flag({"enabledMP": written}, "enabledMP") is meant


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (BOMB, "a document type is not taken"),
        (BOMB.decode().encode("utf-16"), "a document type is not taken"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "a document type is not taken"),
        (b"<a>" * 101 + b"</a>" * 101, "nested too deeply"),
        (b"<a><b></a>", "not valid XML"),
        (b"<a/><b/>", "not valid XML"),
        (b"<a", "not valid XML"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "not valid XML"),
        (b"<a>\x00</a>", "not valid XML"),
    ],
)
def test_what_is_no_plain_xml_is_garbled_and_its_text_is_not_repeated(client, requests_mock, body, complaint):
    with pytest.raises(ValueError, match=complaint):
        xml.parse(body)
    if not body.startswith(b"<"):
        return
    requests_mock.get(f"{URL}/StoragePool", content=body, headers={"Content-Type": "text/xml"})
    with pytest.raises(SourceGarbled, match=rf"GET /StoragePool: {complaint} \(\d+ bytes\)"):
        client().get("/StoragePool")


def test_a_list_that_nobody_knows_by_name_is_garbled_and_not_misread():
    with pytest.raises(SourceGarbled, match="associatedCopies is of type dict"):
        rows(xml.parse(b'<r><associatedCopies copyId="1"/></r>'), "associatedCopies", "GET /V4/Plan")
