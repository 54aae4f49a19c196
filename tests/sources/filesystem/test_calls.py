from __future__ import annotations

import threading
import time

import pytest

from exporter.errors import SourceUnreachable
from exporter.sources.filesystem.calls import Calls


class Machine:
    """Answers a key with itself in capitals; a key that begins with "dead" blocks until the test ends."""

    def __init__(self, release: threading.Event) -> None:
        self.asked: list[str] = []
        self.release = release

    def __call__(self, key: str) -> str:
        self.asked.append(key)
        if key.startswith("dead"):
            self.release.wait()
        return key.upper()


@pytest.fixture
def machine(release) -> Machine:
    return Machine(release)


def answered(answers):
    return {key: future.result() for key, future in answers.items() if future.done()}


def test_each_key_gets_its_answer_in_the_order_asked(machine):
    assert list(answered(Calls(machine, 5.0).ask(["b", "a", "c", "a"])).items()) == [("b", "B"), ("a", "A"), ("c", "C")]


def test_nothing_asked_is_nothing_waited_for(machine):
    assert Calls(machine, 60.0).ask([]) == {}


def test_one_dead_key_costs_the_others_nothing_and_the_asker_one_deadline(machine):
    calls = Calls(machine, 0.1)
    begun = time.monotonic()
    answers = calls.ask(["a", "dead", "b"])
    assert 0.1 <= time.monotonic() - begun < 1.0
    assert answered(answers) == {"a": "A", "b": "B"}
    assert not answers["dead"].done()


def test_more_dead_keys_than_workers_do_not_take_their_places_for_ever(machine):
    calls = Calls(machine, 0.2, workers=2)
    dead = [f"dead{n}" for n in range(30)]
    answers = calls.ask([*dead, "a", "b"])
    assert answered(answers) == {"a": "A", "b": "B"}
    assert sorted(machine.asked) == sorted([*dead, "a", "b"])


def test_a_key_known_to_be_dead_is_neither_asked_again_nor_waited_for(machine):
    calls = Calls(machine, 0.2)
    calls.ask(["dead"])
    calls_before = list(machine.asked)
    begun = time.monotonic()
    answers = calls.ask(["dead", "a"])
    assert time.monotonic() - begun < 0.15
    assert answered(answers) == {"a": "A"}
    assert (calls_before, machine.asked) == (["dead"], ["dead", "a"])


def test_a_key_that_answered_too_late_is_asked_anew(machine, release):
    calls = Calls(machine, 0.05)
    late = calls.ask(["dead"])["dead"]
    release.set()
    assert late.result(timeout=5) == "DEAD"
    assert answered(calls.ask(["dead"])) == {"dead": "DEAD"}
    assert machine.asked == ["dead", "dead"]


def test_a_late_answer_is_kept_for_whom_it_took_hours(machine, release):
    calls = Calls(machine, 0.05, keep_late=True)
    late = calls.ask(["dead"])["dead"]
    release.set()
    assert late.result(timeout=5) == "DEAD"
    assert calls.ask(["dead"])["dead"] is late
    assert machine.asked == ["dead"]
    assert calls.ask(["dead"])["dead"] is not late


def test_two_who_ask_at_the_same_time_share_the_call(release):
    started = threading.Event()
    asked: list[str] = []

    def work(key: str) -> str:
        asked.append(key)
        started.set()
        release.wait()
        return key.upper()

    calls = Calls(work, 30.0)
    first: list[dict[str, str]] = []
    thread = threading.Thread(target=lambda: first.append(answered(calls.ask(["a"]))))
    thread.start()
    assert started.wait(5)
    threading.Timer(0.05, release.set).start()
    assert answered(calls.ask(["a"])) == {"a": "A"}
    thread.join(5)
    assert first == [{"a": "A"}]
    assert asked == ["a"]


def test_no_more_calls_run_at_a_time_than_there_are_workers():
    lock = threading.Lock()
    now = most = 0

    def work(key: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.002)
        with lock:
            now -= 1
        return key

    assert len(answered(Calls(work, 60.0, workers=3).ask(range(30)))) == 30
    assert most <= 3


def test_an_error_is_raised_where_the_answer_is_read():
    def work(key: str) -> str:
        raise ValueError(f"no {key}")

    with pytest.raises(ValueError, match="no a"):
        Calls(work, 5.0).ask(["a"])["a"].result()


def test_closing_ends_the_wait_of_who_asks_at_once(machine):
    calls = Calls(machine, 60.0)
    threading.Timer(0.05, calls.close).start()
    begun = time.monotonic()
    with pytest.raises(SourceUnreachable, match="the exporter is stopping"):
        calls.ask(["dead"])
    assert time.monotonic() - begun < 5


def test_nothing_is_asked_after_closing(machine):
    calls = Calls(machine, 5.0)
    calls.close()
    calls.close()
    with pytest.raises(SourceUnreachable, match="the exporter is stopping"):
        calls.ask(["a"])
    assert machine.asked == []
