from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.veeam.backup_files import parse

BERLIN = ZoneInfo("Europe/Berlin")
JOBS = {"22222222-0000-0000-0000-000000000001": "Web"}


@pytest.fixture
def backup(rows):
    return rows("veeam-1.3/backups")[0]


@pytest.fixture
def chain(backup):
    return lambda files: parse(backup, files, {}, JOBS, zone=BERLIN)


def file(data, size, dedup, created="2026-03-01T22:00:00", **more):
    return {"dataSize": data, "backupSize": size, "dedupRatio": dedup, "creationTime": created, **more}


def test_the_files_of_a_backup_are_summed(chain, rows):
    summed = chain(rows("veeam-1.3/backupFiles"))
    assert (summed.backup, summed.job, summed.repository) == ("Web", "Web", "Répertoire-A")
    assert (summed.job_id[-1], summed.repository_id[-1]) == ("1", "1")
    assert summed.files == 5
    assert summed.data_bytes == 610_000_180_000
    assert summed.stored_bytes == 175_000_833_536


def test_percent_left_100_means_nothing_was_saved(chain):
    summed = chain([file(10 * 2**30, 5 * 2**30, 100)])
    assert summed.data_bytes / summed.deduplicated_bytes == 1.0


def test_percent_left_becomes_a_multiplier_weighted_by_size(chain):
    summed = chain([file(400 * 10**9, 120 * 10**9, 60), file(200 * 10**9, 80 * 10**9, 80)])
    assert summed.deduplicated_bytes == 400 * 10**9
    assert summed.data_bytes / summed.deduplicated_bytes == pytest.approx(1.5)
    assert summed.deduplicated_bytes / summed.stored_bytes == pytest.approx(2.0)


def test_the_vendors_own_sample_gives_its_ratios(chain):
    summed = chain([file(1203845162, 520585216, 81)])
    assert summed.data_bytes / summed.deduplicated_bytes == pytest.approx(100 / 81)
    assert summed.deduplicated_bytes / summed.stored_bytes == pytest.approx(100 / 53, rel=0.02)


@pytest.mark.parametrize(
    "silent",
    [file(0, 416_768, 0), file(180_000, 416_768, 100), file(2**30, 2**20, 0), file(2**30, 2**20, 3000)],
    ids=["empty", "tiny", "no data told", "not a percentage"],
)
def test_files_that_do_not_tell_leave_the_ratio_alone(chain, silent):
    summed = chain([file(100 * 2**30, 30 * 2**30, 50), silent])
    assert summed.data_bytes / summed.deduplicated_bytes == pytest.approx(2.0)


def test_a_chain_of_silent_files_has_no_ratio_but_a_size(chain):
    summed = chain([file(0, 416_768, 0), file(180_000, 416_768, 100)])
    assert summed.deduplicated_bytes is None
    assert (summed.files, summed.stored_bytes) == (2, 833_536)


def test_files_kept_by_a_long_term_rule_do_not_make_a_chain_old(chain, rows):
    summed = chain(rows("veeam-1.3/backupFiles"))
    assert summed.oldest_at == datetime(2026, 2, 22, 22, tzinfo=BERLIN).timestamp()
    assert summed.newest_at == datetime(2026, 3, 1, 22, tzinfo=BERLIN).timestamp()


def test_a_chain_of_nothing_but_long_term_files_has_no_age(chain):
    summed = chain([file(2**30, 2**20, 50, gfsPeriods=["Weekly", "Monthly"])])
    assert (summed.oldest_at, summed.newest_at) == (None, None)
    assert summed.deduplicated_bytes == 2**29


def test_an_empty_backup_is_empty(chain):
    summed = chain([])
    assert (summed.files, summed.data_bytes, summed.stored_bytes, summed.deduplicated_bytes) == (0, 0, 0, None)


def test_an_orphaned_backup_belongs_to_no_job(rows):
    orphan = parse(rows("veeam-1.3/backups")[1], [], {}, JOBS, zone=BERLIN)
    assert (orphan.backup, orphan.job, orphan.job_id) == ("Retired web farm", "", "")


def test_a_backup_of_a_job_that_is_gone_belongs_to_no_job(backup):
    assert parse(backup, [], {}, {}, zone=BERLIN).job == ""


def test_before_1_3_the_repository_is_found_by_its_id(backup):
    del backup["repositoryName"]
    assert parse(backup, [], {backup["repositoryId"]: "Hardened"}, JOBS, zone=BERLIN).repository == "Hardened"


@pytest.mark.parametrize(
    ("field", "value"),
    [("dataSize", None), ("backupSize", "big"), ("dedupRatio", None), ("creationTime", 5), ("gfsPeriods", "Weekly")],
)
def test_a_surprising_field_of_a_file_is_named(chain, rows, field, value):
    files = rows("veeam-1.3/backupFiles")
    files[1][field] = value
    with pytest.raises(SourceGarbled, match=rf"^GET /api/v1/backups/\{{\}}/backupFiles: .*{field}"):
        chain(files)


@pytest.mark.parametrize("periods", [[5], [{"value": "Weekly"}]])
def test_a_surprising_period_is_garbled(chain, rows, periods):
    files = rows("veeam-1.3/backupFiles")
    files[0]["gfsPeriods"] = periods
    with pytest.raises(SourceGarbled, match=r"backupFiles: a field has an unexpected value"):
        chain(files)


def test_a_surprising_field_of_a_backup_is_named(backup):
    backup["name"] = None
    with pytest.raises(SourceGarbled, match=r"^GET /api/v1/backups: name is of type"):
        parse(backup, [], {}, {}, zone=BERLIN)
