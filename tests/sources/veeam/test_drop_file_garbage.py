"""Whatever lies in the folder: records, rejections, or one error that names the file; never anything else."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.errors import SourceGarbled
from exporter.sources.veeam.drop_file import parse
from exporter.sources.veeam.drop_file_records import REASONS
from tests.sources.veeam.conftest import PAYLOADS

WHOLE = (PAYLOADS / "veeam-script-1" / "powershell-7.json").read_bytes()
LATEST = datetime(2026, 3, 3, tzinfo=UTC).timestamp()
NAMES = (
    "session_id", "Id", "job_id", "JobId", "job_name", "JobName", "result", "Result", "state", "IsCompleted", "Info",
    "algorithm", "created_utc", "CreationTime", "EndTime", "ended_utc", "data_bytes", "DataSize", "backup_bytes",
    "BackupSize", "BackupSizeGB", "TransferredSizeGB", "dedup_percent", "DedupRatio", "CompressRatio", "BackupStats",
    "sessions", "value", "Count", "schema_version", "generated_at", "unit",
)  # fmt: skip
TEXTS = ("2026-03-01T21:00:00Z", "9999-12-31T23:59:59", "/Date(1772398800000)/", "/Date(99999999999999999)/", "Success")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=14),
    max_leaves=40,
)


def read(content):
    """What it came to; fails on any other error."""
    try:
        taken = parse(content, "/share/sessions.json", unit="percent", zone=ZoneInfo("Europe/Berlin"), latest=LATEST)
    except SourceGarbled as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert message.startswith("/share/sessions.json: ")
        assert "\n" not in message
        return None
    assert set(taken.rejected) == set(REASONS)
    for session in taken.sessions:
        assert session.session_id
        assert session.job
        assert session.at <= LATEST
        assert 0 < session.stored_bytes < math.inf
        assert 1 <= session.dedup_ratio < math.inf
        assert 0 < session.compression_ratio < math.inf
        json.dumps([session.job, session.session_id], ensure_ascii=False).encode()
    return taken


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"\xff\xfe\x00\xd8")
@example(b'{"sessions":[{"session_id":"\\ud800"}]}')
def test_any_bytes(content):
    read(content)


@settings(deadline=None)
@given(values)
@example({"sessions": [{"Id": 1, "JobId": 2, "CreationTime": "9999-12-31T23:59:59"}]})
def test_any_json(content):
    assert read(json.dumps(content).encode()) or isinstance(content, dict)


@settings(deadline=None)
@given(st.integers(0, len(WHOLE)))
def test_any_part_of_a_file_that_is_being_written(length):
    taken = read(WHOLE[:length])
    assert taken is None or length in (0, len(WHOLE)), "a part must not pass for the whole"


@settings(deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=6))
def test_any_flipped_bytes(place, noise):
    read(WHOLE[:place] + noise + WHOLE[place + len(noise) :])


RECORD = json.loads(WHOLE)["sessions"][0]


@settings(deadline=None)
@given(st.sampled_from(sorted(RECORD)), values)
def test_one_odd_field_never_costs_the_other_records(name, value):
    good = RECORD | {"session_id": "good"}
    taken = read(json.dumps([RECORD | {name: value}, good]).encode())
    assert "good" in {session.session_id for session in taken.sessions}


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {name: values | st.just(RECORD[name]) for name in RECORD},
    )
)
def test_any_record_is_taken_left_out_or_rejected_once(record):
    taken = read(json.dumps([record]).encode())
    assert len(taken.sessions) + sum(taken.rejected.values()) <= 1
