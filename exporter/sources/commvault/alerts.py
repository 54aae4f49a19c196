"""Alerts that are raised in the CommCell at present, counted.

GET /V4/TriggeredAlerts; older releases have GET /Alert, which tells how many there are and no more.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from exporter.errors import reading
from exporter.model import AlertCount, Poll
from exporter.sources.commvault.client import CommvaultClient
from exporter.sources.commvault.fields import amount, identity, rows, text

V4 = "GET /V4/TriggeredAlerts"
OLDER = "GET /Alert"

OTHER = "other"
_SEVERITIES = {"critical", "major", "information", "auto_pick"}
# Of the vendor's fixed list, which is long, those about storage, pruning and jobs; the rest is other.
CRITERIA = {
    "disk space low",
    "ddb disk space low",
    "ddb store got corrupted",
    "mount path went offline",
    "mediaagent went offline",
    "library went offline",
    "job failed",
    "no ddb verification job in last n days",
    "data aging is disabled for n days",
}


def fetch(client: CommvaultClient, poll: Poll) -> tuple[AlertCount, ...]:  # noqa: ARG001
    return client.first(
        {
            V4: lambda: parse(client.get("/V4/TriggeredAlerts")),
            OLDER: lambda: parse_count(client.get("/Alert", params={"pageNo": 1, "pageCount": 1})),
        }
    )


def parse(payload: Any) -> tuple[AlertCount, ...]:
    with reading(V4):
        raised = {
            identity(row, "id"): (
                _known(text(row, "severity"), _SEVERITIES),
                _known(text(row, "detectedCriterion"), CRITERIA),
            )
            for row in rows(payload, "alertsTriggered", V4)
        }
    counts = Counter(raised.values())
    return tuple(AlertCount(severity=s, criterion=c, count=n) for (s, c), n in sorted(counts.items()))


def parse_count(payload: Any) -> tuple[AlertCount, ...]:
    with reading(OLDER):
        total = amount(payload, "totalNoOfAlerts")
    return (AlertCount(severity=OTHER, criterion=OTHER, count=int(total)),) if total else ()


def _known(word: str, words: set[str]) -> str:
    # "for n days" comes with its number.
    lower = re.sub(r"\d+", "n", word.strip().lower())
    return lower if lower in words else OTHER
