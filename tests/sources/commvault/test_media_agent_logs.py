"""A directory of logs as polls find it: growing, rotated, copied, damaged, away."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.errors import ConfigError, SourceRefused, SourceUnreachable
from exporter.history.ledger import SourceState
from exporter.model import DAY, LogReading, Poll, StoreEvidence
from exporter.sources.commvault import log_tail
from exporter.sources.commvault.media_agent_logs import MediaAgentLogs, Memory, fetch

ZONE = "Europe/Berlin"
AT = 1773576000.0  # 2026-03-15 13:00 in Berlin


@pytest.fixture
def logs(tmp_path: Path) -> MediaAgentLogs:
    return MediaAgentLogs(tmp_path, ZONE)


@pytest.fixture
def read(logs: MediaAgentLogs, poll: Callable[..., Poll]) -> Callable[..., LogReading]:
    return lambda at=AT: fetch(logs, poll(at=at))


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, ZoneInfo(ZONE)).strftime("4711  2a0c  %m/%d %H:%M:%S ### ")


def pruned(at: float, store: int = 60, file: int = 1) -> str:
    return f"{stamp(at)}{store}-2-120-0 Prune 88 Pruned AfId [{file}] completely\n"


def engine(at: float, message: str, partition: int = 120) -> str:
    return f"{stamp(at)}60-0-{partition}-0 Engine 5 {message}\n"


def put(path: Path, text: str | bytes, modified_at: float = AT) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (modified_at, modified_at))
    return path


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_all_logs_tell_of_their_stores_in_the_directory_and_in_a_folder_for_each_media_agent(
    tmp_path: Path, read: Callable[..., LogReading]
) -> None:
    prune = pruned(AT - 600) + f"{stamp(AT - 500)}60-3-120-0 Prune 91 Finalizing SI entries in chunk [7]\n"
    put(tmp_path / "SIDBPrune.log", prune)
    put(tmp_path / "ma1" / "SIDBEngine.log", engine(AT - 400, "Total [9], Approx Valid [8]"))
    put(tmp_path / "ma1" / "SIDBPhysicalDeletes.log", f"{stamp(AT - 90)}60-0-120-0 Delete 14571 H\r\n" * 2)
    put(tmp_path / "ma2" / "sidbengine_1.LOG", engine(AT - 300, "Marked the DDB as corrupted. Corruption Type [2]"))
    put(tmp_path / "ma2" / "CVMA.log", f"{stamp(AT)}whatever\nno line at all\n\n")
    put(tmp_path / "ma2" / "SIDBPrune.log.bz2", b"BZh9")
    put(tmp_path / "ma2" / "cvd.log", "of no interest\n")
    found = read()
    assert found.stores == (
        StoreEvidence(
            store_id="60",
            logical_pruning_at=AT - 600,
            physical_pruning_at=AT - 90,
            mark_and_sweep_at=AT - 400,
            corrupted_at=AT - 300,
        ),
    )
    assert found.lines == {"SIDBPrune": 2, "SIDBEngine": 2, "SIDBPhysicalDeletes": 2, "CVMA": 2}
    assert found.bad_lines == {"SIDBPrune": 0, "SIDBEngine": 0, "SIDBPhysicalDeletes": 0, "CVMA": 1}
    assert found.deleted_chunks == 2


def test_a_line_is_counted_once_and_only_when_it_is_complete(tmp_path: Path, read: Callable[..., LogReading]) -> None:
    log = put(tmp_path / "SIDBPrune.log", pruned(AT - 60) + "4711  2a0c  03/15 12:5")
    assert read().lines == {"SIDBPrune": 1}
    assert read().lines == {"SIDBPrune": 1}
    add(log, "9:59 ### 60-2 Pruned AfId [2] completely\n")
    found = read()
    assert found.lines == {"SIDBPrune": 2}
    assert found.bad_lines == {"SIDBPrune": 0}
    assert found.stores[0].logical_pruning_at == AT - 1


def test_a_renamed_file_is_read_on_and_its_successor_from_the_beginning(
    tmp_path: Path, read: Callable[..., LogReading]
) -> None:
    log = put(tmp_path / "SIDBPrune.log", pruned(AT - 60, file=1))
    read()
    add(log, pruned(AT - 50, file=2))
    log.rename(tmp_path / "SIDBPrune_1.log")
    put(log, pruned(AT - 40, file=3))
    found = read()
    assert found.lines == {"SIDBPrune": 3}
    assert found.stores[0].logical_pruning_at == AT - 40
    (tmp_path / "SIDBPrune_1.log").rename(tmp_path / "SIDBPrune_2.log")
    log.rename(tmp_path / "SIDBPrune_1.log")
    assert read().lines == {"SIDBPrune": 3}


def test_a_file_that_is_copied_anew_is_the_same_file(tmp_path: Path, read: Callable[..., LogReading]) -> None:
    log = put(tmp_path / "SIDBPrune.log", pruned(AT - 60, file=1) * 20)
    read()
    text = log.read_text()
    log.unlink()
    # The copy is half done, then complete, and there is a second of an older state.
    put(log, text[:1500])
    assert read().lines == {"SIDBPrune": 20}
    put(log, text + pruned(AT - 50, file=2))
    put(tmp_path / "SIDBPrune_1.log", text)
    assert read().lines == {"SIDBPrune": 21}


def test_a_truncated_file_is_read_from_its_beginning(tmp_path: Path, read: Callable[..., LogReading]) -> None:
    log = put(tmp_path / "SIDBPrune.log", pruned(AT - 60) * 3)
    read()
    put(log, "")
    assert read().lines == {"SIDBPrune": 3}
    put(log, pruned(AT - 5))
    assert read().lines == {"SIDBPrune": 4}


def test_what_is_known_outlives_a_restart_and_the_files(tmp_path: Path, poll: Callable[..., Poll]) -> None:
    log = put(tmp_path / "SIDBPrune.log", pruned(AT - 60))
    put(tmp_path / "SIDBEngine.log", engine(AT - 60, "Disabling pruning control flag"))
    before = fetch(MediaAgentLogs(tmp_path, ZONE), poll())
    assert fetch(MediaAgentLogs(tmp_path, ZONE), poll()) == before
    log.unlink()
    assert fetch(MediaAgentLogs(tmp_path, ZONE), poll(at=AT + 30 * DAY)).stores == before.stores


def test_positions_of_files_that_are_gone_are_forgotten(
    tmp_path: Path, read: Callable[..., LogReading], poll: Callable[..., Poll]
) -> None:
    log = put(tmp_path / "SIDBPrune.log", pruned(AT - 60))
    put(tmp_path / "CVMA.log", f"{stamp(AT)}whatever\n")
    read()
    log.unlink()
    for at, kept in ((AT + 6 * DAY, 2), (AT + 8 * DAY, 1)):
        read(at)
        assert len(json.loads(poll().state.get("media_agent_logs") or "")["positions"]) == kept


def test_pruning_is_disabled_while_one_partition_says_so_whatever_the_order(
    tmp_path: Path, read: Callable[..., LogReading]
) -> None:
    log = put(tmp_path / "SIDBEngine.log", engine(AT - 50, "Disabling pruning control flag", partition=121))
    add(log, engine(AT - 40, "Disabling pruning control flag", partition=122))
    assert read().stores[0].pruning_disabled_at == AT - 50
    add(log, engine(AT - 30, "Pruning is [Enabled] now", partition=121))
    add(log, engine(AT - 60, "Disabling pruning control flag", partition=121))
    assert read().stores[0].pruning_disabled_at == AT - 40
    add(log, engine(AT - 20, "Pruning is [Enabled] now", partition=122))
    assert read().stores[0].pruning_disabled_at is None


def test_lines_of_december_read_in_january_are_of_the_old_year(tmp_path: Path, read: Callable[..., LogReading]) -> None:
    new_year = datetime(2026, 1, 1, 0, 10, tzinfo=ZoneInfo(ZONE)).timestamp()
    put(tmp_path / "SIDBPrune.log", pruned(new_year - 1800), modified_at=new_year)
    # A rotated file is as old as its last line, whenever it is read.
    put(tmp_path / "SIDBPrune_1.log", pruned(new_year - 300 * DAY, store=61), modified_at=new_year - 300 * DAY)
    found = {store.store_id: store.logical_pruning_at for store in read(new_year + 90 * DAY).stores}
    assert found == {"60": new_year - 1800, "61": new_year - 300 * DAY}


def test_a_clock_that_is_ahead_does_not_move_evidence_into_the_future(
    tmp_path: Path, read: Callable[..., LogReading]
) -> None:
    put(tmp_path / "SIDBPrune.log", pruned(AT - 40 * DAY), modified_at=AT + 400 * DAY)
    assert read().stores[0].logical_pruning_at == AT - 40 * DAY


def test_a_day_that_no_year_has_is_a_bad_line(tmp_path: Path, read: Callable[..., LogReading]) -> None:
    put(tmp_path / "SIDBPrune.log", "1 a 02/30 12:00:00 ### 60-2 Pruned AfId [1] completely\n")
    found = read()
    assert (found.stores, found.bad_lines) == ((), {"SIDBPrune": 1})


def test_a_poll_reads_no_more_than_its_share_and_the_newest_first(tmp_path: Path, poll: Callable[..., Poll]) -> None:
    logs = MediaAgentLogs(tmp_path, ZONE, bytes_per_poll=1)
    put(tmp_path / "SIDBPrune_1.log", pruned(AT - 9000, store=61) * 9, modified_at=AT - 9000)
    put(tmp_path / "SIDBPrune.log", pruned(AT - 60))
    assert [store.store_id for store in fetch(logs, poll()).stores] == ["60"]
    assert [store.store_id for store in fetch(logs, poll()).stores] == ["60", "61"]


def test_a_deleted_chunk_counts_also_where_its_store_is_not_said(
    tmp_path: Path, read: Callable[..., LogReading]
) -> None:
    put(tmp_path / "SIDBPhysicalDeletes.log", f"{stamp(AT)}Delete 88 14571 H\n")
    found = read()
    assert (found.stores, found.deleted_chunks) == ((), 1)


def test_a_line_without_end_is_read_in_pieces(tmp_path: Path, read: Callable[..., LogReading]) -> None:
    log = put(tmp_path / "CVMA.log", b"x" * (2 * log_tail.CHUNK + 10))
    assert read().bad_lines == {"CVMA": 2}
    add(log, "\n" + stamp(AT) + "on it goes\n")
    found = read()
    assert (found.lines, found.bad_lines) == ({"CVMA": 4}, {"CVMA": 3})


def test_a_directory_that_is_away_is_unreachable_by_name(tmp_path: Path, poll: Callable[..., Poll]) -> None:
    with pytest.raises(SourceUnreachable, match=rf"{tmp_path}/away: No such file or directory"):
        fetch(MediaAgentLogs(tmp_path / "away", ZONE), poll())


def test_a_directory_without_any_log_is_unreachable(read: Callable[..., LogReading], tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable, match=rf"{tmp_path}: no SIDBPrune, .* in it or in its folders"):
        read()


def test_a_file_that_cannot_be_read_is_named_once_and_the_others_count(
    tmp_path: Path, read: Callable[..., LogReading], caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path / "SIDBPrune.log", pruned(AT - 60))
    # A file that opens and then fails, as one on a share that drops out.
    (tmp_path / "SIDBEngine.log").symlink_to("/proc/self/mem")
    caplog.set_level(logging.WARNING)
    assert [read().stores[0].logical_pruning_at for _ in range(2)] == [AT - 60] * 2
    assert caplog.messages == [f"MediaAgent logs: {tmp_path}/SIDBEngine.log: Input/output error"]


def test_logs_none_of_which_can_be_read_are_an_error(tmp_path: Path, read: Callable[..., LogReading]) -> None:
    (tmp_path / "SIDBEngine.log").symlink_to("/proc/self/mem")
    with pytest.raises(SourceUnreachable, match=r"SIDBEngine\.log: Input/output error"):
        read()


def test_a_log_that_is_still_empty_is_no_error(tmp_path: Path, read: Callable[..., LogReading]) -> None:
    put(tmp_path / "SIDBPrune.log", "")
    assert (read().lines, len(read())) == ({"SIDBPrune": 0}, 1)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that other accounts reach too."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def as_an_ordinary_account() -> Iterator[None]:
    """Nothing is forbidden to root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_folder_that_may_not_be_listed_is_named_and_the_others_count(
    open_directory: Path, poll: Callable[..., Poll], caplog: pytest.LogCaptureFixture
) -> None:
    put(open_directory / "SIDBPrune.log", pruned(AT - 60))
    (open_directory / "ma1").mkdir(mode=0)
    with as_an_ordinary_account():
        found = fetch(MediaAgentLogs(open_directory, ZONE), poll())
    assert found.lines == {"SIDBPrune": 1}
    assert caplog.messages == [f"MediaAgent logs: {open_directory}/ma1: Permission denied"]


