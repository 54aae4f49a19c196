"""What each revision of the VBR API shows of the same estate, and how it spells it."""

import re
from datetime import datetime
from urllib.parse import urlencode

import pytest

from exporter.simulator.clock import Clock
from exporter.simulator.messages import Request
from exporter.simulator.vbr import ENDPOINTS, Vbr
from exporter.simulator.vbr_call import REVISIONS
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.vbr_records import NO_ID

NOON = 1_780_000_000.0
ZONELESS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
LOGIN = urlencode({"grant_type": "password", "username": "svc-ebbtide", "password": "not-a-real-secret"}).encode()


@pytest.fixture(scope="module")
def estate():
    return VbrEstate("small", Clock(NOON, rate=0))


@pytest.fixture(scope="module")
def ask(estate):
    """ask(revision, path, **query) -> Answer, as an administrator."""
    app = Vbr(estate, estate.clock, role="administrator")
    login = app(Request.of("POST", "/api/oauth2/token", {"x-api-version": "1.3-rev2"}, LOGIN)).body

    def get(revision, path, **query):
        headers = {"x-api-version": revision, "Authorization": f"Bearer {login['access_token']}"}
        return app(Request.of("GET", f"/api/v1/{path}?{urlencode(query)}", headers))

    return get


@pytest.fixture(scope="module")
def rows(ask):
    return lambda revision, path, **query: ask(revision, path, **{"limit": 2000, **query}).body["data"]


@pytest.fixture(scope="module")
def named(rows):
    """named(revision, path, name) -> the only row of that name."""

    def one(revision, path, name):
        [row] = [row for row in rows(revision, path) if row["name"] == name]
        return row

    return one


def since(revision):
    return list(REVISIONS[REVISIONS.index(revision) :])


def test_endpoints_come_and_go_with_the_revisions(ask):
    shown = {
        path: [revision for revision in REVISIONS if ask(revision, path).status == 200]
        for path in ("license", "taskSessions", "objectRestorePoints", "restorePoints", "malwareDetection/events")
    }
    assert shown == {
        "license": since("1.2-rev0"),
        "taskSessions": since("1.2-rev0"),
        "objectRestorePoints": [revision for revision in REVISIONS if revision not in since("1.2-rev0")],
        "restorePoints": since("1.1-rev1"),
        "malwareDetection/events": since("1.1-rev1"),
    }


def test_backup_files_are_shown_from_1_2_on(ask, estate):
    path = f"backups/{next(iter(estate.backups))}/backupFiles"
    assert [revision for revision in REVISIONS if ask(revision, path).status == 200] == since("1.2-rev0")
    assert ask("1.1-rev2", path).body["errorCode"] == "InvalidURI"


@pytest.mark.parametrize(
    ("revision", "shown"),
    [("1.1-rev0", set()), ("1.2-rev1", {"isOnline"}), ("1.3-rev0", {"isOnline", "isOutOfDate"})],
)
def test_repository_states_tell_more_and_more(named, revision, shown):
    state = named(revision, "backupInfrastructure/repositories/states", "Hardened-01")
    assert {"isOnline", "isOutOfDate"} & set(state) == shown


@pytest.mark.parametrize(("revision", "type_"), [("1.3-rev1", "DDBoost"), ("1.3-rev2", "DellDataDomain")])
def test_repository_types_were_renamed(named, revision, type_):
    for path in ("backupInfrastructure/repositories/states", "backupInfrastructure/repositories"):
        assert named(revision, path, "DataDomain-01")["type"] == type_


