"""Plans, schedules, windows and the CommCell of a living CommServe, over real HTTP, in each of its releases."""

from __future__ import annotations

import pytest

from exporter.analysis.windows import blocked
from exporter.errors import SourceError
from exporter.model import DAY, HOUR, Poll
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.wire import Fault, Server
from exporter.sources.commvault import commcell, operation_windows, plans, schedules

from .conftest import AT

COLLECTORS = {module.__name__.rpartition(".")[2]: module.fetch for module in
              (plans, schedules, operation_windows, commcell)}  # fmt: skip


class Site:
    def __init__(self, make_client, state, size="small", **options):
        self.clock = Clock(AT, rate=0)
        self.estate = Estate(size, self.clock)
        self.server = Server(CommServe(self.estate, self.clock, access_token="example-access-token", **options)).start()
        self.make_client, self.state = make_client, state
        self.client = self.reconnect()

    def reconnect(self, **settings):
        self.client = self.make_client(url=self.server.url + "/commandcenter/api", **settings)
        return self.client

    def poll(self, collector):
        return COLLECTORS[collector](self.client, Poll(self.clock.now(), None, self.state))

    def asked(self):
        paths = [path.rpartition("/api/")[2].partition("?")[0] for _, path in self.server.requests]
        self.server.requests.clear()
        return paths


@pytest.fixture
def site(client, memory):
    sites = []

    def make(**options):
        sites.append(Site(client, memory, **options))
        return sites[-1]

    yield make
    for one in sites:
        one.server.stop()


def specs_of(one):
    return {(plan.name, copy.name): copy for plan in one.estate.landscape.plans for copy in plan.copies}


def copies_of(found):
    return {(plan.name, copy.name): copy for plan in found.plans for copy in plan.copies}


def days_of(copy):
    return {rule.rule: rule.retention_seconds / DAY for rule in copy.rules}


def expected_days(spec):
    basic = float("inf") if spec.days < 0 else spec.days
    return {"basic": basic} | ({"extended_1": spec.monthly_for_days} if spec.monthly_for_days else {})


@pytest.mark.parametrize("generation", ["v2", "v4"])
def test_plans_are_those_of_the_estate(site, generation):
    one = site(generation=generation)
    found = one.poll("plans")
    copies, specs = copies_of(found), specs_of(one)
    assert set(copies) == set(specs)
    for key, spec in specs.items():
        copy = copies[key]
        assert (copy.id, copy.pool_id, copy.active) == (str(spec.id), str(spec.pool_id), spec.active)
        assert days_of(copy) == expected_days(spec)
    assert [(p.id, p.policy_id, p.policy) for p in found.plans if p.copies] == [
        (str(p.id), str(p.policy_id), p.name) for p in one.estate.landscape.plans if p.copies
    ]
    assert sum(plan.clients for plan in found.plans) == one.estate.landscape.size.clients
    assert one.asked() == ["Plan"]


def test_where_plans_carry_no_storage_the_policies_are_asked(site):
    one = site(generation="v5")
    copies, specs = copies_of(one.poll("plans")), specs_of(one)
    assert set(copies) == set(specs)
    for key, spec in specs.items():
        [rule] = copies[key].rules
        assert rule.retention_seconds == expected_days(spec)["basic"] * DAY
        assert rule.cycles == (float("inf") if spec.cycles < 0 else spec.cycles)
        assert copies[key].pool_id == str(spec.pool_id)
    assert one.asked() == [
        "Plan",
        "V2/StoragePolicy",
        *[f"V2/StoragePolicy/{p.policy_id}" for p in one.estate.landscape.plans if p.copies],
    ]


def test_where_policies_are_refused_too_the_destinations_are_asked(site):
    one = site(generation="v5")
    one.server.application.deny("StoragePolicy")
    copies, specs = copies_of(one.poll("plans")), specs_of(one)
    assert set(copies) == set(specs)
    for key, spec in specs.items():
        assert days_of(copies[key]) == expected_days(spec)
        assert {rule.cycles for rule in copies[key].rules} == {None}
        assert copies[key].active is spec.active
    one.asked()
    one.poll("plans")
    assert not any("StoragePolicy" in path for path in one.asked())


