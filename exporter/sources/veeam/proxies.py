"""Backup proxies: which are online, switched off, or wait for an update.

GET /api/v1/backupInfrastructure/proxies/states, from 1.3-rev0 (VBR 13) on; before it GET .../proxies, which knows only
what they are. Needs the role Backup Viewer.
"""

from __future__ import annotations

from collections.abc import Iterable

from exporter.errors import reading
from exporter.model import Poll, Proxy
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.fields import Row, optional, text

PROXIES = "/api/v1/backupInfrastructure/proxies"
PROXY_STATES = f"{PROXIES}/states"
_PROXIES = f"GET {PROXIES}"
_STATES_FROM = "1.3-rev0"


def fetch(client: VeeamClient, _: Poll) -> tuple[Proxy, ...]:
    return parse(client.pages(PROXY_STATES if client.speaks(_STATES_FROM) else PROXIES))


def parse(rows: Iterable[Row]) -> tuple[Proxy, ...]:
    """rows: of either list."""
    with reading(_PROXIES):
        return tuple(map(_proxy, rows))


def _proxy(row: Row) -> Proxy:
    disabled = optional(row, "isDisabled", bool, endpoint=_PROXIES)
    return Proxy(
        id=text(row, "id", endpoint=_PROXIES),
        name=text(row, "name", endpoint=_PROXIES),
        proxy_type=optional(row, "type", str, endpoint=_PROXIES) or "",
        online=optional(row, "isOnline", bool, endpoint=_PROXIES),
        enabled=None if disabled is None else not disabled,
        out_of_date=optional(row, "isOutOfDate", bool, endpoint=_PROXIES),
    )
