"""The servers that VBR works with (hypervisors, Windows and Linux hosts), and which it reaches.

GET /api/v1/backupInfrastructure/managedServers. Needs the role Backup Viewer. 1.1-rev0 (VBR 12.0) does not
tell `status`.
"""

from __future__ import annotations

from collections.abc import Iterable

from exporter.errors import reading
from exporter.model import ManagedServer, Poll
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.fields import Row, enum, optional, text

MANAGED_SERVERS = "/api/v1/backupInfrastructure/managedServers"
_SERVERS = f"GET {MANAGED_SERVERS}"
_AVAILABLE = {"available": True, "unavailable": False}


def fetch(client: VeeamClient, _: Poll) -> tuple[ManagedServer, ...]:
    return parse(client.pages(MANAGED_SERVERS))


def parse(rows: Iterable[Row]) -> tuple[ManagedServer, ...]:
    with reading(_SERVERS):
        return tuple(
            ManagedServer(
                id=text(row, "id", endpoint=_SERVERS),
                name=text(row, "name", endpoint=_SERVERS),
                server_type=optional(row, "type", str, endpoint=_SERVERS) or "",
                available=_AVAILABLE.get(enum(optional(row, "status", str, endpoint=_SERVERS))),
            )
            for row in rows
        )
