"""The simulated CommCell lives: it fills and is freed, and goes wrong when it is told to."""

from dataclasses import replace
from itertools import pairwise

import pytest

from exporter.simulator import SIZES
from exporter.simulator.chronicle import events
from exporter.simulator.history import JobQuery
from exporter.simulator.landscape import Landscape
from exporter.simulator.names import APEX
from exporter.simulator.retention import FULL_WEIGHT, Rule
from exporter.simulator.sizes import DAY, HOUR, TIB
from exporter.simulator.stores import partitions_of

from .lives import MIDNIGHT, levels, live, make, pending

QUIRKS = {"Old SAN", "S3 Archive", "Blob Cool"}


def everything(estate):
    return (
        [(p.spec.name, p.written_at(estate.time), p.pending_at(estate.time)) for p in estate.pools],
        estate.jobs.page(JobQuery(), estate.time, 0, 50),
        [(s.id, s.sealed_at, s.pending(estate.time)) for s in estate.stores],
    )


def test_the_same_seed_lives_the_same_life_however_often_one_looks():
    often, seldom = make(), make()
    for estate, step in ((often, HOUR / 4), (seldom, 12.5 * HOUR)):
        estate.tell("pruning_stopped", "Bronze", at=MIDNIGHT + 2.3 * DAY)
        estate.tell("storm", "SQL", at=MIDNIGHT + 3.7 * DAY, seconds=5000, bytes_per_hour=1e11)
        estate.clock.set(estate.time)
        list(live(estate, 5, step))
        estate.clock.set(MIDNIGHT + 9 * DAY)
        estate.catch_up()
    assert everything(often) == everything(seldom)


def test_another_seed_is_another_estate():
    assert everything(make(seed=1)) != everything(make(seed=2))


def test_time_that_has_passed_changes_nothing():
    estate = make()
    before = everything(estate)
    estate.clock.set(MIDNIGHT - DAY)
    assert estate.catch_up() == MIDNIGHT
    assert everything(estate) == before


def test_every_healthy_disk_stays_in_its_band_for_ninety_days():
    estate = make()
    seen = {}
    for _ in live(estate, 90, 6 * HOUR):
        for pool in estate.pools:
            seen.setdefault(pool.spec.name, []).append(estate.used_ratio(pool.spec.name))
    bands = {name: (min(ratios), max(ratios)) for name, ratios in seen.items() if name not in QUIRKS}
    assert len(bands) == 17
    assert all(0.42 < low < high < 0.78 for low, high in bands.values()), bands
    assert all(high - low > 0.02 for low, high in bands.values())


def test_a_healthy_pool_rises_by_night_and_falls_by_day():
    estate = make()
    used = levels(estate, 30, APEX)
    steps = [after - before for before, after in pairwise(used)]
    assert sum(step > 0 for step in steps) > 200
    assert sum(step < 0 for step in steps) > 100
    assert max(map(abs, steps)) < 0.02


def test_pending_deletes_come_with_aging_at_noon_and_are_worked_off():
    estate = make(at=MIDNIGHT + 11 * HOUR)
    hourly = [pending(estate, APEX) for _ in live(estate, 1)]
    noon, last = hourly[0], hourly[-1]
    assert 1000 < noon < 100_000
    assert hourly == sorted(hourly, reverse=True)
    assert last < noon / 2


def test_without_pruning_used_space_never_falls_and_pending_deletes_climb():
    estate = make()
    estate.tell("pruning_stopped", APEX)
    used, waiting = [], []
    for _ in live(estate, 14):
        used.append(estate.used_ratio(APEX))
        waiting.append(pending(estate, APEX))
    assert used == sorted(used)
    assert used[-1] > used[0] + 0.2
    assert waiting == sorted(waiting)
    assert waiting[-1] > 100_000
    _, aging = estate.jobs.page(JobQuery(14 * DAY, types=frozenset({"Data Aging"})), estate.time, 0, 100)
    assert [job.status for job in aging] == ["Completed"] * 14

    estate.end("pruning_stopped", APEX)
    assert min(levels(estate, 5, APEX)) < used[0] + 0.05
    assert pending(estate, APEX) < 100_000


