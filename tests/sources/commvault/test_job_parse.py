"""One job of the list: what it did, how it ended, when, and for whom."""

from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.commvault.job_parse import parse


@pytest.fixture
def page(payload):
    return parse(job["jobSummary"] for job in payload("jobs")["jobs"])


@pytest.fixture
def found(page):
    return {job.id: job for job in page.finished}


def summary(**changed):
    usual = {"jobId": 1, "status": "Completed", "jobType": "Backup", "jobStartTime": 100, "jobEndTime": 160}
    return {key: value for key, value in (usual | changed).items() if value is not None}


def one(**changed):
    [job] = parse([summary(**changed)]).finished
    return job


def test_the_operation_is_the_untranslated_type_and_for_backups_the_level(found):
    assert {job_id: job.operation for job_id, job in found.items() if job_id <= 2013} == {
        2001: "backup_full",
        2002: "backup_incremental",
        2003: "backup_incremental",
        2004: "backup_synthetic_full",
        2005: "backup_synthetic_full",
        2006: "backup_full",
        2007: "data_aging",
        2008: "auxiliary_copy",
        2009: "ddb_verification",
        2010: "ddb_space_reclamation",
        2011: "restore",
        2012: "ddb_backup",
        2013: "disaster_recovery_backup",
    }


def test_a_ddb_backup_is_no_full_of_a_client(found):
    assert (found[2012].operation, found[2013].operation) == ("ddb_backup", "disaster_recovery_backup")


def test_an_unknown_type_or_level_is_other(found):
    assert (found[2021].operation, found[2024].operation) == ("other", "other")
    assert one(jobType=None).operation == "other"
    assert one(backupLevel=3).operation == "other"


@pytest.mark.parametrize(
    ("level", "operation"),
    [(1, "full"), (2, "incremental"), (4, "incremental"), (64, "synthetic_full"), ("64", "synthetic_full")],
)
def test_a_level_without_a_name_is_read_by_its_number(level, operation):
    assert one(backupLevel=level).operation == f"backup_{operation}"


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("Completed", "success"),
        ("Completed w/ one or more errors", "partial"),
        ("Completed w/ one or more warnings", "partial"),
        ("Committed", "partial"),
        ("Failed", "failed"),
        ("Failed to Start", "failed"),
        ("Killed", "killed"),
        ("System Killed", "killed"),
        ("No Run", "other"),
        ("Skipped", "other"),
    ],
)
def test_the_result_is_read_from_the_status(status, result):
    assert one(status=status).result == result


@pytest.mark.parametrize(
    "status",
    ["Running", "Waiting", "Pending", "Queued", "Suspended", "Kill Pending", "Suspend Pending", "Interrupt Pending",
     "Dangling Cleanup"],
)  # fmt: skip
def test_a_job_that_has_not_ended_is_counted_and_not_stored(status):
    page = parse([summary(status=status, jobEndTime=0, lastUpdateTime=120, backupLevelName="Full")])
    assert (page.finished, page.running) == ((), {1: "backup_full"})


def test_a_job_in_an_unknown_state_is_stored_once_it_has_an_end(page, found):
    assert found[2017].result == "other"
    assert 2018 not in found
    assert sorted(page.running) == [2015, 2016]


def test_a_job_that_is_not_visible_does_not_count(found):
    assert 2022 not in found


def test_the_end_is_the_first_that_a_release_tells(found):
    assert found[2001].ended_at == 1773500600
    assert found[2019].ended_at == 1773500600
    assert found[2020].ended_at == 1773500600
    assert one(jobEndTime=None, lastUpdateTime=190).ended_at == 190
    assert one(jobEndTime=None, jobElapsedTime=30).ended_at == 130


def test_a_job_that_failed_to_start_began_when_it_ended_or_as_long_before_as_it_took(found):
    assert (found[2014].started_at, found[2014].ended_at) == (1773500000, 1773500600)
    assert one(status="Failed to Start", jobStartTime=None).started_at == 160


def test_a_job_is_known_by_client_and_the_path_to_its_subclient(found):
    assert (found[2001].client, found[2001].subclient) == (
        "file0001",
        "Windows File System/defaultBackupSet/default",
    )
    assert (found[2011].client, found[2011].subclient) == ("file0002", "")
    assert one(destinationClient={"clientName": "file0003"}).client == "file0003"


def test_the_policy_is_the_storage_policy_where_there_is_one(found):
    assert (found[2001].policy_id, found[2007].policy_id) == ("1371", "")


def test_sizes_are_bytes_and_unknown_ones_none(found):
    assert (found[2001].application_bytes, found[2001].media_bytes) == (549755813888, 54760833024)
    assert (found[2007].application_bytes, found[2023].application_bytes, found[2023].media_bytes) == (0, None, None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"jobId": None}, "no field 'jobId'"),
        ({"status": None}, "no field 'status'"),
        ({"status": 3}, "unexpected value"),
        ({"jobType": ["Backup"]}, "jobType is of type list"),
        ({"jobStartTime": {"value": 1}}, "jobStartTime is of type dict"),
        ({"subclient": "default"}, "subclient is of type str"),
        ({"storagePolicy": {"storagePolicyId": []}}, "storagePolicyId is of type list"),
        ({"jobEndTime": 0}, "job 1 has no jobEndTime, lastUpdateTime or jobElapsedTime"),
    ],
)
def test_a_surprise_is_garbled_and_names_endpoint_and_field(changed, field):
    with pytest.raises(SourceGarbled, match=f"GET /Job: .*{field}"):
        parse([summary(**changed)], "GET /Job")


def test_a_client_is_known_by_its_id_too():
    assert one(subclient={"clientName": "file0001", "clientId": 17}).client_id == "17"
    assert one(destinationClient={"clientName": "file0003", "clientId": "18"}).client_id == "18"
    assert one().client_id == ""


def test_that_data_is_not_aged_yet_is_not_remembered():
    """The job is stored as it ends and not asked for again: what was true then would go on to be claimed."""
    assert (one(isAged=True).aged, one(isAged=False).aged, one().aged) == (True, None, None)
