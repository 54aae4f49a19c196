"""The drop file as a whole: found or not, in which encoding, in which envelope, whole or half written."""

from __future__ import annotations

import codecs
import json
import os
from datetime import UTC, datetime

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.sources.veeam.drop_file import DropFile, parse
from exporter.sources.veeam.drop_file_records import REASONS
from tests.sources.veeam.conftest import PAYLOADS

SCRIPT = PAYLOADS / "veeam-script-1"
LATEST = datetime(2026, 3, 3, tzinfo=UTC).timestamp()
RECORD = {
    "Id": "S1", "JobId": "J1", "JobName": "Web", "Result": "Success", "CreationTimeUTC": "2026-03-01T21:00:00Z",
    "DataSize": 400 * 10**9, "BackupSize": 120 * 10**9, "DedupRatio": 60, "CompressRatio": 50,
}  # fmt: skip


def taken(content, unit="percent"):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return parse(raw, "/share/sessions.json", unit=unit, zone=UTC, latest=LATEST)


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "sessions.json"
    target.write_bytes((SCRIPT / "powershell-7.json").read_bytes())
    return target


@pytest.fixture
def drop(path):
    return DropFile(path, "percent", UTC)


@pytest.mark.parametrize("shell", ["powershell-5.1", "powershell-7"])
def test_what_the_script_writes_is_read(shell):
    read = taken((SCRIPT / f"{shell}.json").read_bytes())
    full, increment = read.sessions
    assert (full.session_id[-1], full.job_id[-1], full.job, full.is_full) == ("1", "1", "Web", True)
    assert full.at == datetime(2026, 2, 28, 21, 0, 8, tzinfo=UTC).timestamp()
    assert (full.dedup_ratio, full.compression_ratio) == (pytest.approx(100 / 60), pytest.approx(2.0))
    assert (increment.dedup_ratio, increment.compression_ratio, increment.is_full) == (1.0, pytest.approx(2.0), False)
    assert read.rejected == dict.fromkeys(REASONS, 0), "what failed or still runs is no fault of the file"
    assert read.generated_at == datetime(2026, 3, 2, 9, 0, 4, tzinfo=UTC).timestamp()


def test_what_was_read_is_remembered_and_told(drop, path, poll, memory):
    feed = drop.fetch(poll)
    assert (feed.sessions, len(memory.reduced)) == (2, 2)
    assert feed.modified_at == path.stat().st_mtime
    assert set(feed.rejected) == set(REASONS)


def test_a_file_that_did_not_change_is_not_read_again(drop, path, poll, memory):
    feed = drop.fetch(poll)
    memory.reduced.clear()
    assert drop.fetch(poll) is feed
    assert not memory.reduced
    path.write_text(json.dumps([RECORD]))
    assert drop.fetch(poll).sessions == 1
    assert len(memory.reduced) == 1


def test_what_the_ledger_did_not_take_is_read_again(drop, poll, memory, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(memory, "add_reductions", None)
        with pytest.raises(TypeError):
            drop.fetch(poll)
    assert drop.fetch(poll).sessions == len(memory.reduced) == 2


def test_the_file_is_only_read(drop, path, poll):
    before = path.stat(), sorted(path.parent.iterdir())
    path.chmod(0o400)
    path.parent.chmod(0o500)
    drop.fetch(poll)
    assert (path.stat().st_mtime_ns, sorted(path.parent.iterdir())) == (before[0].st_mtime_ns, before[1])


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE), ("utf-16-le", b""),
    ],
)  # fmt: skip
def test_every_encoding_of_powershell_is_read(encoding, mark):
    text = json.dumps(RECORD | {"JobName": "Café"}, ensure_ascii=False)
    [session] = taken(mark + text.encode(encoding)).sessions
    assert session.job == "Café"


@pytest.mark.parametrize(
    "nothing", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, b" \r\n", b"null", b"[]", b'{"sessions":null}']
)
def test_no_sessions_are_none_in_every_spelling(nothing):
    read = taken(nothing)
    assert (read.sessions, sum(read.rejected.values())) == ([], 0)


