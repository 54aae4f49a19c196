"""A living CommServe over real HTTP, of several releases, seen through the whole source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from exporter.errors import SourceError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.history.ledger import Ledger
from exporter.model import DAY, DEDUP_STORE_STATUSES, HOUR, MEBIBYTE, POOL_STATUSES, Inventory, Poll
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.history import FINISHED, JobQuery
from exporter.simulator.wire import Fault, Server
from exporter.sources.commvault import COLLECTORS, Commvault
from exporter.telemetry import Telemetry

from .conftest import AT

PASSWORD = "not-a-real-secret"
NAMES = [collector.name for collector in COLLECTORS]


class Site:
    """A simulated server and the source that reads it; both live by `clock`."""

    def __init__(self, settings, state, base="/commandcenter/api", settings_of_source=None, **options):
        self.clock = Clock(AT, rate=0)
        self.estate = Estate("small", self.clock)
        self.commserve = CommServe(self.estate, self.clock, **options)
        self.server = Server(self.commserve).start()
        self.source = Commvault(settings(url=self.server.url + base, **(settings_of_source or {})), Telemetry())
        self.state = state

    def poll(self, collector, since=None):
        [wanted] = [c for c in self.source.collectors if c.name == collector]
        return wanted.fetch(self.source.client, Poll(self.clock.now(), since, self.state))

    def asked(self):
        paths = [path.rpartition("/api/")[2] for _, path in self.server.requests]
        self.server.requests.clear()
        return paths

    def close(self):
        self.source.close()
        self.server.stop()


@pytest.fixture
def site(settings, account, monkeypatch, tmp_path) -> Iterator[Callable[..., Site]]:
    monkeypatch.setenv("CV_PASSWORD", PASSWORD)
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    sites: list[Site] = []

    def make(**options) -> Site:
        of_source = account | {"username": "svc-ebbtide"} | options.pop("settings_of_source", {})
        sites.append(Site(settings, ledger.state("cs01"), settings_of_source=of_source, **options))
        return sites[-1]

    yield make
    for one in sites:
        one.close()
    ledger.close()


@pytest.mark.parametrize("base", ["/commandcenter/api", "/webconsole/api"])
def test_every_collector_fills_its_field(site, base):
    one = site(base=base)
    inventory = Inventory()
    for name in NAMES:
        inventory = inventory.with_answer(name, one.poll(name), AT, AT + HOUR)

    assert all(getattr(inventory, name) is not None for name in NAMES)
    assert one.asked().count("Login") == 1


def test_pools_are_those_of_the_estate(site):
    one = site()
    pools = {pool.name: pool for pool in one.poll("pools")}
    assert len(pools) == len(one.estate.pools)
    assert {pool.status for pool in pools.values()} <= set(POOL_STATUSES)
    assert pools["Old SAN"].status == "offline"
    free = one.estate.free_bytes(one.estate.pool("Apex GDP"))
    assert pools["Apex GDP"].free_bytes == pytest.approx(free, abs=MEBIBYTE)
    shared = {name: pool.shared for name, pool in pools.items() if pool.shared}
    assert shared == {
        "Share North A": "Share North A",
        "Share North B": "Share North A",
        "Share North C": "Share North A",
        "Share South A": "Share South A",
        "Share South B": "Share South A",
    }


def test_savings_are_told_for_all_pools_that_deduplicate(site):
    reductions = {r.pool: r.dedup_ratio for r in site().poll("dedup_savings")}
    assert "Oracle" not in reductions
    assert {"Apex GDP", "S3 Archive", "HyperScale 01"} <= set(reductions)
    assert reductions["Apex GDP"] > 5
    assert min(reductions.values()) >= 1


def test_rules_are_those_of_the_plans(site):
    one = site()
    plans = one.poll("plans").plans
    basic = {(plan.name, copy.name): (plan, copy.rules[0]) for plan in plans for copy in plan.copies}
    specs = {(plan.name, copy.name): (plan, copy) for plan in one.estate.landscape.plans for copy in plan.copies}
    assert set(basic) == set(specs)
    for key, (spec, copy) in specs.items():
        plan, rule = basic[key]
        assert plan.policy_id == str(spec.policy_id)
        if copy.days >= 0:
            assert (rule.retention_seconds, rule.cycles) == (copy.days * DAY, copy.cycles)


def test_stores_and_agents_are_those_of_the_estate(site):
    one = site(ddb_pending_deletes=True)
    stores = one.poll("dedup_stores")
    assert [store.id for store in stores] == [str(store.id) for store in one.estate.stores]
    assert {store.status for store in stores} <= set(DEDUP_STORE_STATUSES)
    assert any(store.sealed_at for store in stores)
    assert all(store.pending_deletes is not None for store in stores)
    states = [(agent.online, agent.maintenance) for agent in one.poll("media_agents")]
    assert states[-2:] == [(None, True), (False, False)]


def test_libraries_lead_from_their_pools_to_their_agents(site):
    one = site()
    libraries = {library.id: library for library in one.poll("libraries")}
    for pool in one.poll("pools"):
        [library] = [libraries[library_id] for library_id in pool.library_ids]
        agents = {agent for path in library.mount_paths for agent in path.media_agents}
        assert agents == {agent.name for agent in one.estate.pool(pool.name).spec.agents}


def test_pruning_that_stopped_frees_nothing_on_any_mount_path(site):
    one = site()
    one.estate.tell("pruning_stopped", "Apex GDP")
    one.clock.advance(45 * DAY)
    [apex] = [library for library in one.poll("libraries") if library.name == "Apex GDP"]
    assert {path.freed_bytes_per_day for path in apex.mount_paths} == {0.0}
    assert all((path.written_bytes_per_day or 0) > 0 for path in apex.mount_paths)


def test_a_release_without_pending_deletes_shows_none(site):
    assert {store.pending_deletes for store in site().poll("dedup_stores")} == {None}


def test_a_dead_agent_takes_its_stores_along(site):
    one = site()
    dead = one.estate.pool("Apex GDP").spec.agents[0].name
    one.estate.tell("agent_dead", dead)
    assert [agent.online for agent in one.poll("media_agents") if agent.name == dead] == [False]
    assert {store.status for store in one.poll("dedup_stores") if store.pool == "Apex GDP"} == {"offline"}


def finished_ids(one, seconds):
    total, jobs = one.estate.jobs.page(JobQuery(seconds, FINISHED), one.clock.now(), 0, 100_000)
    assert len(jobs) == total
    return {job.id for job in jobs}


def test_the_whole_history_comes_over_many_pages(site):
    one = site(settings_of_source={"lookback": "35d"})
    history = one.poll("jobs")
    assert one.asked().count("Jobs") > 5
    assert {job.id for job in one.state.jobs(0)} == finished_ids(one, 35 * DAY)
    aging = next(o for o in history.operations if o.operation == "data_aging")
    assert aging.last_success_at is not None
    assert AT - aging.last_success_at < DAY + HOUR


def test_fulls_come_as_often_as_the_plans_say(site):
    one = site(settings_of_source={"lookback": "85d"})
    one.poll("jobs")
    backups = one.state.backups(0, AT)
    fulls = {}
    for of, at in zip(backups.series_of[backups.is_full], backups.started_at[backups.is_full], strict=True):
        fulls.setdefault(backups.series[of].policy_id, {}).setdefault(of, []).append(at)
    gaps = {
        policy: {b - a for times in starts.values() for a, b in pairwise(times)} for policy, starts in fulls.items()
    }
    plans = [plan for plan in one.estate.landscape.plans if plan.copies]
    assert set(gaps) == {str(plan.policy_id) for plan in plans}
    for plan in plans:
        assert list(gaps[str(plan.policy_id)]) == [pytest.approx(plan.full_every * DAY)]


def test_a_poll_after_the_first_asks_for_jobs_once(site):
    one = site()
    one.poll("jobs")
    one.asked()
    one.clock.advance(300)
    one.poll("jobs", since=AT)
    assert one.asked() == ["Jobs"]


def test_no_job_is_lost_while_the_list_moves(site):
    """Two hours of jobs begin and end while the first fill is read; the next poll has what slipped through."""
    one = site(settings_of_source={"lookback": "35d"})
    started = one.clock.now()
    one.clock.run(rate=20_000)
    one.poll("jobs")
    one.clock.run(rate=0)
    assert one.clock.now() > started + 60

    one.poll("jobs", since=started)
    held = {job.id for job in one.state.jobs(0)}
    passed = one.clock.now() - started
    assert finished_ids(one, 35 * DAY - passed) <= held


def test_an_older_release_is_read_by_its_own_names(site):
    one = site(generation="v2")
    agents = one.poll("media_agents")
    assert agents
    assert {agent.maintenance for agent in agents} == {None}
    one.asked()
    one.poll("media_agents")
    assert one.asked() == ["V2/MediaAgents"]
    with pytest.raises(SourceGarbled, match="has no V4 API"):
        one.poll("dedup_savings")


def test_behind_port_81_there_is_everything_but_v4(site):
    one = site(base="/SearchSvc/CVWebService.svc")
    for name in ("pools", "dedup_stores", "media_agents", "plans", "jobs"):
        assert one.poll(name)
    with pytest.raises(SourceGarbled, match="has no V4 API"):
        one.poll("dedup_savings")


def test_where_post_jobs_is_denied_get_job_has_the_same_jobs(site):
    one = site(settings_of_source={"lookback": "10d"})
    one.commserve.deny("Jobs")
    history = one.poll("jobs")
    assert {job.id for job in one.state.jobs(0)} == finished_ids(one, 10 * DAY)
    assert next(o for o in history.operations if o.operation == "data_aging").finished_24h == 1
    paths = one.asked()
    assert paths.count("Jobs") == 1
    assert paths.count("Job") > 1


def test_an_hour_of_idling_costs_one_login(site):
    one = site()
    one.poll("pools")
    one.clock.advance(HOUR)
    one.poll("pools")
    assert one.asked() == ["Login", "StoragePool", "StoragePool", "Login", "StoragePool"]


def test_an_access_token_is_taken_without_a_login(site, monkeypatch):
    account = {"username": None, "password": None, "token": {"env": "CV_TOKEN"}}
    one = site(settings_of_source=account, access_token="example-access-token")
    assert one.poll("pools")
    assert one.asked() == ["StoragePool"]


def test_a_wrong_password_does_not_lock_the_account(site, monkeypatch):
    one = site()
    monkeypatch.setenv("CV_PASSWORD", "wrong")
    for name in NAMES:
        with pytest.raises(SourceRefused, match="POST /Login"):
            one.poll(name)
    assert one.commserve.sessions.attempts == 1


DENIED = (
    "Storage", "Plan", "Qcommand", "Job", "MediaAgent", "Library", "CommServ", "OperationWindow", "Schedules",
    "datasets", "Alert", "Events",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_denied_endpoint_is_refused(site, name):
    one = site()
    one.commserve.deny(*DENIED)
    with pytest.raises(SourceRefused, match="access denied"):
        one.poll(name)


FAULTS = {
    "refuse": SourceUnreachable,
    "500": SourceUnreachable,
    "403": SourceRefused,
    "cut": SourceGarbled,
    "wrong_types": SourceGarbled,
    "wrong_lists": SourceGarbled,
    "html": SourceGarbled,
}


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_server_answers_is_one_of_three_errors(site, name, kind, monkeypatch):
    one = site(settings_of_source={"lookback": "2h"})
    one.poll(name)
    one.source.client._http._backoff = 0.0
    if (name, kind) in {("commcell", "wrong_lists"), ("events", "wrong_types")}:
        return
    one.server.faults.add(Fault(kind))
    with pytest.raises(SourceError) as raised:
        one.poll(name)
    assert isinstance(raised.value, FAULTS[kind])
    assert str(raised.value).startswith(("GET /", "POST /"))

    one.server.faults.clear()
    assert one.poll(name) is not None


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("jobs", "commcell", "service_level", "events")])
def test_an_empty_answer_is_an_empty_list(site, name):
    one = site()
    one.poll("pools")
    one.server.faults.add(Fault("empty"))
    assert len(one.poll(name)) == 0


def test_closing_ends_the_session_on_the_server(site):
    one = site()
    one.poll("pools")
    one.source.close()
    assert one.commserve.sessions.last_used == {}
