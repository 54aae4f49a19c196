"""The HTTP side: Alertmanager's webhook, /metrics and health."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Sequence

from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.bridge import alerts, snmp
from exporter.bridge.config import BridgeSettings
from exporter.bridge.delivery import Delivery
from exporter.bridge.outbox import Outbox, QueueError
from exporter.bridge.results import Board
from exporter.bridge.telemetry import BridgeTelemetry
from exporter.errors import ConfigError
from exporter.nagios.alert import WATCHDOG

log = logging.getLogger(__name__)

# Alertmanager's default limit is no limit; a thousand alerts are one megabyte.
_LARGEST_WEBHOOK = 32 * 1024 * 1024


class Bridge:
    """deliveries: one per receiver, started by `start`; board: what becomes a passive result."""

    def __init__(
        self,
        settings: BridgeSettings,
        outbox: Outbox,
        board: Board,
        deliveries: Sequence[Delivery],
        telemetry: BridgeTelemetry,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._board = board
        self._deliveries = deliveries
        self._telemetry = telemetry
        self._clock = clock
        self._traps = [one.name for one in settings.snmp]

    def start(self) -> None:
        for delivery in self._deliveries:
            delivery.start()

    def stop(self) -> None:
        for delivery in self._deliveries:
            delivery.stop()
        self._outbox.close()

    @property
    def healthy(self) -> bool:
        return all(delivery.alive for delivery in self._deliveries)

    def accept(self, body: bytes) -> None:
        """Queue what a webhook says. Raises Unreadable or QueueError, and then nothing of it is queued."""
        told, now = alerts.parse(body), self._clock()
        with self._outbox.transaction() as transaction:
            for alert in told:
                for receiver in self._traps:
                    transaction.put(receiver, alert.fingerprint, snmp.to_message(alert), now)
            self._board.take(transaction, told, now)
        for alert in told:
            self._telemetry.alerts.labels("firing" if alert.firing else "resolved").inc()
            if alert.name == WATCHDOG and alert.firing:
                self._telemetry.last_watchdog.set(now)
        for delivery in self._deliveries:
            delivery.wake()

    def may(self, authorization: str) -> bool:
        """Whether the header holds the token, where one is configured. Raises ConfigError when that is gone."""
        bearer = self._settings.bearer
        return bearer is None or hmac.compare_digest(authorization.encode(), f"Bearer {bearer.read()}".encode())


async def _body(request: Request) -> bytes | None:
    """None where it is too large, whether its length was told or not."""
    if int(request.headers.get("content-length") or 0) > _LARGEST_WEBHOOK:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_WEBHOOK:
            return None
    return bytes(body)


def create_app(bridge: Bridge, telemetry: BridgeTelemetry) -> Starlette:
    def answered(result: str, status: int, text: str) -> Response:
        telemetry.notifications.labels(result).inc()
        return PlainTextResponse(f"{text}\n", status)

    async def webhook(request: Request) -> Response:
        try:
            if not bridge.may(request.headers.get("authorization", "")):
                return answered("refused", 401, "the bearer token is missing or wrong")
            body = await _body(request)
            if body is None:
                return answered("unreadable", 413, "larger than any notification")
            await run_in_threadpool(bridge.accept, body)
        except alerts.Unreadable as error:
            log.warning("webhook: %s", error)
            return answered("unreadable", 400, str(error))
        except (QueueError, ConfigError) as error:
            # Alertmanager sends it again after a 5xx, and after nothing else.
            log.error("webhook: %s", error)
            return answered("failed", 503, str(error))
        return answered("accepted", 200, "queued")

    async def metrics(_: Request) -> Response:
        page = await run_in_threadpool(generate_latest, telemetry.registry)
        return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def healthy(_: Request) -> Response:
        if bridge.healthy:
            return PlainTextResponse("The bridge is healthy.\n")
        return PlainTextResponse("A receiver is not served any more; restart the bridge.\n", 503)

    return Starlette(
        routes=[
            Route("/", webhook, methods=["POST"]),
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
        ]
    )
