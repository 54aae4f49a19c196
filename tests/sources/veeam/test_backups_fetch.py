"""What is asked of each backup, how often, and what goes into the ledger."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import requests

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.sources.veeam import backups

API = "/api/v1"
BACKUP = "44444444-0000-0000-0000-00000000000"
FILES = f"{API}/backups/{BACKUP}"
POINTS, OLD_POINTS = f"{API}/restorePoints", f"{API}/objectRestorePoints"
NOT_FOUND = {"errorCode": "NotFound", "message": "Resource does not exist"}
UNKNOWN = {"errorCode": "InvalidURI", "message": "The request URI is invalid."}
HOUR = 3600.0


@pytest.fixture(autouse=True)
def server(requests_mock, payload):
    answers = {
        f"{API}/backupInfrastructure/repositories/states": "1.3/repositories_states",
        f"{API}/backupInfrastructure/scaleOutRepositories": "1.1/scaleOutRepositories",
        f"{API}/jobs/states": "1.3/jobs_states",
        f"{API}/backups": "1.3/backups",
        f"{API}/serverTime": "1.3/serverTime",
        f"{FILES}1/backupFiles": "1.3/backupFiles",
        f"{FILES}2/backupFiles": "1.3/backupFiles",
        POINTS: "1.3/restorePoints",
        OLD_POINTS: "1.1/objectRestorePoints",
    }
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    for route, name in answers.items():
        requests_mock.get(route, json=payload(f"veeam-{name}"))
    return requests_mock


def asked(mock):
    """Without the lists that name things."""
    return [r.path for r in mock.request_history if "/backups/" in r.path or "restorepoints" in r.path]


def test_files_and_restore_points_are_read_of_every_backup(client, server, poll):
    web, orphan = backups.fetch(client(), poll)
    assert (web.job, orphan.job) == ("Web", "")
    assert web.files == orphan.files == web.restore_points == 5
    assert asked(server) == [
        f"{FILES}1/backupfiles".lower(), POINTS.lower(), f"{FILES}2/backupfiles".lower(), POINTS.lower(),
    ]  # fmt: skip
    points = [r for r in server.request_history if r.path == POINTS.lower()]
    assert [r.qs["backupidfilter"] for r in points] == [[f"{BACKUP}1"], [f"{BACKUP}2"]]


def test_a_backup_is_asked_once_in_its_time_and_shown_all_along(client, server, poll):
    vbr = client(backup_files_every="2h")
    first = backups.fetch(vbr, poll)
    before = len(asked(server))
    assert backups.fetch(vbr, replace(poll, at=poll.at + 300)) == first
    assert len(asked(server)) == before
    backups.fetch(vbr, replace(poll, at=poll.at + HOUR))
    assert len(asked(server)) == before + 2, "their turns are spread"
    backups.fetch(vbr, replace(poll, at=poll.at + 2 * HOUR))
    assert len(asked(server)) == before + 4


def test_what_ended_sessions_stored_goes_into_the_ledger_once(client, poll, memory):
    backups.fetch(client(), poll)
    assert sorted(session[-2:] for _, session in memory.reduced) == ["01", "02", "10"]
    assert {session.job for session in memory.reduced.values()} == {"Web"}, "an orphan has no job"
    assert {session.dedup_ratio for session in memory.reduced.values()} == {100 / 60, 1.25, 1.0}


def test_a_session_that_runs_waits_for_its_next_turn(client, server, poll, memory, payload, clock):
    states = payload("veeam-1.3/jobs_states")
    states["data"][0]["lastResult"] = "None"
    server.get(f"{API}/jobs/states", json=states)
    vbr = client(backup_files_every="2h")
    backups.fetch(vbr, poll)
    assert sorted(session[-2:] for _, session in memory.reduced) == ["01", "02"]
    server.get(f"{API}/jobs/states", json=payload("veeam-1.3/jobs_states"))
    clock.now += 2 * HOUR
    backups.fetch(vbr, replace(poll, at=poll.at + 2 * HOUR))
    assert sorted(session[-2:] for _, session in memory.reduced) == ["01", "02", "10"]


def test_a_session_that_began_just_now_waits_too(client, poll, memory):
    """It may have begun after the running ones were listed."""
    begun = 1772398812.1
    backups.fetch(client(), replace(poll, at=begun + 599))
    assert "10" not in {session[-2:] for _, session in memory.reduced}


def test_a_check_asks_for_a_single_backup(client, server, poll):
    vbr = client()
    backups.ask_one_only(vbr, poll)
    assert [chain.backup for chain in backups.fetch(vbr, poll)] == ["Web"]
    assert asked(server) == [f"{FILES}1/backupfiles".lower(), POINTS.lower()]


def test_a_backup_that_was_deleted_meanwhile_is_left_out(client, server, poll):
    server.get(f"{FILES}1/backupFiles", status_code=404, json=NOT_FOUND)
    [orphan] = backups.fetch(client(), poll)
    assert orphan.backup == "Retired web farm"


@pytest.mark.parametrize(
    ("status", "body"), [(404, NOT_FOUND), (404, UNKNOWN), (400, {"errorCode": "UnexpectedContent"})]
)
def test_files_that_are_nowhere_to_be_found_are_an_error(client, server, poll, status, body):
    for backup in (1, 2):
        server.get(f"{FILES}{backup}/backupFiles", status_code=status, json=body)
    with pytest.raises(SourceGarbled, match=rf"GET /api/v1/backups/\{{id\}}/backupFiles: unexpected status {status}"):
        backups.fetch(client(), poll)


def test_no_backups_are_no_error(client, server, poll):
    server.get(f"{API}/backups", json={"data": [], "pagination": {"total": 0}})
    assert backups.fetch(client(), poll) == ()


@pytest.mark.parametrize(
    ("revision", "lacks", "routes"),
    [
        ("1.1-rev0", POINTS, [OLD_POINTS]),
        ("1.1-rev1", None, [POINTS]),
        ("1.1-rev1", POINTS, [POINTS, OLD_POINTS]),
        ("1.1-rev2", POINTS, [POINTS, OLD_POINTS]),
    ],
)
def test_before_12_3_there_are_only_restore_points(client, server, poll, memory, revision, lacks, routes):
    if lacks:
        server.get(lacks, status_code=404, json=UNKNOWN)
    chains = backups.fetch(client(api_revision=revision), poll)
    assert {(c.files, c.data_bytes, c.stored_bytes, c.restore_points) for c in chains} == {(None, None, None, 5)}
    assert asked(server) == [route.lower() for route in routes] * 2
    assert not memory.reduced


def test_points_that_the_api_must_have_are_not_looked_for_elsewhere(client, server, poll):
    server.get(POINTS, status_code=404, json=UNKNOWN)
    with pytest.raises(SourceGarbled, match=r"GET /api/v1/restorePoints: unexpected status 404"):
        backups.fetch(client(), poll)
    assert OLD_POINTS.lower() not in asked(server)


@pytest.mark.parametrize("route", [f"{API}/backups", re.compile(f"{FILES}[12]/backupFiles"), POINTS])
def test_what_the_account_may_not_read_is_refused(client, server, poll, route):
    server.get(route, status_code=403, json={"errorCode": "AccessDenied", "message": "Forbidden"})
    with pytest.raises(SourceRefused, match=r"^GET /api/v1/.*: refused \(403\)"):
        backups.fetch(client(), poll)


def test_one_backup_that_cannot_be_read_hides_no_other(client, server, poll, caplog):
    server.get(f"{FILES}2/backupFiles", status_code=400, json={})
    assert [chain.job for chain in backups.fetch(client(), poll)] == ["Web"]
    assert f"one of the backups, {BACKUP}2 is left out: GET /api/v1/backups/{{id}}/backupFiles" in caplog.text


def test_a_server_that_fails_half_way_has_told_what_it_told(client, server, poll, memory):
    """The ledger keeps what is known, and the next poll goes on where this one stopped."""
    server.get(f"{FILES}2/backupFiles", exc=requests.ConnectionError)
    vbr = client()
    with pytest.raises(SourceUnreachable):
        backups.fetch(vbr, poll)
    assert len(memory.reduced) == 3
    with pytest.raises(SourceUnreachable):
        backups.fetch(vbr, poll)
    assert asked(server).count(f"{FILES}1/backupfiles".lower()) == 1
