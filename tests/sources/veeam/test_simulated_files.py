"""Backups of a living server, and the three ways to what its sessions stored, which must say the same."""

from __future__ import annotations

import json
import time

import pytest

from exporter.errors import ConfigError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.model import DAY, HOUR, Poll
from exporter.simulator.enterprise_manager import EnterpriseManager
from exporter.simulator.wire import Fault, Server
from tests.sources.veeam.site import NOON, REVISIONS


@pytest.fixture
def managed(site, tmp_path):
    """Sites with an Enterprise Manager beside them, and with a drop file that nobody has written yet."""
    servers: list[Server] = []

    def make(revision="1.1-rev0", username="svc-ebbtide", **more):
        server = Server(lambda request: one.manager(request)).start()
        servers.append(server)
        account = {"url": server.url, "username": username, "password": {"env": "VBR_PASSWORD"}}
        drop_file = {"path": tmp_path / "sessions.json"}
        one = site(revision, configured={"enterprise_manager": account | more, "drop_file": drop_file})
        one.manager, one.manager_server = EnterpriseManager(one.vbr.estate, one.clock), server
        return one

    yield make
    for server in servers:
        server.stop()


def stored(estate, session):
    """What the estate knows of a session: bytes before and after, over files with data."""
    files = [f for b in estate.backups.values() for f in b.files if f.session == session and f.data >= 2**20]
    return sum(f.data for f in files), sum(f.size for f in files)


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_backups_of_a_living_server(site, revision):
    one = site(revision)
    chains = {c.backup: c for c in one.poll("backups")}
    assert chains["Retired Web Farm"].job == ""

    web = chains["VM Linux Web"]
    assert (web.job, web.repository) == ("VM Linux Web", "Hardened-01")
    assert 1.08 < web.data_bytes / web.deduplicated_bytes < 1.2, "88 % left, a bit more in increments"
    assert 2.1 < web.deduplicated_bytes / web.stored_bytes < 2.4, "44 % left, and metadata"
    assert chains["VM SAP"].repository == "SOBR-Prod"

    kept = [f for b in one.vbr.estate.backups.values() if b.name == "VM Linux DB" for f in b.files]
    basic = [f.created for f in kept if not set(f.gfs) - {"None"}]
    assert (chains["VM Linux DB"].oldest_at, chains["VM Linux DB"].newest_at) == (min(basic), max(basic))
    assert min(f.created for f in kept) < min(basic), "an older file is kept by its week"
    assert chains["VM Linux DB"].restore_points == sum(len(f.machines) for f in kept)


def test_of_a_12_0_only_restore_points_are_known(site, memory):
    one = site("1.1-rev0")
    chains = {c.backup: c for c in one.poll("backups")}
    assert {c.files for c in chains.values()} == {None}
    assert all(c.restore_points and c.newest_at for c in chains.values())
    assert not memory.reduced


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_sessions_have_stored_what_the_estate_says(site, memory, revision):
    one = site(revision)
    one.poll("backups")
    ended = {s.id for s in one.vbr.estate.sessions if s.result in ("Success", "Warning")}
    assert len(memory.reduced) > 100
    for (job, session), told in memory.reduced.items():
        assert session in ended
        assert one.vbr.estate.jobs[job].name == told.job
        assert (told.data_bytes, told.stored_bytes) == stored(one.vbr.estate, session)
        assert told.dedup_ratio * told.compression_ratio == pytest.approx(told.data_bytes / told.stored_bytes)


def test_a_running_session_is_told_when_it_has_ended(site, memory):
    one = site()
    endless = next(s for s in one.vbr.estate.sessions if s.ended is None and s.kind == "backup")
    one.poll("backups")
    assert (endless.job, endless.id) not in memory.reduced
    one.clock.advance(DAY)
    # States of jobs are kept for a minute.
    one.source.client._clock = lambda: time.monotonic() + DAY
    one.poll("backups")
    assert (endless.job, endless.id) in memory.reduced


def test_files_without_data_do_not_spoil_the_ratio(site):
    one = site()
    [witness] = [c for c in one.poll("backups") if c.job == "Cluster Witness"]
    assert any(f.dedup == 0 for b in one.vbr.estate.backups.values() if b.name == "Cluster Witness" for f in b.files)
    assert 1.0 < witness.data_bytes / witness.deduplicated_bytes < 1.3


def test_later_polls_ask_for_a_share_of_the_backups(site):
    one = site()
    count = len(one.poll("backups"))
    before = len(one.server.requests)
    assert len(one.poll("backups")) == count
    assert not [path for _, path in list(one.server.requests)[before:] if "backupFiles" in path]
    for _ in range(72):
        one.clock.advance(300)
        one.poll("backups")
    turns = [path for _, path in list(one.server.requests)[before:] if path.endswith("backupFiles")]
    assert len(turns) == count, "each once in six hours"


def test_enterprise_manager_says_what_rest_says(managed, memory):
    one = managed("1.3-rev2")
    one.poll("backups")
    by_rest = dict(memory.reduced)
    memory.reduced.clear()
    feed = one.poll("enterprise_manager")
    assert feed.sessions == len(memory.reduced)
    assert set(feed.rejected.values()) == {0}
    assert memory.reduced.keys() == by_rest.keys()
    for key, told in memory.reduced.items():
        assert (told.job, told.is_full) == (by_rest[key].job, by_rest[key].is_full)
        assert (told.data_bytes, told.stored_bytes) == (by_rest[key].data_bytes, by_rest[key].stored_bytes)
        assert told.dedup_ratio == pytest.approx(by_rest[key].dedup_ratio, rel=0.01)
        assert abs(told.at - by_rest[key].at) < 2