def test_a_directory_that_may_not_be_listed_is_refused(open_directory: Path, poll: Callable[..., Poll]) -> None:
    open_directory.chmod(0)
    with as_an_ordinary_account(), pytest.raises(SourceRefused, match=rf"{open_directory}: Permission denied"):
        fetch(MediaAgentLogs(open_directory, ZONE), poll())
    open_directory.chmod(0o755)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "../etc/passwd", "Europe"])
def test_a_time_zone_that_is_none_is_an_error_of_the_config(zone: str) -> None:
    with pytest.raises(ConfigError, match="is not a zone like Europe/Berlin"):
        MediaAgentLogs(Path("/var/log"), zone)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(max_size=3000), cuts=st.lists(st.integers(0, 3000), max_size=4))
def test_whatever_is_in_the_files_and_however_it_arrives_each_line_is_counted_once(
    text: bytes, cuts: list[int], tmp_path_factory: pytest.TempPathFactory, memory: SourceState
) -> None:
    memory.put("media_agent_logs", json.dumps(asdict(Memory())))
    folder = tmp_path_factory.mktemp("logs")
    whole = pruned(AT - 60).encode() + text + b"\n"
    for cut in (*sorted(cuts), len(whole)):
        put(folder / "SIDBPrune.log", whole[:cut])
        found = fetch(MediaAgentLogs(folder, ZONE), Poll(AT, None, memory))
    assert found.lines["SIDBPrune"] == sum(bool(line.strip()) for line in whole.split(b"\n"))
    assert found.bad_lines["SIDBPrune"] <= found.lines["SIDBPrune"] - 1
