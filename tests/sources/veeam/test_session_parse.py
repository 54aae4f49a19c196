from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.veeam.session_parse import Moved, moved, parse, total

BERLIN = ZoneInfo("Europe/Berlin")
WEB = Moved(21474836480.0, 891289600.0, 354695419.0)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.fixture
def read(rows):
    """Finished sessions by the last digits of their id."""
    return lambda version="veeam-1.3": {s.id[-2:]: s for s in parse(rows(f"{version}/sessions"), zone=BERLIN)}


def test_what_has_not_stopped_has_not_finished(read):
    assert set(read()) == {"10", "17", "18", "19", "90", "91", "92", "93", "94"}


def test_a_session_that_waits_idle_has_not_finished(rows):
    [*_, last] = rows("veeam-1.3/sessions")
    assert parse([last | {"state": "Idle"}], zone=BERLIN) == []
    assert parse([last | {"endTime": "1900-01-01T00:00:00"}], zone=BERLIN) == []


def test_a_finished_run(read):
    run = read()["10"]
    assert (run.name, run.type, run.is_run, run.result, run.is_canceled) == ("Web", "backup", True, "success", False)
    assert run.started_at == pytest.approx(at("2026-03-01T22:00:10.694588"))
    assert run.ended_at == at("2026-03-01T22:26:14.500000")
    assert run.job_id == "22222222-0000-0000-0000-000000000001"


def test_sessions_as_the_ledger_keeps_them(read):
    jobs = {key: session.job for key, session in read().items()}
    assert {key: (job.operation, job.result) for key, job in jobs.items()} == {
        "10": ("backup", "success"),
        "17": ("backup", "success"),
        "18": ("backup", "partial"),
        "19": ("backup", "failed"),
        "90": ("retention", "failed"),
        "91": ("configuration_backup", "success"),
        "92": ("delete_backup", "partial"),
        "93": ("restore", "killed"),
        "94": ("other", "success"),
    }
    assert (jobs["10"].client, jobs["10"].client_id[-2:]) == ("Web", "01")
    assert jobs["91"].client_id == ""


def test_the_number_of_a_session_is_made_of_its_id_and_fits_the_ledger(read):
    numbers = [session.job.id for session in read().values()]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**63 for number in numbers)
    assert numbers == [session.job.id for session in read().values()]


def test_the_same_session_has_the_same_number_in_every_spelling(rows):
    [first, *_] = [row for row in rows("veeam-1.3/sessions") if row["state"] == "Stopped"]
    one, other = parse([first, first | {"id": first["id"].upper()}], zone=BERLIN)
    assert one.job.id == other.job.id


def test_a_result_of_none_is_something_else(rows):
    [first, *_] = [row for row in rows("veeam-1.3/sessions") if row["state"] == "Stopped"]
    for outcome in (None, {"result": "None"}, {"result": "Sublime"}):
        [ended] = parse([first | {"result": outcome}], zone=BERLIN)
        assert (ended.result, ended.job.result) == ("none", "other")


def test_a_12_0_calls_a_job_an_activity(read):
    run = read("veeam-1.1")["19"]
    assert (run.type, run.is_run, run.job_id) == ("backup", True, "22222222-0000-0000-0000-000000000002")


def test_a_12_3_may_use_the_old_word(read):
    assert read("veeam-1.2")["17"].type == read("veeam-1.2")["18"].type == "backup"


def test_from_13_1_on_a_session_tells_what_it_moved(read):
    assert read("veeam-1.3-rev2")["10"].moved == WEB
    assert read("veeam-1.3-rev2")["19"].moved.transferred is None
    assert read()["10"].moved == Moved()


def test_both_spellings_of_transferred_are_read():
    sizes = {"processedSize": 3, "readSize": 2}
    assert moved(sizes | {"transferedSize": 1}, "GET x") == moved(sizes | {"transferredSize": 1}, "GET x")
    assert moved(sizes | {"transferedSize": 1}, "GET x") == Moved(3, 2, 1)
    assert moved(sizes | {"transferredSize": 0}, "GET x").transferred == 0


def test_parts_that_tell_nothing_are_left_out_of_a_sum():
    assert total([Moved(1, 2, None), Moved(), Moved(3, 4, 5)]) == Moved(4, 6, 5)
    assert total([]) == Moved()


def test_a_session_that_seems_to_end_before_it_begins_took_no_time(rows):
    [first, *_] = [row for row in rows("veeam-1.3/sessions") if row["state"] == "Stopped"]
    [ended] = parse([first | {"creationTime": "2027-01-01T00:00:00Z"}], zone=BERLIN)
    assert ended.started_at == ended.ended_at


@pytest.mark.parametrize(
    ("field", "value"),
    [("result", "Success"), ("endTime", "soon"), ("sessionType", 7), ("id", "seven"), ("state", None), ("progress", 4)],
)
def test_a_surprising_field_is_named(rows, field, value):
    [first, *_] = [row for row in rows("veeam-1.3/sessions") if row["state"] == "Stopped"]
    with pytest.raises(SourceGarbled, match=rf"^GET /api/v1/sessions: .*({field}|{value}|UUID)"):
        parse([first | {field: value}], zone=BERLIN)
