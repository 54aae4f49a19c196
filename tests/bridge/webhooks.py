"""Notifications as Alertmanager 0.25 posts them."""

from __future__ import annotations

import json
from typing import Any

NEARLY_FULL = {"alertname": "EbbtidePoolNearlyFull", "severity": "critical", "source": "cs01", "pool": "Apex GDP"}


def alert(fingerprint: str = "f1", status: str = "firing", summary: str = "", **labels: str) -> dict[str, Any]:
    labels = NEARLY_FULL | labels
    return {
        "status": status,
        "labels": labels,
        "annotations": {"summary": summary or f"Pool {labels['pool']} of {labels['source']} has 1.97% free."},
        "startsAt": "2026-01-31T12:00:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com:9090/graph",
        "fingerprint": fingerprint,
    }


WATCHDOG = alert("w", alertname="EbbtideWatchdog", severity="none", source="", pool="", summary="All is well.")


def webhook(*alerts: dict[str, Any]) -> bytes:
    body = {
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "bridges",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com:9093", "alerts": list(alerts),
    }  # fmt: skip
    return json.dumps(body).encode()
