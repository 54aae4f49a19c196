"""What is asked one by one is asked in turn."""

from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.http import UnexpectedStatus
from exporter.rounds import Round

HOUR, QUARTER = 3600.0, 900.0
IDS = [str(number) for number in range(8)]


class Asked:
    """Answers with how often it was asked so far."""

    def __init__(self):
        self.ids = []
        self.failing = {}

    def __call__(self, object_id):
        self.ids.append(object_id)
        if object_id in self.failing:
            raise self.failing[object_id]
        return len(self.ids)

    def forgotten(self):
        ids, self.ids = self.ids, []
        return ids


def missing():
    return UnexpectedStatus("GET /X: unexpected status 404", 404, b"")


def test_the_first_poll_asks_for_all_and_the_later_ones_for_a_share():
    one, ask = Round("X", HOUR), Asked()
    assert set(one.read(IDS, 0.0, ask)) == set(IDS)
    assert sorted(ask.forgotten()) == IDS
    shares = []
    for quarter in range(1, 5):
        assert set(one.read(IDS, quarter * QUARTER, ask)) == set(IDS)
        shares.append(ask.forgotten())
    assert [len(share) for share in shares] == [2, 2, 2, 2]
    assert sorted(i for share in shares for i in share) == IDS


def test_what_is_new_is_asked_for_at_once_and_what_is_gone_is_forgotten():
    one, ask = Round("X", HOUR), Asked()
    one.read(IDS[:2], 0.0, ask)
    ask.forgotten()
    assert set(one.read(["0", "7"], 1.0, ask)) == {"0", "7"}
    assert ask.forgotten() == ["7"]
    one.read(IDS[:2], 2.0, ask)
    assert ask.forgotten() == ["1"]


def test_an_object_deleted_since_it_was_listed_keeps_its_last_answer_for_three_rounds():
    one, ask = Round("X", HOUR), Asked()
    one.read(["a", "b"], 0.0, ask)
    ask.failing["b"] = missing()
    assert set(one.read(["a", "b"], HOUR, ask)) == {"a", "b"}
    assert set(one.read(["a", "b"], 3 * HOUR, ask)) == {"a"}


def test_an_error_is_raised_and_what_was_answered_before_it_is_kept():
    one, ask = Round("X", HOUR), Asked()
    ask.failing["3"] = SourceUnreachable("GET /X: no answer")
    with pytest.raises(SourceUnreachable):
        one.read(IDS, 0.0, ask)
    assert ask.forgotten() == ["0", "1", "2", "3"]
    ask.failing.clear()
    one.read(IDS, 1.0, ask)
    assert ask.forgotten() == ["3", "4", "5", "6", "7"]


def test_a_broken_object_is_left_out_and_said_once_while_others_answer(caplog):
    one, ask = Round("cs01: one of the X,", HOUR), Asked()
    ask.failing["3"] = SourceRefused("GET /X: refused")
    for quarter in range(4):
        assert set(one.read(IDS, quarter * QUARTER, ask)) == set(IDS) - {"3"}
    assert caplog.messages == ["cs01: one of the X, 3 is left out: GET /X: refused"]
    ask.failing.clear()
    assert set(one.read(IDS, HOUR, ask)) == set(IDS)


def test_a_broken_object_keeps_its_last_answer_for_three_rounds():
    one, ask = Round("X", HOUR), Asked()
    one.read(["a", "b"], 0.0, ask)
    ask.failing["b"] = SourceGarbled("GET /X: no field x")
    assert set(one.read(["a", "b"], HOUR, ask)) == {"a", "b"}
    assert set(one.read(["a", "b"], 3 * HOUR, ask)) == {"a"}


def test_a_broken_object_that_is_asked_alone_does_not_hide_the_others():
    one, ask = Round("X", HOUR), Asked()
    ask.failing["b"] = SourceGarbled("GET /X: no field x")
    assert set(one.read(["a", "b"], 0.0, ask)) == {"a"}
    ask.forgotten()
    assert set(one.read(["a", "b"], QUARTER, ask)) == {"a"}
    assert ask.forgotten() == ["b"]


def test_a_permission_that_was_taken_away_is_an_error_from_the_first_poll_to_the_last():
    one, ask = Round("X", HOUR), Asked()
    one.read(IDS, 0.0, ask)
    ask.failing = {i: SourceRefused("GET /X: refused") for i in IDS}
    for quarter in range(1, 14):
        with pytest.raises(SourceRefused):
            one.read(IDS, quarter * QUARTER, ask)


@pytest.mark.parametrize("objects", [1, 2, 8])
def test_what_is_refused_for_every_object_is_an_error_after_three_at_most(objects):
    one, ask = Round("X", HOUR), Asked()
    ask.failing = {i: SourceRefused("GET /X: refused") for i in IDS}
    with pytest.raises(SourceRefused):
        one.read(IDS[:objects], 0.0, ask)
    assert len(ask.ids) == min(objects, 3)


def test_a_login_that_is_refused_is_no_matter_of_one_object():
    class LoginRefused(SourceRefused):
        contact = False

    one, ask = Round("X", HOUR), Asked()
    ask.failing["3"] = LoginRefused("POST /Login: refused")
    with pytest.raises(LoginRefused):
        one.read(IDS, 0.0, ask)


def test_a_call_that_no_object_has_is_unknown_to_the_release():
    one, ask = Round("X", HOUR), Asked()
    ask.failing = {i: missing() for i in IDS}
    with pytest.raises(UnexpectedStatus):
        one.read(IDS, 0.0, ask)
    assert len(ask.ids) == 3
