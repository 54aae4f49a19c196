"""What a poll does with what a source says, or does not say."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from exporter.errors import ConfigError, HistoryError, NotOffered, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.history import Sample, Series
from exporter.model import (
    DAY,
    HOUR,
    Group,
    JobHistory,
    OperationJobs,
    Pool,
)
from exporter.watch import Watch
from tests.conftest import House, fake_source
from tests.inventories import AT
from tests.watching import GOLD, free, said, success, up, value

JOBS = JobHistory(
    operations=(
        OperationJobs(operation="Backup", running=1, finished_24h=10, failed_24h=2, last_success_at=AT,
                      last_completion_at=AT, last_duration_seconds=9.0),
    ),
)  # fmt: skip


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


LACK = "GET /Thing: exists from release 12 on; this server is of release 11"


def test_what_a_source_does_not_offer_is_no_failure_and_no_success(
    house: House, watch: Watch, answers: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "exporter.watch")
    answers["pools"] = NotOffered(LACK)
    for hour in range(3):
        state = watch.poll("pools", AT + hour * HOUR)
        assert (state.success, state.reason, state.error) == (None, "not_offered", LACK)
        assert (state.last_poll_at, state.last_success_at, state.objects) == (AT + hour * HOUR, None, None)
    assert (success(house), up(house)) == (None, 1)
    counters = house.telemetry.registry.collect()
    assert [s for c in counters for s in c.samples if s.name == "ebbtide_collector_failures_total"] == []
    assert said(caplog) == [f"INFO cs01/pools: {LACK}"]


def test_a_source_that_does_not_offer_a_thing_has_been_tried(house: House) -> None:
    watch = house.watch(fake_source({"pools": (GOLD,), "jobs": NotOffered(LACK)}))
    for name in set(watch.collectors) - {"jobs"}:
        watch.poll(name, AT)
    assert not watch.tried
    watch.poll("jobs", AT)
    assert watch.tried
    assert (success(house), success(house, "jobs")) == (1, None)


def test_a_server_that_lost_a_thing_shows_the_last_of_it_until_that_has_expired(
    house: House, watch: Watch, answers: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "exporter.watch")
    watch.poll("pools", AT)
    answers["pools"] = NotOffered(LACK)
    watch.poll("pools", AT + HOUR)
    assert success(house) is None
    assert free(house, AT + 3 * HOUR - 1) == 25
    assert free(house, AT + 3 * HOUR) is None
    answers["pools"] = SourceUnreachable("no answer")
    watch.poll("pools", AT + 2 * HOUR)
    answers["pools"] = NotOffered(LACK)
    watch.poll("pools", AT + 3 * HOUR)
    answers["pools"] = (GOLD,)
    watch.poll("pools", AT + 4 * HOUR)
    assert (success(house), free(house, AT + 4 * HOUR)) == (1, 25)
    assert said(caplog) == [f"INFO cs01/pools: {LACK}", "WARNING cs01/pools: no answer", f"INFO cs01/pools: {LACK}"]


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
    assert list(house.watch(fake_source({"jobs": JOBS})).collectors) == ["jobs", "anomalies"]


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
    watch.announce()
    assert house.counted("ebbtide_series_dropped_total", source="cs01", reason="duplicate") == 0
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


@pytest.mark.parametrize("up", [True, False])
def test_what_is_asked_beside_the_source_says_nothing_of_whether_that_is_up(house: House, up: bool) -> None:
    answers: dict[str, Any] = {"pools": (GOLD,) if up else SourceUnreachable("GET /x: no answer"), "drop_file": None}
    source = fake_source(answers)
    source.collectors = tuple(replace(c, elsewhere=c.name == "drop_file") for c in source.collectors)
    watch = house.watch(source)
    watch.poll("drop_file", AT)
    assert watch.up is None
    watch.poll("pools", AT)
    for answer in (None, SourceUnreachable("/share/x.json: No such file or directory")):
        answers["drop_file"] = answer
        watch.poll("drop_file", AT)
        assert watch.up is up
