"""A simulated VBR server over real HTTP and the source that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exporter.model import Poll
from exporter.simulator.clock import Clock
from exporter.simulator.vbr import Vbr
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.wire import Server
from exporter.sources.veeam import Veeam
from exporter.telemetry import Telemetry

NOON = 1772449200.0  # 2026-03-02 12:00 in Berlin
REVISIONS = ("1.1-rev0", "1.2-rev1", "1.3-rev1", "1.3-rev2")
PASSWORD = "not-a-real-secret"


class Site:
    """Both live by `clock`; configured: settings of the source, options: of the server."""

    def __init__(self, revision, settings, memory, configured: Mapping[str, Any] | None = None, **options):
        self.clock = Clock(NOON, rate=0)
        self.vbr = Vbr(VbrEstate("small", self.clock, days=30), self.clock, newest_revision=revision, **options)
        self.server = Server(self.vbr).start()
        told = settings(url=self.server.url, username="svc-ebbtide", **(configured or {}))
        self.source = Veeam(told, Telemetry())
        self._memory = memory

    def poll(self, collector):
        [wanted] = [c for c in self.source.collectors if c.name == collector]
        return wanted.fetch(self.source.client, Poll(self.clock.now(), None, self._memory))

    def close(self):
        self.source.close()
        self.server.stop()
