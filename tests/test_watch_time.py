"""What becomes of answers as time goes by: kept, expired, late, back again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from exporter.errors import HistoryError, SourceRefused, SourceUnreachable
from exporter.history import Sample, Series
from exporter.model import (
    DAY,
    HOUR,
    Collector,
    Copy,
    CycleAnalysis,
    Plan,
    Plans,
    PolicyFulls,
    Pool,
    RetentionRule,
)
from exporter.watch import Watch
from tests.conftest import House, fake_source
from tests.inventories import AT
from tests.watching import GOLD, free, said, success, up, value

RULE = RetentionRule(rule="basic", retention_seconds=14 * DAY, cycles=2.0, aging_enabled=True)


def plans(rule: RetentionRule) -> Plans:
    copy = Copy(id="5", name="Primary", rules=(rule,))
    return Plans(plans=(Plan(id="4", name="Gold", policy_id="3", copies=(copy,)),))


WEEKLY = CycleAnalysis(
    (PolicyFulls(policy_id="3", full_interval_seconds=7 * DAY, last_incremental_gap_seconds=DAY),), ()
)


# Time


def test_the_last_good_answer_stays_for_three_intervals_and_then_is_gone(
    house: House, watch: Watch, answers: dict[str, Any]
) -> None:
    watch.poll("pools", AT)
    answers["pools"] = SourceUnreachable("no answer")
    for hour in (1, 2):
        watch.poll("pools", AT + hour * HOUR)
        assert free(house, AT + hour * HOUR) == 25
    assert free(house, AT + 3 * HOUR - 1) == 25
    assert free(house, AT + 3 * HOUR) is None
    assert success(house) == 0


def test_one_good_poll_is_a_full_recovery(
    house: House, watch: Watch, answers: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "exporter.watch")
    watch.poll("pools", AT)
    answers["pools"] = SourceUnreachable("GET /Pool: no answer in time")
    for hour in range(1, 8):
        watch.poll("pools", AT + hour * HOUR)
    assert free(house, AT + 7 * HOUR) is None
    answers["pools"] = (replace(GOLD, free_bytes=20.0),)
    watch.poll("pools", AT + 8 * HOUR)
    assert free(house, AT + 8 * HOUR) == 20
    assert (success(house), up(house)) == (1, 1)
    # One line down and one up, however long it took.
    assert said(caplog) == ["WARNING cs01/pools: GET /Pool: no answer in time", "INFO cs01/pools: answers again"]


def test_the_first_poll_ever_is_logged_when_it_fails_and_not_when_it_succeeds(
    watch: Watch, answers: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "exporter.watch")
    watch.poll("forecasts", AT)
    assert said(caplog) == []
    answers["pools"] = SourceUnreachable("no answer")
    watch.poll("pools", AT)
    assert said(caplog) == ["WARNING cs01/pools: no answer"]


def test_a_collector_that_fails_costs_the_others_nothing(house: House) -> None:
    watch = house.watch(fake_source({"pools": (GOLD,), "jobs": SourceRefused("refused (403)")}))
    watch.poll("jobs", AT)
    watch.poll("pools", AT)
    assert free(house) == 25
    assert [success(house, name) for name in ("jobs", "pools")] == [0, 1]


def test_what_needs_two_collectors_is_computed_from_both_and_gone_with_the_first_that_expires(house: House) -> None:
    answers = {"plans": plans(RULE), "cycles": WEEKLY}
    source = fake_source(answers)
    rules, cycles = source.collectors
    source.collectors = (replace(rules, interval=DAY), replace(cycles, interval=300.0))
    watch = house.watch(source)

    def latest(at: float) -> float | None:
        labels = 'source="cs01",kind="commvault",plan="Gold",copy="Primary",rule="basic",bound="latest"'
        return value(house, f"ebbtide_retention_effective_seconds{{{labels}}}", at)

    watch.poll("plans", AT)
    assert latest(AT) is None
    watch.poll("cycles", AT)
    assert latest(AT) == 20 * DAY
    assert latest(AT + 899) == 20 * DAY
    assert latest(AT + 900) is None


def test_a_collector_that_has_expired_does_not_hide_what_the_others_say(house: House) -> None:
    """A plan that keeps by days alone needs no job history, and no outage of the jobs may take it away for good."""
    answers = {"plans": plans(replace(RULE, cycles=0.0)), "cycles": WEEKLY}
    source = fake_source(answers, interval=300.0)
    watch = house.watch(source)
    watch.poll("cycles", AT)
    watch.poll("plans", AT + 1000)
    labels = 'source="cs01",kind="commvault",plan="Gold",copy="Primary",rule="basic",bound="latest"'
    assert value(house, f"ebbtide_retention_effective_seconds{{{labels}}}", AT + 1001) == 14 * DAY
    assert value(house, f"ebbtide_retention_effective_seconds{{{labels}}}", AT + 1900) is None


def test_a_pool_that_is_gone_is_gone_at_once(house: House, watch: Watch, answers: dict[str, Any]) -> None:
    answers["pools"] = (GOLD, replace(GOLD, name="Silver", id="2"))
    watch.poll("pools", AT)
    answers["pools"] = answers["pools"][1:]
    watch.poll("pools", AT + 1)
    assert free(house, AT + 1) is None
    assert 'pool="Silver"' in house.page(AT + 1)


def test_an_answer_that_is_suddenly_empty_is_believed_when_what_was_known_has_expired(
    house: House, watch: Watch, answers: dict[str, Any]
) -> None:
    watch.poll("pools", AT)
    answers["pools"] = ()
    state = watch.poll("pools", AT + HOUR)
    assert (state.reason, state.error) == ("garbled", "the answer is empty, where the last one had 1 objects")
    assert free(house, AT + HOUR) == 25
    assert watch.poll("pools", AT + 3 * HOUR).success
    assert free(house, AT + 3 * HOUR) is None


# Overdue


def test_a_poll_that_does_not_end_is_a_failure_while_it_still_runs(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "exporter.watch")
    asked, release = threading.Event(), threading.Event()

    def hang() -> tuple[Pool, ...]:
        asked.set()
        release.wait(10)
        return (GOLD,)

    watch = house.watch(fake_source({"pools": hang}, interval=60.0))
    thread = threading.Thread(target=watch.poll, args=("pools", AT))
    thread.start()
    asked.wait(5)
    watch.mark_overdue(AT + 60)
    assert (success(house), up(house), watch.tried) == (None, None, False)
    watch.poll("forecasts", AT)
    watch.poll("space", AT)
    for _ in range(3):
        watch.mark_overdue(AT + 61)
    assert (success(house), up(house)) == (0, 0)
    assert watch.tried
    assert house.counted("ebbtide_collector_failures_total", source="cs01", collector="pools", reason="overdue") == 1
    release.set()
    thread.join()
    assert (success(house), up(house), free(house)) == (1, 1, 25)
    assert said(caplog) == [
        "WARNING cs01/pools: no answer after 60 s; the poll is still running",
        "INFO cs01/pools: answers again",
    ]


def test_a_collector_may_set_its_own_deadline(house: House, answers: dict[str, Any]) -> None:
    source = fake_source(answers)

    def late(_client: object, poll: object) -> tuple[Pool, ...]:
        watch.mark_overdue(AT + 5)
        seen.append(watch.up)
        watch.mark_overdue(AT + 11)
        seen.append(watch.up)
        return (GOLD,)

    seen: list[bool | None] = []
    source.collectors = (Collector("pools", late, 3600.0, deadline=10.0),)
    watch = house.watch(source)
    watch.poll("pools", AT)
    assert seen == [None, False]


def test_a_slow_forecast_is_no_sign_of_a_source_that_does_not_answer(house: House, answers: dict[str, Any]) -> None:
    class Slow:
        def append(self, samples: Iterable[Sample], at: float) -> None: ...

        def range(self, *_: object) -> Series:
            watch.mark_overdue(AT + DAY)
            raise HistoryError("too slow")

        def close(self) -> None: ...

    house.history = Slow()  # type: ignore[assignment]
    watch = house.watch(fake_source(answers))
    watch.poll("pools", AT)
    assert (up(house), success(house), success(house, "forecasts")) == (1, 1, 0)
