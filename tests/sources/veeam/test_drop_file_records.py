from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.model import GIBIBYTE
from exporter.sources.veeam.drop_file_records import Rejected, session

BERLIN = ZoneInfo("Europe/Berlin")
LATEST = datetime(2026, 3, 3, tzinfo=UTC).timestamp()
BEGUN = datetime(2026, 3, 1, 21, tzinfo=UTC).timestamp()

OURS = {
    "session_id": "{AB-1}", "job_id": "{CD-2}", "job_name": "Web", "result": "Success", "state": "Stopped",
    "algorithm": "Increment", "created_utc": "2026-03-01T21:00:00Z", "ended_utc": "2026-03-01T21:20:00Z",
    "data_bytes": 400 * 10**9, "backup_bytes": 120 * 10**9, "dedup_percent": 60, "compress_percent": 50,
}  # fmt: skip
FLAT = {
    "Id": "AB-1", "JobId": "CD-2", "JobName": "Web", "Result": 0, "CreationTime": "2026-03-01T22:00:00",
    "EndTime": "/Date(1772400000000)/", "DataSize": 400 * 10**9, "BackupSize": 120 * 10**9, "DedupRatio": 60,
    "CompressRatio": 50,
}  # fmt: skip
# Of another script, whose names say something else than they mean.
SEED = {
    "SessionId": "AB-1", "JobName": "Web", "JobId": "CD-2", "Result": "Warning", "CreationTime": "2026-03-01T21:00:00Z",
    "BackupSizeGB": 400, "TransferredSizeGB": "120,0", "DedupeRatio": "60,0", "CompressionRatio": 50,
    "CombinedRatio": 3000,
}  # fmt: skip
DUMP = {
    "Id": "AB-1", "JobId": "CD-2", "JobName": "Web", "Name": "Web (Full)", "Result": 1, "State": -1,
    "IsCompleted": True,
    "CreationTimeUTC": {"value": "/Date(1772398800000)/", "DisplayHint": 2, "DateTime": "Sunday, March 1, 2026"},
    "CreationTime": "/Date(1772398800000+0100)/", "EndTime": "/Date(1772400000000)/",
    "Info": {"Id": "AB-1", "SessionAlgorithm": "Full"},
    "BackupStats": {"DataSize": 400 * 10**9, "BackupSize": 120 * 10**9, "DedupRatio": 60, "CompressRatio": 50},
    "Progress": {"ProcessedSize": 1, "ReadSize": 2, "TransferedSize": 3, "Duration": {"Ticks": 5}},
}  # fmt: skip


def read(record, unit="percent"):
    return session(record, unit, BERLIN, LATEST)


def without(record, *names):
    return {name: value for name, value in record.items() if name not in names}


@pytest.mark.parametrize("record", [OURS, FLAT, SEED, DUMP], ids=["ours", "flat", "of another script", "dump"])
def test_every_shape_says_the_same(record):
    told = read(record)
    assert (told.session_id, told.job_id, told.job, told.at) == ("ab-1", "cd-2", "Web", BEGUN)
    assert told.dedup_ratio == pytest.approx(100 / 60)
    assert told.compression_ratio == pytest.approx(2.0)
    assert told.data_bytes / told.stored_bytes == pytest.approx(400 / 120)


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_names_count_in_any_case(spell):
    assert read({spell(name): value for name, value in FLAT.items()}) == read(FLAT)


def test_sizes_in_gb_are_powers_of_1024():
    assert (read(SEED).data_bytes, read(SEED).stored_bytes) == (400 * GIBIBYTE, 120 * GIBIBYTE)


def test_a_script_that_names_the_data_means_by_backup_what_was_stored():
    told = read(without(SEED, "TransferredSizeGB") | {"DataSizeGB": 400, "BackupSizeGB": 120})
    assert (told.data_bytes, told.stored_bytes) == (400 * GIBIBYTE, 120 * GIBIBYTE)


@pytest.mark.parametrize("record", [FLAT, DUMP])
def test_factors_are_told_from_percent_by_the_sizes(record):
    stats = {"DataSize": 40 * 10**9, "BackupSize": 6.5 * 10**9, "DedupRatio": "3,3x", "CompressRatio": "1,9x"}
    told = read(record | stats | {"BackupStats": stats})
    assert told.dedup_ratio == pytest.approx(3.3)
    assert told.compression_ratio == pytest.approx(40 / 6.5 / 3.3)


def test_100_percent_left_is_1x():
    told = read(OURS | {"dedup_percent": 100, "compress_percent": 100, "backup_bytes": 400 * 10**9})
    assert (told.dedup_ratio, told.compression_ratio) == (1.0, 1.0)


