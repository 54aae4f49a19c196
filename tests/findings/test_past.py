"""What needs the ledger: cycles replayed, and used space from one look to the next."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from exporter.findings import Findings
from exporter.findings.past import analyse_cycles, observe_space
from exporter.history.ledger import Ledger
from exporter.model import (
    DAY,
    GIBIBYTE,
    HOUR,
    Copy,
    DedupStore,
    Inventory,
    Job,
    Plan,
    Plans,
    Pool,
    RetentionRule,
    State,
)
from tests.inventories import AT

APEX = Pool(kind="commvault", name="Apex GDP", id="1", capacity_bytes=100.0 * GIBIBYTE, free_bytes=40.0 * GIBIBYTE)
STORE = DedupStore(id="60", name="Apex_60", pool="Apex GDP", pool_id="1", pending_deletes=1000.0)
TWO_CYCLES = RetentionRule(rule="basic", retention_seconds=14 * DAY, cycles=2.0, aging_enabled=True)


@pytest.fixture
def state() -> Iterator[State]:
    ledger = Ledger("sqlite://")
    yield ledger.state("cs01")
    ledger.close()


def weeks_of_backups(weeks: int, failing_for: int = 0) -> list[Job]:
    """A full each week, incrementals on the other days; of the last fulls so many failed."""
    jobs = []
    for day in range(7 * weeks):
        started = AT - (7 * weeks - day) * DAY
        full = day % 7 == 0
        failed = full and day >= 7 * (weeks - failing_for)
        jobs.append(
            Job(
                id=day + 1, operation="backup_full" if full else "backup_incremental",
                result="failed" if failed else "success", started_at=started, ended_at=started + HOUR,
                client="c1", subclient="default", policy_id="3", media_bytes=10.0,
            )
        )  # fmt: skip
    return jobs


def rules(rule: RetentionRule = TWO_CYCLES) -> Findings:
    copy = Copy(id="5", name="Primary", pool_id="1", rules=(rule,))
    plans = Plans(plans=(Plan(id="4", name="Gold", policy_id="3", copies=(copy,)),))
    return Findings("cs01", Inventory(plans=plans), AT)


def test_the_jobs_of_the_ledger_say_how_long_data_lives(state: State) -> None:
    state.add_jobs(weeks_of_backups(12))
    analysis = analyse_cycles(rules().rules, "vendor", state, AT)
    [fulls], [replay] = analysis.policies, analysis.replays
    assert (fulls.policy_id, fulls.full_interval_seconds) == ("3", 7 * DAY)
    assert (replay.copy_id, replay.latest_seconds) == ("5", 20 * DAY)
    assert replay.one_cycle is not None
    assert replay.one_cycle.full_sooner_seconds == 0.0


def test_fulls_that_fail_let_data_live_longer_with_every_day(state: State) -> None:
    state.add_jobs(weeks_of_backups(12, failing_for=5))
    [replay] = analyse_cycles(rules().rules, "vendor", state, AT).replays
    assert (replay.latest_seconds or 0) > 35 * DAY
    assert replay.blocked_by_missing_fulls == 1


def test_a_rule_that_keeps_a_number_of_jobs_is_not_replayed(state: State) -> None:
    by_jobs = replace(TWO_CYCLES, retention_seconds=None, cycles=None)
    assert analyse_cycles(rules(by_jobs).rules, "vendor", state, AT).replays == ()


def test_space_that_falls_between_two_looks_was_reclaimed(state: State) -> None:
    observe_space("commvault", [APEX], (), state, AT)
    freer = replace(APEX, free_bytes=50.0 * GIBIBYTE)
    [space] = observe_space("commvault", [freer], (), state, AT + HOUR)
    assert (space.reclaimed_bytes, space.ingested_bytes) == (10.0 * GIBIBYTE, 0.0)
    assert (space.last_prune_at, space.prune_days_30d, space.observed_days_30d) == (AT + HOUR, 1, 1)


def test_pending_deletes_that_fall_are_pruning_even_when_no_space_is_freed(state: State) -> None:
    def look(store: DedupStore, at: float) -> float | None:
        found = Findings("cs01", Inventory(pools=(APEX,), dedup_stores=(store,)), at)
        [space] = observe_space("commvault", found.pools, found.dedup_stores, state, at)
        return space.last_prune_at

    assert look(STORE, AT) is None
    assert look(replace(STORE, pending_deletes=None), AT + HOUR) is None
    assert look(replace(STORE, pending_deletes=400.0), AT + 2 * HOUR) == AT + 2 * HOUR


def test_an_offline_pool_keeps_what_was_seen_of_it(state: State) -> None:
    observe_space("commvault", [APEX], (), state, AT)
    [space] = observe_space("commvault", [replace(APEX, free_bytes=None)], (), state, AT + HOUR)
    assert (space.reclaimed_bytes, space.last_prune_at) == (0.0, None)


def test_a_memory_that_cannot_be_read_is_begun_anew_and_said(state: State, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    state.put("space", "{broken")
    [space] = observe_space("commvault", [APEX], (), state, AT)
    assert space.reclaimed_bytes == 0.0
    assert "begun anew" in caplog.text
