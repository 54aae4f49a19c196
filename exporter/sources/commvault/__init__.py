"""Commvault 11.28 and later, older ones as far as they answer: over the REST API of the CommServe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from exporter.model import DAY, HOUR, MINUTE, Collector, scheduled
from exporter.sources.commvault import (
    alerts,
    commcell,
    commserve_database,
    dedup_savings,
    dedup_stores,
    events,
    jobs,
    libraries,
    media_agent_logs,
    media_agents,
    operation_windows,
    plans,
    pools,
    retained_jobs,
    schedules,
    service_level,
)
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.commserve_connection import CommServeDatabase
from exporter.sources.commvault.config import CommvaultSettings
from exporter.sources.commvault.media_agent_logs import MediaAgentLogs
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
        "jobs",
        jobs.fetch,
        5 * MINUTE,
        permission="View on the CommCell and its clients",
        deadline=HOUR,
        before_check=jobs.pretend_filled,
    ),
    Collector("service_level", service_level.fetch, HOUR, permission="View on the CommCell, and on reports"),
    Collector("alerts", alerts.fetch, 15 * MINUTE, permission="View on the alerts"),
    Collector("events", events.fetch, 15 * MINUTE, permission="View on the CommCell"),
)

# Collectors that are there only where they are configured; the last two do not ask the REST API.
RETAINED = Collector(
    "retained_jobs",
    retained_jobs.fetch,
    15 * MINUTE,
    permission="View on the plans",
    # The first poll asks for every copy.
    deadline=HOUR,
    before_check=retained_jobs.first_copy_only,
)
DATABASE = Collector(
    "commserve_database",
    commserve_database.fetch,
    15 * MINUTE,
    permission="SELECT on the CommServe database",
    elsewhere=True,
)
LOGS = Collector(
    "media_agent_logs",
    media_agent_logs.fetch,
    15 * MINUTE,
    permission="read access to the log files",
    elsewhere=True,
)


class Commvault:
    """One CommServe."""

    kind = "commvault"
    efficiency = None

    def __init__(self, settings: CommvaultSettings, telemetry: Telemetry) -> None:
        self.name = settings.name
        self.collectors = scheduled([*COLLECTORS, *_optional(settings)], settings.intervals.model_dump())
        remembered = refusal_seconds(collector.interval for collector in self.collectors)
        self.client = CommvaultClient(settings, telemetry, refusal_seconds=remembered)
        self.host = self.client.host

    def close(self) -> None:
        self.client.close()


def _optional(settings: CommvaultSettings) -> Iterator[Collector]:
    if settings.retained_jobs:
        yield RETAINED
    if settings.database:
        given = settings.database
        database = CommServeDatabase(given.url_secret, timeout=given.timeout, row_limit=given.row_limit)
        yield replace(DATABASE, fetch=lambda _, poll: commserve_database.fetch(database, poll))
    if settings.media_agent_logs:
        logs = MediaAgentLogs(settings.media_agent_logs.directory, settings.media_agent_logs.time_zone)
        yield replace(LOGS, fetch=lambda _, poll: media_agent_logs.fetch(logs, poll))
