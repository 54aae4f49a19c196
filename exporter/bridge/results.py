"""Passive results: the state of a service is that of the worst alert that fires for it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from exporter.bridge.alerts import Alert
from exporter.bridge.outbox import Firing, Transaction
from exporter.nagios.alert import STATES, WATCHDOG
from exporter.nagios.objects import OWN_HOST, host_name
from exporter.nagios.verdict import LISTED, State

Service = tuple[str, str]

# Within it Alertmanager, once it can, has told whatever it owes: three of the shipped group intervals.
_CAUGHT_UP = 900.0


@dataclass(frozen=True)
class Result:
    """at: unix seconds, when it became known."""

    host: str
    service: str
    state: int
    output: str
    performance: str
    at: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def from_json(body: str) -> Result:
    return Result(**json.loads(body))


def about(service: Service) -> str:
    """The object of a message."""
    return "\n".join(service)


class Board:
    """receivers: who gets passive results; services: those that are told again whenever the watchdog comes.

    forget_after: seconds after which what was not told again has ended. Alertmanager never tells the end of an alert
    that ends while it is silenced or inhibited.
    """

    def __init__(self, receivers: Sequence[str], services: Collection[Service], forget_after: float) -> None:
        self._receivers = receivers
        self._services = services
        self._forget_after = forget_after
        # Since when notifications have come without a gap, and the last one.
        self._since = self._heard = 0.0

    def take(self, transaction: Transaction, alerts: Sequence[Alert], at: float) -> None:
        """Note what fires and what ended, and queue the states that follow."""
        if not self._receivers:
            return
        touched: list[Service] = []
        for alert in alerts:
            service = _service(alert)
            if alert.firing:
                state = STATES.get(alert.severity, State.WARNING)
                transaction.fires(*service, alert.fingerprint, int(state), alert.summary, at)
            else:
                transaction.ends(*service, alert.fingerprint)
            touched.append(service)
        if self._has_caught_up(at):
            touched += transaction.forget(at - self._forget_after)
        for service in dict.fromkeys(touched):
            for receiver in self._receivers:
                self._put(transaction, receiver, service, at)
        if any(alert.name == WATCHDOG and alert.firing for alert in alerts):
            self._refresh(transaction, {*touched}, at)

    def _has_caught_up(self, at: float) -> bool:
        """Whether what was not told again is not just late, after this bridge or whoever talks to it was away."""
        if at - self._heard > _CAUGHT_UP:
            self._since = at
        self._heard = at
        return at - self._since >= _CAUGHT_UP

    def _refresh(self, transaction: Transaction, told: set[Service], at: float) -> None:
        """Say every state once more: the pipeline lives. One that waits in the queue is as good."""
        for service in sorted({*self._services, *transaction.services()} - told):
            for receiver in self._receivers:
                if not transaction.is_waiting(receiver, about(service)):
                    self._put(transaction, receiver, service, at)

    def _put(self, transaction: Transaction, receiver: str, service: Service, at: float) -> None:
        result = _result(service, transaction.firing(*service), at)
        transaction.put(receiver, about(service), result.to_json(), at)


def _service(alert: Alert) -> Service:
    source = alert.labels.get("source", "")
    return host_name(source) if source else OWN_HOST, alert.name


def _result(service: Service, firing: Sequence[Firing], at: float) -> Result:
    state = State(firing[0].state) if firing else State.OK
    lines = [f.text for f in firing]
    if not firing:
        output = "OK: does not fire"
    elif len(firing) == 1:
        output = f"{state.name}: {lines[0]}"
    else:
        output = "\n".join([f"{state.name}: {len(lines)} fire; {lines[0]}", *lines[:LISTED]])
    return Result(*service, int(state), output, f"firing={len(firing)};;;0", at)
