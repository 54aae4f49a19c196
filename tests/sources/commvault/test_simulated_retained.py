"""What the copies of a living CommServe keep, over real HTTP, and what a source makes of it."""

from __future__ import annotations

import pytest

from exporter.errors import SourceError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.http import UnexpectedStatus
from exporter.model import DAY, HOUR, Poll
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.history import FAILED
from exporter.simulator.retention import day_of
from exporter.simulator.wire import Fault, Server
from exporter.sources.commvault import jobs, retained_jobs

from .conftest import AT

REASONS = {"basic_days", "basic_cycles", "infinite", "extended_retention", "not_copied", "job_running"}


class Site:
    def __init__(self, make_client, state, **options):
        self.clock = Clock(AT, rate=0)
        self.estate = Estate("small", self.clock)
        self.server = Server(CommServe(self.estate, self.clock, access_token="example-access-token", **options)).start()
        self.client = make_client(url=self.server.url + "/commandcenter/api")
        self.state = state

    def poll(self, collector=retained_jobs):
        return collector.fetch(self.client, Poll(self.clock.now(), None, self.state))

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


@pytest.mark.parametrize("options", [{}, {"generation": "v5"}, {"xml": True}])
def test_every_copy_is_asked_in_any_release_that_knows_the_call(site, options):
    one = site(**options)
    one.clock.advance(11 * HOUR)
    found = {copy.copy_id: copy for copy in one.poll()}
    assert set(found) == {str(copy) for copy in one.estate.copies}
    assert {reason for copy in found.values() for reason in copy.jobs} <= REASONS
    for copy in one.estate.copies.values():
        told = found[str(copy.spec.id)]
        if not copy.spec.active:
            assert (told.jobs, told.aged_jobs) == ({}, 0)
        elif copy.rule.is_infinite:
            assert set(told.jobs) == {"infinite"}
        else:
            assert told.jobs["basic_days"] > 0
            assert told.bytes["basic_days"] > 0
        assert ("extended_retention" in told.jobs) <= (copy.spec.monthly_for_days is not None)
    assert sum(copy.jobs.get("extended_retention", 0) for copy in found.values()) > 0
    assert sum(copy.jobs.get("not_copied", 0) for copy in found.values()) > 0


def test_an_old_release_has_no_such_call(site):
    with pytest.raises(UnexpectedStatus, match="404"):
        site(generation="v2").poll()


def test_pruning_that_stopped_leaves_aged_jobs_on_the_copies_of_the_pool(site):
    one = site()
    pool = one.estate.pool("Apex GDP")
    there = {str(copy.spec.id) for copy in pool.copies}
    one.poll()
    one.estate.tell("pruning_stopped", "Apex GDP")
    one.clock.advance(10 * DAY)
    found = one.poll()
    waiting = sum(copy.aged_bytes for copy in found if copy.copy_id in there)
    pending, _ = pool.pending_at(one.clock.now())
    # The rest are log backups, which are on no list.
    assert pending / 3 < waiting < pending
    assert sum(copy.aged_jobs for copy in found if copy.copy_id in there) == sum(
        copy.aged_total_jobs for copy in found if copy.copy_id in there
    )


def test_the_ledger_knows_of_each_backup_whether_it_is_kept(site):
    one = site()
    one.poll(jobs)
    one.poll()
    one.clock.advance(9 * DAY)
    one.poll(jobs)
    one.poll()
    kept = {
        job.id
        for copy in one.estate.copies.values()
        if copy.spec.active
        for day in range(one.estate.jobs.numbering.first_day, day_of(one.clock.now()) + 1)
        if (copy.keeps(day) or copy.keeps_longer(day, one.clock.now()))
        for job in one.estate.jobs.of_plan(copy.plan, day, one.clock.now())
        if job.status not in FAILED
    }
    backups = list(one.state.jobs(0, operations=["backup_full", "backup_incremental", "backup_synthetic_full"]))
    told = [job for job in backups if job.aged is not None]
    assert len(told) > 0.9 * len(backups)
    assert {job.id for job in told if not job.aged} <= kept
    assert kept.isdisjoint(job.id for job in told if job.aged)
    assert sum(1 for job in told if job.aged) > 50


FAULTS = {
    "refuse": SourceUnreachable,
    "500": SourceUnreachable,
    "403": SourceRefused,
    "cut": SourceGarbled,
    "wrong_types": SourceGarbled,
    "wrong_lists": SourceGarbled,
    "html": SourceGarbled,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_a_server_answers_for_a_copy_is_one_of_three_errors(site, fault):
    one = site()
    one.client._http._backoff = 0.0
    one.poll()
    # The first copies are due, the list of them is not.
    one.clock.advance(12 * HOUR)
    one.server.faults.add(Fault(fault))
    one.asked()
    with pytest.raises(SourceError) as raised:
        one.poll()
    assert isinstance(raised.value, FAULTS[fault])
    assert str(raised.value).startswith(f"{retained_jobs.JOBS}: ")
    assert {path.rpartition("/")[2] for path in one.asked()} <= {"Jobs"}
    one.server.faults.clear()
    assert len(one.poll()) == 30


def test_a_denied_copy_is_refused(site):
    one = site()
    one.server.application.deny("BackupDestination")
    with pytest.raises(SourceRefused, match="access denied"):
        one.poll()
