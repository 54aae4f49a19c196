"""Faults on command: what a server does instead of answering properly.

A fault spoils the answer on its way out, so the simulated system behind it lives on as if nothing had happened.
"""

import json
import threading
import time
from dataclasses import dataclass, replace

from exporter.simulator.messages import Answer, Json

LOGIN_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n"
    '<body><form method="post" action="/login"><input name="user"><input name="password" type="password"></form>'
    "</body></html>\n"
)
STATUSES = {
    "401": Answer({"errorMessage": "Unauthorized", "errorCode": 401}, 401),
    "403": Answer({"errorMessage": "Forbidden", "errorCode": 403}, 403),
    "429": Answer({"errorMessage": "Too many requests", "errorCode": 429}, 429, {"Retry-After": "1"}),
    "500": Answer({"errorMessage": "Internal error", "errorCode": 1}, 500),
    "503": Answer({"errorMessage": "Service unavailable", "errorCode": 503}, 503),
    "empty": Answer({}),
    "html": Answer(LOGIN_PAGE, content_type="text/html; charset=utf-8"),
}
SPOILT = ("cut", "wrong_types", "wrong_lists")
KINDS = ("refuse", "hang", "drip", *STATUSES, *SPOILT)


@dataclass(frozen=True)
class Fault:
    """`path` is a part of the path in any case ("" = every path), `count` how often (None = until cleared).

    refuse       the connection is reset without an answer
    hang         nothing is answered for `seconds`, then the connection is closed
    drip         headers at once, then the body one byte every 0.2 s
    401 403 429 500 503   this status
    cut          half of the body, with the length of the half
    wrong_types  every number becomes an object
    wrong_lists  every list becomes a text
    empty        {}
    html         a login page with status 200
    """

    kind: str
    path: str = ""
    count: int | None = None
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}, one of: {', '.join(KINDS)}")
        if self.count is not None and self.count < 1:
            raise ValueError(f"a fault happens once or more, not {self.count} times")


class Faults:
    """The faults in force. The first that fits a path takes effect."""

    def __init__(self, *faults: Fault) -> None:
        self._changed = threading.Condition()
        self._generation = 0
        self._faults = list(faults)

    def set(self, *faults: Fault) -> None:
        with self._changed:
            self._replace(list(faults))

    def add(self, fault: Fault) -> None:
        with self._changed:
            self._faults.append(fault)

    def clear(self) -> None:
        """Ends all faults, also those that are keeping a client waiting."""
        self.set()

    def current(self) -> tuple[Fault, ...]:
        with self._changed:
            return tuple(self._faults)

    def take(self, path: str) -> Fault | None:
        """The fault for a request to this path, counted as used."""
        with self._changed:
            for index, fault in enumerate(self._faults):
                if fault.path.lower() in path.lower():
                    self._use(index, fault)
                    return fault
        return None

    def wait(self, seconds: float) -> bool:
        """Sleeps until the faults are set anew or cleared; True when the time ran out instead."""
        end = time.monotonic() + seconds
        with self._changed:
            generation = self._generation
            while self._generation == generation:
                left = end - time.monotonic()
                if left <= 0:
                    return True
                self._changed.wait(left)
        return False

    def _use(self, index: int, fault: Fault) -> None:
        if fault.count is None:
            return
        if fault.count > 1:
            self._faults[index] = replace(fault, count=fault.count - 1)
        else:
            del self._faults[index]

    def _replace(self, faults: list[Fault]) -> None:
        self._faults = faults
        self._generation += 1
        self._changed.notify_all()


def spoil(kind: str, answer: Answer) -> Answer:
    """The answer as the fault leaves it; kinds that spoil the connection instead leave it alone."""
    if kind in STATUSES:
        return STATUSES[kind]
    if kind == "cut":
        payload = answer.payload()
        return Answer(payload[: len(payload) // 2], answer.status, answer.headers, answer.content_type)
    if kind in ("wrong_types", "wrong_lists"):
        return _retyped(kind, answer)
    return answer


def _retyped(kind: str, answer: Answer) -> Answer:
    try:
        body = json.loads(answer.payload())
    except ValueError:
        return answer
    changed = _numbers_to_objects(body) if kind == "wrong_types" else _lists_to_texts(body)
    return Answer(changed, answer.status, answer.headers, answer.content_type)


def _numbers_to_objects(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _numbers_to_objects(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers_to_objects(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"value": value}
    return value


def _lists_to_texts(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _lists_to_texts(item) for key, item in value.items()}
    return f"{len(value)} items" if isinstance(value, list) else value
