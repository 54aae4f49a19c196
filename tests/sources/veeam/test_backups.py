from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.veeam.backups import parse, sessions

BERLIN = ZoneInfo("Europe/Berlin")
JOBS = {"22222222-0000-0000-0000-000000000001": "Web"}
SESSION = "33333333-0000-0000-0000-0000000000"


@pytest.fixture
def backup(rows):
    return rows("veeam-1.3/backups")[0]


@pytest.fixture
def files(rows):
    return rows("veeam-1.3/backupFiles")


@pytest.fixture
def points(rows):
    return rows("veeam-1.3/restorePoints")


@pytest.fixture
def chain(backup):
    return lambda files, points=(): parse(backup, files, points, {}, JOBS, zone=BERLIN)


@pytest.fixture
def stored(chain):
    """What the sessions stored, of files and points; all have ended unless told otherwise."""
    return lambda files, points, has_ended=lambda *_: True: sessions(chain(files), files, points, has_ended, BERLIN)


def file(data, size, dedup, created="2026-03-01T22:00:00", *, compression=0, **more):
    return {
        "id": "f1", "name": "/backups/Web/Web.vbk", "dataSize": data, "backupSize": size, "dedupRatio": dedup,
        "compressRatio": compression, "creationTime": created, **more,
    }  # fmt: skip


def point(number, session, kind="Full", created="2026-03-01T22:00:12+01:00", of="f1"):
    return {"id": f"p{number}", "creationTime": created, "type": kind, "sessionId": session, "backupFileId": of}


def test_the_files_of_a_backup_are_summed(chain, files, points):
    summed = chain(files, points)
    assert (summed.backup, summed.job, summed.repository) == ("Web", "Web", "Répertoire-A")
    assert (summed.job_id[-1], summed.repository_id[-1]) == ("1", "1")
    assert (summed.files, summed.restore_points) == (5, 5)
    assert summed.data_bytes == 610_000_180_000
    assert summed.stored_bytes == 175_000_833_536


def test_percent_left_100_means_nothing_was_saved(chain):
    summed = chain([file(10 * 2**30, 5 * 2**30, 100, compression=50)])
    assert summed.data_bytes / summed.deduplicated_bytes == 1.0


def test_percent_left_becomes_a_multiplier_weighted_by_size(chain):
    summed = chain([file(400 * 10**9, 120 * 10**9, 60), file(200 * 10**9, 80 * 10**9, 80)])
    assert summed.deduplicated_bytes == pytest.approx(400 * 10**9)
    assert summed.data_bytes / summed.deduplicated_bytes == pytest.approx(1.5)
    assert summed.deduplicated_bytes / summed.stored_bytes == pytest.approx(2.0)


def test_the_vendors_own_sample_gives_its_ratios(chain):
    summed = chain([file(1203845162, 520585216, 81, compression=53)])
    assert summed.data_bytes / summed.deduplicated_bytes == pytest.approx(100 / 81)
    assert summed.deduplicated_bytes / summed.stored_bytes == pytest.approx(100 / 53, rel=0.02)


@pytest.mark.parametrize(
    "silent",
    [
        file(0, 416_768, 0), file(180_000, 416_768, 100, compression=191073), file(2**30, 2**20, 0),
        file(2**30, 2**20, 3000), file(2**30, 2**20, 60, compression=50),
    ],
    ids=["empty", "tiny", "no data told", "not a percentage", "at odds with its sizes"],
)  # fmt: skip
def test_files_that_do_not_tell_leave_the_ratio_alone(chain, silent):
    summed = chain([file(100 * 2**30, 30 * 2**30, 50), silent])
    assert summed.data_bytes / summed.deduplicated_bytes == pytest.approx(2.0)
    assert summed.stored_bytes == 30 * 2**30 + silent["backupSize"]


def test_a_chain_of_silent_files_has_no_ratio_but_a_size(chain):
    summed = chain([file(0, 416_768, 0), file(180_000, 416_768, 100)])
    assert summed.deduplicated_bytes is None
    assert (summed.files, summed.stored_bytes) == (2, 833_536)


def test_files_kept_by_a_long_term_rule_do_not_make_a_chain_old(chain, files, points):
    summed = chain(files, points)
    assert summed.oldest_at == datetime(2026, 2, 22, 22, tzinfo=BERLIN).timestamp()
    assert summed.newest_at == datetime(2026, 3, 1, 22, tzinfo=BERLIN).timestamp()


def test_a_chain_of_nothing_but_long_term_files_has_no_age(chain):
    summed = chain([file(2**30, 2**20, 50, gfsPeriods=["Weekly", "Monthly"])])
    assert (summed.oldest_at, summed.newest_at) == (None, None)
    assert summed.deduplicated_bytes == 2**29


def test_an_empty_backup_is_empty(chain):
    summed = chain([])
    assert (summed.files, summed.data_bytes, summed.stored_bytes, summed.deduplicated_bytes) == (0, 0, 0, None)


def test_without_files_only_restore_points_are_known(chain, rows):
    summed = chain(None, rows("veeam-1.1/objectRestorePoints"))
    assert (summed.files, summed.data_bytes, summed.stored_bytes, summed.deduplicated_bytes) == (None,) * 4
    assert summed.restore_points == 5
    assert summed.oldest_at == datetime(2026, 1, 4, 22, 0, 10, tzinfo=BERLIN).timestamp()
    assert summed.newest_at == datetime(2026, 3, 1, 22, 0, 12, 100_000, tzinfo=BERLIN).timestamp()


