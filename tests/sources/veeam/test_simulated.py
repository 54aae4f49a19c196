"""A living VBR over real HTTP, in every revision whose specification is public, seen through the whole source."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.model import GIBIBYTE, HOUR, JOB_RESULTS, Inventory, Poll
from exporter.simulator.clock import Clock
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Fault, Server
from exporter.sources.veeam import Veeam
from exporter.telemetry import Telemetry

NOON = 1772449200.0  # 2026-03-02 12:00 in Berlin
REVISIONS = ("1.1-rev0", "1.2-rev1", "1.3-rev1", "1.3-rev2")
PASSWORD = "not-a-real-secret"


class Site:
    """A simulated server and the source that reads it; both live by `clock`."""

    def __init__(self, revision, settings, memory, **options):
        self.clock = Clock(NOON, rate=0)
        self.vbr = Vbr(VbrEstate("small", self.clock, days=30), self.clock, newest_revision=revision, **options)
        self.server = Server(self.vbr).start()
        self.source = Veeam(settings(url=self.server.url, username="svc-ebbtide"), Telemetry())
        self._memory = memory

    def poll(self, collector):
        [wanted] = [c for c in self.source.collectors if c.name == collector]
        return wanted.fetch(self.source.client, Poll(self.clock.now(), None, self._memory))

    def close(self):
        self.source.close()
        self.server.stop()


@pytest.fixture
def site(settings, memory, monkeypatch) -> Iterator[Callable[..., Site]]:
    monkeypatch.setenv("VBR_PASSWORD", PASSWORD)
    sites: list[Site] = []

    def make(revision="1.3-rev2", **options) -> Site:
        sites.append(Site(revision, settings, memory, **options))
        return sites[-1]

    yield make
    for one in sites:
        one.close()


@pytest.mark.parametrize("role", ["viewer", "administrator"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_the_newest_revision_of_the_server_is_spoken(site, revision, role):
    assert site(revision, role=role).source.client.revision() == revision


def test_pools_look_the_same_in_every_revision(site):
    told = {
        revision: {(p.name, p.id): (p.pool_type, p.location, p.capacity_bytes) for p in site(revision).poll("pools")}
        for revision in REVISIONS
    }
    assert len(told["1.3-rev2"]) == 8
    assert told["1.1-rev0"] == told["1.2-rev1"] == told["1.3-rev1"] == told["1.3-rev2"]


@pytest.mark.parametrize("revision", REVISIONS)
def test_pools_of_a_living_server(site, revision):
    pools = {p.name: p for p in site(revision).poll("pools")}
    assert pools["SOBR-Prod"].pool_type == "WinLocal performance extent"
    assert pools["SOBR-Prod-02"].location == "SOBR SOBR-Prod"
    assert pools["S3-Offload"].pool_type == "S3Compatible capacity extent"
    assert pools["S3-Offload"].capacity_bytes is None
    assert pools["DataDomain-01"].pool_type == "DellDataDomain"
    assert 0.2 < pools["Répertoire-A"].free_ratio < 0.5
    offline = pools["Branch-NAS"]
    assert offline.capacity_bytes > GIBIBYTE
    assert (offline.status, offline.free_ratio is None) == (
        ("unknown", False) if revision == "1.1-rev0" else ("offline", True)
    )


@pytest.mark.parametrize("revision", REVISIONS)
def test_jobs_of_a_living_server(site, revision):
    jobs = {j.name: j for j in site(revision).poll("backup_jobs")}
    assert {j.last_result for j in jobs.values()} <= set(JOB_RESULTS)

    web = jobs["VM Linux Web"]
    assert (web.job_type, web.repository, web.enabled, web.running) == ("VSphereBackup", "Hardened-01", True, False)
    assert web.last_run_at < web.last_success_at < NOON
    assert NOON - web.last_success_at < 24 * HOUR

    endless = jobs["Datawarehouse"]
    assert (endless.running, endless.last_result) == (True, "success")
    assert endless.last_success_at <= endless.last_run_at

    assert jobs["Old Branch Office"].enabled is False
    assert (jobs["New Project"].last_result, jobs["New Project"].last_run_at) == ("none", None)
    assert jobs["VM SAP"].repository == "SOBR-Prod"


def test_a_failing_job_keeps_its_last_success(site):
    one = site()
    [before] = [j for j in one.poll("backup_jobs") if j.name == "VM Linux Web"]
    one.vbr.control.tell("job_failing", "VM Linux Web")
    for _ in range(5):
        one.clock.advance(24 * HOUR)
        [after] = [j for j in one.poll("backup_jobs") if j.name == "VM Linux Web"]
        assert after.last_result == "failed"
        assert after.last_success_at == before.last_success_at


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_backup_files_of_a_living_server(site, revision):
    one = site(revision)
    chains = {c.backup: c for c in one.poll("backup_files")}
    jobs = {j.id: j.name for j in one.poll("backup_jobs")}
    assert all(jobs.get(c.job_id, "") == c.job for c in chains.values())
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


def test_files_without_data_do_not_spoil_the_ratio(site):
    one = site()
    [witness] = [c for c in one.poll("backup_files") if c.job == "Cluster Witness"]
    assert any(f.dedup == 0 for b in one.vbr.estate.backups.values() if b.name == "Cluster Witness" for f in b.files)
    assert 1.0 < witness.data_bytes / witness.deduplicated_bytes < 1.3


def test_files_of_a_12_0_cannot_be_read(site):
    with pytest.raises(SourceGarbled, match=r"backup files need VBR 12\.3"):
        site("1.1-rev0").poll("backup_files")


@pytest.mark.parametrize("revision", REVISIONS)
def test_what_is_answered_fits_into_the_inventory(site, revision):
    one = site(revision)
    inventory = Inventory()
    for name in ("pools", "backup_jobs"):
        inventory = inventory.with_answer(name, one.poll(name), NOON, NOON + HOUR)
    assert len(inventory.pools) == 8
    assert len(inventory.backup_jobs) >= 10


def test_a_server_as_strict_as_its_schema_is_logged_in_to(site):
    assert site(capitalised_grants=True).poll("pools")


def test_one_login_and_one_logout_for_all_collectors(site):
    one = site()
    for name in ("pools", "backup_jobs", "backup_files"):
        one.poll(name)
    one.source.close()
    assert [path for _, path in one.server.requests if "oauth2" in path] == ["/api/oauth2/token", "/api/oauth2/logout"]


def test_tokens_that_died_with_a_restart_are_replaced(site):
    one = site()
    one.poll("pools")
    one.clock.advance(20 * 60)
    assert one.poll("pools")
    assert [path for _, path in one.server.requests].count("/api/oauth2/token") == 2


def test_a_wrong_password_is_refused(site, monkeypatch):
    one = site()
    monkeypatch.setenv("VBR_PASSWORD", "wrong")
    for name in ("pools", "backup_jobs", "backup_files"):
        with pytest.raises(SourceRefused, match="/api/oauth2/token") as refused:
            one.poll(name)
        assert "wrong" not in str(refused.value)
    assert [path for _, path in one.server.requests] == ["/api/oauth2/token"]


@pytest.mark.parametrize("collector", ["pools", "backup_jobs", "backup_files"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("403", SourceRefused), ("500", SourceUnreachable), ("html", SourceGarbled), ("empty", SourceGarbled),
        ("cut", SourceGarbled), ("wrong_types", SourceGarbled), ("wrong_lists", SourceGarbled),
    ],
)  # fmt: skip
def test_a_spoilt_answer_is_one_of_three_errors_and_passes(site, collector, kind, error):
    one = site()
    one.poll("pools")
    route = {"pools": "repositories/states", "backup_jobs": "/jobs", "backup_files": "backupFiles"}[collector]
    one.server.faults.set(Fault(kind, route))
    with pytest.raises(error, match=r"^GET /api/v1/") as failure:
        one.poll(collector)
    assert failure.value.contact is (error is not SourceUnreachable)
    one.server.faults.clear()
    assert one.poll(collector)
