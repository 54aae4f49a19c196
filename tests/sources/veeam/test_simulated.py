"""A living VBR over real HTTP, in every revision whose specification is public, seen through the whole source."""

from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.model import GIBIBYTE, HOUR, JOB_RESULTS, Inventory
from exporter.simulator.wire import Fault
from tests.sources.veeam.site import NOON, REVISIONS


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
    assert NOON - 24 * HOUR < web.last_run_at < NOON < web.next_run_at

    endless = jobs["Datawarehouse"]
    assert (endless.running, endless.last_result) == (True, "none")

    assert jobs["Old Branch Office"].enabled is False
    assert (jobs["New Project"].last_result, jobs["New Project"].last_run_at) == ("none", None)
    assert jobs["VM SAP"].repository == "SOBR-Prod"


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
    for name in ("pools", "backup_jobs", "backups"):
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
    for name in ("pools", "backup_jobs", "backups"):
        with pytest.raises(SourceRefused, match="/api/oauth2/token") as refused:
            one.poll(name)
        assert "wrong" not in str(refused.value)
    assert [path for _, path in one.server.requests] == ["/api/oauth2/token"]


@pytest.mark.parametrize("collector", ["pools", "backup_jobs", "backups"])
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
    route = {"pools": "repositories/states", "backup_jobs": "/jobs", "backups": "backupFiles"}[collector]
    one.server.faults.set(Fault(kind, route))
    with pytest.raises(error, match=r"^GET /api/v1/") as failure:
        one.poll(collector)
    assert failure.value.contact is (error is not SourceUnreachable)
    one.server.faults.clear()
    assert one.poll(collector)
