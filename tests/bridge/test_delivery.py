"""What is queued is sent in order, as often as it takes, and nothing overtakes what is about the same object."""

from __future__ import annotations

import logging

import pytest

from exporter.bridge.delivery import Delivery, NotNow, Refused, Unreachable
from exporter.bridge.outbox import Message, Outbox
from exporter.bridge.telemetry import BridgeTelemetry
from tests.bridge.conftest import FakeReceiver, put
from tests.servers import wait_until


@pytest.fixture
def counters() -> BridgeTelemetry:
    return BridgeTelemetry()


def delivery(receiver: FakeReceiver, outbox: Outbox, counters: BridgeTelemetry) -> Delivery:
    return Delivery(receiver, outbox, counters, first_pause=0.01, longest_pause=0.02, clock=lambda: 5000.0)


def value(counters: BridgeTelemetry, name: str, **labels: str) -> float | None:
    return counters.registry.get_sample_value(f"ebbtide_bridge_{name}", {"receiver": "r", **labels})


def test_everything_is_sent_in_order(outbox: Outbox, counters: BridgeTelemetry) -> None:
    receiver = FakeReceiver()
    put(outbox, *map(str, range(250)))
    assert delivery(receiver, outbox, counters).round()
    assert receiver.taken == [*map(str, range(250))]
    assert outbox.length("r") == 0
    assert value(counters, "messages_sent_total") == 250
    assert value(counters, "last_success_timestamp_seconds") == 5000


def test_while_nobody_takes_anything_all_of_it_waits(outbox: Outbox, counters: BridgeTelemetry) -> None:
    down = [Unreachable("no answer")]
    receiver = FakeReceiver(trouble=lambda _: down[0] if down else None)
    put(outbox, "a", "b")
    sending = delivery(receiver, outbox, counters)
    assert not sending.round()
    assert (receiver.taken, outbox.length("r")) == ([], 2)
    assert value(counters, "send_failures_total") == 1
    assert value(counters, "queue_messages") == 2
    assert value(counters, "queue_oldest_timestamp_seconds") == 1000
    down.clear()
    assert sending.round()
    assert receiver.taken == ["a", "b"]
    assert value(counters, "queue_oldest_timestamp_seconds") == 0


def test_one_that_is_not_taken_holds_up_only_its_own_object(outbox: Outbox, counters: BridgeTelemetry) -> None:
    stuck = {"1"}
    receiver = FakeReceiver(trouble=lambda m: NotNow("busy") if m.body in stuck else None)
    put(outbox, "pool 1", "ddb 2", "pool 3", "ddb 4")
    sending = delivery(receiver, outbox, counters)
    assert not sending.round()
    assert receiver.taken == ["2", "4"]
    stuck.clear()
    assert sending.round()
    assert receiver.taken == ["2", "4", "1", "3"]


def test_one_that_will_never_be_taken_is_given_up_and_counted(outbox: Outbox, counters: BridgeTelemetry) -> None:
    receiver = FakeReceiver(trouble=lambda m: Refused("no such service") if m.body == "1" else None)
    put(outbox, "pool 1", "pool 2")
    assert delivery(receiver, outbox, counters).round()
    assert receiver.taken == ["2"]
    assert value(counters, "messages_dropped_total", reason="refused") == 1
    assert value(counters, "messages_dropped_total", reason="full") == 0


def test_what_was_sent_before_a_failure_is_not_sent_again(outbox: Outbox, counters: BridgeTelemetry) -> None:
    down = ["c"]
    receiver = FakeReceiver(trouble=lambda m: Unreachable("no answer") if m.body in down else None)
    put(outbox, "a", "b", "c")
    sending = delivery(receiver, outbox, counters)
    assert not sending.round()
    down.clear()
    assert sending.round()
    assert receiver.taken == ["a", "b", "c"]


def test_a_bug_loses_nothing_holds_up_its_object_alone_and_is_told_with_its_place(
    outbox: Outbox, counters: BridgeTelemetry, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = FakeReceiver(trouble=lambda m: ZeroDivisionError("oh") if m.body == "1" else None)
    put(outbox, "pool 1", "disk 2", "pool 3")
    assert not delivery(receiver, outbox, counters).round()
    assert [message.body for message in outbox.next("r")] == ["1", "3"]
    assert receiver.taken == ["2"]
    assert "r: a bug; what is known of pool waits in the queue" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert value(counters, "send_failures_total") == 1


def test_a_queue_that_cannot_be_written_is_told(
    outbox: Outbox, counters: BridgeTelemetry, caplog: pytest.LogCaptureFixture
) -> None:
    outbox._db.execute("create trigger no before delete on message begin select raise(fail, 'disk is full'); end")
    put(outbox, "a")
    assert not delivery(FakeReceiver(), outbox, counters).round()
    assert "r: the queue cannot be written: disk is full" in caplog.text


def test_a_receiver_that_falls_and_returns_is_one_line_each(
    outbox: Outbox, counters: BridgeTelemetry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    down = [True]
    receiver = FakeReceiver(trouble=lambda _: Unreachable("no answer") if down else None)
    put(outbox, "a")
    sending = delivery(receiver, outbox, counters)
    sending.round()
    sending.round()
    down.clear()
    sending.round()
    assert caplog.messages == ["r: no answer; messages wait in the queue", "r: takes messages again"]


def test_the_thread_sends_when_woken_and_tries_again_by_itself(outbox: Outbox, counters: BridgeTelemetry) -> None:
    tries: list[Message] = []

    def second_time(message: Message) -> Exception | None:
        tries.append(message)
        return Unreachable("no answer") if len(tries) < 3 else None

    receiver = FakeReceiver(trouble=second_time)
    sending = delivery(receiver, outbox, counters)
    sending.start()
    put(outbox, "a")
    sending.wake()
    wait_until(lambda: receiver.taken == ["a"], "it is sent", 10)
    assert sending.alive
    sending.stop()
    assert receiver.closed
    assert not sending.alive


def test_a_stop_does_not_wait_for_the_rest_of_the_queue(outbox: Outbox, counters: BridgeTelemetry) -> None:
    receiver = FakeReceiver()
    sending = delivery(receiver, outbox, counters)
    receiver.trouble = lambda m: sending._stopping.set() if m.body == "b" else None  # type: ignore[func-returns-value]
    put(outbox, "a", "b", "c")
    assert not sending.round()
    assert [message.body for message in outbox.next("r")] == ["c"]
