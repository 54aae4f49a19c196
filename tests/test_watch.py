"""What a poll does with what a source says, or does not say."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from exporter.errors import ConfigError, HistoryError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.history import Sample, Series
from exporter.model import (
    DAY,
    HOUR,
    Collector,
    Copy,
    CycleAnalysis,
    Group,
    JobHistory,
    OperationJobs,
    Plan,
    Plans,
    PolicyFulls,
    Pool,
    RetentionRule,
)
from exporter.watch import Watch
from tests.conftest import House, fake_source
from tests.inventories import AT

GOLD = Pool(kind="commvault", name="Gold", id="1", capacity_bytes=100.0, free_bytes=25.0, status="online")
RULE = RetentionRule(rule="basic", retention_seconds=14 * DAY, cycles=2.0, aging_enabled=True)


def plans(rule: RetentionRule) -> Plans:
    copy = Copy(id="5", name="Primary", rules=(rule,))
    return Plans(plans=(Plan(id="4", name="Gold", policy_id="3", copies=(copy,)),))


WEEKLY = CycleAnalysis(
    (PolicyFulls(policy_id="3", full_interval_seconds=7 * DAY, last_incremental_gap_seconds=DAY),), ()
)
JOBS = JobHistory(
    operations=(
        OperationJobs(operation="Backup", running=1, finished_24h=10, failed_24h=2, last_success_at=AT,
                      last_completion_at=AT, last_duration_seconds=9.0),
    ),
)  # fmt: skip


def value(house: House, series: str, at: float = AT) -> float | None:
    """The number behind a series such as `ebbtide_source_up{source="cs01"}`."""
    found = [line for line in house.page(at).splitlines() if line.startswith(f"{series} ")]
    return float(found[0].rpartition(" ")[2]) if found else None


def success(house: House, collector: str = "pools") -> float | None:
    return value(house, f'ebbtide_collector_success{{source="cs01",collector="{collector}"}}')


def up(house: House) -> float | None:
    return value(house, 'ebbtide_source_up{source="cs01"}')


def free(house: House, at: float = AT) -> float | None:
    return value(house, 'ebbtide_pool_free_bytes{source="cs01",kind="commvault",pool="Gold"}', at)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


@pytest.fixture
def answers() -> dict[str, Any]:
    return {"pools": (GOLD,)}


@pytest.fixture
def watch(house: House, answers: dict[str, Any]) -> Watch:
    return house.watch(fake_source(answers))


# One poll


def test_a_poll_shows_what_the_source_said_and_that_it_went_well(house: House, watch: Watch) -> None:
    state = watch.poll("pools", AT)
    assert (state.success, state.error, state.objects) == (True, "", 1)
    assert (state.last_poll_at, state.last_success_at, state.running_since) == (AT, AT, None)
    assert free(house) == 25
    assert (success(house), up(house)) == (1, 1)
    labels = '{source="cs01",collector="pools"}'
    assert value(house, f"ebbtide_collector_objects{labels}") == 1
    assert value(house, f"ebbtide_collector_interval_seconds{labels}") == 3600
    assert value(house, f"ebbtide_collector_last_success_timestamp_seconds{labels}") == AT
    duration = value(house, f"ebbtide_collector_duration_seconds{labels}")
    assert duration is not None
    assert 0 <= duration < 1


def test_a_source_is_there_before_its_first_poll(house: House, watch: Watch) -> None:
    assert house.board.states() == []
    watch.announce()
    assert [s.success for s in house.board.states()] == [None, None, None]
    assert 'ebbtide_source_info{source="cs01",kind="commvault",endpoint_host="cs01.example.com"' in house.page(AT)
    assert (success(house), up(house), watch.tried) == (None, None, False)


def test_a_poll_knows_when_the_last_one_succeeded_and_what_was_remembered(
    house: House, answers: dict[str, Any]
) -> None:
    source = fake_source(answers)
    watch = house.watch(source)
    watch.poll("pools", AT)
    answers["pools"] = SourceUnreachable("no answer")
    watch.poll("pools", AT + 10)
    watch.poll("pools", AT + 20)
    assert [(poll.at, poll.since) for name, poll in source.polls] == [(AT, None), (AT + 10, AT), (AT + 20, AT)]
    source.polls[0][1].state.put("token", "t")
    assert source.polls[-1][1].state.get("token") == "t"


def test_a_state_shows_that_a_poll_is_running(house: House) -> None:
    seen: list[float | None] = []

    def answer() -> tuple[Pool, ...]:
        seen.extend(state.running_since for state in house.board.states() if state.collector == "pools")
        return (GOLD,)

    house.watch(fake_source({"pools": answer})).poll("pools", AT)
    assert seen == [AT]


@pytest.mark.parametrize(
    ("answer", "reason", "error", "is_up"),
    [
        (SourceUnreachable("GET /Pool: no answer in time"), "unreachable", "GET /Pool: no answer in time", 0),
        (SourceGarbled("GET /Pool: no field x"), "garbled", "GET /Pool: no field x", 1),
        (SourceRefused("GET /Pool: refused (403)"), "refused", "GET /Pool: refused (403); needed: View on pools", 1),
        (ConfigError("secret file /x is empty"), "config", "secret file /x is empty", 0),
        (HistoryError("ledger cannot be written"), "store", "ledger cannot be written", None),
        (KeyError("hunter2"), "bug", "unexpected KeyError, see the log", 1),
    ],
    ids=["unreachable", "garbled", "refused", "config", "store", "bug"],
)
def test_a_failed_poll_says_why_in_one_line_and_is_counted(
    house: House, watch: Watch, answers: dict[str, Any], answer: Exception, reason: str, error: str, is_up: float | None
) -> None:
    answers["pools"] = answer
    state = watch.poll("pools", AT)
    assert (state.success, state.reason, state.error) == (False, reason, error)
    assert (state.last_poll_at, state.last_success_at, state.objects) == (AT, None, None)
    assert (success(house), up(house)) == (0, is_up)
    assert house.counted("ebbtide_collector_failures_total", source="cs01", collector="pools", reason=reason) == 1


def test_a_refused_login_does_not_ask_for_a_permission(watch: Watch, answers: dict[str, Any]) -> None:
    answers["pools"] = SourceRefused("POST /Login: refused (401)")
    answers["pools"].contact = False
    state = watch.poll("pools", AT)
    assert state.error == "POST /Login: refused (401)"
    assert watch.up is False


def test_a_store_that_fails_says_nothing_about_the_source(house: House, watch: Watch, answers: dict[str, Any]) -> None:
    watch.poll("pools", AT)
    answers["pools"] = HistoryError("ledger cannot be read")
    watch.poll("pools", AT)
    assert (success(house), up(house)) == (0, 1)


def test_a_bug_is_logged_with_its_traceback_and_the_next_poll_is_as_any_other(
    house: House, watch: Watch, answers: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    answers["pools"] = (GOLD, "no pool at all")
    assert watch.poll("pools", AT).reason == "bug"
    assert "Traceback" in caplog.text
    assert watch.poll("pools", AT).objects is None
    answers["pools"] = (GOLD,)
    assert watch.poll("pools", AT).success
    assert free(house) == 25


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

        def ranges(self, *_: object) -> dict[tuple[str, ...], Series]:
            watch.mark_overdue(AT + DAY)
            raise HistoryError("too slow")

        def close(self) -> None: ...

    house.history = Slow()  # type: ignore[assignment]
    watch = house.watch(fake_source(answers))
    watch.poll("pools", AT)
    assert (up(house), success(house), success(house, "forecasts")) == (1, 1, 0)


# History and forecasts


def test_sizes_are_remembered_and_only_of_what_was_polled(house: House) -> None:
    watch = house.watch(fake_source({"pools": (GOLD,), "jobs": JOBS}))
    watch.poll("pools", AT)
    watch.poll("jobs", AT + HOUR)
    labels = {"source": "cs01", "kind": "commvault", "pool": "Gold"}
    kept = house.history.range("ebbtide_pool_free_bytes", labels, AT - 60, AT + DAY, 60.0)
    assert (kept.timestamps.tolist(), kept.values.tolist()) == ([AT], [25.0])


def test_the_first_sizes_are_forecast_at_once(house: House, watch: Watch) -> None:
    """From what earlier runs left in the history; without it the first forecast would be a quarter of an hour late."""
    for hour in range(24 * 20):
        labels = {"source": "cs01", "kind": "commvault", "pool": "Gold"}
        samples: list[Sample] = [
            ("ebbtide_pool_free_bytes", labels, 73.0 - hour / 10),
            ("ebbtide_pool_capacity_bytes", labels, 100.0),
        ]
        house.history.append(samples, AT - (480 - hour) * HOUR)
    watch.poll("forecasts", AT)
    assert success(house, "forecasts") == 1
    watch.poll("pools", AT)
    found = value(house, 'ebbtide_pool_time_to_full_seconds{source="cs01",kind="commvault",pool="Gold"}')
    assert found == pytest.approx(250 * HOUR, rel=0.01)


def test_a_source_without_sizes_has_no_forecasts(house: House) -> None:
    assert list(house.watch(fake_source({"jobs": JOBS})).collectors) == ["jobs"]


def test_a_history_that_fails_does_not_stop_the_polling(
    house: House, answers: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    class Full:
        broken = True

        def append(self, samples: Iterable[Sample], at: float) -> None:
            if self.broken:
                raise HistoryError("history cannot be written: disk is full")

        def ranges(self, *_: object) -> dict[tuple[str, ...], Series]:
            raise HistoryError("history cannot be read: disk is gone")

        def close(self) -> None: ...

    house.history = full = Full()  # type: ignore[assignment]
    watch = house.watch(fake_source(answers))
    for hour in range(3):
        assert watch.poll("pools", AT + hour * HOUR).success
    assert free(house) == 25
    assert house.counted("ebbtide_store_write_errors_total") == 3
    assert said(caplog).count(
        "ERROR cs01: history cannot be written: disk is full; polling goes on, these samples are lost to it"
    ) == 1  # fmt: skip
    assert success(house, "forecasts") == 0
    full.broken = False
    watch.poll("pools", AT + 3 * HOUR)
    full.broken = True
    watch.poll("pools", AT + 4 * HOUR)
    assert "\n".join(said(caplog)).count("disk is full") == 2


# What is published


def test_series_with_the_same_labels_are_left_out_counted_and_logged(
    house: House, watch: Watch, answers: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    twin = replace(GOLD, id="")
    answers["pools"] = (twin, twin)
    watch.poll("pools", AT)
    assert house.page(AT).count("\nebbtide_pool_free_bytes{") == 1
    assert house.counted("ebbtide_series_dropped_total", source="cs01", reason="duplicate") >= 4
    assert "series with the same labels were left out" in caplog.text


def test_new_groups_are_shown_at_once_and_change_no_history(house: House, watch: Watch) -> None:
    watch.poll("pools", AT)
    house.group_of = lambda source, pool: Group(business_unit="Finance")
    assert "Finance" not in house.page(AT)
    watch.publish_all(AT + 100)
    page = house.page(AT + 100)
    for info in ("ebbtide_pool_info", "ebbtide_source_info"):
        assert any("Finance" in line for line in page.splitlines() if line.startswith(info))
    labels = {"source": "cs01", "kind": "commvault", "pool": "Gold"}
    assert house.history.range("ebbtide_pool_free_bytes", labels, AT - 1, AT + 200, 1.0).timestamps.tolist() == [AT]


def test_a_closed_watch_leaves_nothing_behind(house: House, watch: Watch) -> None:
    watch.poll("pools", AT)
    watch.close()
    assert house.page(AT) == ""
    assert house.board.states() == []
    assert watch.source.closed  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "ends_with", [(GOLD, GOLD), SourceUnreachable("the exporter is stopping")], ids=["answer", "error"]
)
def test_a_poll_that_ends_after_its_watch_was_closed_shows_and_counts_nothing(
    house: House, ends_with: Any, caplog: pytest.LogCaptureFixture
) -> None:
    asked, release = threading.Event(), threading.Event()

    def hang() -> Any:
        asked.set()
        release.wait(10)
        return ends_with

    watch = house.watch(fake_source({"pools": hang}))
    thread = threading.Thread(target=watch.poll, args=("pools", AT))
    thread.start()
    asked.wait(5)
    watch.close()
    release.set()
    thread.join()
    assert house.page(AT) == ""
    assert house.board.states() == []
    assert said(caplog) == []
    sources = {
        sample.labels["source"]
        for metric in house.telemetry.registry.collect()
        for sample in metric.samples
        if "source" in sample.labels
    }
    assert sources == set()
