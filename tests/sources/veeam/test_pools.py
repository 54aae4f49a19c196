from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.model import GIBIBYTE
from exporter.sources.veeam.pools import parse


@pytest.fixture
def pools(rows):
    """The pools of a 1.3 server by id's last digits."""
    return {int(p.id[-4:]): p for p in parse(rows("veeam-1.3/repositories_states"))}


@pytest.fixture
def old_pools(rows):
    """The pools of a server before 1.3, whose states say nothing of extents."""
    states, scale_outs = rows("veeam-1.1/repositories_states"), rows("veeam-1.1/scaleOutRepositories")
    return {int(p.id[-4:]): p for p in parse(states, scale_outs)}


def test_sizes_are_counted_in_units_of_1024(pools):
    pool = pools[1]
    assert pool.name == "Répertoire-A"
    assert pool.capacity_bytes == 40960.5 * GIBIBYTE
    assert pool.free_bytes == 6144.25 * GIBIBYTE
    assert pool.free_ratio == pytest.approx(0.15000427, abs=1e-8)
    assert (pool.status, pool.pool_type, pool.location) == ("online", "LinuxHardened", "rep01.example.com")


def test_a_full_repository_has_nothing_free(pools):
    assert pools[2].free_bytes == 0
    assert pools[2].free_ratio == 0


def test_an_offline_repository_keeps_its_capacity_but_tells_nothing_free(pools):
    assert pools[3].status == "offline"
    assert pools[3].capacity_bytes == 2048 * GIBIBYTE
    assert pools[3].free_bytes is None
    assert pools[3].free_ratio is None


@pytest.mark.parametrize("pool", [4, 5, 6, 10, 11])
def test_no_capacity_means_unknown_and_not_full(pools, pool):
    assert pools[pool].capacity_bytes is None
    assert pools[pool].free_bytes is None
    assert pools[pool].free_ratio is None


def test_less_than_nothing_free_is_unknown(rows):
    [first, *_] = rows("veeam-1.3/repositories_states")
    [pool] = parse([first | {"freeGB": -1}])
    assert (pool.capacity_bytes, pool.free_bytes) == (40960.5 * GIBIBYTE, None)


def test_extents_are_pools_that_name_their_scale_out_repository(pools):
    assert {n: (p.name, p.pool_type) for n, p in pools.items() if p.location == "SOBR SOBR-Prod"} == {
        8: ("SOBR-Prod", "WinLocal performance extent"),
        9: ("SOBR-Prod-02", "LinuxLocal performance extent"),
        10: ("Offload", "S3Compatible capacity extent"),
        11: ("Glacier", "AmazonS3Glacier archive extent"),
    }


def test_a_scale_out_repository_is_not_added_to_its_extents(pools):
    assert len(pools) == 12
    assert sum(p.capacity_bytes for p in pools.values() if p.location == "SOBR SOBR-Prod" and p.capacity_bytes) == (
        2000 * GIBIBYTE
    )


def test_before_1_3_extents_are_known_from_the_scale_out_repositories(old_pools):
    assert {n: p.pool_type for n, p in old_pools.items() if p.location == "SOBR SOBR-Prod"} == {
        8: "WinLocal performance extent",
        9: "LinuxLocal performance extent",
        10: "S3Compatible capacity extent",
        11: "AmazonS3Glacier archive extent",
    }
    assert old_pools[13].location == "", "the capacity tier of SOBR-Old is switched off"


def test_a_tier_is_enabled_under_its_later_name_too(rows):
    [first, _] = rows("veeam-1.1/scaleOutRepositories")
    first["capacityTier"]["isEnabled"] = first["capacityTier"].pop("enabled")
    offload = next(p for p in parse(rows("veeam-1.1/repositories_states"), [first]) if p.name == "Offload")
    assert offload.location == "SOBR SOBR-Prod"


def test_a_server_that_does_not_tell_who_is_online_makes_nobody_online(old_pools):
    assert {p.status for p in old_pools.values()} == {"unknown"}
    assert old_pools[1].free_bytes == 217.8 * GIBIBYTE


def test_a_type_that_was_renamed_stays_the_same_type(pools, old_pools):
    assert pools[7].pool_type == old_pools[2].pool_type == "DellDataDomain"
    assert [old_pools[n].pool_type for n in (3, 4)] == ["HPEStoreOnce", "QuantumDXi"]


def test_a_type_nobody_has_heard_of_is_passed_on(pools):
    assert pools[12].pool_type == "HolographicCube"


@pytest.mark.parametrize(
    ("field", "value"),
    [("capacityGB", "much"), ("freeGB", None), ("isOnline", 1), ("name", None), ("scaleOutRepositoryDetails", "SOBR")],
)
def test_a_surprising_field_is_named(rows, field, value):
    states = rows("veeam-1.3/repositories_states")
    states[3][field] = value
    with pytest.raises(SourceGarbled, match=f"GET /api/v1/backupInfrastructure/repositories/states: .*{field}"):
        parse(states)


def test_a_surprising_tier_is_named(rows):
    [first, _] = rows("veeam-1.1/scaleOutRepositories")
    first["performanceTier"] = {}
    with pytest.raises(SourceGarbled, match=r"scaleOutRepositories: .*performanceTier\.performanceExtents"):
        parse([], [first])
