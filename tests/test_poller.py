"""When collectors are polled, with the real scheduler; nothing waits longer than the scheduler needs to wake up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from exporter.errors import SourceUnreachable
from exporter.model import Pool
from exporter.poller import Poller
from exporter.watch import Watch
from tests.conftest import FakeSource, House, fake_source
from tests.inventories import AT
from tests.servers import wait_until

GOLD = Pool(kind="commvault", name="Gold", capacity_bytes=100.0, free_bytes=25.0)


class Clock:
    """Stands still until it is turned."""

    now = AT

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def poller(house: House, clock: Clock) -> Iterator[Poller]:
    poller = Poller(house.board, clock=clock)
    yield poller
    poller.stop()


def polled(source: FakeSource, collector: str = "pools") -> int:
    return [name for name, _ in source.polls].count(collector)


def source_named(name: str, answers: dict[str, Any] | None = None, **given: Any) -> FakeSource:
    return fake_source(answers or {"pools": (GOLD,)}, name=name, **given)


def test_every_collector_is_polled_at_the_start_and_then_the_exporter_is_ready(house: House, poller: Poller) -> None:
    sources = [source_named("cs01", {"pools": (GOLD,), "jobs": SourceUnreachable("no answer")}), source_named("cs02")]
    watches = [house.watch(source) for source in sources]
    assert not poller.healthy
    poller.start(watches)
    wait_until(lambda: poller.ready, "every collector was tried")
    assert poller.healthy
    assert [(s.source, s.collector, s.success) for s in poller.states()] == [
        ("cs01", "anomalies", True), ("cs01", "forecasts", True), ("cs01", "jobs", False), ("cs01", "pools", True),
        ("cs01", "space", True), ("cs02", "forecasts", True), ("cs02", "pools", True), ("cs02", "space", True),
    ]  # fmt: skip
    assert set(poller.ups()) == {"cs01", "cs02"}
    assert [s.last_poll_at for s in poller.states()] == [AT] * 8


def test_a_collector_is_polled_again_after_its_interval_and_the_state_says_when(house: House, poller: Poller) -> None:
    often, rarely = source_named("cs01", interval=0.05), source_named("cs02")
    poller.start([house.watch(often), house.watch(rarely)])
    wait_until(lambda: polled(often) >= 3, "a third poll")
    assert polled(rarely) == 1
    [state] = [s for s in poller.states() if (s.source, s.collector) == ("cs02", "pools")]
    assert state.next_poll_at is not None
    assert 3000 < state.next_poll_at - time.time() < 3600 + 30 + 1


def test_a_poll_still_running_is_not_doubled(house: House, poller: Poller) -> None:
    release = threading.Event()
    source = source_named("cs01", {"pools": lambda: release.wait(10) and (GOLD,)}, interval=0.02)
    poller.start([house.watch(source)])
    wait_until(lambda: polled(source) == 1, "the first poll")
    poller.poll_now("cs01", "pools")
    time.sleep(0.1)
    assert polled(source) == 1
    release.set()
    wait_until(lambda: polled(source) >= 2, "the next poll")


def test_a_source_that_hangs_changes_nothing_about_the_others(house: House, poller: Poller, clock: Clock) -> None:
    release = threading.Event()
    hanging = source_named(
        "hang", {name: lambda: release.wait(10) and (GOLD,) for name in ("pools", "jobs")}, interval=60.0
    )
    good = source_named("good", interval=0.05)
    poller.start([house.watch(hanging), house.watch(good)])
    wait_until(lambda: len(hanging.polls) == 2, "both polls hang")
    clock.now = AT + 61
    before = polled(good)
    wait_until(lambda: polled(good) >= before + 3, "three more polls of the other")
    newest = {s.collector: s.last_success_at for s in poller.states() if s.source == "good"}
    assert newest["pools"] == AT + 61
    wait_until(lambda: not any(s.success for s in poller.states() if s.source == "hang" and s.collector == "pools")
               and poller.ups()["hang"] is False, "the heartbeat sees that it hangs")  # fmt: skip
    assert poller.ups()["good"] is True
    assert poller.healthy
    assert 'ebbtide_pool_free_bytes{source="good"' in house.page(clock.now)
    release.set()


def test_a_poll_can_be_brought_forward(house: House, poller: Poller) -> None:
    source = source_named("cs01", {"pools": (GOLD,), "jobs": (GOLD,)})
    poller.start([house.watch(source)])
    wait_until(lambda: poller.ready, "the first polls")
    # A poll that has told its result may still count as running for a moment, and is not doubled.
    wait_until(lambda: poller.poll_now("cs01", "pools") and polled(source) >= 2, "the poll now")
    assert polled(source, "jobs") == 1
    assert poller.poll_now("cs01") == ["pools", "jobs", "forecasts", "space", "anomalies"]
    wait_until(lambda: polled(source, "jobs") == 2, "the polls now")


def test_what_cannot_be_polled_is_named(house: House, poller: Poller) -> None:
    poller.start([house.watch(source_named("cs01"))])
    with pytest.raises(KeyError, match="cs09"):
        poller.poll_now("cs09")
    with pytest.raises(KeyError, match="tapes"):
        poller.poll_now("cs01", "tapes")


def test_a_reload_keeps_what_has_not_changed_and_its_knowledge(house: House, poller: Poller) -> None:
    kept, gone, changed = source_named("kept"), source_named("gone"), source_named("changed")
    watches = {source.name: house.watch(source) for source in (kept, gone, changed)}
    poller.start(watches.values())
    wait_until(lambda: poller.ready, "the first polls")
    polls = len(kept.polls)
    again, new = source_named("changed", {"pools": (replace(GOLD, free_bytes=7.0),)}), source_named("new")
    poller.replace([watches["kept"], house.watch(again), house.watch(new)])
    assert [(one.name, one.closed) for one in (kept, gone, changed)] == [
        ("kept", False), ("gone", True), ("changed", True),
    ]  # fmt: skip
    wait_until(lambda: poller.ready, "the first polls of the new")
    assert len(kept.polls) == polls
    assert set(poller.ups()) == {"kept", "changed", "new"}
    page = house.page(AT)
    assert 'source="gone"' not in page
    assert 'ebbtide_pool_free_bytes{source="changed",kind="commvault",pool="Gold"} 7\n' in page
    assert 'ebbtide_pool_free_bytes{source="kept",kind="commvault",pool="Gold"} 25\n' in page
    assert {s.source for s in poller.states()} == {"kept", "changed", "new"}


def test_a_watch_that_was_made_but_not_taken_shows_nothing(house: House, poller: Poller) -> None:
    """A reload makes the new watches, finds that a later source is wrong, and must leave all as it was."""
    poller.start([house.watch(source_named("cs01"))])
    wait_until(lambda: poller.ready, "the first polls")
    before = poller.states()
    house.watch(source_named("cs01"))
    house.watch(source_named("cs02"))
    assert [replace(s, next_poll_at=None) for s in poller.states()] == [replace(s, next_poll_at=None) for s in before]


def test_a_source_that_hangs_can_be_replaced_and_never_shows_again(house: House, poller: Poller) -> None:
    asked, release = threading.Event(), threading.Event()

    def hang() -> Any:
        asked.set()
        release.wait(10)
        return (replace(GOLD, free_bytes=99.0),)

    old = house.watch(source_named("cs01", {"pools": hang}))
    poller.start([old])
    asked.wait(10)
    poller.replace([house.watch(source_named("cs01"))])
    wait_until(lambda: poller.ready, "the first polls of the new")
    release.set()
    wait_until(lambda: not running(old), "the old poll has ended")
    assert 'pool="Gold"} 25\n' in house.page(AT)
    assert 'pool="Gold"} 99\n' not in house.page(AT)


def running(watch: Watch) -> bool:
    return any(state.running_since is not None for state in watch._states.values())


def test_stopping_closes_the_sources_and_waits_for_nobody(house: House, clock: Clock) -> None:
    asked, release = threading.Event(), threading.Event()

    def hang() -> Any:
        asked.set()
        release.wait(10)
        return ()

    source = source_named("cs01", {"pools": hang})
    poller = Poller(house.board, clock=clock)
    poller.start([house.watch(source)])
    asked.wait(10)
    started = time.monotonic()
    poller.stop()
    assert time.monotonic() - started < 2
    assert source.closed
    assert not poller.healthy
    release.set()
    poller.stop()
