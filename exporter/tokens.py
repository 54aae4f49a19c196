"""What makes a request authorised: one token for all collectors of a source, however many of them need it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from exporter.errors import SourceRefused


class Login(Protocol):
    """What makes a request authorised; implemented by `Tokens` around each vendor's login call."""

    def headers(self) -> Mapping[str, str]:
        """Headers that authorise a request; logs in first when there is no valid token."""

    def reject(self, headers: Mapping[str, str]) -> None:
        """These headers were answered with 401; the next headers() must not return them."""


@dataclass(frozen=True, repr=False)
class Token:
    """Headers that authorise, and the monotonic moment after which they should be renewed (None: until a 401)."""

    headers: Mapping[str, str]
    renew_at: float | None = None


def refusal_seconds(intervals: Iterable[float]) -> float:
    """How long a refused login is remembered: one round of polls shares one attempt, the next round may try again."""
    return min(240.0, min(intervals, default=240.0) / 2)


class Tokens:
    """Keeps one token for all collectors of a source; logs in once, however many of them need it.

    A refused login is remembered for `refusal_seconds`, so that five collectors with a wrong password are one
    failed attempt per poll and not five: accounts lock.
    """

    def __init__(
        self, obtain: Callable[[], Token], *, refusal_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._obtain = obtain
        self._refusal_seconds = refusal_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._refusal: tuple[float, str] | None = None

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            now = self._clock()
            token = self._token
            if token and (token.renew_at is None or now < token.renew_at):
                return token.headers
            if self._refusal and now < self._refusal[0]:
                again = SourceRefused(self._refusal[1])
                again.contact = False
                raise again
            self._token = self._refusal = None
            try:
                self._token = self._obtain()
            except SourceRefused as refused:
                refused.contact = False
                wait = getattr(refused, "retry_seconds", None) or self._refusal_seconds
                self._refusal = (now + wait, str(refused))
                raise
            return self._token.headers

    def reject(self, headers: Mapping[str, str]) -> None:
        with self._lock:
            if self._token and self._token.headers == headers:
                self._token = None
