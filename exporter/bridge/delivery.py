"""One thread per receiver: what its queue holds is sent in order, again and again until it is taken."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from exporter.bridge.outbox import Message, Outbox, QueueError
from exporter.bridge.telemetry import BridgeTelemetry
from exporter.errors import EbbtideError

log = logging.getLogger(__name__)

# So many objects that were not taken are enough to try again later.
_MOST_WAITING = 1000


class Unreachable(EbbtideError):
    """Nobody takes anything at present."""


class NotNow(EbbtideError):
    """This one was not taken, others may be; what is about the same object waits with it."""


class Refused(EbbtideError):
    """This one will never be taken."""


class Receiver(Protocol):
    @property
    def name(self) -> str: ...

    def send(self, message: Message) -> None:
        """Raises Unreachable, NotNow or Refused."""

    def close(self) -> None: ...


class Delivery:
    """first_pause, longest_pause: seconds between attempts while a receiver is down; each is twice the last."""

    def __init__(
        self,
        receiver: Receiver,
        outbox: Outbox,
        telemetry: BridgeTelemetry,
        *,
        first_pause: float = 1.0,
        longest_pause: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.receiver = receiver
        self._outbox = outbox
        self._telemetry = telemetry
        self._pauses = (first_pause, longest_pause)
        self._clock = clock
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._down = False
        self._thread = threading.Thread(target=self._run, name=receiver.name, daemon=True)
        name = receiver.name
        telemetry.watch(name, lambda: outbox.length(name), lambda: outbox.oldest(name))

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is something new in the queue."""
        self._wanted.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wanted.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        first, longest = self._pauses
        pause = first
        while not self._stopping.is_set():
            self._wanted.clear()
            if self.round():
                pause = first
                self._wanted.wait(longest)
            else:
                self._stopping.wait(pause)
                pause = min(2 * pause, longest)
        self.receiver.close()

    def round(self) -> bool:
        """Send what there is; whether the receiver took all of it, or will never take the rest."""
        waiting: set[str] = set()
        try:
            while messages := self._outbox.next(self.receiver.name, waiting):
                if not self._send(messages, waiting) or len(waiting) >= _MOST_WAITING:
                    return False
        except QueueError as error:
            log.error("%s: %s", self.receiver.name, error)
            return False
        return not waiting

    def _send(self, messages: Sequence[Message], waiting: set[str]) -> bool:
        """Adds to `waiting` the objects that must wait; False when nobody takes anything."""
        done: list[int] = []
        name = self.receiver.name
        try:
            for message in messages:
                if self._stopping.is_set():
                    return False
                if message.object in waiting:
                    continue
                try:
                    self.receiver.send(message)
                except NotNow as error:
                    waiting.add(message.object)
                    self._failed(error)
                    continue
                except Refused as error:
                    self._telemetry.dropped.labels(name, "refused").inc()
                    log.warning("%s: given up: %s", name, error)
                except Unreachable as error:
                    self._failed(error)
                    return False
                except Exception:
                    log.exception("%s: a bug; what is known of %s waits in the queue", name, message.object)
                    self._telemetry.failures.labels(name).inc()
                    waiting.add(message.object)
                    continue
                else:
                    self._succeeded()
                done.append(message.id)
        finally:
            if done:
                self._outbox.strike_off(name, done)
        return True

    def _succeeded(self) -> None:
        name = self.receiver.name
        self._telemetry.sent.labels(name).inc()
        self._telemetry.last_success.labels(name).set(self._clock())
        if self._down:
            self._down = False
            log.info("%s: takes messages again", name)

    def _failed(self, error: EbbtideError) -> None:
        self._telemetry.failures.labels(self.receiver.name).inc()
        if not self._down:
            self._down = True
            log.warning("%s: %s; messages wait in the queue", self.receiver.name, error)
