from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import SourceGarbled
from exporter.model import DAY, HOUR, Poll
from exporter.sources.veeam import backup_jobs
from exporter.sources.veeam.backup_jobs import definitions, parse

BERLIN = ZoneInfo("Europe/Berlin")
REPOSITORIES = {"11111111-0000-0000-0000-000000000002": "Full to the brim"}
API = "/api/v1"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.fixture
def read(rows):
    """Jobs by their name, as a server of that version tells them."""

    def read(version="veeam-1.3", jobs=None):
        known = definitions(jobs if jobs is not None else rows(f"{version}/jobs"))
        return {job.name: job for job in parse(rows(f"{version}/jobs_states"), known, REPOSITORIES, zone=BERLIN)}

    return read


def test_a_job_that_ended_well(read):
    job = read()["Web"]
    assert (job.id, job.job_type) == ("22222222-0000-0000-0000-000000000001", "VSphereBackup")
    assert (job.enabled, job.running, job.last_result) == (True, False, "success")
    assert job.last_run_at == pytest.approx(at("2026-03-01T22:00:10.694588"))
    assert job.next_run_at == at("2026-03-02T22:00:00")
    assert (job.repository, job.repository_id[-2:], job.objects) == ("Répertoire-A", "01", 1)


def test_a_running_job_hides_its_result(read):
    job = read()["Datawarehouse"]
    assert (job.running, job.last_result) == (True, "none")


def test_a_job_that_never_ran_has_no_times_and_no_result(read):
    job = read()["Never ran"]
    assert (job.last_result, job.last_run_at, job.next_run_at) == ("none", None, None)
    assert (job.enabled, job.running, job.repository, job.repository_id) == (True, False, "", "")


def test_a_disabled_job_is_not_enabled(read):
    assert read()["Old branch"].enabled is False
    assert read(jobs=[])["Old branch"].enabled is False


def test_a_disabled_job_that_was_started_by_hand_is_still_disabled(read):
    job = read()["Started by hand"]
    assert (job.enabled, job.running) == (False, True)


def test_a_job_that_was_enabled_since_its_definition_was_read_is_enabled(read, rows):
    jobs = [row | {"isDisabled": True} for row in rows("veeam-1.3/jobs")]
    assert read(jobs=jobs)["Copy"].enabled is True


def test_the_repository_is_found_by_its_id_where_the_name_is_missing(read):
    assert read()["Copy"].repository == "Full to the brim"


def test_a_policy_is_enabled_and_says_nothing_of_running(read):
    job = read()["Copy"]
    assert (job.enabled, job.running, job.last_result) == (True, None, "warning")


def test_what_the_server_will_say_one_day_is_unknown_and_not_an_error(read):
    job = read()["Tomorrow"]
    assert (job.enabled, job.running, job.last_result, job.last_run_at) == (None, None, "none", None)
    assert job.job_type == "HologramBackup"


def test_retention_counts_days_or_restore_points(read):
    jobs = read()
    assert (jobs["Web"].retention_seconds, jobs["Web"].retention_points) == (None, 14)
    assert (jobs["Copy"].retention_seconds, jobs["Copy"].retention_points) == (30 * DAY, None)
    assert (jobs["Never ran"].retention_seconds, jobs["Never ran"].retention_points) == (None, None)


def test_a_long_term_tier_counts_only_when_it_is_switched_on(read):
    jobs = read()
    assert jobs["Web"].gfs == {"weekly": 4, "yearly": 1}
    assert jobs["Datawarehouse"].gfs == {}
    assert jobs["Copy"].gfs == {"weekly": 8}
    assert jobs["Old branch"].gfs is None


@pytest.mark.parametrize("version", ["veeam-1.1", "veeam-1.2"])
def test_a_12_says_the_same_in_its_own_words(read, version):
    old, new = read(version), read()
    for name in ("Web", "Datawarehouse"):
        one, other = old[name], new[name]
        assert (one.job_type, one.enabled, one.running, one.last_result) == (
            other.job_type, other.enabled, other.running, other.last_result,
        )  # fmt: skip
        assert (one.retention_seconds, one.retention_points, one.gfs) == (
            other.retention_seconds, other.retention_points, other.gfs,
        )  # fmt: skip
    assert (old["Old branch"].enabled, old["Old branch"].last_run_at) in [
        (False, None),
        (False, at("2026-02-01T21:00:00")),
    ]


@pytest.mark.parametrize(
    ("kind", "field", "value", "endpoint"),
    [
        ("states", "status", None, "GET /api/v1/jobs/states"),
        ("states", "lastRun", "soon", "GET /api/v1/jobs/states"),
        ("states", "nextRun", "soon", "GET /api/v1/jobs/states"),
        ("states", "objectsCount", "many", "GET /api/v1/jobs/states"),
        ("jobs", "isDisabled", "no", "GET /api/v1/jobs"),
        ("jobs", "storage", "large", "GET /api/v1/jobs"),
    ],
)
def test_a_surprising_field_is_named(rows, kind, field, value, endpoint):
    said = {"states": rows("veeam-1.3/jobs_states"), "jobs": rows("veeam-1.3/jobs")}
    said[kind][0][field] = value
    with pytest.raises(SourceGarbled, match=f"^{endpoint}: .*({field}|{value})"):
        parse(said["states"], definitions(said["jobs"]), {}, zone=BERLIN)


def test_definitions_are_asked_for_once_an_hour(client, requests_mock, payload, memory):
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    for route, name in (("jobs/states", "jobs_states"), ("jobs", "jobs"), ("serverTime", "serverTime"),
                        ("backupInfrastructure/repositories/states", "repositories_states"),
                        ("backupInfrastructure/scaleOutRepositories", "scaleOutRepositories")):  # fmt: skip
        requests_mock.get(f"{API}/{route}", json=payload(f"veeam-1.3/{name}"))
    one = client()
    for poll in range(13):
        jobs = backup_jobs.fetch(one, Poll(1772442000.0 + poll * HOUR / 12, None, memory))
    asked = [request.path for request in requests_mock.request_history]
    assert (asked.count(f"{API}/jobs"), asked.count(f"{API}/jobs/states")) == (2, 13)
    assert {job.name: job.retention_points for job in jobs}["Web"] == 14
