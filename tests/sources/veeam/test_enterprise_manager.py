from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exporter.errors import ConfigError, SourceGarbled
from exporter.sources.veeam.enterprise_manager import REASONS, parse

NONE_REJECTED = dict.fromkeys(REASONS, 0)


@pytest.fixture
def files(payload):
    return payload("enterprise-manager-12/backupFiles")["Entities"]["BackupFiles"]["BackupFiles"]


@pytest.fixture
def runs(payload):
    return payload("enterprise-manager-12/backupJobSessions")["Entities"]["BackupJobSessions"]["BackupJobSessions"]


def of_server(row, name):
    row["Links"] = [link | ({"Name": name} if link["Type"] == "BackupServerReference" else {}) for link in row["Links"]]
    return row


def test_files_are_summed_over_the_session_that_ran_when_they_were_created(files, runs):
    (full, increment), _ = parse(files[:3], runs)
    assert (full.session_id, full.job_id) == (
        "33333333-0000-0000-0000-000000000001", "22222222-0000-0000-0000-000000000001",
    )  # fmt: skip
    assert (full.job, full.is_full, full.data_bytes, full.stored_bytes) == ("Web", True, 400e9, 120e9)
    assert full.at == datetime(2026, 2, 28, 21, 0, 8, tzinfo=UTC).timestamp()
    assert (increment.session_id[-2:], increment.is_full) == ("10", False)
    assert (increment.data_bytes, increment.stored_bytes) == (12e9, 5.5e9)
    assert increment.dedup_ratio == pytest.approx(12 / 11)


def test_ratios_are_factors_and_1_means_nothing_saved(files, runs):
    (full, increment), _ = parse(files[:2], runs)
    assert (full.dedup_ratio, full.compression_ratio) == (pytest.approx(1.667), pytest.approx(400 / 120 / 1.667))
    assert (increment.dedup_ratio, increment.compression_ratio) == (1.0, 2.0)


def test_a_ratio_of_0_is_unknown_and_counted(files, runs):
    sessions, rejected = parse([files[3]], runs)
    assert (sessions, rejected) == ([], NONE_REJECTED | {"no_ratios": 1})


def test_ratios_at_odds_with_the_sizes_are_counted(files, runs):
    sessions, rejected = parse([files[0] | {"DeduplicationRatio": 10, "CompressRatio": 10}], runs)
    assert (sessions, rejected) == ([], NONE_REJECTED | {"contradictory": 1})


def test_a_file_with_too_little_data_is_no_fault(files, runs):
    assert parse([files[0] | {"DataSize": 0, "DeduplicationRatio": 0}], runs) == ([], NONE_REJECTED)


@pytest.mark.parametrize("change", [{"Result": "Failed"}, {"State": "Working"}, {"Result": None}, {"Result": "Frozen"}])
def test_sessions_that_run_or_failed_are_left_out(files, runs, change):
    assert parse([files[0]], [runs[0] | change]) == ([], NONE_REJECTED)
    assert parse([files[4]], runs) == ([], NONE_REJECTED)


def test_files_of_no_session_are_counted(files, runs):
    late = files[0] | {"CreationTimeUtc": "2026-03-01T12:00:00Z"}
    early = files[0] | {"CreationTimeUtc": "2026-02-01T12:00:00Z"}
    never = files[0] | {"CreationTimeUtc": "0001-01-01T00:00:00Z"}
    assert parse([files[5], late, early, never], runs) == ([], NONE_REJECTED | {"no_session": 4})


def test_the_clocks_of_a_file_and_its_session_may_differ_a_little(files, runs):
    for created in ("2026-02-28T20:59:30Z", "2026-02-28T23:11:10Z"):
        [session], _ = parse([files[0] | {"CreationTimeUtc": created}], runs)
        assert session.session_id.endswith("01")


def test_of_several_backup_servers_one_must_be_named(files, runs):
    other = of_server(dict(files[1]), "vbr02.example.com")
    with pytest.raises(ConfigError, match=r"several backup servers \(vbr01\.example\.com, vbr02\.example\.com\)"):
        parse([files[0], other], runs)
    [session], rejected = parse([files[0], other], runs, "VBR01.example.com")
    assert (session.data_bytes, rejected) == (400e9, NONE_REJECTED)


@pytest.mark.parametrize(
    ("which", "field", "value"),
    [
        ("files", "DataSize", "big"), ("files", "BackupSize", None), ("files", "DeduplicationRatio", []),
        ("files", "CreationTimeUtc", 5), ("files", "Links", None), ("files", "Links", [5]), ("files", "FileType", 3),
        ("runs", "UID", 5), ("runs", "JobUid", None), ("runs", "JobName", []), ("runs", "State", 1),
        ("runs", "CreationTimeUTC", "soon"), ("runs", "CreationTimeUTC", "0001-01-01T00:00:00Z"), ("runs", "Result", 1),
    ],
)  # fmt: skip
def test_a_surprising_field_is_garbled(files, runs, which, field, value):
    {"files": files, "runs": runs}[which][0][field] = value
    with pytest.raises(SourceGarbled, match=r"^GET /api/query: "):
        parse(files, runs)
