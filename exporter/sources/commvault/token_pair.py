"""An access token that is renewed: its pair lives in a file that this exporter owns and rewrites.

A renewal uses the pair up, and a pair that is used twice ends every token that came of it. So the file is locked as
long as the client lives, the new pair is on disk before it is first sent, and that the file can be rewritten is tried
with the old pair, at the start and before each renewal.

What cannot be helped: a process or a connection that dies after the server has renewed and before the new file is
written takes the new pair with it; the one in the file is worth nothing then, and the next renewal says so. Whoever
reads that makes a new access token in the Command Center and writes its pair into the file; no restart is needed.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.errors import ConfigError, SourceGarbled, SourceRefused, SourceUnreachable, reading
from exporter.http import HttpClient, dig
from exporter.model import MINUTE
from exporter.sources.commvault.answers import decoded, errors
from exporter.sources.commvault.fields import Row, amount, text
from exporter.sources.commvault.login import LoginRefused, sendable
from exporter.telemetry import Telemetry
from exporter.tokens import Token

RENEW = "POST /V4/AccessToken/Renew"

_ACCESS, _REFRESH = "accessToken", "refreshToken"
_EXPIRES, _RENEWABLE = "tokenExpiryTimestamp", "renewableUntilTimestamp"

# A pair that was refused is not sent again, so looking for a new one in the file costs nobody anything.
_REFUSED_SECONDS = MINUTE
_CLOSING_SECONDS = 2.0

# Clients that were closed in the middle of a renewal, by file: after a reload the next one waits for its end.
_leaving: dict[Path, threading.Event] = {}

log = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Pair:
    """expires_at, renewable_until: unix seconds, None where the server did not say."""

    access: str
    refresh: str
    expires_at: float | None = None
    renewable_until: float | None = None


class TokenPair:
    def __init__(
        self,
        http: HttpClient,
        file: Path,
        telemetry: Telemetry,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._file = file
        self._telemetry = telemetry
        self._clock = clock
        self._wall = wall
        self._guard = threading.Lock()
        self._owned: int | None = None
        self._closed = False
        self._gone = threading.Event()
        self._given: str | None = None
        self._unsaved: Pair | None = None
        self._refused: str | None = None

    def obtain(self) -> Token:
        """The token in the file; a renewed one when that has expired, or is asked for again since it was rejected."""
        with self._guard:
            try:
                pair = self._current()
            finally:
                if self._closed:
                    self._leave()
        if not self._closed:
            self._telemetry.tell_token(self._http.source, pair.expires_at, pair.renewable_until)
        renew_at = None
        if pair.expires_at is not None:
            # A server whose clock is behind ours must not make every request a renewal.
            renew_at = self._clock() + max(pair.expires_at - self._wall(), MINUTE)
        return Token({"Authorization": f"Bearer {pair.access}"}, renew_at)

    def close(self) -> None:
        """Give the file free; a renewal that is under way does so when it ends."""
        self._closed = True
        if self._guard.acquire(timeout=_CLOSING_SECONDS):
            self._leave()
            self._guard.release()
        else:
            _leaving[self._file.resolve()] = self._gone

    def _current(self) -> Pair:
        if self._closed:
            raise SourceUnreachable(f"{RENEW}: the exporter is stopping")
        if self._owned is None:
            self._owned = self._own()
        pair = self._kept(self._unsaved) if self._unsaved else self._read()
        if pair.access == self._given or (pair.expires_at and pair.expires_at <= self._wall()):
            pair = self._renewed(pair)
        self._given = pair.access
        return pair

    def _own(self) -> int:
        """Lock the file for this client alone, and see whether it can be rewritten."""
        import fcntl  # Not on Windows, where the other sources are to work.

        path = self._file.resolve()
        if before := _leaving.pop(path, None):
            before.wait()
        try:
            owned = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._wrong(f"cannot be locked: {error.strerror}") from None
        try:
            fcntl.flock(owned, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write(self._read())
        except BlockingIOError:
            os.close(owned)
            raise self._wrong("is in use by another exporter or source, and a pair cannot be shared") from None
        except ConfigError:
            os.close(owned)
            raise
        return owned

    def _leave(self) -> None:
        if self._owned is not None:
            self._save_last()
            os.close(self._owned)
            self._owned = None
        self._gone.set()

    def _save_last(self) -> None:
        try:
            if self._unsaved:
                self._kept(self._unsaved)
        except ConfigError as error:
            log.error("%s; the renewed pair is lost: make a new access token", error)

    def _read(self) -> Pair:
        try:
            pair = _pair(json.loads(self._file.read_text(encoding="utf-8")))
        except OSError as error:
            raise self._wrong(f"cannot be read: {error.strerror}") from None
        except (ValueError, AttributeError, RecursionError):
            pair = None
        if pair is None:
            raise self._wrong('does not hold {"accessToken": …, "refreshToken": …}')
        return pair

    def _renewed(self, pair: Pair) -> Pair:
        if pair.refresh == self._refused:
            raise self._useless("refused before")
        self._write(pair)
        body = {"accessToken": pair.access, "refreshToken": pair.refresh}
        try:
            new = parse(decoded(self._http.post("/V4/AccessToken/Renew", json=body, authorised=False)))
        except SourceRefused as refused:
            self._refused = pair.refresh
            raise self._useless(str(refused).removeprefix(f"{RENEW}: ")) from None
        return self._kept(new)

    def _kept(self, new: Pair) -> Pair:
        """The new pair, once it is on disk; as long as that fails it is in memory and is not used."""
        self._unsaved = new
        self._write(new)
        self._unsaved = None
        return new

    def _write(self, pair: Pair) -> None:
        path = self._file.resolve()
        new = path.with_name(f"{path.name}.new")
        try:
            # Renaming does not ask who may write the old file.
            if not path.stat().st_mode & stat.S_IWUSR:
                raise PermissionError(errno.EACCES, "it is read-only")
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                json.dump(_written(pair), file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._wrong(f"cannot be rewritten: {error.strerror}") from None

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError(f"token_pair_file {self._file} {what}")

    def _useless(self, why: str) -> LoginRefused:
        remedy = f"make a new access token and write its pair into {self._file}"
        return LoginRefused(f"{RENEW}: {why}; {remedy}", _REFUSED_SECONDS)


def parse(payload: Any) -> Pair:
    """The new pair; a refusal comes with HTTP 200, too."""
    answer: Row = dig(payload, endpoint=RENEW, expect=dict)
    with reading(RENEW):
        pair = _pair(answer)
        codes = [code for code, _ in errors(answer) if code != 0]
    if pair:
        return pair
    if codes:
        raise SourceRefused(f"{RENEW}: refused (Commvault error {codes[0]})")
    raise SourceGarbled(f"{RENEW}: the answer has no usable accessToken and refreshToken")


def _pair(row: Row) -> Pair | None:
    access, refresh = text(row, _ACCESS), text(row, _REFRESH)
    if not sendable(access) or not sendable(refresh):
        return None
    return Pair(access, refresh, amount(row, _EXPIRES) or None, amount(row, _RENEWABLE) or None)


def _written(pair: Pair) -> dict[str, str | float]:
    fields = {_ACCESS: pair.access, _REFRESH: pair.refresh, _EXPIRES: pair.expires_at, _RENEWABLE: pair.renewable_until}
    return {name: value for name, value in fields.items() if value is not None}
