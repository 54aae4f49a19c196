"""Tokens are obtained once for many threads, renewed in time, and a refusal is remembered."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from exporter.errors import SourceRefused, SourceUnreachable
from exporter.tokens import Token, Tokens, refusal_seconds


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_many_threads_log_in_once() -> None:
    logins: list[int] = []

    def obtain() -> Token:
        time.sleep(0.05)
        logins.append(1)
        return Token({"Authtoken": str(len(logins))})

    tokens = Tokens(obtain, refusal_seconds=60)
    with ThreadPoolExecutor(16) as threads:
        seen = list(threads.map(lambda _: tokens.headers()["Authtoken"], range(64)))
    assert (len(logins), set(seen)) == (1, {"1"})


def test_many_threads_with_the_same_rejected_token_log_in_once_more() -> None:
    logins: list[int] = []

    def obtain() -> Token:
        logins.append(1)
        return Token({"Authtoken": str(len(logins))})

    tokens = Tokens(obtain, refusal_seconds=60)
    old = tokens.headers()
    for _ in range(5):
        tokens.reject(old)
        assert tokens.headers() == {"Authtoken": "2"}
    assert len(logins) == 2


def test_a_token_is_renewed_when_its_time_has_come() -> None:
    clock, logins = Clock(), []

    def obtain() -> Token:
        logins.append(clock.now)
        return Token({"Authtoken": str(len(logins))}, renew_at=clock.now + 100)

    tokens = Tokens(obtain, refusal_seconds=60, clock=clock)
    assert tokens.headers() == {"Authtoken": "1"}
    clock.now += 99
    assert tokens.headers() == {"Authtoken": "1"}
    clock.now += 1
    assert tokens.headers() == {"Authtoken": "2"}


def test_a_refused_login_is_remembered_so_that_no_account_locks() -> None:
    clock, attempts = Clock(), []

    def obtain() -> Token:
        attempts.append(clock.now)
        raise SourceRefused("POST /Login: refused (401): wrong password")

    tokens = Tokens(obtain, refusal_seconds=60, clock=clock)
    for _ in range(5):
        with pytest.raises(SourceRefused, match="wrong password") as caught:
            tokens.headers()
        assert not caught.value.contact
    assert len(attempts) == 1
    clock.now += 60
    with pytest.raises(SourceRefused):
        tokens.headers()
    assert len(attempts) == 2


def test_a_refusal_may_say_itself_how_long_it_lasts() -> None:
    clock, attempts = Clock(), []

    def obtain() -> Token:
        attempts.append(clock.now)
        if len(attempts) == 1:
            locked = SourceRefused("the account is locked")
            locked.retry_seconds = 900.0  # type: ignore[attr-defined]
            raise locked
        return Token({"Authtoken": "t"})

    tokens = Tokens(obtain, refusal_seconds=60, clock=clock)
    for seconds in (0, 60, 839):
        clock.now += seconds
        with pytest.raises(SourceRefused, match="locked"):
            tokens.headers()
    clock.now += 1
    assert tokens.headers() == {"Authtoken": "t"}
    assert len(attempts) == 2


def test_a_refusal_lasts_for_one_round_of_polls() -> None:
    assert refusal_seconds([300.0, 3600.0]) == 150.0
    assert refusal_seconds([3600.0]) == 240.0


def test_a_login_that_found_nobody_is_tried_again_at_once() -> None:
    outcomes: list[Any] = [SourceUnreachable("no answer"), Token({"Authtoken": "t"})]

    def obtain() -> Token:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    tokens = Tokens(obtain, refusal_seconds=60)
    with pytest.raises(SourceUnreachable):
        tokens.headers()
    assert tokens.headers() == {"Authtoken": "t"}


def test_a_rejected_token_is_not_handed_out_while_the_new_login_fails() -> None:
    outcomes: list[Any] = [Token({"Authtoken": "old"}), SourceUnreachable("no answer"), Token({"Authtoken": "new"})]

    def obtain() -> Token:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    tokens = Tokens(obtain, refusal_seconds=60)
    tokens.reject(tokens.headers())
    with pytest.raises(SourceUnreachable):
        tokens.headers()
    assert tokens.headers() == {"Authtoken": "new"}
