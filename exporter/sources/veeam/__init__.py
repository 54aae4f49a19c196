"""Veeam Backup & Replication 11 to 13, over its REST API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

from exporter.model import HOUR, MINUTE, Collector, scheduled
from exporter.sources.veeam import (
    backup_jobs,
    backup_objects,
    backups,
    best_practices,
    configuration_backup,
    enterprise_manager,
    license,  # noqa: A004
    managed_servers,
    pools,
    proxies,
    repositories,
    sessions,
    veeam_server,
)
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.config import VeeamSettings
from exporter.sources.veeam.drop_file import DropFile
from exporter.sources.veeam.enterprise_manager_client import EnterpriseManager
from exporter.sources.veeam.malware_events import Detections
from exporter.telemetry import Telemetry
from exporter.tokens import refusal_seconds

_ROLE = "the role Veeam Backup Viewer"
_ADMINISTRATOR = "the role Veeam Backup Administrator"

COLLECTORS = (
    Collector("pools", pools.fetch, 5 * MINUTE, permission=_ROLE),
    Collector("backup_jobs", backup_jobs.fetch, 5 * MINUTE, permission=_ROLE),
    Collector("sessions", sessions.fetch, 5 * MINUTE, permission=_ROLE, before_check=sessions.pretend_filled),
    Collector("repositories", repositories.fetch, HOUR, permission=_ROLE),
    # The first poll asks for every backup.
    Collector("backups", backups.fetch, 5 * MINUTE, permission=_ROLE, deadline=HOUR, before_check=backups.ask_one_only),
    Collector(
        "veeam_server",
        veeam_server.fetch,
        HOUR,
        permission="the role Veeam Backup Viewer, for the build from VBR 12.2 on Veeam Backup Administrator",
    ),
    Collector("backup_objects", backup_objects.fetch, 6 * HOUR, permission=_ROLE),
    Collector("proxies", proxies.fetch, 15 * MINUTE, permission=_ROLE),
    Collector("managed_servers", managed_servers.fetch, 15 * MINUTE, permission=_ROLE),
)
# Remembers what it has read: each source gets its own.
MALWARE_EVENTS = Collector(
    "malware_events",
    Detections().fetch,
    15 * MINUTE,
    permission="the role Veeam Backup Viewer, before VBR 13.0.1 Veeam Backup Administrator",
)
# Scheduled only with `role: backup_administrator`.
FOR_ADMINISTRATORS = (
    Collector("license", license.fetch, 6 * HOUR, permission=_ADMINISTRATOR),
    Collector("configuration_backup", configuration_backup.fetch, HOUR, permission=_ADMINISTRATOR),
    Collector(
        "best_practices",
        best_practices.fetch,
        6 * HOUR,
        permission="the role Veeam Backup Administrator or Veeam Security Administrator",
    ),
)

# There only where they are configured; they do not ask the backup server.
DROP_FILE = Collector("drop_file", DropFile.fetch, 5 * MINUTE, permission="read access to the file", elsewhere=True)
ENTERPRISE_MANAGER = Collector(
    "enterprise_manager",
    enterprise_manager.fetch,
    6 * HOUR,
    permission="an account of Enterprise Manager that sees the jobs",
    elsewhere=True,
)


class Veeam:
    """One Backup & Replication server."""

    kind = "veeam"

    def __init__(self, settings: VeeamSettings, telemetry: Telemetry) -> None:
        self.name = settings.name
        self._manager = _enterprise_manager(settings, telemetry)
        self.collectors, self.skipped = _scheduled(settings, [*_feeds(settings, self._manager)])
        remembered = refusal_seconds(collector.interval for collector in self.collectors)
        self.client = VeeamClient(settings, telemetry, refusal_seconds=remembered)
        self.host = self.client.host
        self.efficiency = settings.efficiency.grading

    def close(self) -> None:
        if self._manager:
            self._manager.close()
        self.client.close()


def _enterprise_manager(settings: VeeamSettings, telemetry: Telemetry) -> EnterpriseManager | None:
    given = settings.enterprise_manager
    return EnterpriseManager(settings.name, given, telemetry, lookback=settings.lookback) if given else None


def _feeds(settings: VeeamSettings, manager: EnterpriseManager | None) -> Iterator[Collector]:
    if settings.drop_file:
        zone = ZoneInfo(settings.timezone) if settings.timezone else UTC
        drop_file = DropFile(settings.drop_file.path, settings.drop_file.unit, zone)
        yield replace(DROP_FILE, fetch=lambda _, poll: drop_file.fetch(poll))
    if manager:
        yield replace(ENTERPRISE_MANAGER, fetch=lambda _, poll: enterprise_manager.fetch(manager, poll))


def _scheduled(
    settings: VeeamSettings, feeds: Iterable[Collector]
) -> tuple[tuple[Collector, ...], tuple[Collector, ...]]:
    """The collectors, and those that the role of the account leaves out."""
    intervals = settings.intervals.model_dump()
    usual = scheduled((*COLLECTORS, replace(MALWARE_EVENTS, fetch=Detections().fetch), *feeds), intervals)
    more = scheduled(FOR_ADMINISTRATORS, intervals)
    return ((*usual, *more), ()) if settings.role == "backup_administrator" else (usual, more)
