"""Single lines: their form, what the known messages say, and the year and the hour that they leave out."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exporter.model import DAY
from exporter.sources.commvault.log_lines import LOGS, Event, moment, parse

BERLIN = ZoneInfo("Europe/Berlin")
WHEN = b"03/15 01:16:17"


def line(message: str, head: str = "4711  2a0c  03/15 01:16:17 ### ") -> bytes:
    return (head + message).encode()


def utc(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("log", "message", "kind", "store"),
    [
        ("SIDBPrune", "60-2-120-0 Prune 88 [60-2] Pruned AfId [9001] completely", "logical", "60"),
        ("SIDBPrune", "Prune 88 160-2 Pruned AfId [9001] in volume [7] completely", "logical", "160"),
        # The phase stands in the text alone; the token's partition 120-0 is no phase.
        ("SIDBPrune", "60-0-120-2 Prune 88 Pruned AfId [9001] completely", "logical", "60"),
        ("SIDBPrune", "60-3-120-0 Prune 91 Finalizing SI entries in chunk [14571]", "physical", "60"),
        ("SIDBEngine", "60-0-120-0 MarkSweep 12 Total [412000000], Approx Valid [411000000]", "sweep", "60"),
        ("SIDBEngine", "60-0-120-0 SetPrune 5 Pruning is [Enabled] now", "enabled", "60"),
        ("SIDBEngine", "60-0-120-0 SetPrune 5 Pruning is [Disabled] now", "disabled", "60"),
        ("SIDBEngine", "60-0-120-0 SetPrune 5 Disabling pruning control flag", "disabled", "60"),
        ("SIDBEngine", "60-0-120-0 Open 7 Marked the DDB as corrupted. Corruption Type [2]", "corrupted", "60"),
        ("SIDBEngine", "60-0-120-0 Open 7 DDB is behind CSDB. Marking DDB Corrupt.", "corrupted", "60"),
        ("SIDBPhysicalDeletes", "60-0-120-0 Delete 14571 H 4096", "chunk", "60"),
        ("SIDBPhysicalDeletes", "Delete 88 14571 H 4096", "chunk", ""),
    ],
)
def test_a_known_message_says_what_happened_to_which_store(log: str, message: str, kind: str, store: str) -> None:
    found = parse(log, line(message))
    assert found is not None
    assert (found.kind, found.store_id, found.when) == (kind, store, WHEN)


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("SIDBPrune", "60-2-120-0 Prune 88 Pruned AfId [9001] in part"),
        # Of no store.
        ("SIDBPrune", "Prune 88 Pruned AfId [9001] completely"),
        ("SIDBPrune", "60-0-120-0 MarkSweep 12 Total [4], Approx Valid [4]"),
        ("SIDBEngine", "Total [4], Approx Valid [4]"),
        ("SIDBEngine", "60-0-120-0 Quiesce 1501 done"),
        ("SIDBPhysicalDeletes", "60-0-120-0 Delete nothing H"),
        ("SIDBPhysicalDeletes", "60-0-120-0 Delete"),
        ("CVMA", "60-2-120-0 Prune 88 Pruned AfId [9001] completely"),
    ],
)
def test_any_other_message_says_nothing(log: str, message: str) -> None:
    assert parse(log, line(message)) is None


def test_a_switch_names_the_partition_and_a_job_may_stand_for_the_crosses() -> None:
    found = parse("SIDBEngine", line("60-0-121-1 SetPrune 5 Disabling pruning control flag", "1 a 12/31 23:59:59 48 "))
    assert found == Event("disabled", b"12/31 23:59:59", "60", "121")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"   at CvMain()",
        b"4711 2a0c 13/15 01:16:17 ### x",
        b"4711 2a0c 03/15 24:16:17 ### x",
        b"4711 2a0c 03/15 01:16 ### x",
        b"4711 2a0c 2026-03-15 01:16:17 ### x",
        b"\xff\xfe4\x007\x001\x001\x00",
        b"4711 2a0c 03/15 01:16:17",
    ],
)
def test_a_line_in_another_form_is_a_bad_line(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a line"):
        parse("SIDBPrune", text)


def test_damaged_letters_do_not_hide_what_a_line_says() -> None:
    damaged = line("60-2 ") + "Größe ".encode("latin-1") + b"\x00\xff Pruned AfId [1] completely"
    assert parse("SIDBPrune", damaged) == Event("logical", WHEN, "60")


@pytest.mark.parametrize(
    ("when", "latest", "expected"),
    [
        # New Year: written in December, read in January; and the other way round, within the day of grace.
        (b"12/31 23:59:59", utc(2026, 1, 2), utc(2025, 12, 31, 22, 59, 59)),
        (b"01/01 00:30:00", utc(2026, 1, 1, 22), utc(2025, 12, 31, 23, 30)),
        (b"03/15 13:00:00", utc(2026, 3, 15, 12), utc(2026, 3, 15, 12)),
        (b"03/15 13:00:01", utc(2026, 3, 15, 12), utc(2025, 3, 15, 12, 0, 1)),
        (b"02/29 12:00:00", utc(2027, 3, 1), utc(2024, 2, 29, 11)),
        # 02:30 does not exist on that night and comes twice on the other.
        (b"03/29 02:30:00", utc(2026, 4, 1), utc(2026, 3, 29, 1, 30)),
        (b"10/25 02:30:00", utc(2026, 11, 1), utc(2026, 10, 25, 0, 30)),
        (b"02/30 12:00:00", utc(2026, 3, 1), None),
    ],
)
def test_the_year_is_the_last_in_which_the_moment_had_come(when: bytes, latest: float, expected: float | None) -> None:
    assert moment(when, BERLIN, latest) == expected


@given(log=st.sampled_from(LOGS), junk=st.binary(max_size=300), message=st.binary(max_size=300))
def test_no_bytes_crash(log: str, junk: bytes, message: bytes) -> None:
    for text in (junk, line("60-2 ") + message, line("") + message + b" Pruned AfId x completely" + junk):
        try:
            found = parse(log, text)
        except ValueError as error:
            assert str(error) == "not a line of this log"  # noqa: PT017
        else:
            assert found is None or found.store_id.isdigit() or found.kind == "chunk"


@given(
    at=st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001
    zone=st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
    age=st.floats(0, 364 * DAY),
)
def test_a_line_is_dated_as_it_was_written_for_almost_a_year(at: datetime, zone: str, age: float) -> None:
    written = at.replace(tzinfo=ZoneInfo(zone), microsecond=0, fold=0)
    # No clock shows the hour that a change to summer time leaves out.
    assume(datetime.fromtimestamp(written.timestamp(), ZoneInfo(zone)) == written)
    found = moment(written.strftime("%m/%d %H:%M:%S").encode(), ZoneInfo(zone), written.timestamp() + age)
    assert found == written.timestamp()
