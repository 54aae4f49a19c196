from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.model import MEBIBYTE
from exporter.sources.commvault.pools import fetch, parse, status_of

from .conftest import URL

OFFLINE = "Offline (Mount path is inaccessible. Check the following.\na. The MediaAgent.)"


@pytest.fixture
def pools(payload):
    return {pool.name: pool for pool in parse(payload("storagepool"))}


def test_sizes_are_mebibytes_though_the_api_says_mb(pools):
    apex = pools["Apex GDP"]
    assert apex.free_bytes == 98821 * MEBIBYTE
    assert apex.free_ratio == pytest.approx(0.0197, abs=1e-4)
    assert pools["HyperScale 01"].capacity_bytes == pytest.approx(100e12, rel=1e-4)


def test_a_pool_is_online_by_its_text_whatever_its_status_code(pools):
    assert (pools["Apex GDP"].status, pools["HyperScale 01"].status) == ("online", "online")
    assert pools["Old SAN"].status == "offline"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (OFFLINE, "offline"),
        ("Offline(no access)", "offline"),
        ("Offline\nCheck the MediaAgent.", "offline"),
        (" ONLINE ", "online"),
        ("Degraded (one node is down)", "degraded"),
        ("Maintenance", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_status_is_the_word_before_the_explanation(words, status):
    assert status_of(words) == status


def test_the_free_space_of_an_offline_pool_is_stale_and_not_shown(pools):
    assert pools["Old SAN"].free_bytes is None
    assert pools["Old SAN"].capacity_bytes == 2861053 * MEBIBYTE


def test_a_cloud_pool_has_no_size(pools):
    cloud = pools["S3 Archive"]
    assert (cloud.capacity_bytes, cloud.free_bytes, cloud.free_ratio) == (None, None, None)


def test_stray_blanks_do_not_belong_to_a_name(pools):
    assert {"North A", "North B", "North C"} <= set(pools)


def test_pools_on_one_disk_share_a_group(pools):
    assert {pools[name].shared for name in ("North A", "North B", "North C")} == {"North A"}
    assert pools["Apex GDP"].shared == ""


def test_pools_that_are_both_empty_or_both_full_need_not_share_a_disk(pools):
    assert [pools[name].shared for name in ("New 1", "New 2", "Full 1", "Full 2", "S3 Archive", "Tapes")] == [""] * 6


def test_any_worm_flag_makes_a_worm_pool(pools):
    assert (pools["WORM Vault"].worm, pools["Apex GDP"].worm) == (True, False)


def test_the_type_is_in_words_and_an_unknown_number_is_unknown(pools):
    assert pools["Apex GDP"].pool_type == "disk dedup"
    assert pools["HyperScale 01"].pool_type == "hyperscale scale-out"
    assert pools["Tapes"].pool_type == "tape unknown"


def test_older_releases_write_numbers_as_text_and_leave_fields_out():
    [pool] = parse(
        {
            "storagePoolList": [
                {
                    "storagePoolEntity": {"storagePoolId": "7", "storagePoolName": "Old"},
                    "totalCapacity": "100",
                    "totalFreeSpace": "40",
                }
            ]
        }
    )
    assert (pool.id, pool.free_ratio, pool.status, pool.pool_type, pool.worm) == ("7", 0.4, "unknown", "", None)


@pytest.mark.parametrize("nothing", [{}, {"storagePoolList": []}, {"processinginstructioninfo": {}}])
def test_no_pools_are_no_error(nothing):
    assert parse(nothing) == ()


def broken(**changed):
    entity = {"storagePoolId": 7, "storagePoolName": "Gold"}
    row = {"storagePoolEntity": entity, "totalCapacity": 100, "totalFreeSpace": 40, "status": "Online"} | changed
    return {"storagePoolList": [{key: value for key, value in row.items() if value != "left out"}]}


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"pools": []}, "no field storagePoolList"),
        ({"storagePoolList": "13 items"}, "storagePoolList is of type str"),
        ({"storagePoolList": [None]}, "storagePoolList holds"),
        ([], "storagePoolList"),
        (broken(totalFreeSpace="left out"), "no field 'totalFreeSpace'"),
        (broken(totalCapacity={"value": 1}), "totalCapacity is of type dict"),
        (broken(totalCapacity=True), "totalCapacity is of type bool"),
        (broken(totalCapacity="1.36 TB"), "totalCapacity is not a number"),
        (broken(totalCapacity=float("nan")), "totalCapacity is not a number"),
        (broken(totalCapacity=10**400), "totalCapacity is not a number"),
        (broken(status=3), "status is of type int"),
        (broken(storagePoolEntity="left out"), "no field storagePoolEntity"),
        (broken(storagePoolEntity={"storagePoolId": 7}), "no field 'storagePoolName'"),
        (broken(storagePoolEntity={"storagePoolId": 7, "storagePoolName": 8}), "storagePoolName is of type int"),
        (broken(storagePoolEntity={"storagePoolId": [], "storagePoolName": "x"}), "storagePoolId is of type list"),
    ],
)
def test_a_surprise_is_garbled_and_names_endpoint_and_field(answer, field):
    with pytest.raises(SourceGarbled, match=f"GET /StoragePool: .*{field}"):
        parse(answer)


def test_one_call_reads_all_pools(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/StoragePool", json=payload("storagepool"))
    assert len(fetch(client(), poll())) == 13
    assert requests_mock.call_count == 1


def test_what_the_backups_take_is_told_beside_what_the_disk_holds(pools):
    assert pools["Apex GDP"].stored_bytes == 5457 * MEBIBYTE
    assert pools["Apex GDP"].library_ids == ("101",)


def test_an_older_release_tells_neither_size_nor_libraries(payload):
    answer = payload("storagepool")
    for row in answer["storagePoolList"]:
        row.pop("sizeOnDisk"), row.pop("libraryList")
    assert {(pool.stored_bytes, pool.library_ids) for pool in parse(answer)} == {(None, ())}