def test_an_orphaned_backup_belongs_to_no_job(rows):
    orphan = parse(rows("veeam-1.3/backups")[1], [], [], {}, JOBS, zone=BERLIN)
    assert (orphan.backup, orphan.job, orphan.job_id) == ("Retired web farm", "", "")


def test_a_job_that_the_api_does_not_have_is_called_as_its_backup(backup):
    assert parse(backup, [], [], {}, {}, zone=BERLIN).job == "Web"


def test_before_1_3_the_repository_is_found_by_its_id(backup):
    del backup["repositoryName"]
    assert parse(backup, [], [], {backup["repositoryId"]: "Hardened"}, JOBS, zone=BERLIN).repository == "Hardened"


def test_sessions_are_found_by_the_restore_points_in_their_files(stored, files, points):
    told = {s.session_id.removeprefix(SESSION): s for s in stored(files, points)}
    assert told.keys() == {"01", "02", "10"}, "two have too little data to tell"
    first, last = told["01"], told["10"]
    assert (first.job, first.job_id, first.repository) == ("Web", next(iter(JOBS)), "Répertoire-A")
    assert (first.data_bytes, first.stored_bytes, first.is_full) == (400 * 10**9, 120 * 10**9, True)
    assert (first.dedup_ratio, first.compression_ratio) == (pytest.approx(100 / 60), pytest.approx(2.0))
    assert (last.dedup_ratio, last.compression_ratio, last.is_full) == (1.0, pytest.approx(2.0), False)
    assert last.at == datetime(2026, 3, 1, 22, 0, 12, 100_000, tzinfo=BERLIN).timestamp()


def test_the_files_of_one_session_are_added_up(stored):
    files = [file(3 * 2**30, 2**30, 50), file(2**30, 2**30, 100) | {"id": "f2"}]
    [told] = stored(files, [point(1, "s1"), point(2, "s1", of="f2")])
    assert (told.data_bytes, told.stored_bytes, told.dedup_ratio) == (4 * 2**30, 2 * 2**30, pytest.approx(1.6))


@pytest.mark.parametrize("link", [{"restorePointIds": ["p1"]}, {"id": "of the point"}])
def test_a_file_and_its_points_may_point_to_each_other_either_way(stored, link):
    [told] = stored([file(2**30, 2**29, 50) | link], [point(1, "S1", of="of the point")])
    assert told.session_id == "s1"


def test_a_file_of_several_sessions_belongs_to_the_newest(stored):
    old = point(1, "old", "Increment", "2026-02-01T22:00:00+01:00")
    [told] = stored([file(2**30, 2**29, 50)], [point(2, "new"), old])
    assert (told.session_id, told.is_full) == ("new", True)


def test_a_session_that_runs_is_left_for_later(stored, files, points):
    asked = []
    assert stored(files, points, lambda session, at: asked.append((session, at))) == []
    assert (SESSION + "10", datetime(2026, 3, 1, 22, 0, 12, 100_000, tzinfo=BERLIN).timestamp()) in asked


@pytest.mark.parametrize("nobody", [[], [point(1, "00000000-0000-0000-0000-000000000000")], [point(1, "s1", of="f9")]])
def test_files_of_no_known_session_are_left_out(stored, nobody):
    assert stored([file(2**30, 2**29, 50)], nobody) == []


@pytest.mark.parametrize(
    ("kind", "name", "is_full"),
    [
        ("full", "x.vib", True), ("Increment", "x.vbk", False), ("Rollback", "x.vbk", False),
        ("Snapshot", "x.VBK", True), ("Snapshot", "x.vib", False), ("", "x.vrb", False), ("", "blob", None),
    ],
)  # fmt: skip
def test_full_is_what_the_restore_point_says_or_else_the_extension(stored, kind, name, is_full):
    [told] = stored([file(2**30, 2**29, 50) | {"name": name}], [point(1, "s1", kind)])
    assert told.is_full is is_full


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataSize", None), ("backupSize", "big"), ("dedupRatio", None), ("compressRatio", []), ("creationTime", 5),
        ("gfsPeriods", "Weekly"),
    ],
)  # fmt: skip
def test_a_surprising_field_of_a_file_is_named(chain, files, field, value):
    files[1][field] = value
    with pytest.raises(SourceGarbled, match=rf"^GET /api/v1/backups/\{{\}}/backupFiles: .*{field}"):
        chain(files)


@pytest.mark.parametrize("periods", [[5], [{"value": "Weekly"}]])
def test_a_surprising_period_is_garbled(chain, files, periods):
    files[0]["gfsPeriods"] = periods
    with pytest.raises(SourceGarbled, match=r"backupFiles: a field has an unexpected value"):
        chain(files)


@pytest.mark.parametrize(
    ("field", "value"), [("creationTime", "soon"), ("sessionId", 5), ("backupFileId", []), ("type", 1), ("id", None)]
)
def test_a_surprising_field_of_a_restore_point_is_garbled(chain, stored, files, points, field, value):
    points[0][field] = value
    with pytest.raises(SourceGarbled, match=r"^GET /api/v1/restorePoints: "):
        chain(files, points) and stored(files, points)


def test_a_surprising_field_of_a_backup_is_named(backup):
    backup["name"] = None
    with pytest.raises(SourceGarbled, match=r"^GET /api/v1/backups: name is of type"):
        parse(backup, [], [], {}, {}, zone=BERLIN)
