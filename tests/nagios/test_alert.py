"""`check_ebbtide alert NAME`: what Prometheus or Alertmanager says of one alert."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.nagios.conftest import Run, Scripted, answer


def prometheus_rules(*alerts: dict[str, Any], health: str = "ok", at: str = "2100-01-01T00:00:00.123456789Z") -> bytes:
    rule = {
        "name": "EbbtidePoolNearlyFull",
        "health": health,
        "lastError": "oh",
        "lastEvaluation": at,
        "alerts": alerts,
    }
    return json.dumps({"status": "success", "data": {"groups": [{"interval": 60, "rules": [rule]}]}}).encode()


def firing(state: str = "firing", severity: str = "critical", **labels: str) -> dict[str, Any]:
    labels = {"alertname": "EbbtidePoolNearlyFull", "severity": severity, "source": "cs01", "pool": "Gold"} | labels
    return {"state": state, "labels": labels, "annotations": {"summary": "Pool Gold is full."}}


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (prometheus_rules(), 0, "EBBTIDEPOOLNEARLYFULL OK: the alert does not fire | firing=0;;;0 pending=0;;;0"),
        (
            prometheus_rules(firing()),
            2,
            "CRITICAL: cs01/Gold (critical) Pool Gold is full. | firing=1;;;0 pending=0;;;0",
        ),
        (prometheus_rules(firing(severity="info")), 0, "OK: cs01/Gold (info) Pool Gold is full."),
        (prometheus_rules(firing(severity="warning"), firing("pending")), 1, "firing=1;;;0 pending=1;;;0"),
        (prometheus_rules(firing(source="other")), 0, "the alert does not fire"),
        (prometheus_rules(health="err"), 3, "cannot evaluate EbbtidePoolNearlyFull: oh"),
        (prometheus_rules(at="2020-01-01T00:00:00Z"), 3, "has not evaluated EbbtidePoolNearlyFull for"),
        (b'{"status": "success", "data": {"groups": []}}', 3, "Prometheus has no alert EbbtidePoolNearlyFull"),
        (b'{"status": "error"}', 3, "the answer is not Prometheus'"),
        (b"<html>", 3, "the answer is no JSON"),
    ],
)
def test_an_alert_asked_of_prometheus(run: Run, scripted: Scripted, body: bytes, code: int, says: str) -> None:
    exit_code, out = run("alert", "EbbtidePoolNearlyFull", "-p", scripted(answer(body)).url, "-s", "cs*")
    assert (exit_code, says in out) == (code, True), out


def told(state: str = "active", **labels: str) -> dict[str, Any]:
    return {**firing(**labels), "status": {"state": state}}


WATCHDOG = told(alertname="EbbtideWatchdog", severity="none")


@pytest.mark.parametrize(
    ("alerts", "code", "says"),
    [
        ([WATCHDOG], 0, "OK: the alert does not fire | firing=0;;;0 suppressed=0;;;0"),
        ([WATCHDOG, told()], 2, "CRITICAL: cs01/Gold (critical) Pool Gold is full. | firing=1;;;0"),
        (
            [WATCHDOG, told("suppressed")],
            0,
            "is silenced or explained by another alert | firing=0;;;0 supp",
        ),
        ([told()], 3, "Alertmanager hears nothing from the rules"),
        ({}, 3, "the answer is not Alertmanager's"),
    ],
)
def test_an_alert_asked_of_alertmanager(run: Run, scripted: Scripted, alerts: Any, code: int, says: str) -> None:
    server = scripted(answer(json.dumps(alerts).encode()))
    exit_code, out = run("alert", "EbbtidePoolNearlyFull", "-A", server.url)
    assert (exit_code, says in out) == (code, True), out
