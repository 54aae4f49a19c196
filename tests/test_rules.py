"""Rules, runbooks and their tests fit together, and Prometheus accepts and evaluates them as the incidents say."""

import functools
import itertools
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from exporter.cli import app
from tests.promql import (
    LEVELS,
    ROOT,
    SEVERITIES,
    Rule,
    Wrong,
    exported,
    groups,
    known,
    labels_of,
    nodes,
    rule_files,
    rules,
    selectors,
)
from tests.servers import need

RULES = ROOT / "rules"
STORIES = sorted((ROOT / "tests/rules").glob("*.test.yaml"))
RECORDED = [rule for rule in rules(rule_files()) if "record" in rule]
ALERTS = [rule for rule in rules(rule_files()) if "alert" in rule]
# What cannot wait a minute, and what goes on while nobody looks.
URGENT = {
    *("EbbtidePoolNearlyFull", "EbbtidePoolEmergency", "EbbtidePoolOffline", "EbbtideFilesystemDeviceError"),
    *("EbbtideCommvaultMediaAgentOffline", "EbbtideCommvaultPoolWithoutMediaAgent", "EbbtideCommvaultDdbCorrupted"),
    *("EbbtideExporterDown", "EbbtideExporterAbsent", "EbbtideManySourcesDown"),
}
HELD = {
    *("EbbtidePoolNearlyFull", "EbbtidePoolEmergency", "EbbtidePoolOffline"),
    *("EbbtideCommvaultMediaAgentOffline", "EbbtideCommvaultDdbCorrupted", "EbbtideCommvaultAgingSucceedsPruningFails"),
}
RUNBOOKS = sorted((RULES / "runbooks").glob("*.md"))
KNOWN = known()


def named(rule: Rule) -> str:
    return f"{rule['alert']}-{rule['labels']['severity']}"


every_alert = pytest.mark.parametrize("alert", ALERTS, ids=named)
every_runbook = pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda p: p.stem)


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


def test_alerts_and_runbooks_are_the_same_list() -> None:
    assert {r.stem for r in RUNBOOKS} == {alert["alert"] for alert in ALERTS}


@every_runbook
def test_a_runbook_opens_with_what_to_do_and_has_the_four_sections(runbook: Path) -> None:
    text = runbook.read_text()
    assert text.startswith(f"# {runbook.stem}\n\n**First:** ")
    assert re.findall(r"^## (.+)$", text, re.M) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    mitigation = text.partition("## Mitigation\n")[2]
    assert re.search(
        r"^1\. .+\n(.*\n)*\n\*\*Console:\*\* .+\n(.+\n)*\n\*\*API:\*\*\n\n```sh\n(.+\n)+```\n$", mitigation, re.M
    )
    for link in re.findall(r"\]\((.+?)\)", text):
        assert (runbook.parent / link).exists(), link


@pytest.mark.parametrize("runbook", [*RUNBOOKS, ROOT / "docs/rules.md"], ids=lambda p: p.stem)
def test_the_queries_of_a_runbook_can_be_copied(runbook: Path) -> None:
    blocks = re.findall(r"```promql\n(.+?)```", runbook.read_text(), re.S)
    assert blocks
    for query in (q for block in blocks for q in re.sub(r"\n\s+", " ", block).strip().split("\n")):
        labels_of(promql.parse(query), KNOWN)


def test_the_commands_that_alerts_and_runbooks_name_exist() -> None:
    texts = [f.read_text() for f in [*RUNBOOKS, *rule_files()]]
    named = {name for text in texts for name in re.findall(r"`ebbtide ([a-z-]+)|\bebbtide (check-[a-z]+)", text)}
    commands = {name for pair in named for name in pair if name}
    assert commands
    assert commands <= {group.name for group in app.registered_groups} | {
        command.callback.__name__.replace("_", "-") for command in app.registered_commands if command.callback
    }


