"""The source: what is polled of the filesystems of the server the exporter runs on."""

from __future__ import annotations

import platform

from exporter.model import MINUTE, Collector, scheduled
from exporter.sources.filesystem import mounts, scans
from exporter.sources.filesystem.client import LOOK_INTERVAL, FilesystemClient
from exporter.sources.filesystem.config import FilesystemSettings
from exporter.telemetry import Telemetry

COLLECTORS = (
    Collector("mounts", mounts.fetch, MINUTE, "search permission (x) on the directories above each mountpoint"),
    Collector("scans", scans.fetch, LOOK_INTERVAL, "read and search permission (r-x) on the root"),
    Collector("scan_states", scans.fetch_states, MINUTE),
)


class Filesystem:
    kind = "filesystem"
    efficiency = None

    def __init__(self, settings: FilesystemSettings, telemetry: Telemetry) -> None:  # noqa: ARG002 - as every source
        self.name = settings.name
        self.host = platform.node()
        self.client = FilesystemClient(settings)
        wanted = [c for c in COLLECTORS if c.name == "mounts" or settings.scan]
        self.collectors = scheduled(wanted, settings.intervals.model_dump())

    def close(self) -> None:
        """Return at once, even while a mount does not answer: who asks it is a daemon thread."""
        self.client.close()
