"""The clock of the simulated systems: still, by the wall, faster, and moved by hand."""

import time

import pytest

from exporter.simulator import Clock

NOON = 1_780_012_800.0


def test_without_a_start_it_is_the_wall_clock():
    assert Clock().now() == pytest.approx(time.time(), abs=1)
    assert Clock().rate == 1


def test_at_rate_zero_it_stands_still():
    clock = Clock(NOON, rate=0)
    time.sleep(0.002)
    assert clock.now() == NOON


def test_it_runs_as_many_times_faster_as_its_rate():
    before = time.time()
    clock = Clock(NOON, rate=1000)
    time.sleep(0.01)
    passed, wall = clock.now() - NOON, time.time() - before
    assert 10 <= passed <= 1000 * wall


def test_advancing_moves_it_at_any_rate():
    still, running = Clock(NOON, rate=0), Clock(NOON, rate=1)
    for clock in (still, running):
        clock.advance(3600)
    assert still.now() == NOON + 3600
    assert NOON + 3600 <= running.now() < NOON + 3660


def test_setting_it_puts_it_there_and_it_goes_on_from_there():
    clock = Clock(NOON, rate=0)
    clock.advance(5)
    clock.set(7)
    assert clock.now() == 7
    clock.run(1)
    assert 7 <= clock.now() < 67


def test_a_change_of_rate_does_not_make_it_jump():
    clock = Clock(NOON, rate=0)
    clock.run(1_000_000)
    time.sleep(0.001)
    clock.run(0)
    stopped = clock.now()
    assert stopped >= NOON + 1000
    assert clock.rate == 0
    time.sleep(0.002)
    assert clock.now() == stopped
    clock.run(0.5)
    assert stopped <= clock.now() < stopped + 60