def test_the_drop_file_says_what_enterprise_manager_says(managed, memory, tmp_path):
    one = managed()
    one.poll("enterprise_manager")
    by_manager = dict(memory.reduced)
    memory.reduced.clear()
    records = []
    for session in one.vbr.estate.sessions:
        files = [f for b in one.vbr.estate.backups.values() for f in b.files if f.session == session.id]
        data, size = sum(f.data for f in files), sum(f.size for f in files)
        left = sum(f.data * f.dedup / 100 for f in files)
        records.append({
            "Id": session.id, "JobId": session.job, "JobName": session.name, "Result": session.result or "None",
            "CreationTimeUTC": f"/Date({int(session.started * 1000)})/",
            "EndTimeUTC": "1900-01-01T00:00:00" if session.ended is None else f"/Date({int(session.ended * 1000)})/",
            "BackupStats": {
                "DataSize": data, "BackupSize": size, "DedupRatio": round(100 * left / data) if data else 0,
                "CompressRatio": round(100 * size / left) if left else 0,
            },
        })  # fmt: skip
    (tmp_path / "sessions.json").write_bytes(json.dumps(records).encode("utf-16"))
    feed = one.poll("drop_file")
    assert set(feed.rejected.values()) == {0}
    assert memory.reduced.keys() >= by_manager.keys()
    for key, told in by_manager.items():
        assert memory.reduced[key].dedup_ratio == pytest.approx(told.dedup_ratio, rel=0.02)
        assert memory.reduced[key].compression_ratio == pytest.approx(told.compression_ratio, rel=0.02)


def test_enterprise_manager_is_asked_for_what_is_new(managed, memory):
    one = managed()
    everything = one.poll("enterprise_manager").sessions
    one.clock.advance(6 * HOUR)
    [collector] = [c for c in one.source.collectors if c.name == "enterprise_manager"]
    recent = collector.fetch(one.source.client, Poll(one.clock.now(), NOON, memory))
    assert 0 < recent.sessions < everything


def test_no_logon_is_left_open(managed):
    one = managed()
    one.poll("enterprise_manager")
    assert one.manager.logons == {}
    assert [method for method, _ in one.manager_server.requests].count("DELETE") == 1


def test_only_the_named_backup_server_is_read_of(managed):
    assert managed(backup_server="VBR01.example.com").poll("enterprise_manager").sessions
    assert managed(backup_server="vbr09.example.com").poll("enterprise_manager").sessions == 0


def test_a_wrong_password_of_enterprise_manager_is_refused(managed):
    with pytest.raises(SourceRefused, match=r"^POST /api/sessionMngr/: refused \(401\)"):
        managed(username="nobody").poll("enterprise_manager")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("401", SourceRefused), ("403", SourceRefused), ("500", SourceUnreachable), ("html", SourceGarbled),
        ("empty", SourceGarbled), ("cut", SourceGarbled), ("wrong_types", SourceGarbled),
        ("wrong_lists", SourceGarbled),
    ],
)  # fmt: skip
def test_a_spoilt_answer_of_enterprise_manager_is_one_of_three_errors_and_passes(managed, memory, kind, error):
    one = managed()
    one.manager_server.faults.set(Fault(kind, "/api/query"))
    with pytest.raises(error, match=r"^GET /api/query: "):
        one.poll("enterprise_manager")
    assert not memory.reduced
    one.manager_server.faults.clear()
    assert one.poll("enterprise_manager").sessions


@pytest.mark.parametrize("route", ["backupFiles", "restorePoints"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("403", SourceRefused), ("500", SourceUnreachable), ("html", SourceGarbled), ("empty", SourceGarbled),
        ("cut", SourceGarbled), ("wrong_types", SourceGarbled), ("wrong_lists", SourceGarbled),
    ],
)  # fmt: skip
def test_a_spoilt_answer_about_a_backup_is_one_of_three_errors_and_passes(site, memory, route, kind, error):
    one = site()
    one.server.faults.set(Fault(kind, route))
    with pytest.raises(error, match=r"^GET /api/v1/"):
        one.poll("backups")
    assert not memory.reduced
    one.server.faults.clear()
    assert one.poll("backups")
    assert memory.reduced


def test_the_feeds_are_there_only_where_they_are_configured(site):
    assert not {"drop_file", "enterprise_manager"} & {c.name for c in site().source.collectors}


def test_a_feed_can_be_switched_off(site):
    one = site(configured={"drop_file": {"path": "/x.json"}, "intervals": {"drop_file": False}})
    assert "drop_file" not in {c.name for c in one.source.collectors}


def test_several_servers_without_a_name_are_an_error_of_the_configuration(managed):
    one = managed()
    second = EnterpriseManager(one.vbr.estate, one.clock, server="vbr02.example.com")
    second.logons = one.manager.logons
    one.manager_server.application = lambda request: (second if request.first("type") == "BackupFile" else one.manager)(
        request
    )
    with pytest.raises(ConfigError, match="name this one as backup_server"):
        one.poll("enterprise_manager")
