"""Thresholds are series: each has a default that is used, and is missed when it is gone."""

import re
from typing import Any

import promql_parser as promql
import yaml

from tests.promql import LEVELS, Rule, nodes, rules, selectors
from tests.rules.shipped import ALERTS, RECORDED, RULES


def test_thresholds_are_numbers_and_nothing_else() -> None:
    for rule in rules([RULES / "thresholds.yaml"]):
        level, _, operation = rule["record"].split(":")
        assert operation == "threshold"
        assert rule["labels"].keys() == LEVELS[level]
        assert re.fullmatch(r"vector\([0-9.]+\)", rule["expr"])


def test_the_examples_of_exceptions_are_rules_when_uncommented() -> None:
    examples = re.findall(r"^ +# - (\{record: .+\})$", (RULES / "thresholds.yaml").read_text(), re.M)
    assert examples
    for rule in map(yaml.safe_load, examples):
        level, quantity, _ = rule["record"].split(":")
        assert rule["labels"].keys() == LEVELS[level]
        assert rule["record"] in {s.name for r in RECORDED for s in selectors(promql.parse(r["expr"]))}, quantity


def test_a_critical_threshold_lies_beyond_its_warning() -> None:
    numbers: dict[tuple[str, str], dict[str, float]] = {}
    for rule in rules([RULES / "thresholds.yaml"]):
        if "severity" in rule["labels"]:
            key = (rule["record"], rule["labels"].get("kind", ""))
            numbers.setdefault(key, {})[rule["labels"]["severity"]] = float(rule["expr"][7:-1])
    pairs = {key: n for key, n in numbers.items() if n.keys() == {"warning", "critical"}}
    more_is_worse = {"severity:ebbtide_commvault_ddb_pending_deletes:threshold"}
    assert len(pairs) >= 6
    for (record, _), number in pairs.items():
        assert (number["critical"] > number["warning"]) == (record in more_is_worse), record


def test_every_default_threshold_is_missed_when_it_is_gone_and_beside_the_alerts_that_need_it() -> None:
    thresholds = list(rules([RULES / "thresholds.yaml"]))
    defaults = {
        _selector(r) for r in thresholds if r["record"].split(":")[0] in ("severity", "alert", "issue", "target")
    }
    watched: list[str] = []
    for file in sorted((RULES / "alerts").glob("*.yaml")):
        alerts = [rule for rule in rules([file]) if "alert" in rule]
        [missing] = [alert for alert in alerts if alert["alert"] == "EbbtideThresholdMissing"]
        for call in nodes(promql.parse(missing["expr"])):
            if isinstance(call, promql.Call) and call.func.name == "absent":
                watched.append(_text(call.args[0]))
        for name in re.findall(r'alert="(\w+)"', missing["expr"]):
            assert name in {alert["alert"] for alert in alerts}
        names = [
            n.args[2].val
            for n in nodes(promql.parse(missing["expr"]))
            if isinstance(n, promql.Call) and n.func.name == "label_replace"
        ]
        assert {n for n in names if "$" not in n} == {*watched[-len([n for n in names if "$" not in n]) :]}
    assert sorted(watched) == sorted(defaults)


def test_every_cause_that_has_points_is_looked_for_and_the_other_way_round() -> None:
    """A cause nobody looks for would for ever be one to look at by hand."""
    points = {
        r["labels"]["cause"] for r in rules([RULES / "thresholds.yaml"]) if r["record"].startswith("problem_cause:")
    }
    evidence = {r["labels"]["cause"] for r in RECORDED if r["record"].endswith(":ebbtide_cause_evidence:ratio")}
    assert points == evidence
    assert all(
        0 < float(r["expr"][7:-1]) <= 100
        for r in rules([RULES / "thresholds.yaml"])
        if r["record"].startswith("problem_cause:")
    )


def test_every_default_threshold_is_used() -> None:
    used = {s.name for rule in [*ALERTS, *RECORDED] for s in selectors(promql.parse(rule["expr"]))}
    assert {rule["record"] for rule in rules([RULES / "thresholds.yaml"])} <= used


def _selector(rule: Rule) -> str:
    return _written(rule["record"], rule["labels"])


def _text(selector: Any) -> str:
    return _written(selector.name, {matcher.name: matcher.value for matcher in selector.matchers.matchers})


def _written(name: str, labels: dict[str, str]) -> str:
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"