def test_a_full_disk_stays_full_until_pruning_is_back():
    estate = make()
    estate.tell("pruning_stopped", APEX)
    estate.tell("storm", APEX, bytes_per_hour=TIB)
    used = levels(estate, 3, APEX)
    assert max(used) == used[-1] == pytest.approx(1, abs=1e-9)
    estate.end("storm", APEX)
    estate.end("pruning_stopped", APEX)
    assert levels(estate, 30, APEX)[-1] < 0.75


def test_a_sealed_store_makes_backups_big_and_keeps_what_is_pending():
    plain, sealed = make(), make()
    sealed.tell("ddb_sealed", APEX)
    old, new = [store for store in sealed.stores if store.pool.spec.name == APEX]
    assert old.sealed_at == new.created_at == MIDNIGHT
    assert new.sealed_at is None
    grown = [levels(estate, 5, APEX)[-1] for estate in (plain, sealed)]
    assert grown[1] > grown[0] + 0.03
    assert old.share(sealed.time) > 0.7 > 0.3 > new.share(sealed.time) > 0
    sealed.clock.set(MIDNIGHT + 5 * DAY + 13 * HOUR)
    sealed.catch_up()
    assert old.pending(sealed.time)[1] > 0 == new.pending(sealed.time)[1]


def test_a_dead_agent_stops_the_pruning_of_its_pools():
    estate = make()
    dead = estate.pool(APEX).spec.agents[0]
    estate.tell("agent_dead", dead.name)
    assert estate.agent_state(dead) == "OFFLINE"
    touched = {pool.spec.name for pool in estate.pools if dead in pool.spec.agents}
    assert {pool.spec.name for pool in estate.pools if not pool.is_pruning} == touched
    used = levels(estate, 5, APEX)
    assert used == sorted(used)
    estate.end("agent_dead", dead.name)
    assert estate.agent_state(dead) == "ONLINE"
    assert all(pool.is_pruning for pool in estate.pools)


def test_fulls_that_fail_keep_their_cycle_open_so_nothing_ages():
    estate = make()
    plan = next(plan for plan in estate.landscape.plans if plan.name == "Gold")
    copy = estate.copies[plan.copies[0].id]
    estate.tell("fulls_failing", "Gold")
    cycles = len(copy.cycles)
    list(live(estate, 40, DAY))
    assert len(copy.cycles) <= cycles
    assert copy.cycles[-1].last_job_at - copy.cycles[-1].full_at > 30 * DAY
    _, jobs = estate.jobs.page(JobQuery(30 * DAY, admin=False), estate.time, 0, 100_000)
    fulls = {job.status for job in jobs if job.plan is plan and job.level in ("Full", "Synthetic Full")}
    assert fulls == {"Failed"}


def test_a_regressed_rule_asks_for_one_cycle_more_until_the_story_ends():
    estate = make()
    estate.tell("retention_regressed", seconds=DAY)
    [story] = estate.told("retention_regressed")
    [plan] = [plan for plan in estate.landscape.plans if plan.name == story.object]
    copy = estate.copies[plan.copies[0].id]
    assert copy.rule == Rule(14, 2)
    list(live(estate, 1.5, DAY / 2))
    assert copy.rule == Rule(14, 1)


def test_a_storm_fills_within_minutes_and_its_logs_age_after_a_week():
    estate = make()
    before = estate.free_bytes(estate.pool(APEX))
    estate.tell("storm", APEX, bytes_per_hour=TIB, seconds=HOUR)
    estate.clock.advance(600)
    estate.catch_up()
    assert estate.free_bytes(estate.pool(APEX)) == pytest.approx(before - TIB / 6, rel=0.01)
    used = levels(estate, 10, APEX)
    assert max(used) > 0.68
    assert used[-1] < 0.65


def test_a_story_told_twice_is_told_once():
    estate = make()
    estate.tell("storm", APEX, bytes_per_hour=3600)
    estate.tell("storm", " apex gdp ", bytes_per_hour=7200)
    assert [story.bytes_per_second for story in estate.told("storm")] == [2]


