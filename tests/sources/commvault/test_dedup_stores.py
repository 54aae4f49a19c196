from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceRefused
from exporter.model import MEBIBYTE
from exporter.sources.commvault.dedup_stores import fetch, parse

from .conftest import AT, URL

ENGINES = f"{URL}/Qcommand/qoperation%20execute"
STORES = ("60", "61", "62", "63")


@pytest.fixture
def stores(payload):
    details = {store: payload(f"ddbinformation_{store}") for store in STORES}
    return {store.id: store for store in parse(payload("ddb_engines"), details)}


def one(*partitions, engine=None):
    head = {"storeId": 60, "storeName": "A_60", "sealedTime": 0, "storeFlags": 0, "sp": {"id": 301, "name": "A"}}
    [store] = parse({"engines": [head | (engine or {})]}, {"60": {"subStoreList": list(partitions)}})
    return store


def test_a_store_belongs_to_its_pool(stores):
    assert (stores["60"].name, stores["60"].pool) == ("Apex GDP_60", "Apex GDP")
    assert (stores["62"].pool, stores["63"].pool) == ("North C", "North A")


def test_entries_are_summed_and_the_slowest_and_oldest_partition_speaks_for_the_store(stores):
    store = stores["60"]
    assert store.primary_entries == 822_000_000
    assert store.lookup_seconds == pytest.approx(0.0019)
    assert store.last_backup_at == 1773475200


def test_pruning_is_one_bit_of_the_flags(stores):
    assert (stores["60"].pruning_enabled, stores["63"].pruning_enabled) == (True, False)
    assert one(engine={"storeFlags": None}).pruning_enabled is None


def test_sealed_comes_from_sealed_time_and_not_from_status(stores):
    assert (stores["61"].status, stores["61"].sealed_at) == ("sealed", 1741996800)
    assert (stores["60"].status, stores["60"].sealed_at) == ("active", None)
    assert one({}, engine={"status": 1}).status == "active"


def test_pending_deletes_are_shown_where_a_release_has_them_in_any_spelling(stores):
    pending = {store: stores[store].pending_deletes for store in STORES}
    assert pending == {"60": None, "61": 7, "62": 42_500, "63": 11}


def test_half_of_the_pending_deletes_is_no_number():
    assert one({"zeroRefCount": 5}, {}).pending_deletes is None
    assert one({"zeroRefCount": 5}, {"zeroRefCount": -1}).pending_deletes is None
    assert one({"zeroRefCount": 0}, {"zeroRefCount": 0}).pending_deletes == 0


def test_field_names_are_read_in_any_case(stores):
    assert stores["61"].primary_entries == 5


@pytest.mark.parametrize(
    ("partition", "status"),
    [
        ({"status": 0, "offlineReason": ""}, "active"),
        ({"status": 0, "offlineReason": 0}, "active"),
        ({}, "active"),
        ({"status": 1}, "corrupted"),
        ({"status": 0, "offlineReason": "The DDB was marked as Corrupted"}, "corrupted"),
        ({"status": 0, "offlineReason": "MediaAgent is offline"}, "offline"),
        ({"status": 0, "offlineReason": 5}, "offline"),
        ({"status": 1, "offlineReason": "MediaAgent is offline"}, "offline"),
        ({"status": 7}, "unknown"),
    ],
)
def test_one_bad_partition_makes_a_bad_store(partition, status):
    assert one({"status": 0}, partition).status == status


def test_the_worst_partition_decides():
    assert one({"status": 7}, {"offlineReason": "gone"}, {"status": 1}).status == "corrupted"
    assert one({"status": 7}, {"offlineReason": "gone"}).status == "offline"


def test_a_store_never_backed_up_has_no_time_of_it():
    assert one({"lastSnapTime": 0}).last_backup_at is None


def test_a_store_without_details_is_known_by_what_the_list_says():
    store = one()
    assert (store.status, store.pruning_enabled) == ("unknown", False)
    assert (store.primary_entries, store.lookup_seconds, store.last_backup_at, store.pending_deletes) == (None,) * 4
    assert one(engine={"sealedTime": 1_700_000_000}).status == "sealed"
    assert one(engine={"sp": None}).pool == ""


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"stores": []}, "no field engines"),
        ({"engines": [{"storeId": 60}]}, "no field 'storeName'"),
        ({"engines": [{"storeId": 60, "storeName": "A", "storeFlags": {"value": 1}}]}, "storeFlags is of type dict"),
        ({"engines": [{"storeId": 60, "storeName": "A", "sp": "A"}]}, "sp is of type str"),
        ({"engines": [{"storeId": 60, "storeName": "A", "sealedTime": "never"}]}, "sealedTime is not a number"),
    ],
)
def test_a_surprise_in_the_list_is_garbled(answer, field):
    with pytest.raises(SourceGarbled, match=f"POST /Qcommand/qoperation%20execute: .*{field}"):
        parse(answer, {})


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"store": {}}, "no field subStoreList"),
        ({"SubStoreList": "2 items"}, "SubStoreList is of type str"),
        ({"subStoreList": [{"avgQITime": {"value": 1}}]}, "avgqitime is of type dict"),
        ({"subStoreList": [{"offlineReason": ["x"]}]}, "offlineReason is of type list"),
        ({"subStoreList": [{"zeroRefCount": []}]}, "zerorefcount is of type list"),
    ],
)
def test_a_surprise_in_the_details_is_garbled(payload, details, field):
    with pytest.raises(SourceGarbled, match=rf"GET /DDBInformation/\{{\}}: .*{field}"):
        parse(payload("ddb_engines"), {"60": details})


