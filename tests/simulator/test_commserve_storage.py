"""Pools, libraries and MediaAgents over the wire: MiB, -1 for clouds, a status that only its text tells."""

from xml.etree import ElementTree

import pytest

from exporter.simulator.names import APEX
from exporter.simulator.sizes import DAY, MIB

from .lives import NIGHT


@pytest.fixture
def rows(client):
    return {row["storagePoolEntity"]["storagePoolName"]: row for row in client.get("StoragePool")["storagePoolList"]}


def test_sizes_are_mebibytes(rows, estate):
    apex = estate.pool(APEX)
    assert rows[APEX]["totalCapacity"] == 10 * MIB
    assert rows[APEX]["totalFreeSpace"] == int(estate.free_bytes(apex) // MIB)
    assert rows[APEX]["sizeOnDisk"] == int(apex.written_at(NIGHT) // MIB)


def test_a_cloud_has_no_size(rows):
    cloud = rows["S3 Archive"]
    assert (cloud["totalCapacity"], cloud["totalFreeSpace"], cloud["storageType"]) == (-1, -1, 2)
    assert (cloud["sizeOnDisk"] > 0, cloud["isArchiveStorage"], cloud["cloudStorageClassNumber"]) == (True, 1, 9)


def test_an_offline_pool_keeps_its_sizes_and_says_so_over_several_lines(rows, client, clock):
    old = rows["Old SAN"]
    assert (old["statusCode"], old["reserved1"]) == (0, 0)
    assert old["status"].startswith("Offline (Mount path is inaccessible. ")
    assert "\n" in old["status"]
    clock.advance(10 * DAY)
    assert client.get("StoragePool/315")["storagePoolDetails"]["totalFreeSpace"] == old["totalFreeSpace"] > 0


def test_a_healthy_hyperscale_pool_has_status_code_300(rows):
    pool = rows["HyperScale 01"]
    assert (pool["status"], pool["statusCode"]) == ("Online", 300)
    assert (pool["storagePoolType"], pool["storageType"]) == (4, 3)
    assert pool["usedSpacePerc"] == round(100 - 100 * pool["totalFreeSpace"] / pool["totalCapacity"])


def test_pools_on_one_disk_say_the_same(rows):
    sizes = {(r["totalCapacity"], r["totalFreeSpace"]) for name, r in rows.items() if name.startswith("Share North")}
    assert len(sizes) == 1


def test_names_may_end_in_a_blank_and_pools_may_be_worm_or_without_dedup(rows):
    assert "Silver Secondary " in rows
    assert rows["WORM Vault"]["wormStoragePoolFlag"] == 2
    assert rows["Oracle"]["storagePoolType"] == 3


def test_a_pool_is_a_global_policy_with_a_library(rows, client):
    libraries = {row["entityInfo"]["id"] for row in client.get("Library")["response"]}
    for row in rows.values():
        assert row["storagePolicyEntity"]["storagePolicyId"] == row["storagePoolEntity"]["storagePoolId"]
        assert row["libraryList"][0]["libraryId"] in libraries


def test_without_accept_there_is_xml_whose_numbers_are_texts(client, rows):
    answer = client.ask("StoragePool", Accept="*/*")
    assert answer.content_type == "application/xml"
    root = ElementTree.fromstring(str(answer.body))
    [apex] = [row for row in root if row.find("storagePoolEntity").get("storagePoolName") == APEX]
    assert apex.get("totalCapacity") == str(rows[APEX]["totalCapacity"])
    assert apex.find("libraryList").get("libraryId") == "101"


def test_details_of_one(client):
    details = client.get("StoragePool/301")["storagePoolDetails"]
    assert details["copyInfo"]["StoragePolicyCopy"]["storagePolicyName"] == APEX
    assert client.get("StoragePool/9999")["errorCode"] == 2


def test_v4_lists_by_kind_and_tells_the_savings_each_its_own_way(client):
    names = {}
    for path, key in (("Disk", "diskStorage"), ("Cloud", "cloudStorage"), ("HyperScale", "hyperScaleStorage")):
        names[path] = {row["name"]: row["id"] for row in client.get(f"V4/Storage/{path}")[key]}
    assert {path: len(found) for path, found in names.items()} == {"Disk": 17, "Cloud": 2, "HyperScale": 1}
    disk = client.get(f"V4/Storage/Disk/{names['Disk'][APEX]}")
    assert 50 < disk["general"]["dedupeSavingsPercent"] < 100
    assert disk["backupLocations"][0]["name"].startswith("[ma")
    assert disk["associatedPlanList"]
    cloud = client.get(f"V4/Storage/Cloud/{names['Cloud']['S3 Archive']}")["general"]
    assert (cloud["totalCapacity"], cloud["deduplicationSavings"][-1]) == (-1, "%")
    scale = client.get(f"V4/Storage/HyperScale/{names['HyperScale']['HyperScale 01']}")
    assert "sizeOndisk" in scale["general"]
    assert scale["nodes"][0]["status"] == "Online"
    assert "dedupeSavingsPercent" not in client.get(f"V4/Storage/Disk/{names['Disk']['Oracle']}")["general"]
    assert client.ask(f"V4/Storage/Cloud/{names['Disk'][APEX]}").status == 404


def test_three_lists_of_agents(client, estate):
    assert set(client.get("MediaAgent")["response"][0]["entityInfo"]) == {"id", "name"}
    v2 = {row["mediaAgent"]["mediaAgentName"]: row for row in client.get("V2/MediaAgents")["mediaAgentList"]}
    v4 = {row["name"]: row for row in client.get("V4/mediaAgent")["mediaAgents"]}
    assert [row["status"] for row in v2.values()] == [1] * 6 + [0, 0]
    assert [row["status"] for row in v4.values()] == ["ONLINE"] * 6 + ["MAINTENANCE", "OFFLINE"]
    estate.tell("agent_dead", "ma01")
    [dead] = [row for row in client.get("V4/mediaAgent")["mediaAgents"] if row["name"] == "ma01"]
    assert (dead["status"], dead["offlineReasonValue"]) == ("OFFLINE", 1)


def test_a_library_says_its_sizes_as_text_and_its_paths_in_numbers(client, estate, clock):
    info = client.get("Library/101?propertyLevel=20")["libraryInfo"]
    assert (info["libraryType"], info["model"]) == (3, "DISK")
    assert info["magLibSummary"]["totalCapacity"] == "10.00 TB"
    assert info["magLibSummary"]["onlineMountPaths"] == "1 out of 1"
    [path] = info["MountPathList"]
    summary = path["mountPathSummary"]
    assert summary["totalSpace"] == 10 * MIB
    assert summary["totalDeduplicationAppSize"] > 4 * summary["totalDeduplicationDataWritten"] > 0
    estate.tell("agent_dead", path["mediaAgents"])
    assert client.get("Library/101")["libraryInfo"]["magLibSummary"]["isOnline"] == "No"


def test_what_is_freed_per_day_balances_what_is_written_until_pruning_ends(client, estate, clock):
    for _ in range(31):
        clock.advance(DAY)
        estate.catch_up()

    def means():
        [path] = client.get("Library/101")["libraryInfo"]["MountPathList"]
        return [path["mountPathSummary"][key] for key in ("avgDataWrittenPerDayMB", "avgCapacityFreedMB")]

    written, freed = means()
    assert freed == pytest.approx(written, rel=0.1)
    estate.tell("pruning_stopped", APEX)
    clock.advance(31 * DAY)
    assert means()[1] == 0


def test_a_cloud_library_has_no_sizes(client):
    info = client.get("Library/113")["libraryInfo"]
    assert (info["model"], info["magLibSummary"]["totalCapacity"]) == ("CLOUD", "N/A")
    assert info["MountPathList"][0]["mountPathSummary"]["totalSpace"] == -1
    assert client.get("Library/999")["errorCode"] == 2
