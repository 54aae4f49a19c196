"""Commvault 11.28 and later, older ones as far as they answer: over the REST API of the CommServe."""

from __future__ import annotations

from exporter.model import DAY, HOUR, MINUTE, Collector, scheduled
from exporter.sources.commvault import (
    commcell,
    dedup_savings,
    dedup_stores,
    jobs,
    libraries,
    media_agents,
    operation_windows,
    plans,
    pools,
    schedules,
)
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.config import CommvaultSettings
from exporter.telemetry import Telemetry
from exporter.tokens import refusal_seconds

COLLECTORS = (
    Collector("commcell", commcell.fetch, HOUR, permission="View on the CommCell"),
    Collector("pools", pools.fetch, HOUR, permission="View on the storage pools"),
    Collector("dedup_savings", dedup_savings.fetch, HOUR, permission="View on the storage pools"),
    Collector(
        "dedup_stores", dedup_stores.fetch, 15 * MINUTE, permission="View on the CommCell, and Execute for QCommands"
    ),
    Collector("media_agents", media_agents.fetch, 15 * MINUTE, permission="View on the MediaAgents"),
    Collector("libraries", libraries.fetch, 15 * MINUTE, permission="View on the libraries"),
    Collector("plans", plans.fetch, DAY, permission="View on the plans and their storage policies"),
    Collector("schedules", schedules.fetch, HOUR, permission="View on the plans"),
    Collector("operation_windows", operation_windows.fetch, 15 * MINUTE, permission="View on the CommCell"),
    # The first polls read weeks of history.
    Collector(
        "jobs", jobs.fetch, 5 * MINUTE, permission="View on the CommCell and its clients", deadline=HOUR,
        before_check=jobs.pretend_filled,
    ),
)


class Commvault:
    """One CommServe."""

    kind = "commvault"

    def __init__(self, settings: CommvaultSettings, telemetry: Telemetry) -> None:
        self.name = settings.name
        self.collectors = scheduled(COLLECTORS, settings.intervals.model_dump())
        remembered = refusal_seconds(collector.interval for collector in self.collectors)
        self.client = CommvaultClient(settings, telemetry, refusal_seconds=remembered)
        self.host = self.client.host

    def close(self) -> None:
        self.client.close()