@every_alert
def test_an_alert_says_what_it_is_about_and_where_to_go_on(alert: Rule) -> None:
    name, annotations = alert["alert"], alert["annotations"]
    assert re.fullmatch(r"Ebbtide([A-Z][a-z]+)+F?", name)
    assert alert["labels"]["severity"] in SEVERITIES
    assert alert["labels"].keys() >= {"severity", "category", "component"}
    assert annotations.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    assert annotations["runbook_url"] == f"https://ebbtide.example.org/runbooks/{name}"
    assert annotations["dashboard_url"].startswith("/d/ebbtide-overview")
    assert not any("{{" in value for value in alert["labels"].values())


@every_alert
def test_the_description_alone_tells_object_number_and_the_first_step(alert: Rule) -> None:
    description = alert["annotations"]["description"]
    assert "First: " in description
    labels = labels_of(promql.parse(alert["expr"]), KNOWN) - {"job"}
    if alert["alert"] != "EbbtideThresholdMissing":  # its number is that there is none
        assert "$value" in description or "| value }}" in description
    objects = {"source", "pool", "ddb", "mediaagent", "backup_job", "mountpath", "collector", "root", "proxy", "server"}
    assert {*re.findall(r"\$labels\.(\w+)", description)} >= labels & objects


@every_alert
def test_an_alert_of_one_vendor_carries_its_name_and_no_other_does(alert: Rule) -> None:
    vendor = re.match(r"Ebbtide(Commvault|Veeam|Filesystem|Scan|)", alert["alert"])
    assert vendor
    kind = {"": None, "Scan": "filesystem"}.get(vendor[1], vendor[1].lower())
    assert alert["labels"].get("kind") == kind
    own = {f"ebbtide_{name}_" for name in ("commvault", "veeam", "filesystem", "scan")}
    asked = {
        o
        for s in selectors(promql.parse(alert["expr"]))
        for o in own
        if o in (s.name or "") and "threshold" not in s.name
    }
    if len(asked) == 1 and kind is None:
        # What all kinds have, and one of them excuses.
        assert alert["alert"] in {
            *("EbbtidePoolFullSoon", "EbbtidePoolMayFillSoon", "EbbtidePoolSpaceLow", "EbbtidePruningSuccessLow"),
        }


def test_what_is_urgent_is_looked_at_every_15_seconds_and_waits_for_no_other_group() -> None:
    thresholds = {rule["record"] for rule in rules([RULES / "thresholds.yaml"])}
    found = set()
    for group in groups(rule_files()):
        if group["interval"] != "15s":
            assert group["interval"] == "1m", "an instant query looks back five minutes"
            continue
        own = {rule["record"] for rule in group["rules"] if "record" in rule}
        found |= {rule["alert"] for rule in group["rules"] if "alert" in rule}
        for rule in group["rules"]:
            levels = {s.name for s in selectors(promql.parse(rule["expr"])) if s.name and ":" in s.name}
            assert {n for n in levels if not n.endswith(":threshold")} <= own
            assert {
                n for n in levels if n.endswith(":threshold") and n.partition(":")[0] not in LEVELS
            } <= own | thresholds
    assert found >= URGENT


@every_alert
def test_an_alert_uses_only_series_and_labels_that_exist(alert: Rule) -> None:
    there = labels_of(promql.parse(alert["expr"]), KNOWN) | alert["labels"].keys()
    for text in alert["annotations"].values():
        assert {*re.findall(r"\$labels\.(\w+)", text)} <= there, text


@every_alert
def test_an_alert_holds_no_number_of_its_own(alert: Rule) -> None:
    literals = {node.val for node in nodes(promql.parse(alert["expr"])) if isinstance(node, promql.NumberLiteral)}
    assert literals <= {0.0, 1.0}