def test_managed_disk_space_is_asked_copy_by_copy_when_it_is_wanted(site):
    one = site()
    assert {copy.managed_disk_space for copy in copies_of(one.poll("plans")).values()} == {None}
    one.reconnect(copy_details=True)
    found, specs = copies_of(one.poll("plans")), specs_of(one)
    assert {key: copy.managed_disk_space for key, copy in found.items()} == {
        key: spec.managed_disk_space for key, spec in specs.items()
    }


def test_a_retention_that_regresses_is_seen(site):
    one = site()
    one.poll("plans")
    one.estate.tell("retention_regressed", "Short")
    one.clock.advance(DAY)
    found = one.poll("plans")
    assert {change: count for change, count in found.changes.items() if count} == {("cycles", "longer"): 1}
    changed = [(p.name, c.name) for p in found.plans for c in p.copies for r in c.rules if r.changed_at]
    assert changed == [("Short", "Primary")]
    one.estate.end("retention_regressed", "Short")
    assert one.poll("plans").changes["cycles", "shorter"] == 1


@pytest.mark.parametrize("generation", ["v2", "v4", "v5"])
def test_schedules_are_those_of_the_plans(site, generation):
    one = site(generation=generation)
    found = {s.plan_id: s for s in one.poll("schedules")}
    assert set(found) == {str(plan.id) for plan in one.estate.landscape.plans}
    for plan in one.estate.landscape.plans:
        schedule = found[str(plan.id)]
        every = plan.full_every * DAY
        assert schedule.synthetic_full is plan.synthetic
        assert schedule.full_interval_seconds == (None if plan.synthetic else every)
        assert schedule.synthetic_full_interval_seconds == (every if plan.synthetic else None)


def test_a_window_that_closes_pruning_is_seen_while_it_is_open(site):
    one = site()
    assert one.poll("operation_windows") == ()
    times = {"startTime": 11 * 3600, "endTime": 13 * 3600, "dayOfWeek": [0], "weekOfTheMonth": [4]}
    one.estate.windows.append(
        {"ruleId": 7, "name": "closed", "operations": [131072], "startDate": 0, "endDate": 0, "dayTime": [times]}
    )
    windows = one.poll("operation_windows")
    [cell] = one.poll("commcell")
    # It is noon of the third Sunday of March.
    open_at = [blocked(windows, AT + hours * HOUR, cell.utc_offset_seconds) for hours in (-2, 0, 2, 24, 7 * 24)]
    assert open_at == [False, True, False, False, False]


def test_the_commcell_tells_its_release_and_its_licence(site):
    one = site()
    [cell] = one.poll("commcell")
    assert (cell.name, cell.version, cell.utc_offset_seconds) == ("cs01", "11.36.21", 0.0)
    assert cell.license_expires_at > AT
    [old] = site(generation="v2").poll("commcell")
    assert (old.version, old.license_expires_at) == ("11.36.21", None)


FAULTS = ("refuse", "500", "cut", "wrong_types", "wrong_lists", "html")


# The CommCell has no lists.
@pytest.mark.parametrize(
    ("name", "kind"), [(n, k) for n in COLLECTORS for k in FAULTS if (n, k) != ("commcell", "wrong_lists")]
)
def test_whatever_a_server_answers_is_a_source_error_and_no_rule_is_lost(site, name, kind):
    one = site()
    before = one.poll("plans")
    one.client._http._backoff = 0.0
    for path in ("Plan", "Schedules", "OpWindowList", "CommServ", "StoragePolicy", "License"):
        one.server.faults.add(Fault(kind, path))
    with pytest.raises(SourceError) as raised:
        one.poll(name)
    assert str(raised.value).startswith("GET /")

    one.server.faults.clear()
    assert one.poll(name) is not None
    assert one.poll("plans") == before
