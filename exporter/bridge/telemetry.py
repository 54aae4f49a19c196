"""The bridge's own counters."""

from __future__ import annotations

import platform
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Info
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from exporter import __version__


class BridgeTelemetry:
    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        build = Info("ebbtide_build", "Version of the bridge and of the Python it runs on.", registry=registry)
        build.info({"version": __version__, "python_version": platform.python_version()})
        self.notifications = Counter(
            "ebbtide_bridge_notifications",
            "Webhooks; result is accepted, unreadable, refused (no valid token) or failed (queue cannot be written).",
            ("result",), registry=registry,
        )  # fmt: skip
        self.alerts = Counter(
            "ebbtide_bridge_alerts", "Alerts in accepted webhooks, by status.", ("status",), registry=registry
        )
        self.last_watchdog = Gauge(
            "ebbtide_bridge_last_watchdog_timestamp_seconds", "When EbbtideWatchdog last came.", registry=registry
        )
        self.sent = Counter(
            "ebbtide_bridge_messages_sent", "Messages that a receiver took.", ("receiver",), registry=registry
        )
        self.failures = Counter(
            "ebbtide_bridge_send_failures", "Attempts that failed and are repeated.", ("receiver",), registry=registry
        )
        self.dropped = Counter(
            "ebbtide_bridge_messages_dropped",
            "Messages given up; reason is full (oldest of a full queue) or refused (the receiver will never take it).",
            ("receiver", "reason"), registry=registry,
        )  # fmt: skip
        self.last_success = Gauge(
            "ebbtide_bridge_last_success_timestamp_seconds", "When a receiver last took a message.", ("receiver",),
            registry=registry,
        )  # fmt: skip
        self._queued = Gauge(
            "ebbtide_bridge_queue_messages", "Messages that wait for a receiver.", ("receiver",), registry=registry
        )
        self._oldest = Gauge(
            "ebbtide_bridge_queue_oldest_timestamp_seconds", "When the message that waits longest was queued; 0: none.",
            ("receiver",), registry=registry,
        )  # fmt: skip

    def watch(self, receiver: str, length: Callable[[], int], oldest: Callable[[], float | None]) -> None:
        """Show a receiver from its first moment, counters at 0."""
        self.sent.labels(receiver)
        self.failures.labels(receiver)
        for reason in ("full", "refused"):
            self.dropped.labels(receiver, reason)
        self._queued.labels(receiver).set_function(length)
        self._oldest.labels(receiver).set_function(lambda: oldest() or 0.0)
