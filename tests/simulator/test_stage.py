"""The two systems of the demo, watched from some time ago on."""

import time

import pytest
import requests

from exporter.simulator.names import APEX
from exporter.simulator.sizes import DAY, HOUR
from exporter.simulator.stage import JOB_FAILING, Demo

from .lives import MIDNIGHT

STOPPED = MIDNIGHT - 9 * DAY
FAILING = MIDNIGHT - 4 * DAY
FAILS = JOB_FAILING[:2]
WEEKLY, HOARDS = ("pruning_weekly", "Exchange"), ("kept_for_ever", "SQL")
EXTENDS = ("capacity_extended", "SQL")
STOPS = ("pruning_stopped", APEX)
STORMS = ("storm", APEX)


def estates(demo):
    return demo.commserve.application.estate, demo.vbr.application.estate


def stories(demo):
    """Each estate's, in the order they began."""
    commcell, vbr = estates(demo)
    return [[(story.name, story.object) for story in told] for told in (commcell.stories, vbr.told())]


def times(demo):
    commcell, vbr = estates(demo)
    return commcell.catch_up(), vbr.clock.now()


def test_it_stands_in_its_past_and_lives_until_a_moment_and_no_further():
    demo = Demo(MIDNIGHT, past=20 * DAY)
    assert (demo.commserve.port, demo.vbr.port) == (0, 0)
    assert times(demo) == (MIDNIGHT - 20 * DAY,) * 2
    assert estates(demo)[0].clock.rate == 0
    demo.live_until(MIDNIGHT - 15 * DAY)
    assert times(demo) == (MIDNIGHT - 15 * DAY,) * 2
    assert stories(demo) == [[WEEKLY, HOARDS], []]


def test_its_stories_begin_at_their_time_however_far_one_steps():
    demo = Demo(MIDNIGHT, past=20 * DAY)
    demo.live_until(STOPPED + HOUR)
    told = [WEEKLY, HOARDS, EXTENDS, STOPS]
    assert stories(demo) == [told, []]
    demo.live_until(FAILING + HOUR)
    assert stories(demo) == [told, [FAILS]]
    demo.live_until(MIDNIGHT)
    commcell, vbr = estates(demo)
    assert stories(demo) == [told, [FAILS]]
    began = [MIDNIGHT - days * DAY for days in (55, 40, 14, 9)]
    assert ([s.began_at for s in commcell.stories], [s.since for s in vbr.told()]) == (began, [FAILING])


def test_the_present_is_the_same_after_many_steps_and_after_one():
    stepped, short = Demo(MIDNIGHT, past=20 * DAY), Demo(MIDNIGHT, past=6 * HOUR)
    for step in range(1, 81):
        stepped.live_until(MIDNIGHT - 20 * DAY + step * DAY / 4)
    short.live_until(MIDNIGHT)
    (one, _), (other, _) = estates(stepped), estates(short)
    assert [one.used_ratio(pool.spec.name) for pool in one.pools] == [
        other.used_ratio(pool.spec.name) for pool in other.pools
    ]
    assert 0.87 < one.used_ratio(APEX) < 0.89


def test_what_began_before_its_past_goes_on_from_its_start():
    demo = Demo(MIDNIGHT, past=3 * DAY)
    told = [WEEKLY, HOARDS, EXTENDS, STOPS]
    assert stories(demo) == [told, [FAILS]]
    with demo.commserve, demo.vbr:
        state = [requests.get(server.url + "/-/sim", timeout=5).json() for server in (demo.commserve, demo.vbr)]
    assert (state[0]["time"], state[1]["now"]) == (MIDNIGHT - 3 * DAY,) * 2
    demo.live_until(MIDNIGHT)
    assert stories(demo) == [told, [FAILS]]
    assert estates(demo)[0].stories[-1].began_at == STOPPED


def test_going_live_sets_the_clock_running_and_the_storm_begins():
    now = time.time()
    demo = Demo(now, past=DAY)
    demo.go_live()
    commcell, vbr = estates(demo)
    assert commcell.clock is vbr.clock
    assert commcell.clock.rate == 1
    assert commcell.clock.now() == pytest.approx(time.time(), abs=5)
    assert stories(demo)[0] == [WEEKLY, HOARDS, EXTENDS, STOPS, STORMS]
    [storm] = commcell.told("storm")
    assert storm.began_at >= now
    before = commcell.used_ratio(APEX)
    commcell.clock.advance(15 * 60)
    commcell.catch_up()
    assert commcell.used_ratio(APEX) > before + 0.02