@pytest.mark.parametrize(
    ("story", "named", "options", "message"),
    [
        ("flood", None, {}, "no story 'flood', one of: pruning_stopped"),
        ("storm", "ma01", {}, "no pool 'ma01'"),
        ("agent_dead", APEX, {}, "no agent 'Apex GDP'"),
        ("capacity_extended", APEX, {"seconds": 1.0}, "capacity_extended has no option seconds"),
        ("agent_dead", None, {"bytes_per_hour": 1.0}, "agent_dead has no option bytes_per_hour"),
    ],
)
def test_stories_that_cannot_be_told_are_refused(story, named, options, message):
    with pytest.raises(ValueError, match=message):
        make().tell(story, named, **options)


def test_events_are_told_once_and_keep_their_number():
    estate = make()
    agent = estate.landscape.agents[0].name
    estate.tell("pruning_stopped", APEX)
    estate.tell("agent_dead", agent, at=MIDNIGHT + DAY, seconds=HOUR)
    estate.tell("ddb_sealed", APEX, at=MIDNIGHT + 2 * DAY)
    early = events(estate)
    assert [(e.id, e.at - MIDNIGHT) for e in early] == [(501, DAY), (502, DAY + HOUR), (503, 2 * DAY)]
    estate.advance(MIDNIGHT + 9.5 * DAY)
    late = events(estate)
    assert late[:3] == early
    assert [(e.at - MIDNIGHT) / DAY for e in late[3:]] == [7, 8, 9]
    assert all("pending logical pruning" in e.description for e in late[3:])


def test_a_small_landscape_has_what_readers_stumble_over():
    estate = make()
    pools = {pool.spec.name: pool for pool in estate.pools}
    assert len(pools) == 20
    assert "Silver Secondary " in pools
    assert pools["Old SAN"].spec.offline
    assert pools["WORM Vault"].spec.worm
    assert pools["HyperScale 01"].spec.storage == "hyperscale"
    assert len({estate.free_bytes(pools[f"Share North {letter}"]) for letter in "ABC"}) == 1
    assert {pool.spec.name for pool in estate.pools if pool.disk.is_endless} == {"S3 Archive", "Blob Cool"}
    assert estate.landscape.plans[-1].copies == ()
    assert {estate.agent_state(agent) for agent in estate.landscape.agents} == {"ONLINE", "OFFLINE", "MAINTENANCE"}


@pytest.mark.parametrize("size", SIZES)
def test_a_landscape_is_as_big_as_asked(size):
    wanted = SIZES[size]
    landscape = Landscape.of(wanted, seed=3)
    assert (len(landscape.pools), len(landscape.plans)) == (wanted.pools, wanted.plans)
    assert (len(landscape.agents), len(landscape.clients)) == (wanted.agents, wanted.clients)
    copies = [copy for plan in landscape.plans for copy in plan.copies]
    assert len(copies) == wanted.rules
    assert len({copy.id for copy in copies}) == wanted.rules
    for plan in landscape.plans:
        assert len({copy.pool_id for copy in plan.copies}) == len(plan.copies)


def test_any_size_will_do():
    tiny = replace(SIZES["small"], pools=2, plans=1, rules=1, agents=1, clients=1, jobs=300)
    estate = make(tiny)
    list(live(estate, 20, DAY))
    assert 0.4 < estate.used_ratio(APEX) < 0.8


def test_a_plan_keeps_on_average_what_its_rule_says():
    """A week's cycle of ten units lives 20 days at 14 days and 1 cycle, and its copy holds about two and a half."""
    estate = make()
    copy = next(copy for copy in estate.copies.values() if copy.rule == Rule(14, 1) and copy.plan.full_every == 7)
    assert copy.rule.life_days(7) == 21
    assert Rule(3, 3).life_days(7) == 22
    assert copy.cycle_units == FULL_WEIGHT + 6
    held = []
    for _ in live(estate, 70, DAY):
        held.append(sum(cycle.size for cycle in copy.cycles) / copy.unit)
    assert sum(held) / len(held) == pytest.approx(copy.units_alive(), rel=0.1)


def test_the_partitions_of_a_store_add_up():
    estate = make(at=MIDNIGHT + 13 * HOUR)
    for store in estate.stores:
        parts = partitions_of(store)
        assert len(parts) == len(store.pool.spec.agents)
        assert sum(part.pending_records(estate.time) for part in parts) == store.pending(estate.time)[1]
        assert all(part.free_bytes(estate.time) > 0 for part in parts)
        assert all(100 < part.query_microseconds(estate.time, 1) < 2000 for part in parts)
