"""The pages on Nagios and the bridge name what there is."""

from __future__ import annotations

import re

from exporter.bridge.telemetry import BridgeTelemetry
from exporter.nagios.checks import CHECKS
from tests.promql import ROOT, rule_files, rules

NAGIOS, BRIDGE = (ROOT / "docs" / name for name in ("nagios.md", "bridge.md"))


def test_every_check_is_listed_with_its_alerts() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (`Ebbtide.+?) \|", NAGIOS.read_text(), re.M)
    listed = {check: tuple(re.findall(r"`(\w+)`", alerts)) for check, alerts in rows}
    assert listed == {name: check.alerts for name, check in CHECKS.items()}


def test_the_alerts_of_the_checks_exist() -> None:
    alerts = {rule["alert"] for rule in rules(rule_files()) if "alert" in rule}
    assert {name for check in CHECKS.values() for name in check.alerts} <= alerts


def test_every_metric_of_the_bridge_is_listed() -> None:
    listed = set(re.findall(r"^\| `(ebbtide_bridge_\w+)` \|", BRIDGE.read_text(), re.M))
    metrics = [m for m in BridgeTelemetry().registry.collect() if m.name.startswith("ebbtide_bridge")]
    assert listed == {m.name + ("_total" if m.type == "counter" else "") for m in metrics}
