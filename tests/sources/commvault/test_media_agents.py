from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.commvault.media_agents import fetch, parse, parse_v2

from .conftest import AT, URL


@pytest.fixture
def agents(payload):
    return {agent.name: agent for agent in parse(payload("v4_mediaagent"))}


def test_the_state_of_an_agent_is_its_status(agents):
    states = {name: (agent.online, agent.maintenance) for name, agent in agents.items()}
    assert states == {
        "ma01": (True, False),
        "ma02": (False, False),
        "ma03": (None, True),
        "ma04": (None, None),
        "ma05": (None, None),
    }


def test_an_agent_without_a_status_is_not_taken_for_online(agents):
    assert agents["ma04"].online is None


def test_the_operating_system_is_an_object_or_a_text_by_release(agents):
    assert (agents["ma01"].os, agents["ma03"].os, agents["ma05"].os) == (
        "Windows Server 2022",
        "Red Hat Enterprise Linux 9",
        "",
    )
    assert (agents["ma01"].id, agents["ma01"].version) == ("601", "11.36.21")


def test_v2_says_online_with_a_1_and_nothing_of_maintenance(payload):
    agents = {agent.name: agent for agent in parse_v2(payload("v2_mediaagents"))}
    assert {name: agent.online for name, agent in agents.items()} == {"ma01": True, "ma02": False, "ma03": None}
    assert {agent.maintenance for agent in agents.values()} == {None}
    assert (agents["ma01"].id, agents["ma01"].version, agents["ma01"].os) == (
        "601",
        "11 SP36",
        "Windows Server 2022 Datacenter",
    )


def test_v2_may_leave_out_what_is_not_the_name():
    [agent] = parse_v2({"mediaAgentList": [{"mediaAgent": {"mediaAgentId": 1, "mediaAgentName": "ma"}}]})
    assert (agent.online, agent.version, agent.os) == (None, "", "")


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"mediaAgentList": []}, "no field mediaAgents"),
        ({"mediaAgents": [{"name": "ma"}]}, "no field 'id'"),
        ({"mediaAgents": [{"id": 1, "name": "ma", "status": 1}]}, "status is of type int"),
        ({"mediaAgents": [{"id": 1, "name": "ma", "operatingSystem": 7}]}, "operatingSystem is of type int"),
    ],
)
def test_a_surprise_is_garbled_and_names_endpoint_and_field(answer, field):
    with pytest.raises(SourceGarbled, match=f"GET /V4/mediaAgent: .*{field}"):
        parse(answer)


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"response": []}, "no field mediaAgentList"),
        ({"mediaAgentList": [{"status": 1}]}, "no field mediaAgent"),
        ({"mediaAgentList": [{"mediaAgent": {"mediaAgentId": 1}}]}, "no field 'mediaAgentName'"),
        (
            {"mediaAgentList": [{"mediaAgent": {"mediaAgentId": 1, "mediaAgentName": "m"}, "status": "up"}]},
            "status is not a number",
        ),
    ],
)
def test_a_surprise_of_v2_is_garbled_and_names_endpoint_and_field(answer, field):
    with pytest.raises(SourceGarbled, match=f"GET /V2/MediaAgents: .*{field}"):
        parse_v2(answer)


def test_v4_is_asked_first(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/V4/mediaAgent", json=payload("v4_mediaagent"))
    assert len(fetch(client(), poll())) == 5


def test_a_release_without_v4_is_asked_by_v2_from_then_on(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/V4/mediaAgent", status_code=404)
    requests_mock.get(f"{URL}/V2/MediaAgents", json=payload("v2_mediaagents"))
    one = client()
    for _ in range(3):
        assert len(fetch(one, poll())) == 3
    paths = [request.path.rpartition("/")[2] for request in requests_mock.request_history]
    assert paths == ["mediaagent", "mediaagents", "mediaagents", "mediaagents"]


def test_why_an_agent_is_offline_is_a_number_nobody_explains(payload):
    [v4] = parse({"mediaAgents": [{"id": 1, "name": "ma", "status": "OFFLINE", "offlineReasonValue": 5}]})
    [v2] = parse_v2(
        {
            "mediaAgentList": [
                {"mediaAgent": {"mediaAgentId": 1, "mediaAgentName": "m"}, "status": 2, "offlineReason": "1"}
            ]
        }
    )
    assert (v4.offline_reason, v2.offline_reason) == (5, 1)


def test_an_outage_began_with_the_poll_that_first_saw_it_and_is_remembered(client, poll, requests_mock):
    def at(hours, status):
        requests_mock.get(f"{URL}/V4/mediaAgent", json={"mediaAgents": [{"id": 1, "name": "ma", "status": status}]})
        [agent] = fetch(client(), poll(at=AT + hours * 3600))
        return agent.offline_since

    assert at(0, "ONLINE") is None
    assert at(1, "OFFLINE") == AT + 3600
    assert at(2, "OFFLINE") == AT + 3600
    # Under maintenance nobody says whether it is up; it may never have been.
    assert at(3, "MAINTENANCE") is None
    assert at(4, "OFFLINE") == AT + 3600
    assert at(5, "ONLINE") is None
    assert at(6, "OFFLINE") == AT + 6 * 3600
