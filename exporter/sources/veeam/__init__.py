"""Veeam Backup & Replication 12 and 13, over its REST API."""

from __future__ import annotations

from exporter.model import HOUR, MINUTE, Collector, scheduled
from exporter.sources.veeam import backup_files, backup_jobs, pools
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.config import VeeamSettings
from exporter.telemetry import Telemetry
from exporter.tokens import refusal_seconds

_ROLE = "the role Veeam Backup Viewer"

COLLECTORS = (
    Collector("pools", pools.fetch, 5 * MINUTE, permission=_ROLE),
    Collector("backup_jobs", backup_jobs.fetch, 5 * MINUTE, permission=_ROLE),
    Collector("backup_files", backup_files.fetch, 6 * HOUR, permission=_ROLE),
)


class Veeam:
    """One Backup & Replication server."""

    kind = "veeam"

    def __init__(self, settings: VeeamSettings, telemetry: Telemetry) -> None:
        self.name = settings.name
        self.collectors = scheduled(COLLECTORS, settings.intervals.model_dump())
        remembered = refusal_seconds(collector.interval for collector in self.collectors)
        self.client = VeeamClient(settings, telemetry, refusal_seconds=remembered)
        self.host = self.client.host

    def close(self) -> None:
        self.client.close()