@pytest.mark.parametrize(("missing", "told_by"), [("BackupSize", "data_bytes"), ("DataSize", "stored_bytes")])
@pytest.mark.parametrize(("unit", "dedup", "compression"), [("percent", 60, 50), ("ratio", 100 / 60, 2.0)])
def test_a_missing_size_follows_from_the_other_and_the_ratios(missing, told_by, unit, dedup, compression):
    told = read(without(FLAT, missing) | {"DedupRatio": dedup, "CompressRatio": compression}, unit)
    assert getattr(told, told_by) == FLAT["DataSize" if missing == "BackupSize" else "BackupSize"]
    assert told.data_bytes / told.stored_bytes == pytest.approx(400 / 120)
    assert told.dedup_ratio == pytest.approx(100 / 60)


def test_what_is_named_percent_is_percent_whatever_was_configured():
    told = read(without(OURS, "backup_bytes"), "ratio")
    assert told.stored_bytes == pytest.approx(120 * 10**9)


@pytest.mark.parametrize(
    "unfinished",
    [
        OURS | {"ended_utc": None}, FLAT | {"EndTime": "1900-01-01T00:00:00"},
        FLAT | {"EndTime": "/Date(-2208988800000)/"},
        FLAT | {"Result": -1}, OURS | {"result": "None"}, OURS | {"state": "Working"}, DUMP | {"IsCompleted": False},
        OURS | {"result": "Failed"}, FLAT | {"Result": 2}, OURS | {"result": "Frozen"},
    ],
)  # fmt: skip
def test_sessions_that_run_or_failed_are_left_out(unfinished):
    assert read(unfinished) is None


@pytest.mark.parametrize("small", [{"data_bytes": 0, "dedup_percent": 0}, {"data_bytes": 1024 * 1024 - 1}])
def test_sessions_with_too_little_data_are_left_out(small):
    assert read(OURS | small) is None


def test_a_record_that_says_nothing_of_an_end_has_ended():
    assert read(without(FLAT, "EndTime", "Result"))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("Veeam.Backup.Core.CBackupSession", "not_an_object"),
        ([OURS], "not_an_object"),
        (DUMP | {"BackupStats": "Veeam.Backup.Model.CBackupStats"}, "too_shallow"),
        (without(OURS, "session_id"), "no_session"),
        (OURS | {"session_id": ""}, "no_session"),
        (OURS | {"session_id": True}, "no_session"),
        (OURS | {"session_id": {"Guid": "x"}}, "no_session"),
        (without(OURS, "job_id", "job_name"), "no_job"),
        (without(OURS, "created_utc"), "no_time"),
        (OURS | {"created_utc": "1900-01-01T00:00:00Z"}, "no_time"),
        (OURS | {"created_utc": "2026-03-05T00:00:00Z"}, "no_time"),
        (OURS | {"created_utc": "01.03.2026 22:00"}, "no_time"),
        (OURS | {"ended_utc": "soon"}, "no_time"),
        (without(OURS, "data_bytes", "backup_bytes"), "no_sizes"),
        (OURS | {"data_bytes": -1, "backup_bytes": float("nan")}, "no_sizes"),
        (without(OURS, "backup_bytes", "dedup_percent"), "no_ratios"),
        (without(OURS, "dedup_percent"), "no_ratios"),
        (OURS | {"dedup_percent": 0}, "no_ratios"),
        (OURS | {"dedup_percent": 400, "compress_percent": 0}, "no_ratios"),
        (OURS | {"dedup_percent": 10, "compress_percent": 10}, "contradictory"),
    ],
)
def test_what_cannot_be_used_is_rejected_by_reason(record, reason):
    with pytest.raises(Rejected) as rejected:
        read(record)
    assert rejected.value.reason == reason


def test_an_id_may_be_missing_where_there_is_a_name_and_the_other_way_round():
    nameless, without_id = read(without(OURS, "job_name")), read(without(OURS, "job_id"))
    assert (nameless.job_id, nameless.job) == ("cd-2", "cd-2")
    assert (without_id.job_id, without_id.job) == ("", "Web")


def test_names_can_be_stored_whatever_they_hold():
    assert read(OURS | {"job_name": "a\ud800b\0c "}).job == "a?b?c"


@pytest.mark.parametrize(
    ("algorithm", "is_full"),
    [
        ("Full", True),
        ("SyntheticFull", True),
        ("Synthetic", True),
        ("Increment", False),
        ("Incremental", False),
        (3, None),
    ],
)
def test_the_algorithm_says_whether_it_is_full(algorithm, is_full):
    assert read(OURS | {"algorithm": algorithm}).is_full is is_full
