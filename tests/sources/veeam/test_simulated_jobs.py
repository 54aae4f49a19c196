"""Jobs, sessions and repositories of a living VBR, in every revision whose specification is public."""

from __future__ import annotations

import pytest

from exporter.findings import Findings
from exporter.history.ledger import Ledger
from exporter.model import DAY, HOUR, Inventory

from .site import NOON, REVISIONS

PRIVATE = {"agent_backup", "backup_copy", "retention"}


@pytest.fixture
def memory():
    ledger = Ledger("sqlite://")
    yield ledger.state("vbr01")
    ledger.close()


@pytest.fixture
def findings():
    """Jobs by name, as they are found after a poll of each collector."""

    def findings(one):
        said = {name: one.poll(name) for name in ("backup_jobs", "sessions", "repositories", "pools")}
        return {found.job.name: found for found in Findings("vbr01", Inventory(**said), one.clock.now()).job_findings}

    return findings


def totals(history):
    return {one.operation: sum(one.finished_total.values()) for one in history.types}


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_session_that_the_revision_has_is_counted_once(site, revision):
    one = site(revision)
    ended = [s for s in one.vbr.estate.sessions if s.ended and s.ended > NOON - 32 * DAY]
    words = {"backup": "backup", "agent": "agent_backup", "copy": "backup_copy", "retention": "retention",
             "config": "configuration_backup"}  # fmt: skip
    shown = [words[s.kind] for s in ended if revision >= "1.3" or words[s.kind] not in PRIVATE]
    for _ in range(2):
        history = one.poll("sessions")
        assert history.fill_ratio == 1
        assert {name: count for name, count in totals(history).items() if count} == {
            name: shown.count(name) for name in set(shown)
        }


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_newest_run_of_every_job(site, revision, findings):
    one = site(revision)
    # The tasks of 12.3 are asked for little by little.
    for _ in range(4):
        jobs = findings(one)
    for name in ("VM Linux Web", "VM SAP"):
        [*_, newest] = [s for s in one.vbr.estate.sessions if s.name == name and s.kind == "backup" and s.ended]
        run = jobs[name].run
        assert run.ended_at == pytest.approx(newest.ended, abs=1)
        assert run.duration_seconds == pytest.approx(newest.ended - newest.started, abs=2)
        if revision == "1.1-rev0":
            assert run.processed_bytes is None
        else:
            assert run.read_bytes == pytest.approx(newest.read, rel=1e-3)
            assert run.transferred_bytes == pytest.approx(newest.transferred, rel=1e-3)
    assert jobs["New Project"].run is None


@pytest.mark.parametrize("revision", REVISIONS)
def test_what_is_configured(site, revision, findings):
    jobs = findings(site(revision))
    assert (jobs["VM Linux Web"].job.retention_points, jobs["VM Linux Web"].job.retention_seconds) == (14, None)
    assert jobs["VM Linux DB"].job.retention_seconds == 14 * DAY
    assert jobs["VM Windows Files"].job.gfs == {"weekly": 4, "monthly": 3}
    assert {jobs[name].job.job_type for name in ("VM SAP", "VM Exchange")} == {"VSphereBackup"}
    assert jobs["VM Linux Web"].immutable_seconds == 7 * DAY
    if revision >= "1.3":
        assert jobs["Copy to DataDomain"].job.retention_seconds == 30 * DAY


def test_a_failing_job_keeps_its_last_success(site, findings):
    one = site()
    before = findings(one)["VM Linux Web"]
    one.vbr.control.tell("job_failing", "VM Linux Web")
    for _ in range(5):
        one.clock.advance(24 * HOUR)
        after = findings(one)["VM Linux Web"]
        assert after.last_result == "failed"
        assert after.last_success_at == before.last_success_at


def test_a_running_session_does_not_hide_the_result_before(site, findings):
    one = site()
    seen = 0
    for _ in range(48):
        one.clock.advance(HOUR / 2)
        jobs = findings(one)
        running = [found for found in jobs.values() if found.job.running]
        assert all(found.last_result != "none" for found in running)
        seen += len(running)
    assert seen > 5


def test_a_later_poll_is_three_requests(site):
    one = site()
    one.poll("sessions")
    before = len(one.server.requests)
    one.clock.advance(300)
    one.poll("sessions")
    assert len(one.server.requests) - before == 3


@pytest.mark.parametrize("revision", REVISIONS)
def test_extents_of_a_living_server(site, revision):
    repositories = {r.name: r for r in site(revision).poll("repositories")}
    assert repositories["SOBR-Prod"].tier == repositories["SOBR-Prod-02"].tier == "performance"
    assert (repositories["S3-Offload"].scale_out, repositories["S3-Offload"].tier) == ("SOBR-Prod", "capacity")
    assert repositories["SOBR-Prod"].extent_statuses == ("normal",)
    assert repositories["Hardened-01"].immutable_seconds == 7 * DAY
    assert repositories["Hardened-01"].scale_out == ""
