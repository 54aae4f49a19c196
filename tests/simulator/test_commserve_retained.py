"""Jobs of a copy, as GET /V4/Plan/BackupDestination/{}/Jobs tells them."""

import pytest

from exporter.simulator.sizes import DAY, HOUR, MIB

from .commserve_client import Client

EVER = "view=custom&agedData=2&startTime=1"


def jobs(client, copy, query=EVER):
    return client.get(f"V4/Plan/BackupDestination/{copy}/Jobs?{query}")["jobs"]


def copy_with(estate, **wanted):
    return next(
        copy.id
        for plan in estate.landscape.plans
        for copy in plan.copies
        if copy.active and all(getattr(copy, name) == value for name, value in wanted.items())
    )


def by_reason(rows):
    found = {}
    for row in rows:
        found.setdefault(row["retentionReason"], []).append(row)
    return found


def test_a_copy_keeps_what_its_rule_keeps_and_the_newest_comes_first(client, estate):
    copy = estate.copies[2101]
    listed = jobs(client, 2101)
    starts = [row["startTime"] for row in listed]
    assert starts == sorted(starts, reverse=True)
    oldest = copy.cycles[0].full_at
    assert oldest - HOUR <= starts[-1] < oldest + 8 * HOUR
    assert listed[-1]["jobType"] == "Full"
    assert {row["isAged"] for row in listed} == {False}


def test_every_reason_is_one_that_the_rule_of_the_copy_gives(client, estate):
    days = by_reason(jobs(client, copy_with(estate, precedence=2, monthly_for_days=None)))
    assert set(days) == {"BASIC_DAYS"}
    last_aging_run = estate.time - 11 * HOUR
    assert all(row["retainUntil"] >= last_aging_run for row in days["BASIC_DAYS"])
    [endless] = by_reason(jobs(client, copy_with(estate, days=-1))).values()
    assert {(row["retainUntil"], row["retentionReason"]) for row in endless} == {(-1, "INFINITE")}
    assert {(row["retainedBy"], row["strRetainedBy"]) for row in endless} == {(1, "Basic Retention")}


def test_what_its_days_let_go_waits_for_cycles(client, estate):
    plan = next(plan for plan in estate.landscape.plans if plan.name == "Short")
    estate.copies[plan.copies[0].id].demand_cycles(5)
    estate.clock.advance(21 * DAY)
    waiting = by_reason(jobs(client, plan.copies[0].id))["BASIC_CYCLES"]
    assert all(row["retainUntil"] < estate.time for row in waiting)


def test_a_night_is_not_copied_before_its_auxiliary_copy(client, estate):
    plan = next(plan for plan in estate.landscape.plans if sum(copy.active for copy in plan.copies) > 1)
    primary, secondary = (copy.id for copy in plan.copies[:2])
    uncopied = {row["jobId"] for row in by_reason(jobs(client, primary))["NOT_COPIED"]}
    running = {row["jobId"] for row in jobs(client, primary) if row["retentionReason"] == "JOBRUNNING"}
    assert uncopied
    assert not (uncopied | running) & {row["jobId"] for row in jobs(client, secondary)}
    estate.clock.advance(DAY / 2)
    assert not uncopied & {row["jobId"] for row in by_reason(jobs(client, primary)).get("NOT_COPIED", [])}
    assert uncopied <= {row["jobId"] for row in jobs(client, secondary)}


def test_the_first_full_of_a_month_is_kept_longer_by_an_extended_rule(client, estate):
    extended = by_reason(jobs(client, copy_with(estate, monthly_for_days=365)))["EXTENDED_RETENTION"]
    assert {(row["retainedBy"], row["strRetainedBy"]) for row in extended} == {(2, "Extended Retention")}
    assert {row["jobType"] for row in extended} <= {"Full", "Synthetic Full"}
    assert {row["retainUntil"] - row["startTime"] for row in extended} == {365 * DAY}


def test_what_failed_is_on_no_copy_and_what_is_inactive_has_nothing(client, estate):
    assert not {"Failed", "Killed"} & {row["status"] for copy in estate.copies for row in jobs(client, copy)}
    idle = next(copy.spec.id for copy in estate.copies.values() if not copy.spec.active)
    assert jobs(client, idle) == []


def test_the_jobs_are_those_of_the_history(client, estate):
    for row in jobs(client, 2101)[:50]:
        [told] = client.get(f"Job/{row['jobId']}")["jobs"]
        summary = told["jobSummary"]
        assert (row["startTime"], row["status"]) == (summary["jobStartTime"], summary["status"])
        assert (row["dataWritten"], row["server"]["name"]) == (
            summary["sizeOfMediaOnDisk"],
            summary["subclient"]["clientName"],
        )
        assert summary["isAged"] is row["isAged"] is False


def test_what_has_aged_is_listed_until_it_is_pruned(client, clock, estate):
    kept = {row["jobId"] for row in jobs(client, 2101)}
    estate.tell("pruning_stopped", estate.landscape.pools[0].name)
    clock.advance(8 * DAY)
    aged = {row["jobId"] for row in jobs(client, 2101, "view=custom&agedData=1&startTime=1")}
    assert aged
    assert aged < kept
    assert aged.isdisjoint(row["jobId"] for row in jobs(client, 2101, "view=custom&agedData=0&startTime=1"))
    assert aged <= {row["jobId"] for row in jobs(client, 2101)}
    [told] = client.get(f"Job/{min(aged)}")["jobs"]
    assert told["jobSummary"]["isAged"] is True

    estate.end("pruning_stopped", estate.landscape.pools[0].name)
    clock.advance(5 * DAY)
    assert aged.isdisjoint(row["jobId"] for row in jobs(client, 2101))


def test_what_is_listed_as_aged_is_of_the_size_that_waits(client, clock, estate):
    """The rest of what waits are log backups, and the newest day of a pool that is being pruned."""
    pool = estate.landscape.pools[0]
    estate.tell("pruning_stopped", pool.name)
    clock.advance(10 * DAY)
    copies = [copy.id for plan in estate.landscape.plans for copy in plan.copies if copy.pool_id == pool.id]
    query = "view=custom&agedData=1&startTime=1"
    listed = sum(row["dataWritten"] for copy in copies for row in jobs(client, copy, query))
    waiting, _ = estate.pool(pool.name).pending_at(estate.time)
    assert MIB < listed < waiting
    assert listed > waiting / 3


@pytest.mark.parametrize(("view", "days"), [("last24Hours", 1), ("lastWeek", 7), ("lastMonth", 30)])
def test_a_view_is_a_time(client, estate, view, days):
    everything = [row for row in jobs(client, 2101) if row["startTime"] >= estate.time - days * DAY]
    assert jobs(client, 2101, f"view={view}") == everything


def test_without_a_view_only_a_day_is_told(client):
    assert jobs(client, 2101, "agedData=2") == jobs(client, 2101, "view=last24Hours&agedData=2")
    assert len(jobs(client, 2101, "agedData=2")) < len(jobs(client, 2101))


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_newer_releases_know_the_call_and_old_ones_do_not(make, generation):
    assert jobs(Client(make(generation=generation)), 2101)
    assert Client(make(generation="v2")).ask("V4/Plan/BackupDestination/2101/Jobs").status == 404


def test_an_unknown_copy_and_an_unknown_view_are_said_to_be(client):
    assert client.ask("V4/Plan/BackupDestination/9/Jobs").status == 404
    assert client.ask("V4/Plan/BackupDestination/2101/Jobs?view=lastDecade").status == 400
