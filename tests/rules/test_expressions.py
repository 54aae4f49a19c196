"""Expressions of alerts and recorded series: labels that exist, names by their level, what must not wait does not."""

import re

import promql_parser as promql
import pytest

from tests.promql import LEVELS, Rule, Wrong, exported, groups, labels_of, nodes, rule_files, rules, selectors
from tests.rules.shipped import ALERTS, KNOWN, RECORDED, RULES

# What cannot wait a minute.
URGENT = {
    *("EbbtidePoolNearlyFull", "EbbtidePoolEmergency", "EbbtidePoolOffline", "EbbtideFilesystemDeviceError"),
    *("EbbtideCommvaultMediaAgentOffline", "EbbtideCommvaultPoolWithoutMediaAgent", "EbbtideCommvaultDdbCorrupted"),
    *("EbbtideExporterDown", "EbbtideExporterAbsent", "EbbtideManySourcesDown"),
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
