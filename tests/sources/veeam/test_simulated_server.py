"""What a living VBR tells about itself over real HTTP, to a viewer and to an administrator, in every revision."""

from __future__ import annotations

import pytest

from exporter.errors import NotOffered, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.model import DAY, HOUR
from exporter.simulator.wire import Fault
from tests.sources.veeam.site import NOON, REVISIONS

ADMINISTRATORS = {"license", "configuration_backup", "best_practices"}
OPEN = ("veeam_server", "backup_objects", "proxies", "managed_servers", "malware_events")
ROUTES = {
    "veeam_server": "/serverInfo",
    "license": "/license",
    "configuration_backup": "/configBackup",
    "best_practices": "/bestPractices",
    "malware_events": "/malwareDetection/events",
    "proxies": "/proxies/states",
    "managed_servers": "/managedServers",
    "backup_objects": "/backupObjects",
}
# Of these answers no number, or no list, is read.
UNREAD = {
    ("veeam_server", "wrong_types"), ("veeam_server", "wrong_lists"), ("license", "wrong_lists"),
    ("configuration_backup", "wrong_types"), ("configuration_backup", "wrong_lists"), ("best_practices", "wrong_types"),
}  # fmt: skip


@pytest.fixture
def administered(site):
    return lambda revision="1.3-rev2": site(revision, configured={"role": "backup_administrator"}, role="administrator")


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_viewer_never_asks_what_is_for_administrators(site, revision):
    one = site(revision)
    assert not ADMINISTRATORS & {collector.name for collector in one.source.collectors}
    assert {collector.name for collector in one.source.skipped} == ADMINISTRATORS
    for name in OPEN[:-1]:
        assert one.poll(name)
    assert not [fault for fault in one.server.requests if "license" in fault[1] or "configBackup" in fault[1]]


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_administrator_asks_for_everything(administered, revision):
    one = administered(revision)
    assert {collector.name for collector in one.source.collectors} >= {*OPEN, *ADMINISTRATORS}
    assert one.source.skipped == ()


@pytest.mark.parametrize(
    ("revision", "version"),
    [
        ("1.1-rev0", "12.0.0.1420"), ("1.2-rev1", "12.3.1.1139"), ("1.3-rev1", "13.0.1.180"),
        ("1.3-rev2", "13.1.0.411"),
    ],
)  # fmt: skip
def test_the_build_is_for_administrators_from_12_2_on(site, administered, revision, version):
    assert administered(revision).poll("veeam_server").version == version
    viewed = site(revision).poll("veeam_server")
    assert viewed.version == (version if revision == "1.1-rev0" else "")
    assert (viewed.api_revision, viewed.utc_offset_seconds) == (revision, HOUR)


def test_the_platform_is_told_from_13_on(administered):
    platforms = {revision: administered(revision).poll("veeam_server").platform for revision in REVISIONS}
    assert platforms == {"1.1-rev0": "", "1.2-rev1": "", "1.3-rev1": "Windows", "1.3-rev2": "Windows"}


@pytest.mark.parametrize("revision", ["1.2-rev0", "1.2-rev1", "1.3-rev1", "1.3-rev2"])
def test_the_licence_has_the_same_dates_wherever_they_stand(administered, revision):
    one = administered(revision)
    licence = one.poll("license")
    assert licence.status == "valid"
    assert (licence.expires_at - one.vbr.estate.born, licence.support_expires_at - one.vbr.estate.born) == (
        143 * DAY, 520 * DAY,
    )  # fmt: skip
    assert 0 < licence.used["instances"] <= licence.licensed["instances"]


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_configuration_is_backed_up_daily(administered, revision):
    backup = administered(revision).poll("configuration_backup")
    assert (backup.enabled, backup.encrypted) == (True, True)
    assert 0 <= NOON - backup.last_success_at <= DAY


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_best_practices_are_counted(administered, revision):
    told = administered(revision).poll("best_practices").by_status
    assert told == {"ok": 2, "violation": 1, "suppressed": 1, "unknown": 1}


@pytest.mark.parametrize("collector", ["license", "best_practices"])
def test_a_12_0_has_no_licence_and_no_analyzer(administered, collector):
    one = administered("1.1-rev0")
    with pytest.raises(NotOffered, match=r"from VBR 12\.3 "):
        one.poll(collector)
    assert not [path for _, path in one.server.requests if ROUTES[collector] in path]


def test_detections_show_in_time_and_false_ones_never(administered):
    one = administered()
    before = one.poll("malware_events")
    one.clock.advance(12 * DAY)
    after = one.poll("malware_events")
    assert (before.total["infected"], after.total["infected"]) == (0, 1)
    assert after.total["suspicious"] == 0
    assert after.newest_at == one.vbr.estate.born + 41 * DAY


@pytest.mark.parametrize(("revision", "offered"), [("1.2-rev1", False), ("1.3-rev1", True), ("1.3-rev2", True)])
def test_a_viewer_sees_detections_from_13_0_1_on(site, revision, offered):
    one = site(revision)
    if offered:
        assert one.poll("malware_events").total
        return
    with pytest.raises(NotOffered, match=r"VBR 13\.0\.1"):
        one.poll("malware_events")
    assert not [path for _, path in one.server.requests if "malware" in path]


@pytest.mark.parametrize("revision", REVISIONS)
def test_proxies_are_told_online_from_13_on(site, revision):
    proxies = {p.name: (p.online, p.enabled, p.out_of_date) for p in site(revision).poll("proxies")}
    state = (True, True, False) if revision.startswith("1.3") else (None, None, None)
    assert proxies == {"VMware Backup Proxy": state, "proxy01.example.com": state}


@pytest.mark.parametrize("revision", REVISIONS)
def test_managed_servers_are_told_available_from_12_3_on(site, revision):
    servers = {server.name: server.available for server in site(revision).poll("managed_servers")}
    assert "vcenter01.example.com" in servers
    assert set(servers.values()) == {None if revision == "1.1-rev0" else True}


@pytest.mark.parametrize("revision", REVISIONS)
def test_objects_are_counted(site, revision):
    objects = site(revision).poll("backup_objects")
    assert objects.total > 20
    assert 0 <= objects.unprotected < objects.total
    assert (objects.last_run_failed is None) is (not revision.startswith("1.3"))


@pytest.mark.parametrize("collector", ROUTES)
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("403", SourceRefused), ("500", SourceUnreachable), ("html", SourceGarbled), ("empty", SourceGarbled),
        ("cut", SourceGarbled), ("wrong_types", SourceGarbled), ("wrong_lists", SourceGarbled),
    ],
)  # fmt: skip
def test_a_spoilt_answer_is_one_of_three_errors_and_passes(administered, collector, kind, error):
    one = administered()
    good = one.poll(collector)
    one.clock.advance(2 * DAY)
    one.server.faults.set(Fault(kind, ROUTES[collector]))
    if (collector, kind) == ("veeam_server", "403"):
        assert one.poll(collector).version == ""
    elif (collector, kind) in UNREAD:
        assert type(one.poll(collector)) is type(good)
    else:
        with pytest.raises(error, match=r"^GET /api/v1/"):
            one.poll(collector)
    one.server.faults.clear()
    assert type(one.poll(collector)) is type(good)
