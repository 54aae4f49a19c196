"""What rules and dashboards may say: the metrics that exist with their labels, and the labels an expression yields."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml
from prometheus_client import Metric

from exporter.bridge.telemetry import BridgeTelemetry
from exporter.metrics import FAMILIES
from exporter.telemetry import Telemetry

ROOT = Path(__file__).parent.parent
TARGET = frozenset({"job", "instance"})
SEVERITIES = ("critical", "warning", "info", "none")

Labels = frozenset[str]
Rule = dict[str, Any]

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}
_SETS = ("and", "or", "unless")
_THRESHOLD = re.compile(r"(?P<level>[a-z_]+):(?P<quantity>ebbtide_[a-z0-9_]+):threshold")
# The levels a threshold may have, and the labels that go with each.
LEVELS = {
    "severity": {"severity"},
    "severity_kind": {"severity", "kind"},
    "severity_source_pool": {"severity", "source", "pool"},
    "severity_source_ddb": {"severity", "source", "ddb"},
    "severity_source_plan": {"severity", "source", "plan"},
    "severity_source_backup_job": {"severity", "source", "backup_job"},
    "severity_source_root": {"severity", "source", "root"},
    "alert": {"alert"},
    "issue": {"issue"},
    "target": {"target"},
    "problem_cause": {"problem", "cause"},
}
_OF_ALERTS = {
    *("alertname", "alertstate", "severity", "category", "component"),
    *("source", "kind", "pool", "ddb", "status", "mediaagent", "backup_job", "plan", "copy", "rule"),
    *("operation", "root", "mountpath", "collector"),
}


class Wrong(AssertionError):
    """An expression that Prometheus would take and that can never mean what it says."""


def rule_files() -> list[Path]:
    return sorted((ROOT / "rules").glob("**/*.yaml"))


def groups(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        yield from _groups(file)


@functools.cache
def _groups(file: Path) -> list[dict[str, Any]]:
    return yaml.safe_load(file.read_text())["groups"]  # type: ignore[no-any-return]


def rules(files: Iterable[Path]) -> Iterator[Rule]:
    for group in groups(files):
        yield from group["rules"]


def exported() -> dict[str, Labels]:
    """Every series name on the pages of the exporter and of the bridge, with its labels and those of the target."""
    names = {family.name: TARGET | {*family.labels} for family in FAMILIES}
    for telemetry in (BridgeTelemetry(), Telemetry()):
        own = {name: metric for metric in vars(telemetry).values() for name in _series(metric) if name}
        for metric in telemetry.registry.collect():
            for name in _names(metric):
                labels = {label for sample in metric.samples if sample.name == name for label in sample.labels}
                names[name] = TARGET | labels | {*getattr(own.get(metric.name), "_labelnames", ())}
                if name.endswith("_bucket"):
                    names[name] |= {"le"}
    return names


def _series(metric: Any) -> list[str]:
    return [m.name for m in metric.describe()] if hasattr(metric, "_labelnames") else []


def _names(metric: Metric) -> Iterable[str]:
    return [metric.name + suffix for suffix in _SUFFIXES.get(metric.type, ("",))]


def known() -> dict[str, Labels]:
    """Exported and recorded series, the thresholds that may be set, and what Prometheus makes itself."""
    names = exported() | {
        "up": TARGET,
        "prometheus_rule_evaluation_failures_total": TARGET | {"rule_group"},
        "ALERTS": TARGET | _OF_ALERTS,
        "ALERTS_FOR_STATE": TARGET | _OF_ALERTS - {"alertstate"},
    }
    recorded = [rule for rule in rules(rule_files()) if "record" in rule]
    # An exception is an example in a comment, or the operator's own: its name is known by its level.
    quantities = {
        m["quantity"] for rule in recorded if (m := _THRESHOLD.fullmatch(rule["record"])) and m["level"] in LEVELS
    }
    names |= {
        f"{level}:{quantity}:threshold": frozenset(labels)
        for level, labels in LEVELS.items()
        for quantity in quantities
    }
    waiting = [rule for rule in recorded if rule["record"] not in names]
    while waiting:
        rest = []
        for rule in waiting:
            tree = promql.parse(rule["expr"])
            if all(selector.name in names or selector.name is None for selector in selectors(tree)):
                names[rule["record"]] = (
                    labels_of(tree, names) | {*rule.get("labels", {})} | names.get(rule["record"], frozenset())
                )
            else:
                rest.append(rule)
        if len(rest) == len(waiting):
            raise Wrong(f"{rest[0]['record']} is recorded from a series that does not exist")
        waiting = rest
    return names


def selectors(tree: Any) -> Iterator[Any]:
    """Every VectorSelector below, in any depth."""
    yield from (node for node in nodes(tree) if isinstance(node, promql.VectorSelector))


def nodes(tree: Any) -> Iterator[Any]:
    yield tree
    for child in _children(tree):
        yield from nodes(child)


def _children(tree: Any) -> list[Any]:
    match tree:
        case promql.BinaryExpr():
            return [tree.lhs, tree.rhs]
        case promql.Call():
            return list(tree.args)
        case promql.AggregateExpr():
            return [tree.expr] + ([tree.param] if tree.param is not None else [])
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return [tree.expr]
        case promql.MatrixSelector():
            return [tree.vector_selector]
        case _:
            return []


def labels_of(tree: Any, names: Mapping[str, Labels]) -> Labels:
    """The labels the result may carry. Wrong, when a label is asked for that one side cannot have."""
    match tree:
        case promql.VectorSelector():
            return _selected(tree, names)
        case promql.AggregateExpr():
            return _aggregated(tree, names)
        case promql.BinaryExpr():
            return _joined(tree, names)
        case promql.Call():
            return _called(tree, names)
        case _:
            children = _children(tree)
            return labels_of(children[0], names) if children else frozenset()


def _selected(tree: Any, names: Mapping[str, Labels]) -> Labels:
    asked = {matcher.name for matcher in tree.matchers.matchers}
    if tree.name is None:
        if asked != {"__name__"}:
            raise Wrong(f"{tree.prettify()} names no metric")
        [pattern] = [matcher.value for matcher in tree.matchers.matchers]
        return frozenset().union(*(labels for name, labels in names.items() if re.fullmatch(pattern, name)))
    if tree.name not in names:
        raise Wrong(f"{tree.name} does not exist")
    _need(asked, names[tree.name], tree)
    return names[tree.name]


def _aggregated(tree: Any, names: Mapping[str, Labels]) -> Labels:
    below = labels_of(tree.expr, names)
    if str(tree.op) in ("topk", "bottomk"):
        return below
    if tree.modifier is None:
        return frozenset()
    named = frozenset(tree.modifier.labels)
    _need(named, below, tree)
    return named if tree.modifier.type == promql.AggModifierType.By else below - named


def _joined(tree: Any, names: Mapping[str, Labels]) -> Labels:
    left, right = labels_of(tree.lhs, names), labels_of(tree.rhs, names)
    if _is_scalar(tree.lhs):
        return right
    if _is_scalar(tree.rhs):
        return left
    on = None
    if (matching := tree.modifier and tree.modifier.matching) is not None:
        on = frozenset(matching.labels)
        if matching.type == promql.LabelModifierType.Include:
            _need(on, left, tree)
            _need(on, right, tree)
        else:
            _need(on, left | right, tree)
            on = left - on
    operator = str(tree.op)
    if operator == "or":
        return left | right
    if on is None and left ^ right:
        # Without `on` every label must be equal: sides with different labels never meet.
        raise Wrong(f"{tree.prettify()}: the sides differ in {sorted(left ^ right)}")
    if operator in _SETS:
        return left
    if tree.modifier is None or tree.modifier.card == promql.VectorMatchCardinality.OneToOne:
        return left if on is None else on
    extra = frozenset(tree.modifier.group_labels or ())
    many, one = (left, right) if tree.modifier.card == promql.VectorMatchCardinality.ManyToOne else (right, left)
    _need(extra, one, tree)
    return many | extra


def _is_scalar(tree: Any) -> bool:
    if isinstance(tree, promql.ParenExpr | promql.UnaryExpr):
        return _is_scalar(tree.expr)
    if isinstance(tree, promql.BinaryExpr):
        return _is_scalar(tree.lhs) and _is_scalar(tree.rhs)
    return isinstance(tree, promql.NumberLiteral) or (
        isinstance(tree, promql.Call) and tree.func.name in ("time", "scalar")
    )


def _called(tree: Any, names: Mapping[str, Labels]) -> Labels:
    if tree.func.name == "absent":
        labels_of(tree.args[0], names)
        return frozenset(
            matcher.name for matcher in tree.args[0].matchers.matchers if matcher.op == promql.MatchOp.Equal
        )
    vectors = [
        labels_of(arg, names) for arg in tree.args if not isinstance(arg, promql.StringLiteral | promql.NumberLiteral)
    ]
    labels = vectors[0] if vectors else frozenset()
    if tree.func.name in ("label_replace", "label_join"):
        return labels | {tree.args[1].val}
    return labels


def _need(asked: Iterable[str], there: Labels, tree: Any) -> None:
    if missing := sorted({*asked} - there - {"__name__"}):
        raise Wrong(f"{tree.prettify()}: no label {', '.join(missing)} among {sorted(there)}")
