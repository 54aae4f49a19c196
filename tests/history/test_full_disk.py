"""A disk without space: polling goes on, what is lost is counted, and with space all is well again by itself."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.history.sql import SqlHistory
from exporter.model import Pool
from tests.conftest import House, fake_source
from tests.history.stores import AT, HOUR, NAME
from tests.history.test_history import limit_pages

LABELS = {"source": "cs01", "kind": "commvault"}


def pools(free: float) -> tuple[Pool, ...]:
    return tuple(
        Pool(kind="commvault", name=f"Pool {number}", capacity_bytes=100.0, free_bytes=free) for number in range(200)
    )


def test_polling_goes_on_and_the_loss_is_counted_and_ends_with_the_cause(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = SqlHistory(f"sqlite:///{tmp_path}/history.db", resolution=1.0)
    house.history.close()
    house.history = history
    answers = {"pools": pools(50.0)}
    watch = house.watch(fake_source(answers))
    with history.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limit_pages(history, pages)
    with caplog.at_level(logging.ERROR):
        for hour in range(3):
            answers["pools"] = pools(50.0 - hour)
            assert watch.poll("pools", AT + hour * HOUR).success
    assert f'{NAME}{{source="cs01",kind="commvault",pool="Pool 7"}} 48' in house.page(AT + 2 * HOUR)
    lost = house.counted("ebbtide_store_samples_lost_total")
    assert lost >= 3 * 400
    assert house.counted("ebbtide_store_write_errors_total") >= 3
    assert caplog.text.count("database or disk is full; polling goes on, these samples are lost to it") == 1

    limit_pages(history, 2**30)
    assert watch.poll("pools", AT + 3 * HOUR).success
    assert house.counted("ebbtide_store_samples_lost_total") == lost
    found = history.ranges(NAME, LABELS, ("pool",), AT - HOUR, AT + 3 * HOUR, HOUR)
    assert len(found) == 200
    assert found["Pool 7",].timestamps.tolist() == [AT + 3 * HOUR]
    history.close()


def test_what_was_written_before_the_disk_was_full_is_there_and_so_is_what_came_after(tmp_path: Path) -> None:
    """By the operating system's own refusal, and without opening the store anew."""
    program = Path(__file__).with_name("full_disk.py")
    command = [sys.executable, str(program), f"sqlite:///{tmp_path}/history.db"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert result["errors"]
    assert all(error.startswith("history cannot be written: ") for error in result["errors"])
    assert len(result["written"]) > 6
    assert result["found"] == [float(at) for at in result["written"]]
