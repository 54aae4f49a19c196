"""Prometheus accepts every rule, and stories tell every alert: where it fires, stays silent and ends."""

import functools
import itertools
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from tests.promql import ROOT, Rule, rule_files, selectors
from tests.rules.shipped import every_alert
from tests.servers import need

STORIES = sorted((ROOT / "tests/rules").glob("*.test.yaml"))
# What goes on while nobody looks.
HELD = {
    *("EbbtidePoolNearlyFull", "EbbtidePoolEmergency", "EbbtidePoolOffline"),
    *("EbbtideCommvaultMediaAgentOffline", "EbbtideCommvaultDdbCorrupted", "EbbtideCommvaultAgingSucceedsPruningFails"),
}


@pytest.mark.server
def test_prometheus_accepts_every_rule_without_a_remark() -> None:
    run = _promtool("check", "rules", "--lint=all", "--lint-fatal", *rule_files())
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.server
@pytest.mark.parametrize("story", STORIES, ids=lambda p: p.name)
def test_the_incident_is_told_by_the_right_alerts(story: Path) -> None:
    run = _promtool("test", "rules", story)
    assert run.returncode == 0, run.stdout + run.stderr


@every_alert
def test_an_alert_has_a_story_where_it_fires(alert: Rule) -> None:
    fired = [e["exp_labels"] for told in _told(alert) for e in told["exp_alerts"]]
    assert [f for f in fired if f["severity"] == alert["labels"]["severity"]]


@every_alert
def test_an_alert_that_outlives_its_readings_has_a_story_where_they_end(alert: Rule) -> None:
    """It goes on while nobody looks, and ends when nobody has looked for a day."""
    holds = {
        matcher.value
        for selector in selectors(promql.parse(alert["expr"]))
        if selector.name == "ALERTS"
        for matcher in selector.matchers.matchers
        if matcher.name == "alertname"
    }
    assert holds <= {alert["alert"]}
    assert bool(holds) == (alert["alert"] in HELD)
    if holds:
        told = _told(alert, [s for s in STORIES if s.name == "unknown.test.yaml"])
        assert [bool(t["exp_alerts"]) for t in told] == [True, False]


@every_alert
def test_an_alert_that_keeps_firing_has_a_story_where_it_ends(alert: Rule) -> None:
    if "keep_firing_for" in alert:
        order = [bool(told["exp_alerts"]) for story in STORIES for told in _told(alert, [story])]
        assert (True, False) in itertools.pairwise(order)


@every_alert
def test_an_alert_has_a_story_where_it_stays_silent(alert: Rule) -> None:
    if alert["alert"] == "EbbtideWatchdog":
        assert alert["expr"] == "vector(1)"  # is never silent
    else:
        assert [told for told in _told(alert) if not told["exp_alerts"]]


@functools.cache
def _tests(story: Path) -> list[dict[str, Any]]:
    return yaml.safe_load(story.read_text())["tests"]  # type: ignore[no-any-return]


def _told(alert: Rule, stories: Sequence[Path] = STORIES) -> list[dict[str, Any]]:
    tests = [test for story in stories for test in _tests(story)]
    return [told for t in tests for told in t.get("alert_rule_test", []) if told["alertname"] == alert["alert"]]


def _promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([need("promtool"), *map(str, arguments)], capture_output=True, text=True, timeout=600)
