"""The simulated Enterprise Manager as a client meets it: logon sessions, queries, pages, ratios."""

import base64

import pytest

from exporter.simulator.clock import Clock
from exporter.simulator.enterprise_manager import EnterpriseManager
from exporter.simulator.messages import Request
from exporter.simulator.vbr_estate import VbrEstate

NOON = 1_780_000_000.0
BASIC = {"Authorization": "Basic " + base64.b64encode(b"svc-ebbtide:not-a-real-secret").decode()}
LOGON = "/api/sessionMngr/?v=latest"


@pytest.fixture
def clock():
    return Clock(NOON, rate=0)


@pytest.fixture
def manager(clock):
    return EnterpriseManager(VbrEstate("small", clock, days=10), clock)


@pytest.fixture
def logon(manager):
    return manager(Request.of("POST", LOGON, BASIC))


@pytest.fixture
def get(manager, logon):
    headers = {"X-RestSvcSessionId": logon.headers["X-RestSvcSessionId"]}
    return lambda target, method="GET": manager(Request.of(method, target, headers))


@pytest.fixture
def rows(get):
    def ask(kind, **more):
        query = "&".join(f"{name}={value}" for name, value in more.items())
        return get(f"/api/query?type={kind}&format=Entities&{query}").body["Entities"][f"{kind}s"][f"{kind}s"]

    return ask


def test_a_logon_session_is_created_used_and_deleted(manager, logon, get):
    assert logon.status == 201
    assert get("/api/query?type=BackupFile").status == 200
    path = "/" + logon.body["Href"].split("/", 3)[3]
    assert get(path, "DELETE").status == 204
    assert get("/api/query?type=BackupFile").status == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic bm9ib2R5OndybzEK"}])
def test_a_wrong_password_opens_no_session(manager, headers):
    assert manager(Request.of("POST", LOGON, headers)).status == 401
    assert manager.logons == {}


def test_a_session_that_nobody_uses_expires(clock, get):
    clock.advance(899)
    assert get("/api/query?type=BackupFile").status == 200
    clock.advance(899)
    assert get("/api/query?type=BackupFile").status == 200
    clock.advance(901)
    assert get("/api/query?type=BackupFile").status == 401


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [("/api/query?type=Vm", "GET", 400), ("/api/query", "POST", 404), ("/api/jobs", "GET", 404), (LOGON, "GET", 405)],
)
def test_what_it_does_not_have_is_refused(get, target, method, status):
    assert get(target, method).status == status


def test_files_have_factors_where_the_server_has_percent(manager, rows):
    files = {f.id: f for b in manager.estate.backups.values() for f in b.files}
    shown = rows("BackupFile", pageSize=10_000)
    assert len(shown) == len(files)
    for row in shown:
        file = files[row["UID"].rpartition(":")[2]]
        assert (row["DataSize"], row["BackupSize"]) == (file.data, file.size)
        assert row["DeduplicationRatio"] == (pytest.approx(100 / file.dedup, abs=0.01) if file.dedup else 0)


def test_sessions_of_jobs_are_shown_and_running_ones_have_no_end(rows):
    shown = rows("BackupJobSession", pageSize=10_000)
    assert {row["JobType"] for row in shown} == {"Backup", "AgentBackup", "BackupCopy"}
    running = [row for row in shown if row["State"] == "Working"]
    assert running
    assert all("EndTimeUTC" not in row and "Result" not in row for row in running)


def test_lists_come_in_pages(get, rows):
    everything = rows("BackupJobSession", pageSize=10_000)
    answer = get("/api/query?type=BackupJobSession&pageSize=7&page=2").body
    assert answer["Entities"]["BackupJobSessions"]["BackupJobSessions"] == everything[7:14]
    assert answer["PagingInfo"]["PagesCount"] == -(-len(everything) // 7)


def test_a_filter_leaves_out_what_is_older(rows):
    since = "2026-05-27T00:00:00Z"
    shown = rows("BackupFile", pageSize=10_000, filter=f'CreationTimeUTC%3E="{since}"')
    assert shown
    assert all(row["CreationTimeUtc"] >= since[:-1] for row in shown)
    assert len(shown) < len(rows("BackupFile", pageSize=10_000))
