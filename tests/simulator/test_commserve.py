"""The simulated CommServe as a client meets it: bases, refusals, what it tells of itself."""

import base64

import pytest
import requests

from exporter.simulator import CommServe, Estate, Server
from exporter.simulator.commserve_xml import as_xml
from exporter.simulator.messages import Request
from exporter.simulator.sizes import DAY, HOUR

from .commserve_client import API, PASSWORD, Client
from .lives import NIGHT


@pytest.mark.parametrize("base", ["/commandcenter/api/", "/WebConsole/API/", "/SearchSvc/CVWebService.svc/"])
def test_it_answers_under_every_base_and_in_any_case(make, base):
    client = Client(make(), base)
    assert client.get("commserv") == client.get("CommServ/")
    assert client.ask("V4/License").status == (404 if "SearchSvc" in base else 200)


@pytest.mark.parametrize(
    "path", ["V4/StoragePool", "V4/Storage/Array", "Event", "Commcell", "StoragePool/1/2", "../StoragePool"]
)
def test_wrong_names_are_not_found(client, path):
    assert client.ask(path).status == 404


def test_another_base_is_not_found(make):
    assert make()(Request.of("GET", "/api/CommServ")).status == 404


def test_an_old_release_has_no_v4(make):
    old = Client(make(generation="v2"))
    assert [old.ask(path).status for path in ("V4/mediaAgent", "V2/MediaAgents")] == [404, 200]


def test_a_denied_endpoint_is_refused_inside_a_200(client):
    client.commserve.deny("StoragePool", "qcommand")
    denied = {"errorMessage": "Access denied", "errorCode": 5}
    assert client.get("StoragePool") == client.get("storagepool/301") == denied
    assert client.post("Qcommand/qoperation%20execute", {}).body == denied
    assert "plans" in client.get("Plan")
    client.commserve.allow()
    assert "storagePoolList" in client.get("StoragePool")


def test_the_commserve_tells_its_release(client):
    answer = client.get("CommServ")
    assert (answer["currentSPVersion"], answer["csVersionInfo"]) == (36, "11.0 SP36.21+")
    assert answer["commcell"]["commCellId"] == 2
    assert client.get("V4/License")["licenseMode"] == "PRODUCTION"


def test_a_license_comes_to_its_end(client, clock):
    expiry = client.get("V4/License")["expiryDate"]
    clock.advance(30 * DAY)
    assert client.get("V4/License")["expiryDate"] == expiry > clock.now()


def test_events_are_between_their_times_and_alerts_are_present(client, estate, clock):
    before = client.get("V4/TriggeredAlerts")
    assert before["totalCount"] == len(before["alertsTriggered"]) == 2
    estate.tell("agent_dead", "ma01")
    clock.advance(HOUR)
    [event] = client.get("Events")["commservEvents"]
    assert (event["timeSource"], event["severity"], event["eventCodeString"]) == (NIGHT, 6, "64:1097")
    assert event["clientEntity"] == {"clientId": 601, "clientName": "ma01"}
    assert client.get(f"Events?fromTime={int(NIGHT) + 1}")["commservEvents"] == []
    assert client.get(f"Events?toTime={int(NIGHT) - 1}")["commservEvents"] == []
    alerts = client.get("V4/TriggeredAlerts")["alertsTriggered"]
    assert [a["detectedTime"] for a in alerts if a["client"]["name"] == "ma01"] == [NIGHT]


def test_a_ddb_is_sealed_because_it_was_corrupted(client, estate, clock):
    estate.tell("ddb_sealed", "Apex GDP")
    clock.advance(HOUR)
    [event] = client.get("Events")["commservEvents"]
    assert event["description"] == "The deduplication database of [Apex GDP] was sealed."
    [alert] = [a for a in client.get("V4/TriggeredAlerts")["alertsTriggered"] if "DDB" in a["detectedCriterion"]]
    assert (alert["detectedCriterion"], alert["detectedTime"]) == ("DDB Store got corrupted", NIGHT)
    assert alert["client"]["name"] == "ma01"
    estate.end("ddb_sealed", "Apex GDP")
    assert client.get("V4/TriggeredAlerts")["totalCount"] == 2


