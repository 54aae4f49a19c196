"""The rules as shipped, for tests of each."""

from __future__ import annotations

import pytest

from tests.promql import ROOT, Rule, known, rule_files, rules

RULES = ROOT / "rules"
RECORDED = [rule for rule in rules(rule_files()) if "record" in rule]
ALERTS = [rule for rule in rules(rule_files()) if "alert" in rule]
KNOWN = known()


def named(rule: Rule) -> str:
    return f"{rule['alert']}-{rule['labels']['severity']}"


every_alert = pytest.mark.parametrize("alert", ALERTS, ids=named)
