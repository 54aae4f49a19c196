"""What is published of a job's files, and of the feeds that tell what its sessions stored."""

from __future__ import annotations

import pytest

from exporter.findings import Findings
from exporter.metrics import measure
from exporter.metrics import veeam_files as families
from exporter.model import BackupChain, Inventory, ReductionFeed


def published(subject, **answers):
    """Samples by family, those without any left out."""
    found = Findings("vbr01", Inventory(**answers), 1000.0)
    measured = measure(subject, subject.records(found))
    return {one.family.name.removeprefix("ebbtide_veeam_"): dict(one.rows) for one in measured if one.rows}


def chain(**changed):
    usual = {
        "backup": "Web", "job": "Web", "job_id": "j1", "repository": "R", "files": 2, "data_bytes": 400.0,
        "stored_bytes": 100.0, "deduplicated_bytes": 200.0, "oldest_at": None, "newest_at": None,
    }  # fmt: skip
    return BackupChain(**usual | changed)


@pytest.mark.parametrize("subject", [families.BACKUP_FILES, families.DROP_FILE, families.ENTERPRISE_MANAGER])
def test_what_was_never_read_says_nothing(subject):
    assert published(subject) == {}


def test_the_files_of_a_job_are_its_ratios_and_sizes():
    job = ("Web",)
    assert published(families.BACKUP_FILES, backups=(chain(),)) == {
        "job_dedup_ratio": {job: 2.0}, "job_compression_ratio": {job: 2.0}, "job_logical_bytes": {job: 400.0},
        "job_stored_bytes": {job: 100.0}, "job_backup_files": {job: 2.0},
    }  # fmt: skip


def test_a_server_without_files_says_nothing_of_them():
    nothing = chain(files=None, data_bytes=None, stored_bytes=None, deduplicated_bytes=None, restore_points=9)
    assert published(families.BACKUP_FILES, backups=(nothing,)) == {}


def test_a_drop_file_tells_its_age_and_what_it_was_worth():
    feed = ReductionFeed(sessions=5, rejected={"no_sizes": 1, "no_job": 0}, modified_at=900.0, generated_at=890.0)
    assert published(families.DROP_FILE, drop_file=feed) == {
        "drop_file_modified_timestamp_seconds": {(): 900.0}, "drop_file_generated_timestamp_seconds": {(): 890.0},
        "drop_file_sessions": {(): 5}, "drop_file_rejected_records": {("no_sizes",): 1, ("no_job",): 0},
    }  # fmt: skip


def test_when_nobody_says_when_a_drop_file_was_made_there_is_no_sample():
    feed = ReductionFeed(sessions=0, modified_at=900.0)
    assert published(families.DROP_FILE, drop_file=feed) == {
        "drop_file_modified_timestamp_seconds": {(): 900.0}, "drop_file_sessions": {(): 0},
    }  # fmt: skip


def test_an_enterprise_manager_has_no_age():
    feed = ReductionFeed(sessions=7, rejected={"no_session": 2})
    assert published(families.ENTERPRISE_MANAGER, enterprise_manager=feed) == {
        "enterprise_manager_sessions": {(): 7}, "enterprise_manager_rejected_records": {("no_session",): 2},
    }  # fmt: skip
