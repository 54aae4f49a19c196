from __future__ import annotations

import os
import sys
import threading
from datetime import datetime

import pytest

from exporter.errors import SourceUnreachable
from exporter.sources.filesystem.pace import Bucket, Pauses, Pressure, be_nice, parse_window


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("rate", [50.0, 1_000.0, 30_000.0])
def test_the_rate_is_kept_within_five_percent_over_ten_seconds(clock, rate):
    bucket, entries = Bucket(rate, clock=clock, sleep=clock.sleep), 0
    while clock.now < 110:
        bucket.take(256)
        entries += 256
        clock.now += 0.001
    assert entries / (clock.now - 100) == pytest.approx(rate, rel=0.05)


def test_a_pause_is_not_made_up_for(clock):
    bucket = Bucket(1000, clock=clock, sleep=clock.sleep)
    bucket.take(1000)
    clock.now += 3600
    begun = clock.now
    for _ in range(10):
        bucket.take(100)
    assert clock.now - begun == pytest.approx(0.9)


def test_without_a_limit_nothing_sleeps(clock):
    Bucket(clock=clock, sleep=clock.sleep).take(10**9)
    assert clock.naps == []


def test_a_long_sleep_is_broken_up_to_look_whether_to_stop(clock):
    def stop() -> None:
        if len(clock.naps) == 2:
            raise SourceUnreachable("stopped")

    with pytest.raises(SourceUnreachable):
        Bucket(1, stop, clock, clock.sleep).take(1000)
    assert clock.now == 100.5


def some_avg10(percent: float) -> str:
    return f"some avg10={percent} avg60=0.00 avg300=0.00 total=1\nfull avg10=99.00 avg60=0.00 avg300=0.00 total=1\n"


def test_pressure_is_high_until_it_is_well_below_the_limit(tmp_path, clock):
    path = tmp_path / "io"
    pressure, found = Pressure(40, path, clock), []
    for percent in (0, 40, 41, 30, 20.5, 20, 39, 60):
        path.write_text(some_avg10(percent))
        clock.now += 1
        found.append(pressure.is_high())
    assert found == [False, False, True, True, True, False, False, True]


def test_pressure_is_read_once_a_second_at_most(tmp_path, clock):
    path = tmp_path / "io"
    path.write_text(some_avg10(90))
    pressure = Pressure(40, path, clock)
    assert pressure.is_high()
    path.write_text(some_avg10(0))
    clock.now += 0.9
    assert pressure.is_high()


@pytest.mark.parametrize("text", [None, "", "full avg10=99.00\n"])
def test_a_kernel_that_does_not_tell_is_never_under_pressure(tmp_path, text):
    if text is not None:
        (tmp_path / "io").write_text(text)
    assert not Pressure(1, tmp_path / "io").is_high()


@pytest.mark.parametrize(
    ("window", "at", "holds"),
    [
        ("08:00-18:30", "08:00", True), ("08:00-18:30", "18:29", True), ("08:00-18:30", "18:30", False),
        ("08:00-18:30", "07:59", False), ("22:00-05:00", "23:00", True), ("22:00-05:00", "04:59", True),
        ("22:00-05:00", "12:00", False),
    ],
)  # fmt: skip
def test_a_window_holds_from_its_begin_up_to_its_end_also_over_midnight(window, at, holds):
    moment = datetime.fromisoformat(f"2026-03-01T{at}:00+00:00")
    assert parse_window(window).holds(moment) is holds
    assert Pauses(windows=[parse_window(window)]).reason(moment) == ("window" if holds else None)


@pytest.mark.parametrize("text", ["", "08:00", "08:00-", "8-9", "25:00-26:00", "08:00-08:00", "a-b"])
def test_what_is_no_window_is_refused(text):
    with pytest.raises(ValueError, match="is no time of day like"):
        parse_window(text)


def test_pressure_is_a_reason_to_pause(tmp_path):
    (tmp_path / "io").write_text(some_avg10(50))
    assert Pauses(Pressure(40, tmp_path / "io")).reason() == "pressure"
    assert Pauses(Pressure(60, tmp_path / "io")).reason() is None
    assert Pauses().reason() is None


def test_a_nice_thread_leaves_the_others_as_they_are():
    found: list[int] = []

    def run() -> None:
        be_nice()
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, 0)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert (found, os.getpriority(os.PRIO_PROCESS, 0)) == ([19], before)


def test_a_system_without_nice_threads_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    before = os.getpriority(os.PRIO_PROCESS, 0)
    be_nice()
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_one_that_is_made_anew_for_each_part_gives_no_more(clock):
    entries = 0
    while clock.now < 110:
        bucket, begun = Bucket(1000, clock=clock, sleep=clock.sleep), clock.now
        while clock.now < begun + 0.5:
            bucket.take(50)
            entries += 50
    assert entries / (clock.now - 100) == pytest.approx(1000, rel=0.05)
