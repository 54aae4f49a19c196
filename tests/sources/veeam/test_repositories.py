from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.model import DAY, GIBIBYTE
from exporter.sources.veeam.pools import parse as parse_pools
from exporter.sources.veeam.repositories import immutable_seconds, parse


@pytest.fixture
def read(rows):
    """Repositories by the last digits of their id, as a server of that version tells them."""

    def read(version="veeam-1.3", states=None, scale_outs=None, settings=None):
        states = rows(f"{states or version}/repositories_states")
        outs = rows(f"{version}/scaleOutRepositories") if scale_outs is None else scale_outs
        given = rows(f"{settings or version}/repositories")
        return {int(r.id[-4:]): r for r in parse(states, outs, given)}

    return read


def test_the_vendors_size_of_the_backups_may_exceed_the_capacity(read, rows):
    capacity = {int(p.id[-4:]): p.capacity_bytes for p in parse_pools(rows("veeam-1.3/repositories_states"))}
    assert read()[1].used_bytes == 51200 * GIBIBYTE > capacity[1]


def test_less_than_nothing_used_is_unknown(rows):
    [first, *_] = rows("veeam-1.3/repositories_states")
    [repository] = parse([first | {"usedSpaceGB": -1}], [], [])
    assert (repository.used_bytes, repository.immutable_seconds) == (None, None)


@pytest.mark.parametrize("version", ["veeam-1.1", "veeam-1.2", "veeam-1.3"])
def test_extents_in_every_revision(read, version):
    assert {n: (r.scale_out, r.tier) for n, r in read(version).items() if r.scale_out} == {
        8: ("SOBR-Prod", "performance"),
        9: ("SOBR-Prod", "performance"),
        10: ("SOBR-Prod", "capacity"),
        11: ("SOBR-Prod", "archive"),
    }


def test_a_status_is_one_word_or_a_list_and_normal_when_missing(read):
    assert [read("veeam-1.2")[n].extent_statuses for n in (8, 9, 10)] == [("normal",), ("normal",), ()]
    assert [read()[n].extent_statuses for n in (8, 9, 1)] == [("sealed", "maintenance"), ("normal",), ()]


def test_a_scale_out_repository_is_no_repository(read):
    assert len(read()) == 12
    assert all("6666" not in r.id for r in read().values())


def test_states_tell_of_extents_where_the_list_does_not(read):
    assert read(scale_outs=[])[9].scale_out == "SOBR-Prod"


def test_out_of_date_is_told_from_13_on(read):
    assert read()[1].out_of_date is False
    assert read("veeam-1.2")[1].out_of_date is None


def test_how_long_backups_are_immutable(read):
    days = {n: r.immutable_seconds and r.immutable_seconds / DAY for n, r in read().items()}
    assert days == {1: 14, 2: 0, 3: 0, 4: 0, 5: 30, 6: 0, 7: None, 8: 0, 9: 0, 10: 10, 11: None, 12: None}


def test_from_13_1_on_appliances_and_governance_are_told(read):
    repositories = read("veeam-1.3", settings="veeam-1.3-rev2")
    assert (repositories[4].immutable_seconds, repositories[7].immutable_seconds) == (21 * DAY, 7 * DAY)


@pytest.mark.parametrize(
    ("row", "seconds"),
    [
        ({"type": "LinuxHardened", "repository": {}}, None),
        ({"type": "AmazonS3Glacier", "bucket": {"immutabilityEnabled": False}}, 0),
        ({"type": "AzureBlob", "container": {"immutability": {"isEnabled": True, "daysCount": 3}}}, 3 * DAY),
        ({"type": "AzureBlob", "container": {"immutability": {"isEnabled": True}}}, None),
        ({"type": "LinuxLocal", "repository": {"enableGovernanceMode": False, "governanceModeRetentionDays": 9}}, 0),
        ({"type": "S3Compatible", "bucket": {}}, None),
        ({"type": "Smb"}, 0),
    ],
)
def test_immutability_of_all_kinds(row, seconds):
    assert immutable_seconds(row) == seconds


@pytest.mark.parametrize(
    ("of", "change", "match"),
    [
        (0, {"usedSpaceGB": "much"}, "repositories/states: .*usedSpaceGB"),
        (1, {"performanceTier": {"performanceExtents": [{"id": "x", "status": 7}]}}, "scaleOutRepositories: status"),
        (1, {"performanceTier": {"performanceExtents": [{"id": "x", "status": [7]}]}}, "scaleOutRepositories: status"),
        (2, {"repository": {"makeRecentBackupsImmutableDays": "ten"}}, "repositories: .*makeRecentBackups"),
    ],
)
def test_a_surprising_field_is_named(rows, of, change, match):
    said = [rows(f"veeam-1.3/{name}") for name in ("repositories_states", "scaleOutRepositories", "repositories")]
    said[of][0] |= change
    with pytest.raises(SourceGarbled, match=match):
        parse(*said)
