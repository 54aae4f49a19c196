"""What the collectors ask for, and what they remember."""

from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceRefused
from exporter.sources.veeam import backup_files, backup_jobs, pools

API = "/api/v1"
STATES = f"{API}/backupInfrastructure/repositories/states"
SCALE_OUTS = f"{API}/backupInfrastructure/scaleOutRepositories"
FILES = f"{API}/backups/44444444-0000-0000-0000-00000000000"
NOT_FOUND = {"errorCode": "NotFound", "message": "Resource does not exist"}


@pytest.fixture(autouse=True)
def server(requests_mock, payload):
    answers = {
        STATES: "repositories_states",
        f"{API}/jobs/states": "jobs_states",
        f"{API}/jobs": "jobs",
        f"{API}/sessions": "sessions",
        f"{API}/backups": "backups",
        f"{API}/serverTime": "serverTime",
        f"{FILES}1/backupFiles": "backupFiles",
        f"{FILES}2/backupFiles": "backupFiles",
    }
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    requests_mock.get(SCALE_OUTS, json=payload("veeam-1.1/scaleOutRepositories"))
    for route, name in answers.items():
        requests_mock.get(route, json=payload(f"veeam-1.3/{name}"))
    return requests_mock


def asked(mock):
    return [r.path for r in mock.request_history if r.method == "GET"]


def test_pools_of_a_13_need_one_call(client, server, poll):
    assert len(pools.fetch(client(), poll)) == 12
    assert asked(server) == [STATES.lower()]


def test_pools_of_a_12_need_the_scale_out_repositories_too(client, server, poll):
    assert len(pools.fetch(client(api_revision="1.2-rev1"), poll)) == 12
    assert asked(server) == [STATES.lower(), SCALE_OUTS.lower()]


def test_only_sessions_of_the_last_three_days_are_asked_for_newest_first(client, server, poll):
    backup_jobs.fetch(client(), poll)
    [sessions] = [r for r in server.request_history if r.path.endswith("/sessions")]
    assert "createdAfterFilter=2026-02-27T09%3A00%3A00Z" in sessions.url
    assert "orderColumn=CreationTime&orderAsc=false" in sessions.url


def test_the_last_success_is_remembered_over_a_restart(client, server, poll, memory, payload):
    [web] = [j for j in backup_jobs.fetch(client(), poll) if j.name == "Web"]
    states = payload("veeam-1.3/jobs_states")
    states["data"][0] |= {"lastResult": "Failed", "lastRun": "2026-03-08T22:00:00+01:00"}
    server.get(f"{API}/jobs/states", json=states)
    server.get(f"{API}/sessions", json={"data": [], "pagination": {"total": 0}})

    [later] = [j for j in backup_jobs.fetch(client(), poll) if j.name == "Web"]
    assert later.last_result == "failed"
    assert later.last_success_at == web.last_success_at


def test_what_is_known_already_is_not_written_again(client, poll, memory):
    backup_jobs.fetch(client(), poll)
    assert len(memory.values) == 4
    memory.put = None
    backup_jobs.fetch(client(), poll)


def test_files_are_read_of_every_backup(client, poll):
    web, orphan = backup_files.fetch(client(), poll)
    assert (web.job, orphan.job) == ("Web", "")
    assert web.files == orphan.files == 5


def test_a_backup_that_was_deleted_meanwhile_is_left_out(client, server, poll):
    server.get(f"{FILES}1/backupFiles", status_code=404, json=NOT_FOUND)
    [orphan] = backup_files.fetch(client(), poll)
    assert orphan.backup == "Retired web farm"


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, NOT_FOUND), (404, {"errorCode": "InvalidURI"}), (400, {"errorCode": "UnexpectedContent"})],
)
def test_files_that_are_nowhere_to_be_found_are_an_error(client, server, poll, status, body):
    for backup in (1, 2):
        server.get(f"{FILES}{backup}/backupFiles", status_code=status, json=body)
    with pytest.raises(SourceGarbled, match=rf"GET /api/v1/backups/\{{id\}}/backupFiles: unexpected status {status}"):
        backup_files.fetch(client(), poll)


def test_an_answer_of_somebody_else_does_not_mean_that_a_backup_was_deleted(client, server, poll):
    server.get(f"{FILES}1/backupFiles", status_code=404, text="<html>")
    with pytest.raises(SourceGarbled, match="unexpected status 404"):
        backup_files.fetch(client(), poll)


def test_no_backups_are_no_error(client, server, poll):
    server.get(f"{API}/backups", json={"data": [], "pagination": {"total": 0}})
    assert backup_files.fetch(client(), poll) == ()


def test_before_12_3_there_are_no_files_to_read(client, server, poll):
    with pytest.raises(SourceGarbled, match=r"backup files need VBR 12.3 \(REST 1.2-rev0\); .* speaks 1.1-rev2"):
        backup_files.fetch(client(api_revision="1.1-rev2"), poll)
    assert asked(server) == []


@pytest.mark.parametrize(
    ("collector", "route"), [(pools, STATES), (backup_jobs, f"{API}/sessions"), (backup_files, f"{API}/backups")]
)
def test_a_refused_endpoint_costs_its_own_collector_only(client, server, poll, collector, route):
    server.get(route, status_code=403, json={"errorCode": "AccessDenied", "message": "Forbidden"})
    vbr = client()
    others = {pools, backup_jobs, backup_files} - {collector}
    if route == STATES:
        # The names of repositories come from the same endpoint.
        others = set()
    with pytest.raises(SourceRefused, match=rf"GET {route}: refused \(403\)"):
        collector.fetch(vbr, poll)
    for other in others:
        assert other.fetch(vbr, poll)