@pytest.mark.parametrize("rule", [*ALERTS, *RECORDED], ids=lambda r: r.get("alert") or r["record"])
def test_a_source_is_the_same_through_whichever_job_it_is_scraped(rule: Rule) -> None:
    for node in nodes(promql.parse(rule["expr"])):
        modifier = getattr(node, "modifier", None)
        named = [*getattr(modifier, "labels", [])] if isinstance(node, promql.AggregateExpr) else []
        if isinstance(node, promql.BinaryExpr) and modifier and modifier.matching:
            named += modifier.matching.labels + (modifier.group_labels or [])
        assert not {"job", "instance"} & {*named}


@pytest.mark.parametrize("rule", RECORDED, ids=lambda r: r["record"])
def test_a_recorded_series_is_named_level_metric_operation_and_has_the_labels_of_its_level(rule: Rule) -> None:
    level, metric, operation = rule["record"].split(":")
    assert metric.startswith("ebbtide_")
    assert operation
    labels = labels_of(promql.parse(rule["expr"]), KNOWN) | rule.get("labels", {}).keys()
    assert labels - {"severity"} == {*re.findall("backup_job|business_unit|group_by|[^_]+", level)} - {"severity"}


@pytest.mark.parametrize("rule", [*ALERTS, *RECORDED], ids=lambda r: r.get("alert") or r["record"])
def test_a_rule_keeps_to_the_habits_prometheus_cannot_check(rule: Rule) -> None:
    tree = promql.parse(rule["expr"])
    for node in nodes(tree):
        if isinstance(node, promql.AggregateExpr):
            assert str(node.op) not in ("topk", "bottomk"), "flaps"
        if isinstance(node, promql.Call) and node.func.name in ("rate", "irate", "increase"):
            assert all(s.name.endswith(("_total", "_bucket", "_sum", "_count")) for s in selectors(node))
        if isinstance(node, promql.Call) and node.func.name in ("delta", "deriv", "resets", "predict_linear"):
            assert not any(s.name.endswith("_total") for s in selectors(node))


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


@pytest.mark.parametrize(
    "expr",
    [
        "ebbtide_pool_free_percent < 0.1",
        'ebbtide_pool_free_ratio{mountpoint="/"} < 0.1',
        "sum by (tenant) (ebbtide_pool_free_bytes)",
        "ebbtide_pool_free_ratio and on (ddb) ebbtide_commvault_ddb_info",
        "ebbtide_commvault_ddb_pending_deletes * on (source, ddb) group_left (site) ebbtide_commvault_ddb_info",
        "ebbtide_pool_free_bytes unless ebbtide_filesystem_readonly",
        "max by (source) (ebbtide_pool_free_bytes) and on (source, pool) ebbtide_pool_capacity_bytes",
    ],
)
def test_the_label_check_sees_what_promtool_does_not(expr: str) -> None:
    with pytest.raises(Wrong):
        labels_of(promql.parse(expr), KNOWN)


def test_the_known_series_are_those_of_the_page() -> None:
    names = exported()
    assert names["ebbtide_pool_free_ratio"] == {"job", "instance", "source", "kind", "pool"}
    assert names["ebbtide_collector_failures_total"] == {"job", "instance", "source", "collector", "reason"}
    assert names["ebbtide_source_api_request_duration_seconds_bucket"] >= {"le", "endpoint"}
    assert names["ebbtide_build_info"] >= {"version"}


@functools.cache
def _tests(story: Path) -> list[dict[str, Any]]:
    return yaml.safe_load(story.read_text())["tests"]  # type: ignore[no-any-return]


def _told(alert: Rule, stories: Sequence[Path] = STORIES) -> list[dict[str, Any]]:
    tests = [test for story in stories for test in _tests(story)]
    return [told for t in tests for told in t.get("alert_rule_test", []) if told["alertname"] == alert["alert"]]


def _selector(rule: Rule) -> str:
    return _written(rule["record"], rule["labels"])


def _text(selector: Any) -> str:
    return _written(selector.name, {matcher.name: matcher.value for matcher in selector.matchers.matchers})


def _written(name: str, labels: dict[str, str]) -> str:
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


def _promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([need("promtool"), *map(str, arguments)], capture_output=True, text=True, timeout=600)
