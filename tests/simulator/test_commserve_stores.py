"""Deduplication databases by query command and one by one."""

import pytest

from exporter.simulator.names import APEX
from exporter.simulator.sizes import DAY

from .commserve_client import Client
from .lives import NIGHT

QUERY_COMMAND = "Qcommand/qoperation%20execute"


def listed_engines(client):
    return client.post(QUERY_COMMAND, {"EVGui_DDBEnginesReq": {"filterOptions": {"propertyLevel": 20}}}).body["engines"]


def test_every_dedup_pool_has_a_store_in_use(client):
    engines = listed_engines(client)
    used = [engine["sp"]["name"] for engine in engines if engine["sealedTime"] == 0]
    assert len(used) == len(set(used)) == 19
    assert all(engine["storeFlags"] & 536870912 for engine in engines)
    assert [engine["sp"]["name"] for engine in engines if engine["sealedTime"]] == ["WORM Vault"]


def test_a_sealed_store_shows_when(client, estate):
    estate.tell("ddb_sealed", APEX)
    sealed, opened = [engine for engine in listed_engines(client) if engine["sp"]["name"] == APEX]
    assert (sealed["sealedTime"], opened["sealedTime"]) == (NIGHT, 0)
    assert client.get(f"DDBInformation/{opened['storeId']}")["subStoreList"][0]["PrimaryEntries"] == 0


def test_partitions_are_told_twice(client, estate):
    store = listed_engines(client)[1]["storeId"]
    request = {"EVGui_SubStoreListReq": {"commcellId": 2, "storeId": store}}
    listed = client.post(QUERY_COMMAND, request).body["subStoreList"]
    detailed = client.get(f"DDBInformation/{store}")["subStoreList"]
    assert [part["subStoreId"] for part in listed] == [part["subStoreId"] for part in detailed]
    part = detailed[0]
    assert part["status"] == 0
    assert 0 < part["avgQITime"] < part["maxSIDBAverageQITime"] == 2000
    assert 0 < part["freeDiskSpaceMB"] < part["totalCapacityMB"]
    assert 0 <= NIGHT - part["lastSnapTime"] < DAY
    estate.tell("agent_dead", part["MediaAgent"]["name"])
    assert client.get(f"DDBInformation/{store}")["subStoreList"][0]["offlineReason"]


def test_pending_deletes_are_told_only_when_asked_for(client, make):
    assert "zeroRefCount" not in client.get("DDBInformation/60")["subStoreList"][0]
    telling = Client(make(ddb_pending_deletes=True))
    assert telling.get("DDBInformation/60")["subStoreList"][0]["zeroRefCount"] >= 0


@pytest.mark.parametrize("body", [{}, {"EVGui_OtherReq": {}}, b"{", b"[]"])
def test_other_commands_are_bad_requests(client, body):
    assert client.post(QUERY_COMMAND, body).status == 400


def test_no_such_store(client):
    assert client.get("DDBInformation/9999")["errorCode"] == 2
