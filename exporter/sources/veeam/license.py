"""The installed licence: whether it is valid, until when, and how much of it is used.

GET /api/v1/license, from 1.2-rev0 (VBR 12.3) on. Needs the role Backup Administrator.

A licence has up to three parts (instances, sockets, capacity); one that is not installed is not told. The dates moved
from the top into the parts in 1.3-rev2; perpetual licences have none. Capacity is counted in TB of 1024^4 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from typing import Any

from exporter.errors import reading
from exporter.model import TEBIBYTE, License, Poll
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.fields import Row, enum, moment, number, optional, text
from exporter.sources.veeam.offered import needs

LICENSE = "/api/v1/license"
_LICENSE = f"GET {LICENSE}"
_FIRST_REVISION = "1.2-rev0"
_STATUSES = ("valid", "expired", "invalid")


def fetch(client: VeeamClient, _: Poll) -> License:
    needs(client, _FIRST_REVISION, _LICENSE)
    return parse(client.get(LICENSE).json(), client.zone())


def parse(payload: Any, zone: tzinfo) -> License:
    with reading(_LICENSE):
        instances, sockets, capacity = (_part(payload, kind) for kind in ("instance", "socket", "capacity"))
        parts = [part for part in (instances, sockets, capacity) if part]
        status = enum(text(payload, "status", endpoint=_LICENSE))
        return License(
            status=status if status in _STATUSES else "unknown",
            license_type=optional(payload, "type", str, endpoint=_LICENSE) or "",
            edition=text(payload, "edition", endpoint=_LICENSE),
            expires_at=_date("expirationDate", payload, parts, zone),
            support_expires_at=_date("supportExpirationDate", payload, parts, zone),
            used=_counts(instances, sockets, "used"),
            licensed=_counts(instances, sockets, "licensed"),
            used_bytes=_bytes(capacity, "used"),
            licensed_bytes=_bytes(capacity, "licensed"),
        )


def _part(payload: Row, kind: str) -> Row | None:
    return optional(payload, f"{kind}LicenseSummary", dict, endpoint=_LICENSE)


def _date(field: str, payload: Row, parts: Iterable[Row], zone: tzinfo) -> float | None:
    """That of the whole licence, else the earliest of its parts."""
    told = [moment(optional(row, field, str, endpoint=_LICENSE), zone) for row in (payload, *parts)]
    return told[0] or min(filter(None, told), default=None)


def _counts(instances: Row | None, sockets: Row | None, which: str) -> dict[str, float]:
    units = (("instances", instances), ("sockets", sockets))
    return {unit: number(part, f"{which}{unit.capitalize()}Number", endpoint=_LICENSE) for unit, part in units if part}


def _bytes(capacity: Row | None, which: str) -> float | None:
    return number(capacity, f"{which}CapacityTb", endpoint=_LICENSE) * TEBIBYTE if capacity else None