def test_extents_say_from_1_3_on_what_they_belong_to(rows):
    states = rows("1.3-rev0", "backupInfrastructure/repositories/states")
    details = {row["name"] + row["type"]: row.get("scaleOutRepositoryDetails", {}) for row in states}
    assert details["SOBR-ProdExtendableRepository"] == {}
    assert details["SOBR-ProdWinLocal"]["membership"] == "SOBR-Prod"
    assert details["SOBR-Prod-02LinuxLocal"]["extentType"] == "Performance"
    assert details["S3-OffloadS3Compatible"]["extentType"] == "Capacity"
    outside = rows("1.3-rev0", "backupInfrastructure/repositories/states", excludeExtents="true")
    assert {row["name"] + row["type"] for row in states} - {row["name"] + row["type"] for row in outside} == {
        "SOBR-ProdWinLocal",
        "SOBR-Prod-02LinuxLocal",
        "S3-OffloadS3Compatible",
    }
    before = rows("1.2-rev1", "backupInfrastructure/repositories/states")
    assert not any("scaleOutRepositoryDetails" in row for row in before)
    assert rows("1.2-rev1", "backupInfrastructure/repositories/states", excludeExtents="true") == before


@pytest.mark.parametrize(("revision", "flag"), [("1.1-rev0", "enabled"), ("1.2-rev1", "isEnabled")])
def test_extents_can_be_joined_before_1_3(rows, revision, flag):
    [scale_out] = rows(revision, "backupInfrastructure/scaleOutRepositories")
    states = {row["id"]: row for row in rows(revision, "backupInfrastructure/repositories/states")}
    extents = scale_out["performanceTier"]["performanceExtents"]
    assert [states[extent["id"]]["name"] for extent in extents] == ["SOBR-Prod", "SOBR-Prod-02"]
    assert [extent.get("status") for extent in extents] == [None, "Normal"]
    assert scale_out["capacityTier"][flag] is True
    total = sum(states[extent["id"]]["capacityGB"] for extent in extents)
    assert states[scale_out["id"]]["capacityGB"] == pytest.approx(total)


def test_sizes_that_are_no_sizes(named):
    path = "backupInfrastructure/repositories/states"
    cloud, branch, clone = (named("1.3-rev2", path, name) for name in ("S3-Offload", "Branch-NAS", "Hardened-01"))
    assert (cloud["capacityGB"], cloud["freeGB"], "hostId" in cloud) == (0.0, 0.0, False)
    assert (branch["isOnline"], branch["capacityGB"] > branch["freeGB"] > 0) == (False, True)
    assert clone["usedSpaceGB"] > clone["capacityGB"] > clone["freeGB"]


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("1.1-rev0", ("Backup", "inactive", "running", "disabled", "vm")),
        ("1.2-rev1", ("Backup", "inactive", "running", "disabled", "vm")),
        ("1.3-rev0", ("VSphereBackup", "inactive", "running", "disabled", "vm")),
        ("1.3-rev1", ("VSphereBackup", "Stopped", "Running", "Disabled", "Vm")),
    ],
)
def test_job_words_change_their_case_and_types_their_name(named, revision, words):
    done, running, disabled = (
        named(revision, "jobs/states", name) for name in ("VM SAP", "Datawarehouse", "Old Branch Office")
    )
    assert (done["type"], done["status"], running["status"], disabled["status"], done["workload"]) == words
    assert (running["lastResult"], done["lastResult"]) == ("None", "Success")


def test_jobs_other_than_of_vsphere_are_modelled_from_1_3_on(rows):
    before, after = rows("1.2-rev1", "jobs"), rows("1.3-rev0", "jobs")
    missing = {row["name"] for row in after} - {row["name"] for row in before}
    assert missing == {"Hyper-V Test", "Agent Linux Physical", "Copy to DataDomain"}
    assert {row["name"] for row in rows("1.2-rev1", "backups")} >= missing


def test_what_never_was_is_null_first_and_missing_later(named):
    old, new = (named(revision, "jobs/states", "New Project") for revision in ("1.2-rev1", "1.3-rev2"))
    assert (old["lastRun"], old["nextRun"], old["sessionId"], old["lastResult"]) == (None, None, None, "None")
    assert not {"lastRun", "nextRun", "sessionId", "sessionProgress"} & set(new)
    assert "nextRun" not in named("1.3-rev2", "jobs/states", "Old Branch Office")