@pytest.mark.parametrize(
    "content",
    [
        RECORD, [RECORD], {"value": [RECORD], "Count": 1}, {"sessions": RECORD}, {"Sessions": [RECORD]},
        {"sessions": {"value": [RECORD], "Count": 1}},
    ],
    ids=["single", "list", "counted list", "ours with one", "ours", "ours, counted"],
)  # fmt: skip
def test_every_envelope_of_powershell_is_opened(content):
    assert [s.session_id for s in taken(content).sessions] == ["s1"]


def test_a_record_that_cannot_be_used_costs_only_itself():
    read = taken([RECORD, 5, RECORD | {"Id": None}, RECORD | {"Id": "S2", "JobName": "DB"}, None])
    assert [s.session_id for s in read.sessions] == ["s1", "s2"]
    assert {reason: count for reason, count in read.rejected.items() if count} == {"not_an_object": 2, "no_session": 1}


def test_a_session_that_is_listed_twice_counts_once():
    nameless = [RECORD | {"JobId": None, "JobName": name} for name in ("Web", "DB", "DB")]
    read = taken([RECORD, RECORD | {"id": "S1"}, RECORD | {"JobId": "J2"}, *nameless])
    assert [(s.job_id, s.job) for s in read.sessions] == [("j1", "Web"), ("j2", "Web"), ("", "Web"), ("", "DB")]


@pytest.mark.parametrize(("told", "expected"), [("percent", 60), ("ratio", 60 / 100**2), ("furlongs", 60 / 100**2)])
def test_the_unit_of_the_file_goes_before_the_configured_one(told, expected):
    """Only where a size is missing, since sizes tell the unit better."""
    record = {key: value for key, value in RECORD.items() if key != "BackupSize"}
    [session] = taken({"unit": told, "sessions": [record]}, unit="ratio").sessions
    assert session.stored_bytes == pytest.approx(400e9 * (0.3 if told == "percent" else 1 / 3000))


@pytest.mark.parametrize("when", ["yesterday", 5, None])
def test_a_file_need_not_say_when_it_was_written(when):
    assert taken({"generated_at": when, "sessions": []}).generated_at is None


def test_a_file_of_a_later_script_is_not_guessed_at():
    assert taken({"schema_version": 1, "sessions": [RECORD]}).sessions
    with pytest.raises(SourceGarbled, match=r"sessions\.json: schema_version is 2, and this release reads up to 1"):
        taken({"schema_version": 2, "sessions": [RECORD]})


@pytest.mark.parametrize("cut", [1, 40, 300, 700])
def test_a_half_written_file_is_garbled_and_names_the_place(cut):
    whole = (SCRIPT / "powershell-7.json").read_bytes()
    with pytest.raises(SourceGarbled, match=r"^/share/sessions\.json: not JSON at line 1, column \d+ .*half written"):
        taken(whole[:cut])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"JobName": "Caf\xe9"}', r"not utf-8 at byte 16 of 19"),
        (codecs.BOM_UTF16_LE + "[]".encode("utf-16-le")[:-1], r"not utf-16 at byte 4 of 5"),
        (b"<html>", r"not JSON at line 1, column 1"),
        (b"[" * 100_000, r"not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", r"not JSON that can be read: ValueError"),
    ],
)
def test_what_is_no_json_is_garbled(content, message):
    with pytest.raises(SourceGarbled, match=message):
        taken(content)


def test_a_file_that_is_too_large_is_not_taken(path, poll):
    with pytest.raises(SourceGarbled, match=r"larger than 100 bytes; let the script write fewer days"):
        DropFile(path, "percent", UTC, largest=100).fetch(poll)


def test_a_missing_file_is_told_by_its_path(tmp_path, poll):
    with pytest.raises(SourceUnreachable, match=r"nowhere\.json: No such file or directory$"):
        DropFile(tmp_path / "nowhere.json", "percent", UTC).fetch(poll)


def test_a_file_that_may_not_be_read_is_refused(drop, poll, monkeypatch):
    def denied(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", denied)
    with pytest.raises(SourceRefused, match=r"sessions\.json: Permission denied$"):
        drop.fetch(poll)


def test_what_is_no_file_keeps_nobody_waiting(tmp_path, poll):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(SourceUnreachable, match="not a file"):
            DropFile(tmp_path / name, "percent", UTC).fetch(poll)
