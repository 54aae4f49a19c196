from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.veeam.backup_jobs import parse

BERLIN = ZoneInfo("Europe/Berlin")
REPOSITORIES = {"11111111-0000-0000-0000-000000000002": "Full to the brim"}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.fixture
def read(rows):
    """Jobs by their name, as a server of that version tells them."""

    def read(version="veeam-1.3", sessions=None, jobs=None, successes=None):
        return {
            job.name: job
            for job in parse(
                rows(f"{version}/jobs_states"),
                jobs if jobs is not None else rows("veeam-1.3/jobs"),
                sessions if sessions is not None else rows(f"{version}/sessions"),
                REPOSITORIES,
                zone=BERLIN,
                successes=successes or {},
            )
        }

    return read


def test_a_job_that_ended_well(read):
    job = read()["Web"]
    assert (job.id, job.job_type) == ("22222222-0000-0000-0000-000000000001", "VSphereBackup")
    assert (job.enabled, job.running, job.last_result) == (True, False, "success")
    assert job.last_run_at == pytest.approx(at("2026-03-01T22:00:10.694588"))
    assert job.last_success_at == pytest.approx(at("2026-03-01T22:26:14.5"))
    assert (job.repository, job.objects) == ("Répertoire-A", 1)


def test_a_running_job_still_shows_the_result_of_the_run_before(read):
    job = read()["Datawarehouse"]
    assert job.running is True
    assert job.last_result == "failed"


def test_a_run_with_warnings_is_a_success_and_a_failed_one_is_not(read):
    assert read()["Datawarehouse"].last_success_at == at("2026-03-01T07:59:00")


def test_a_job_that_never_ran_has_no_times_and_no_result(read):
    job = read()["Never ran"]
    assert (job.last_result, job.last_run_at, job.last_success_at) == ("none", None, None)
    assert (job.enabled, job.running, job.repository) == (True, False, "")


def test_a_disabled_job_is_not_enabled(read):
    assert read()["Old branch"].enabled is False
    assert read()["Old branch"].last_result == "failed"
    assert read(jobs=[])["Old branch"].enabled is False


def test_a_disabled_job_that_was_started_by_hand_is_still_disabled(read):
    job = read()["Started by hand"]
    assert (job.enabled, job.running) == (False, True)


def test_a_running_job_without_ended_sessions_has_no_result(read):
    assert read()["Started by hand"].last_result == "none"


def test_the_repository_is_found_by_its_id_where_the_name_is_missing(read):
    assert read()["Copy"].repository == "Full to the brim"


def test_a_policy_is_enabled_and_says_nothing_of_running(read):
    job = read()["Copy"]
    assert (job.enabled, job.running, job.last_result) == (True, None, "warning")


def test_a_success_older_than_the_sessions_is_known_by_its_start(read):
    assert read()["Monthly"].last_success_at == at("2026-02-01T03:00:00")


def test_a_remembered_success_is_kept_until_a_later_one(read):
    web, monthly = "22222222-0000-0000-0000-000000000001", "22222222-0000-0000-0000-000000000007"
    jobs = read(sessions=[], successes={web: at("2026-02-27T22:00:00"), monthly: at("2026-02-01T05:30:00")})
    assert jobs["Monthly"].last_success_at == at("2026-02-01T05:30:00")
    assert jobs["Web"].last_success_at == pytest.approx(at("2026-03-01T22:00:10.694588"))


def test_what_the_server_will_say_one_day_is_unknown_and_not_an_error(read):
    job = read()["Tomorrow"]
    assert (job.enabled, job.running, job.last_result, job.last_run_at) == (None, None, "none", None)
    assert job.job_type == "HologramBackup"


def test_what_is_done_to_the_files_of_a_job_is_no_run_of_it(read, rows):
    sessions = rows("veeam-1.3/sessions")
    assert any(s["sessionType"] == "Retention" and s["jobId"].endswith("1") for s in sessions)
    job = read(sessions=[s for s in sessions if s["sessionType"] == "Retention"])["Web"]
    assert (job.last_result, job.last_success_at) == ("success", job.last_run_at)


def test_the_order_of_sessions_does_not_matter(read, rows):
    assert read(sessions=list(reversed(rows("veeam-1.3/sessions")))) == read()


def test_a_12_0_server_says_the_same_in_its_own_words(read):
    jobs = read("veeam-1.1", jobs=[])
    assert {name: (j.enabled, j.running, j.last_result) for name, j in jobs.items()} == {
        "Web": (True, False, "success"),
        "Datawarehouse": (True, True, "warning"),
        "Old branch": (False, False, "none"),
    }
    assert {j.job_type for j in jobs.values()} == {"VSphereBackup"}
    # Its session names an activity and not the job; the job names its session.
    assert jobs["Web"].last_success_at == at("2026-03-01T22:26:14")


@pytest.mark.parametrize(
    ("kind", "field", "value", "endpoint"),
    [
        ("states", "status", None, "GET /api/v1/jobs/states"),
        ("states", "lastRun", "soon", "GET /api/v1/jobs/states"),
        ("states", "objectsCount", "many", "GET /api/v1/jobs/states"),
        ("jobs", "isDisabled", "no", "GET /api/v1/jobs"),
        ("sessions", "result", "Success", "GET /api/v1/sessions"),
        ("sessions", "endTime", "soon", "GET /api/v1/sessions"),
        ("sessions", "sessionType", 7, "GET /api/v1/sessions"),
    ],
)
def test_a_surprising_field_is_named(rows, kind, field, value, endpoint):
    said = {kind: rows(f"veeam-1.3/{name}") for kind, name in
            (("states", "jobs_states"), ("jobs", "jobs"), ("sessions", "sessions"))}  # fmt: skip
    said[kind][0][field] = value
    with pytest.raises(SourceGarbled, match=f"^{endpoint}: .*({field}|{value})"):
        parse(said["states"], said["jobs"], said["sessions"], {}, zone=BERLIN, successes={})