def test_retention_is_where_the_kind_of_job_keeps_it(named):
    database = named("1.2-rev1", "jobs", "VM Linux DB")["storage"]
    assert database["retentionPolicy"] == {"type": "Days", "quantity": 14}
    assert database["gfsPolicy"]["weekly"] == {"isEnabled": True, "keepForNumberOfWeeks": 6, "desiredTime": "sunday"}
    assert database["gfsPolicy"]["monthly"]["isEnabled"] is False
    assert named("1.3-rev1", "jobs", "VM Linux DB")["storage"]["gfsPolicy"]["weekly"]["desiredTime"] == "Sunday"
    assert named("1.3-rev1", "jobs", "VM Linux Web")["storage"]["gfsPolicy"]["isEnabled"] is False
    copy = named("1.3-rev1", "jobs", "Copy to DataDomain")
    assert "storage" not in copy
    assert copy["target"]["retentionPolicy"] == {"type": "Days", "quantity": 30}


@pytest.mark.parametrize(
    ("revision", "types", "id_field"),
    [
        ("1.1-rev0", {"Job", "ConfigurationBackup"}, "activityId"),
        ("1.2-rev1", {"BackupJob", "ConfigurationBackup"}, "jobId"),
        ("1.3-rev0", {"BackupJob", "AgentBackup", "BackupCopyJob", "ConfigurationBackup", "Retention"}, "jobId"),
    ],
)
def test_sessions_have_the_types_of_their_revision(rows, revision, types, id_field):
    sessions = rows(revision, "sessions")
    assert {row["sessionType"] for row in sessions} == types
    assert {"jobId", "activityId"} & set(sessions[0]) == {id_field}


@pytest.mark.parametrize(
    ("revision", "type_"), [("1.2-rev1", "Retention"), ("1.3-rev2", "Job"), ("1.1-rev0", "BackupJob")]
)
def test_a_type_the_revision_has_no_word_for_is_refused(ask, revision, type_):
    assert ask(revision, "sessions", typeFilter=type_).body["errorCode"] == "UnexpectedContent"


def test_a_running_session_has_no_end_and_no_result(rows, estate):
    job = next(one for one in estate.jobs.values() if one.name == "Datawarehouse")
    new, old = (rows(revision, "sessions", jobIdFilter=job.id)[0] for revision in ("1.3-rev2", "1.2-rev1"))
    assert (new["state"], "endTime" in new, new["result"]["result"]) == ("Working", False, "None")
    assert 0 < new["progressPercent"] < 100
    assert old["endTime"] is None
    assert "progress" not in old
    assert new["progress"]["progressPercent"] == new["progressPercent"]


def test_tasks_add_up_to_their_session(ask, rows):
    session = next(row for row in rows("1.3-rev2", "sessions") if row["name"] == "VM SAP")
    tasks = ask("1.3-rev2", f"sessions/{session['id']}/taskSessions").body["data"]
    assert len(tasks) == 4
    assert sum(task["progress"]["readSize"] for task in tasks) == pytest.approx(session["progress"]["readSize"], abs=4)
    assert tasks == rows("1.3-rev2", "taskSessions", sessionIdFilter=session["id"])
    assert ZONELESS.fullmatch(tasks[0]["creationTime"])
    assert session["progress"]["processingRate"].replace(",", ".").split()[1] in ("MB", "MB/s")


def test_backup_files_join_with_restore_points_and_sessions(ask, rows, named):
    backup = named("1.3-rev2", "backups", "VM SAP")
    files = ask("1.3-rev2", f"backups/{backup['id']}/backupFiles", limit=1000).body["data"]
    points = {row["id"]: row for row in rows("1.3-rev2", "restorePoints", backupIdFilter=backup["id"])}
    sessions = {row["id"] for row in rows("1.3-rev2", "sessions", jobIdFilter=backup["jobId"])}
    objects = {row["id"] for row in rows("1.3-rev2", "backupObjects") if row["backupId"] == backup["id"]}
    assert {point for file in files for point in file["restorePointIds"]} == set(points)
    assert {points[file["restorePointIds"][0]]["backupFileId"] for file in files} == {file["id"] for file in files}
    assert {point["sessionId"] for point in points.values()} <= sessions
    assert {one for file in files for one in file["objectIds"]} == objects
    assert {tuple(file["gfsPeriods"]) for file in files} == {("None",), ("Weekly",), ("Weekly", "Monthly")}
    monthly = ask("1.3-rev2", f"backups/{backup['id']}/backupFiles", gfsPeriodFilter="Monthly").body["data"]
    assert monthly == [file for file in files if "Monthly" in file["gfsPeriods"]]


