"""The CommCell: its name, the release of its CommServe, the clock of that, and the licence.

GET /CommServ, and GET /V4/License, which older releases lack and which may be refused: the rest is told without it.
The time zone comes as "0:-60:(UTC+01:00) Amsterdam, ...": minutes west of UTC, then a text. Both are that of winter;
whether summer time is on is not told, so that in summer an operation window may seem an hour off.
"""

from __future__ import annotations

import re
from typing import Any

from exporter.asking import detail
from exporter.errors import reading
from exporter.http import dig
from exporter.model import HOUR, MINUTE, CommCell, Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import Row, amount, identity, name, text

ENDPOINT = "GET /CommServ"
LICENSE = "GET /V4/License"

_WEST = re.compile(r"^\s*-?\d+:(-?\d+):")
_TOLD = re.compile(r"\((?:UTC|GMT)(?:([+-])(\d{1,2}):(\d{2}))?\)")


def fetch(client: CommvaultClient, poll: Poll) -> tuple[CommCell, ...]:  # noqa: ARG001
    answer = client.get("/CommServ")
    return (parse(answer, detail(lambda: client.get("/V4/License")) or {}),)


def parse(payload: Any, license_: Any) -> CommCell:
    with reading(LICENSE):
        expires, edition = amount(license_, "expiryDate") or None, text(license_, "edition")
    with reading(ENDPOINT):
        entity = dig(payload, "commcell", endpoint=ENDPOINT, expect=dict)
        return CommCell(
            name=name(entity, "commCellName"),
            id=identity(entity, "commCellId") if "commCellId" in entity else "",
            version=_version(payload),
            utc_offset_seconds=utc_offset(text(payload, "timeZone")),
            license_expires_at=expires,
            license_edition=edition,
        )


def utc_offset(zone: str) -> float | None:
    """Seconds east of UTC; None where the number and the text of a time zone contradict each other, or are missing."""
    west, told = _WEST.search(zone), _TOLD.search(zone)
    by_number = float(-int(west[1]) * MINUTE) if west else None
    if told is None:
        return by_number
    by_text = 0.0
    if told[1]:
        by_text = (int(told[2]) * HOUR + int(told[3]) * MINUTE) * (1 if told[1] == "+" else -1)
    return by_text if by_number in (None, by_text) else None


def _version(payload: Row) -> str:
    """As the vendor writes it elsewhere: 11.36.21 for "11.0 SP36.21+"."""
    return re.sub(r"\.0 SP", ".", text(payload, "csVersionInfo")).rstrip("+")
