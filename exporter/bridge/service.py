"""Puts the bridge together: queue, receivers, deliveries."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from exporter.bridge.app import Bridge
from exporter.bridge.config import BridgeSettings
from exporter.bridge.delivery import Delivery, Receiver
from exporter.bridge.icinga import IcingaApi
from exporter.bridge.nagios import NagiosPipe
from exporter.bridge.outbox import Outbox
from exporter.bridge.results import Board, Service
from exporter.bridge.snmp import SnmpReceiver
from exporter.bridge.telemetry import BridgeTelemetry


def build(
    settings: BridgeSettings,
    queue: Path,
    services: Collection[Service],
    freshness: float,
    telemetry: BridgeTelemetry,
    first_pause: float = 1.0,
) -> Bridge:
    """services: what is told again whenever the watchdog comes. Raises ConfigError or QueueError."""
    outbox = Outbox(
        queue,
        settings.queue.size,
        lambda receiver, count: telemetry.dropped.labels(receiver, "full").inc(count),
    )
    passive: list[Receiver] = []
    if settings.nagios:
        passive.append(NagiosPipe(settings.nagios.command_file))
    if settings.icinga:
        passive.append(IcingaApi(settings.icinga, freshness))
    traps: list[Receiver] = [SnmpReceiver(one, outbox.count_up) for one in settings.snmp]
    deliveries = [Delivery(one, outbox, telemetry, first_pause=first_pause) for one in (*passive, *traps)]
    board = Board([one.name for one in passive], services, settings.forget_after)
    return Bridge(settings, outbox, board, deliveries, telemetry)
