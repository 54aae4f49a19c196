"""What one source answers to each of its collectors, found out before anything is scheduled.

Every collector fetches once, with a State in memory that is then thrown away. Nothing is published.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass, field, replace

from exporter.errors import ConfigError, NotOffered, SourceError, SourceRefused
from exporter.history.ledger import Ledger
from exporter.http import Exchange, HttpClient, Remark
from exporter.model import MINUTE, Collector, Poll, Source, State

log = logging.getLogger(__name__)

_NOT_IN_THIS_RELEASE = {404, 405}
_THERE = {401, 403}
# Neither here nor missing.
_NOT_TO_HAVE = {"not_asked", NotOffered.reason}


@dataclass(frozen=True)
class Asked:
    """Requests to one endpoint that went the same way; seconds and bytes of all of them, status None: no answer.

    note: what the status does not say: that the release lacks it, what was asked instead, that the body is a refusal.
    """

    endpoint: str
    status: int | None
    times: int
    seconds: float
    bytes: int
    note: str = ""
    refused: bool = False

    def joined(self, other: Asked) -> Asked:
        notes = dict.fromkeys(filter(None, (self.note, other.note)))
        return replace(
            self, times=self.times + other.times, seconds=self.seconds + other.seconds,
            bytes=self.bytes + other.bytes, note="; ".join(notes), refused=self.refused or other.refused,
        )  # fmt: skip


@dataclass(frozen=True)
class Step:
    """The login, or one collector.

    outcome: ok, skipped, not_asked (the configured role has no such right), not_offered (this release or role has no
    such thing; hint says from which one on), bug, or the reason of its error: refused, unreachable, garbled, config.
    objects: how many came, None where they are not counted; hint: what is odd about an outcome that is ok.
    """

    name: str
    outcome: str
    objects: int | None = None
    error: str = ""
    permission: str = ""
    hint: str = ""
    requests: tuple[Asked, ...] = ()


@dataclass(frozen=True)
class Checked:
    """login: None for a source that has none."""

    source: str
    kind: str
    host: str
    login: Step | None
    collectors: tuple[Step, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(step.name for step in self.collectors if step.outcome not in {"ok", *_NOT_TO_HAVE})

    @property
    def works(self) -> bool:
        return not self.missing


@dataclass
class _Record:
    """Listens to an HttpClient; `answered`: whether there has been any answer."""

    asked: list[Asked] = field(default_factory=list)
    answered: bool = False

    def __call__(self, heard: Exchange | Remark) -> None:
        if isinstance(heard, Exchange):
            self.answered |= heard.status is not None
            refused = heard.status == 403
            self.asked.append(Asked(heard.endpoint, heard.status, 1, heard.seconds, heard.size, refused=refused))
            return
        for place in reversed(range(len(self.asked))):
            one = self.asked[place]
            if one.endpoint == heard.endpoint:
                remarked = Asked(one.endpoint, one.status, 0, 0.0, 0, heard.text, heard.reason == "refused")
                self.asked[place] = one.joined(remarked)
                return

    def take(self, permission: str = "") -> tuple[Asked, ...]:
        """What was asked since the last call; requests to one endpoint that went the same way become one."""
        asked, self.asked = self.asked, []
        return tuple(_told(_merged(asked), permission))


def check(source: Source, at: float) -> Checked:
    """Ask everything once, as of `at`. Raises ConfigError when a secret cannot be read."""
    http: HttpClient | None = getattr(source.client, "http", None)
    record = _Record()
    ledger = Ledger("sqlite://")
    try:
        if http:
            http.observer = record
        login = _log_in(http, record) if http else None
        steps = []
        for collector in source.collectors:
            if login and login.outcome != "ok" and not collector.elsewhere:
                steps.append(Step(collector.name, "skipped", permission=collector.permission))
                continue
            step, failure = _ask(source, collector, at, ledger.state(source.name))
            steps.append(replace(step, requests=record.take("" if failure else collector.permission)))
            # An access token is tried only now; and what has never answered would keep the rest waiting as well.
            in_vain = isinstance(failure, SourceRefused) and not failure.contact
            if login and failure and not collector.elsewhere and (in_vain or not record.answered):
                login = replace(login, outcome=failure.reason, error=str(failure), hint="")
    finally:
        if http:
            http.observer = None
        ledger.close()
    for collector in getattr(source, "skipped", ()):
        hint = f"not asked, because of `role` in the configuration; needed: {collector.permission}"
        steps.append(Step(collector.name, "not_asked", permission=collector.permission, hint=hint))
    return Checked(source.name, source.kind, source.host, login, tuple(steps))


def _log_in(http: HttpClient, record: _Record) -> Step:
    outcome, error = "ok", ""
    try:
        if http.login:
            http.login.headers()
    except SourceError as failure:
        outcome, error = failure.reason, str(failure)
    requests = record.take()
    return Step(
        "login", outcome, error=error, requests=requests, hint="" if requests else "an access token: no login is needed"
    )


def _ask(source: Source, collector: Collector, at: float, state: State) -> tuple[Step, SourceError | None]:
    poll = Poll(at, at - MINUTE, state)
    step = Step(collector.name, "ok", permission=collector.permission)
    try:
        if collector.before_check:
            collector.before_check(source.client, poll)
        value = collector.fetch(source.client, poll)
    except NotOffered as lack:
        return replace(step, outcome=lack.reason, hint=str(lack)), None
    except SourceError as failure:
        error = str(failure)
        if isinstance(failure, SourceRefused) and failure.contact and collector.permission:
            error = f"{error}; needed: {collector.permission}"
        return replace(step, outcome=failure.reason, error=error), failure
    except ConfigError as wrong:
        return replace(step, outcome="config", error=str(wrong)), None
    except Exception as bug:
        log.exception("%s/%s: unexpected error", source.name, collector.name)
        return replace(step, outcome="bug", error=f"unexpected {type(bug).__name__}, see the log"), None
    objects = len(value) if isinstance(value, Sized) else None
    hint = f"nothing is visible; if there is any, needed: {collector.permission}" if objects == 0 else ""
    return replace(step, objects=objects, hint=hint), None


def _merged(asked: Iterable[Asked]) -> list[Asked]:
    merged: dict[tuple[str, int | None], Asked] = {}
    for one in asked:
        known = merged.get((one.endpoint, one.status))
        merged[one.endpoint, one.status] = known.joined(one) if known else one
    return list(merged.values())


def _told(asked: list[Asked], permission: str) -> Iterator[Asked]:
    """With what a status means in the note, and which permission a refusal is about."""
    there = {one.endpoint for one in asked if one.status and (one.status < 400 or one.status in _THERE)}
    for one in asked:
        # Where others of its kind are there, a 404 is an object deleted since it was listed.
        lacks = one.status in _NOT_IN_THIS_RELEASE and one.endpoint not in there
        said = ["not in this release" if lacks else "", "refused" if one.status == 403 else "", one.note]
        said.append(f"needed: {permission}" if one.refused and permission else "")
        yield replace(one, note="; ".join(filter(None, said)))
