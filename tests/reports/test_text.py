"""Tables on a terminal and in JSON."""

from __future__ import annotations

import json
import math
import time

import pytest

from exporter.model import GIBIBYTE, Job, Pool
from exporter.reports.tables import jobs_table, pools_table
from exporter.reports.text import age, human_bytes, json_rows, lines

JOB = Job(
    id=7, operation="restore", result="success", started_at=1773576000.0, ended_at=1773576090.0, client="web01",
    client_id="17", subclient="default", policy_id="3", application_bytes=1.5 * GIBIBYTE,
)  # fmt: skip


@pytest.fixture
def in_rome(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Rome")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_columns_are_aligned_sizes_for_people_and_moments_in_local_time(in_rome):
    other = Job(id=1234, operation="data_aging", result="failed", started_at=1.0, ended_at=2.0, aged=True)
    assert [" ".join(line.split()) for line in lines(jobs_table([JOB, other]))] == [
        "JOB CLIENT SUBCLIENT OPERATION RESULT STARTED ENDED SIZE WRITTEN AGED KEPT UNTIL",
        "7 web01 default restore success 2026-03-15 13:00 CET 2026-03-15 13:01 CET 1.5 GiB - - -",
        "1234 - - data_aging failed 1970-01-01 01:00 CET 1970-01-01 01:00 CET - - yes -",
    ]
    assert [line[:28] for line in lines(jobs_table([JOB, other]))] == [
        " JOB  CLIENT  SUBCLIENT  OPE",
        "   7  web01   default    res",
        "1234  -       -          dat",
    ]


def test_no_records_are_a_head_alone():
    [head] = lines(pools_table([]))
    assert head.split() == ["ID", "POOL", "STATUS", "TYPE", "CAPACITY", "FREE", "FREE", "%", "SAME", "DISK", "AS"]


def test_a_name_cannot_move_the_cursor_of_the_terminal():
    table = list(lines(pools_table([Pool(kind="commvault", name="a\x1b[2Jb\nc")])))
    assert len(table) == 2
    assert "a?[2Jb?c" in table[1]


def test_a_pool_that_shares_its_disk_says_with_whom():
    pools = [Pool(kind="commvault", name=name, shared="A", capacity_bytes=4.0, free_bytes=1.0) for name in "AB"]
    assert [line.split()[1:] for line in lines(pools_table(pools))][1:] == [
        ["A", "unknown", "-", "4", "B", "1", "B", "25.0%", "-"],
        ["B", "unknown", "-", "4", "B", "1", "B", "25.0%", "A"],
    ]


def test_json_has_plain_numbers_iso_times_and_null():
    [row] = json_rows(jobs_table([JOB]))
    assert json.loads(json.dumps(row, allow_nan=False)) == {
        "job_id": 7,
        "client": "web01",
        "client_id": "17",
        "subclient": "default",
        "operation": "restore",
        "result": "success",
        "started_at": "2026-03-15T12:00:00Z",
        "ended_at": "2026-03-15T12:01:30Z",
        "duration_seconds": 90.0,
        "application_bytes": 1.5 * GIBIBYTE,
        "media_bytes": None,
        "policy_id": "3",
        "aged": None,
        "retained_until": None,
    }


def test_what_is_kept_for_ever_is_never_let_go():
    kept = Job(id=1, operation="restore", result="success", started_at=1.0, ended_at=2.0, retained_until=math.inf)
    assert next(json_rows(jobs_table([kept])))["retained_until"] == "never"
    assert list(lines(jobs_table([kept])))[1].endswith("never")
    infinite = Pool(kind="commvault", name="a", capacity_bytes=math.inf)
    assert next(json_rows(pools_table([infinite])))["capacity_bytes"] is None


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * GIBIBYTE, "5.0 GiB"), (2.0**75, "32768.0 EiB")],
)
def test_bytes_for_people(count, words):
    assert human_bytes(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(-3, "0 s"), (59, "59 s"), (250, "4 min"), (7200, "2 h"), (200000, "2 d")]
)
def test_ages_for_people(seconds, words):
    assert age(seconds) == words