class Stores:
    def __init__(self, mock, payload):
        self.mock = mock
        mock.post(ENGINES, json=payload("ddb_engines"))
        for store in STORES:
            self.details(store, payload(f"ddbinformation_{store}"))

    def details(self, store, body=None, status=200):
        self.mock.get(f"{URL}/DDBInformation/{store}", json=body or {}, status_code=status)

    def asked(self):
        paths = [request.path.rpartition("/")[2] for request in self.mock.request_history]
        self.mock.reset_mock()
        return paths


@pytest.fixture
def cs(requests_mock, payload):
    return Stores(requests_mock, payload)


def test_all_stores_are_listed_in_one_call_and_then_asked_one_by_one(cs, client, poll):
    found = fetch(client(), poll())
    body = cs.mock.request_history[0].json()["EVGui_DDBEnginesReq"]
    assert body["filterOptions"] == {"propertyLevel": 20}
    assert (body["storagepolicy"], body["spCopy"]) == ({"storagePolicyId": 0}, {"copyId": 0, "storagePolicyId": 0})
    assert cs.asked() == ["qoperation%20execute", *STORES]
    assert [store.id for store in found] == list(STORES)


def test_a_store_deleted_since_it_was_listed_does_not_cost_the_others(cs, client, poll):
    cs.details("62", status=404)
    found = {store.id: store.primary_entries for store in fetch(client(), poll())}
    assert found["62"] is None
    assert found["60"] == 822_000_000


def test_a_release_without_details_is_not_asked_for_them_again(cs, client, poll):
    for store in STORES:
        cs.details(store, status=404)
    one_client = client()
    assert [store.primary_entries for store in fetch(one_client, poll())] == [None] * 4
    cs.asked()
    assert [store.status for store in fetch(one_client, poll())] == ["unknown", "sealed", "unknown", "unknown"]
    assert cs.asked() == ["qoperation%20execute"]


def test_refused_details_are_an_error_and_no_store_without_partitions(cs, client, poll):
    for store in STORES:
        cs.details(store, {"errorCode": 5, "errorMessage": "Access denied"})
    one_client = client()
    for _ in range(2):
        with pytest.raises(SourceRefused, match="GET /DDBInformation"):
            fetch(one_client, poll())


@pytest.mark.parametrize("answer", [{"status": 409}, {"body": {"errorCode": 5, "errorMessage": "Access denied"}}])
def test_trouble_with_one_store_does_not_cost_the_others(cs, client, poll, answer):
    cs.details("60", **answer)
    found = {store.id: store for store in fetch(client(), poll())}
    assert (found["60"].status, found["60"].partitions) == ("unknown", ())
    assert found["62"].partitions


def test_no_right_to_execute_is_told(cs, client, poll):
    cs.mock.post(ENGINES, json={"errorMessage": "Access denied", "errorCode": 5})
    with pytest.raises(SourceRefused, match="POST /Qcommand/qoperation%20execute"):
        fetch(client(), poll())


def test_a_commcell_without_stores_asks_for_no_details(cs, client, poll):
    cs.mock.post(ENGINES, json={})
    assert fetch(client(), poll()) == ()
    assert cs.asked() == ["qoperation%20execute"]


def test_a_partition_tells_its_agent_and_the_space_of_its_volume(stores):
    [first, second] = stores["60"].partitions
    assert (first.id, first.media_agent, first.status) == ("120", "ma01", "active")
    assert (first.volume_free_bytes, first.volume_capacity_bytes) == (314572 * MEBIBYTE, 524288 * MEBIBYTE)
    assert (first.lookup_seconds, second.lookup_seconds) == (pytest.approx(0.00045), pytest.approx(0.0019))
    assert stores["60"].pool_id == "301"


@pytest.mark.parametrize(
    ("flags", "states"),
    [
        (0, (False, False, False)),
        (536870912, (True, False, False)),
        (536870912 | 33554432, (True, True, False)),
        (16777216, (False, False, True)),
        (None, (None, None, None)),
    ],
)
def test_what_a_store_is_doing_is_in_the_bits_of_its_flags(flags, states):
    store = one(engine={"storeFlags": flags})
    assert (store.pruning_enabled, store.needs_resync, store.under_maintenance) == states


def test_the_details_of_a_store_are_asked_for_once_an_hour(client, poll, requests_mock, payload):
    requests_mock.post(ENGINES, json=payload("ddb_engines"))
    for store in STORES:
        requests_mock.get(f"{URL}/DDBInformation/{store}", json=payload(f"ddbinformation_{store}"))
    one_client = client()

    def asked(minutes):
        before = requests_mock.call_count
        assert all(store.partitions for store in fetch(one_client, poll(at=AT + minutes * 60)))
        return requests_mock.call_count - before - 1

    assert [asked(minutes) for minutes in (0, 15, 30, 45, 60)] == [4, 1, 1, 1, 1]
