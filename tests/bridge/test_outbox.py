"""What was accepted is kept, in order and bounded."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from exporter.bridge.outbox import Firing, Outbox, QueueError
from tests.bridge.conftest import Queue, put


def bodies(outbox: Outbox, receiver: str = "r", besides: tuple[str, ...] = ()) -> list[str]:
    return [message.body for message in outbox.next(receiver, besides)]


def test_messages_come_out_as_they_went_in_each_receivers_own(outbox: Outbox) -> None:
    put(outbox, "a", "b")
    put(outbox, "x", receiver="other")
    put(outbox, "c")
    assert bodies(outbox) == ["a", "b", "c"]
    assert bodies(outbox, "other") == ["x"]
    assert bodies(outbox, "nobody") == []


def test_what_is_struck_off_is_gone(outbox: Outbox) -> None:
    put(outbox, "a", "b", "c")
    outbox.strike_off("r", [message.id for message in outbox.next("r")[:2]])
    assert bodies(outbox) == ["c"]
    assert outbox.length("r") == 1


def test_objects_that_must_wait_are_left_out(outbox: Outbox) -> None:
    put(outbox, "pool 1", "ddb 2", "pool 3", "plan 4")
    assert bodies(outbox, besides=("pool", "plan")) == ["2"]


def test_a_full_queue_drops_its_oldest_and_says_how_many(queue: Queue) -> None:
    outbox = queue.open(size=3)
    put(outbox, "a", "b", "c", "d", "e")
    put(outbox, "x", receiver="other")
    assert bodies(outbox) == ["c", "d", "e"]
    assert bodies(outbox, "other") == ["x"]
    assert queue.dropped == {"r": 2}
    assert outbox.length("r") == 3


def test_another_process_finds_what_was_left(queue: Queue) -> None:
    first = queue.open()
    put(first, "a", "b")
    first.close()
    again = queue.open()
    assert bodies(again) == ["a", "b"]
    assert again.length("r") == 2
    assert again.oldest("r") == 1000.0
    assert again.oldest("nobody") is None


def test_what_goes_wrong_in_the_middle_leaves_nothing(outbox: Outbox) -> None:
    put(outbox, "a")
    with pytest.raises(KeyError), outbox.transaction() as transaction:  # noqa: PT012
        transaction.put("r", "b", "b", 0.0)
        raise KeyError
    assert bodies(outbox) == ["a"]
    assert outbox.length("r") == 1


def test_a_disk_that_takes_nothing_is_said(queue: Queue) -> None:
    outbox = queue.open()
    with sqlite3.connect(queue.path) as db:
        db.execute("create trigger full before insert on message begin select raise(fail, 'disk is full'); end")
        db.execute("create trigger no before insert on remembered begin select raise(fail, 'disk is full'); end")
    with pytest.raises(QueueError, match=r"^the queue cannot be written: disk is full$"):
        put(outbox, "a")
    with pytest.raises(QueueError, match="disk is full"):
        outbox.count_up("boots")
    assert outbox.length("r") == 0
    assert bodies(outbox) == []


def test_a_file_that_is_no_queue_is_said(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, " * 100)
    with pytest.raises(QueueError, match=r"^bridge\.queue\.path: .*notes\.txt: file is not a database$"):
        Outbox(path, 10, lambda *_: None)


def test_what_fires_of_a_service_is_remembered_worst_first(outbox: Outbox) -> None:
    with outbox.transaction() as transaction:
        transaction.fires("cs01", "A", "1", 1, "warning", 0.0)
        transaction.fires("cs01", "A", "2", 2, "critical", 0.0)
        transaction.fires("cs01", "A", "1", 1, "warning still", 0.0)
        transaction.fires("cs02", "A", "3", 2, "elsewhere", 0.0)
        assert transaction.firing("cs01", "A") == [Firing(2, "critical"), Firing(1, "warning still")]
        transaction.ends("cs01", "A", "2")
        transaction.ends("cs01", "A", "never fired")
        assert transaction.firing("cs01", "A") == [Firing(1, "warning still")]
        assert transaction.services() == {("cs01", "A"), ("cs02", "A")}


def test_a_number_is_given_once_even_across_restarts(queue: Queue) -> None:
    first = queue.open()
    assert [first.count_up("a"), first.count_up("a"), first.count_up("b")] == [1, 2, 1]
    first.close()
    assert queue.open().count_up("a") == 3


def test_a_queue_that_cannot_be_read_is_said(queue: Queue) -> None:
    outbox = queue.open()
    with sqlite3.connect(queue.path) as db:
        db.execute("drop table message")
    with pytest.raises(QueueError, match=r"^the queue cannot be read: no such table: message$"):
        outbox.next("r")