def test_a_full_that_fails_is_an_event_and_an_alert_of_its_client(client, estate, clock):
    estate.tell("fulls_failing", "Gold")
    clock.advance(15 * DAY)
    summaries = [job["jobSummary"] for job in client.jobs(limit=5000)["jobs"]]
    failed = {
        job["jobId"]: job
        for job in summaries
        if (job["status"], job.get("storagePolicy", {}).get("storagePolicyName")) == ("Failed", "Gold")
        and job["backupLevelName"] != "Incremental"
        and job["jobStartTime"] >= NIGHT
    }
    assert failed
    events = client.get("Events")["commservEvents"]
    assert {event["jobId"]: event["timeSource"] for event in events} == {
        number: job["jobEndTime"] for number, job in failed.items()
    }
    assert {(event["severity"], event["subsystem"]) for event in events} == {(6, "JobManager")}
    alerts = [a for a in client.get("V4/TriggeredAlerts")["alertsTriggered"] if a["jobId"]]
    assert {(a["detectedCriterion"], a["jobId"]) for a in alerts} == {("Job Failed", number) for number in failed}
    assert {a["client"]["name"] for a in alerts} == {job["subclient"]["clientName"] for job in failed.values()}
    estate.end("fulls_failing", "Gold")
    assert client.get("V4/TriggeredAlerts")["totalCount"] == 2
    assert len(client.get("Events")["commservEvents"]) == len(failed)


def test_two_of_one_seed_answer_the_same(clock):
    paths = ("StoragePool", "Plan", "V2/MediaAgents", "Library/105", "DDBInformation/62", "Job?limit=30")
    serving = [CommServe(Estate("small", clock, seed=7), clock, password=PASSWORD) for _ in range(2)]
    clock.advance(3 * DAY)
    clients = [Client(commserve) for commserve in serving]
    assert [clients[0].get(path) for path in paths] == [clients[1].get(path) for path in paths]


def test_it_is_served_over_http(make, estate):
    with Server(make()) as server, requests.Session() as session:
        sent = {"username": "svc-ebbtide", "password": base64.b64encode(PASSWORD.encode()).decode()}
        session.headers["Authtoken"] = session.post(f"{server.url}{API}Login", json=sent).json()["token"]
        session.headers["Accept"] = "application/json"
        asked = {"EVGui_DDBEnginesReq": {"flags": 0}}
        answer = session.post(f"{server.url}{API}Qcommand/qoperation%20execute", json=asked)
        assert len(answer.json()["engines"]) == len(list(estate.stores))
        assert server.requests[-1] == ("POST", API + "Qcommand/qoperation execute")


def test_a_path_without_an_api_has_a_page_as_any_web_server(make):
    commserve = make(bases=("webconsole/api",))
    answer = commserve(Request.of("GET", "/commandcenter/api/CommServ"))
    assert (answer.status, answer.content_type) == (404, "text/html")
    assert commserve(Request.of("GET", "/WebConsole/API/CommServ")).status == 401


def test_on_command_every_get_is_answered_in_xml_but_reports_are_not(make):
    client = Client(make(xml=True))
    answer = client.ask("CommServ", Accept="application/json")
    assert answer.content_type == "application/xml"
    assert 'currentSPVersion="36"' in answer.body
    assert client.jobs()["jobs"]
    assert client.ask("cr/reportsplusengine/datasets/getslacounts/data").content_type == "application/json"


def test_members_of_a_list_are_elements_and_values_have_an_attribute():
    answer = as_xml("r", {"a": True, "list": [{"b": 1}, {"c": "<&>"}], "numbers": [1, 2]})
    assert answer.body == ('<r a="1"><list b="1"/><list c="&lt;&amp;&gt;"/><numbers val="1"/><numbers val="2"/></r>')
