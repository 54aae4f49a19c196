"""What the Security & Compliance Analyzer found: best practices by status.

GET /api/v1/securityAnalyzer/bestPractices, from 1.2-rev0 (VBR 12.3) on. Needs the role Backup Administrator or
Security Administrator. Not paged. An analyzer that never ran has no items, or answers 404: then there are no counts.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from exporter.errors import reading
from exporter.http import UnexpectedStatus, dig
from exporter.model import BestPractices, Poll
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.fields import enum, text
from exporter.sources.veeam.offered import needs
from exporter.sources.veeam.revision import error_code

BEST_PRACTICES = "/api/v1/securityAnalyzer/bestPractices"
_PRACTICES = f"GET {BEST_PRACTICES}"
_FIRST_REVISION = "1.2-rev0"

STATUSES = ("ok", "violation", "suppressed", "unknown")


def fetch(client: VeeamClient, _: Poll) -> BestPractices:
    needs(client, _FIRST_REVISION, _PRACTICES)
    try:
        return parse(client.get(BEST_PRACTICES).json())
    except UnexpectedStatus as error:
        if error.status != 404 or error_code(error) != "notfound":
            raise
        return BestPractices(by_status={})


def parse(payload: Any) -> BestPractices:
    """UnableToCheck, Analyzing and None are unknown."""
    items = dig(payload, "items", endpoint=_PRACTICES, expect=list)
    with reading(_PRACTICES):
        told = Counter(_status(enum(text(item, "status", endpoint=_PRACTICES))) for item in items)
    return BestPractices(by_status={status: told[status] for status in STATUSES} if items else {})


def _status(told: str) -> str:
    return told if told in STATUSES else STATUSES[-1]
