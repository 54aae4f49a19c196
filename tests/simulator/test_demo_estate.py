"""The estate of the demo: one pool about to fill, the others well."""

from itertools import pairwise

import pytest

from exporter.simulator import Clock, Estate
from exporter.simulator.demo import demo_estate
from exporter.simulator.history import FINISHED, JobQuery
from exporter.simulator.names import APEX
from exporter.simulator.sizes import DAY, HOUR, TIB

from .lives import MIDNIGHT, live, pending

QUIRKS = {"Old SAN", "S3 Archive", "Blob Cool"}


@pytest.mark.parametrize("hour", [0, 11.95, 12.02])
def test_one_pool_is_about_to_fill(hour):
    estate = demo_estate(Clock(MIDNIGHT + hour * HOUR, rate=0))
    assert estate.pool(APEX).disk.capacity == 10 * TIB
    assert estate.used_ratio(APEX) == pytest.approx(0.88, abs=0.005)
    assert pending(estate, APEX) > 100_000
    estate.clock.advance(15 * 60)
    estate.catch_up()
    assert 0.90 < estate.used_ratio(APEX) < 0.94
    estate.clock.advance(DAY)
    estate.catch_up()
    assert pending(estate, APEX) > 120_000


def test_aging_succeeds_every_five_minutes_and_pending_deletes_climb():
    estate = demo_estate(Clock(MIDNIGHT, rate=0))
    waiting = pending(estate, APEX)
    list(live(estate, 1 / 24, 300))
    assert pending(estate, APEX) > waiting
    query = JobQuery(HOUR, FINISHED, types=frozenset({"Data Aging"}))
    _, jobs = estate.jobs.page(query, estate.time, 0, 100)
    assert len(jobs) == 12
    assert {job.status for job in jobs} == {"Completed"}


def test_numbers_go_on_where_the_brisk_days_begin():
    estate = Estate.demo(Clock(MIDNIGHT, rate=0))
    _, jobs = estate.jobs.page(JobQuery(), estate.time, 0, 100_000)
    ids = [job.id for job in jobs]
    assert ids == list(range(ids[0], ids[-1] - 1, -1))


def test_the_others_are_well():
    estate = demo_estate(Clock(MIDNIGHT, rate=0))
    others = [pool.spec.name for pool in estate.pools if pool.spec.name not in {APEX, "Exchange", "SQL", *QUIRKS}]
    assert all(0.4 < estate.used_ratio(name) < 0.8 for name in others)
    assert all(pending(estate, name) < 50_000 for name in others)


def test_its_past_is_the_same_life():
    whole = demo_estate(Clock(MIDNIGHT, rate=0))
    early = demo_estate(Clock(MIDNIGHT, rate=0), past=20 * DAY)
    assert early.time == MIDNIGHT - 20 * DAY
    assert [story.name for story in early.stories] == ["pruning_weekly", "kept_for_ever"]
    early.tell("capacity_extended", "SQL", at=MIDNIGHT - 14 * DAY, factor=1.6)
    early.tell("pruning_stopped", APEX, at=MIDNIGHT - 9 * DAY)
    early.catch_up()
    assert early.used_ratio(APEX) == whole.used_ratio(APEX)


def test_a_pool_sat_full_and_was_extended_and_another_is_pruned_once_a_week():
    estate = demo_estate(Clock(MIDNIGHT, rate=0), past=30 * DAY)
    to_tell = {14.0: ("capacity_extended", "SQL", {"factor": 1.6}), 9.0: ("pruning_stopped", APEX, {})}
    sql, exchange = [], []
    for ago in (days / 4 for days in range(119, -1, -1)):
        if ago in to_tell:
            story, pool, options = to_tell[ago]
            estate.tell(story, pool, at=MIDNIGHT - ago * DAY, **options)
        estate.advance(MIDNIGHT - ago * DAY)
        sql.append((estate.pool("SQL").disk.capacity, estate.free_bytes(estate.pool("SQL"))))
        exchange.append(estate.used_bytes(estate.pool("Exchange")))
    before = [free for capacity, free in sql if capacity == sql[0][0]]
    assert before.count(0) > 4
    assert sql[-1][0] == int(1.6 * sql[0][0])
    assert 0 < sql[-1][1] < sql[-2 * 4][1]
    falling = [after < now for now, after in pairwise(exchange)]
    assert 0.1 < sum(falling) / len(falling) < 0.3
    assert max(exchange) < 0.95 * estate.pool("Exchange").disk.capacity