def test_the_object_of_a_file_became_a_list(ask, named):
    backup = named("1.3-rev2", "backups", "VM Linux Web")
    old, new = (ask(revision, f"backups/{backup['id']}/backupFiles").body["data"][0] for revision in REVISIONS[-2:])
    assert (old["objectId"], new["objectIds"]) == (NO_ID, [NO_ID])
    assert "objectIds" not in old
    assert "objectId" not in new


def test_file_times_are_the_servers_wall_clock_and_point_times_carry_a_zone(ask, rows, named):
    backup = named("1.2-rev1", "backups", "VM Linux Web")
    file = ask("1.2-rev1", f"backups/{backup['id']}/backupFiles").body["data"][0]
    point = next(row for row in rows("1.2-rev1", "restorePoints") if row["id"] in file["restorePointIds"])
    assert ZONELESS.fullmatch(file["creationTime"])
    assert point["creationTime"] == file["creationTime"] + "+02:00"
    assert file["name"].startswith("/backups/VM Linux Web/VM Linux WebD2026-")


def test_an_orphan_has_no_job_and_its_objects_are_outdated(rows, named):
    assert named("1.3-rev2", "backups", "Retired Web Farm")["jobId"] == NO_ID
    names = {row["name"] for row in rows("1.3-rev2", "backupObjects")}
    assert {"outdated_retired-web-01", "outdated_retired-web-02"} <= names


def test_the_server_tells_its_time_with_its_zone(ask):
    old, new = ask("1.1-rev0", "serverTime").body, ask("1.3-rev2", "serverTime").body
    assert datetime.fromisoformat(new["serverTime"]).timestamp() == NOON
    assert re.fullmatch(r".*\.\d{7}\+02:00", new["serverTime"])
    assert ("ianaTimeZoneId" in old, new["ianaTimeZoneId"]) == (False, "Europe/Berlin")


def test_another_zone_shows_in_every_time():
    estate = VbrEstate("small", Clock(NOON, rate=0), days=3, timezone="America/New_York", told=())
    app = Vbr(estate, estate.clock)
    answer = app(Request.of("GET", "/api/v1/serverTime", {"x-api-version": "1.3-rev2"})).body
    assert answer["serverTime"].endswith("-04:00")
    assert answer["ianaTimeZoneId"] == "America/New_York"


def test_licence_dates_moved_into_the_summaries(ask):
    old, new = ask("1.3-rev1", "license").body, ask("1.3-rev2", "license").body
    assert old["expirationDate"] == new["instanceLicenseSummary"]["expirationDate"]
    assert old["expirationDate"].endswith("Z")
    assert "expirationDate" not in new
    assert "expirationDate" not in old["instanceLicenseSummary"]


def test_what_only_the_administrator_sees(ask, rows):
    states = [(row["severity"], row["state"], row["source"]) for row in rows("1.3-rev2", "malwareDetection/events")]
    assert ("Infected", "Created", "External") in states
    assert ("Clean", "Created", "MarkAsCleanEvent") in states
    assert ("Suspicious", "FalsePositive", "InternalVeeamDetector") in states
    practices = {row["status"] for row in ask("1.3-rev2", "securityAnalyzer/bestPractices").body["items"]}
    assert practices == {"OK", "Violation", "Suppressed", "UnableToCheck"}
    backup = ask("1.3-rev2", "configBackup").body
    assert backup["lastSuccessfulBackup"]["lastSuccessfulTime"].endswith("+02:00")


def test_every_endpoint_answers_in_every_revision_it_belongs_to(ask):
    for endpoint in ENDPOINTS:
        for revision in REVISIONS:
            if "{" not in endpoint.path:
                status = ask(revision, endpoint.path.removeprefix("/api/v1/")).status
                assert status == (200 if endpoint.is_in(revision) else 404), (endpoint.path, revision)
