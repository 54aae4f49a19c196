"""What the recording rules say of retention, jobs and storage: whole estates through promtool, against plain Python."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.promql import ROOT
from tests.servers import need

pytestmark = pytest.mark.server

RULES = [
    str(ROOT / "rules" / name)
    for name in ("thresholds.yaml", "recording.yaml", "alerts/pools.yaml", "alerts/infrastructure.yaml")
]
# What a rule uses is recorded before it.
ORDER = [g["name"] for file in RULES for g in yaml.safe_load(Path(file).read_text())["groups"]]
DAY = 86400.0
ISSUE = "source_plan_copy_rule_issue_finding:ebbtide_commvault_retention_rule_issue:bool"
FINDINGS = ("critical", "high", "medium", "info", "ok")

Labels = Mapping[str, str]
Samples = Iterable[tuple[Labels, float]]


@dataclass(frozen=True)
class Terms:
    """A basic rule as exported; None is a series that is not there."""

    days: float | None
    cycles: float | None
    aging: bool | None
    effective_days: float | None

    def issues(self) -> dict[str, bool]:
        """What is to be said, told apart by name; what is left out cannot be said."""
        found = {}
        if self.aging is not None:
            found["aging_disabled"] = not self.aging
        if self.days is not None and self.cycles is not None:
            found["inefficient_short_term"] = self.days <= 30 and 2 <= self.cycles < math.inf
            found["infinite"] = math.inf in (self.days, self.cycles)
        elif math.inf in (self.days, self.cycles):
            found["infinite"] = True
        if self.cycles is not None:
            found["high_cycles"] = 3 <= self.cycles < math.inf
        if self.days is not None and self.effective_days is not None:
            found["cycle_extended"] = self.effective_days < math.inf and self.effective_days > 1.3 * self.days
        if {"aging_disabled", "infinite"} <= found.keys():
            found["optimal"] = not any(found.values())
        return found

    def finding(self) -> str | None:
        true = {FINDING[issue] for issue, is_so in self.issues().items() if is_so}
        return next((finding for finding in FINDINGS if finding in true), None)


FINDING = {
    "aging_disabled": "critical",
    "inefficient_short_term": "high",
    "cycle_extended": "high",
    "high_cycles": "medium",
    "infinite": "info",
    "optimal": "ok",
}
EVERY_RULE = [
    Terms(*terms)
    for terms in itertools.product(
        (None, 0.0, 14.0, 30.0, 31.0, math.inf),
        (None, 0.0, 1.0, 2.0, 3.0, math.inf),
        (None, True, False),
        (None, 14.0, 39.0, 41.0, math.inf),
    )
]


def rule_labels(number: int) -> dict[str, str]:
    return {"source": "cs01", "plan": f"P{number % 7}", "copy": f"C{number}", "rule": "basic"}


def exported(terms: Terms, labels: Labels) -> dict[str, float]:
    values = {
        "ebbtide_commvault_retention_rule_aging_enabled": terms.aging,
        "ebbtide_commvault_retention_rule_retention_seconds": terms.days and terms.days * DAY,
        "ebbtide_commvault_retention_rule_retention_cycles": terms.cycles,
    }
    kind = {"kind": "commvault"}
    told = {series(name, labels): value for name, value in values.items() if value is not None}
    if terms.days is not None:
        told[series("ebbtide_retention_configured_seconds", labels | kind)] = terms.days * DAY
    if terms.effective_days is not None:
        for bound in ("earliest", "latest"):
            name = series("ebbtide_retention_effective_seconds", labels | kind | {"bound": bound})
            told[name] = terms.effective_days * DAY if bound == "latest" else 1.0
    return told


@pytest.fixture
def promtool(tmp_path: Path):
    """Records from series that stay as they are, and compares: {expression: samples}."""

    def check(told: Mapping[str, float | str], expected: Mapping[str, Samples], *, at: str = "10m") -> None:
        # Through two exporters, save what a rule records: nothing may count twice.
        twice = {
            name if ":" in name.partition("{")[0] else name.replace("{", f'{{instance="{instance}", ', 1): value
            for name, value in told.items()
            for instance in ("a:9877", "b:9877")
        }
        story = {
            "rule_files": RULES,
            "evaluation_interval": "5m",
            "group_eval_order": ORDER,
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [{"series": name, "values": _values(value)} for name, value in twice.items()],
                    "promql_expr_test": [
                        {
                            "expr": expr,
                            "eval_time": at,
                            "exp_samples": [{"labels": series("", on), "value": value} for on, value in samples],
                        }
                        for expr, samples in expected.items()
                    ],
                }
            ],
        }
        file = tmp_path / "story.json"
        # JSON is YAML, all but the name of infinity.
        file.write_text(json.dumps(story).replace("Infinity", ".inf"))
        run = subprocess.run([need("promtool"), "test", "rules", file], capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, (run.stdout + run.stderr)[:3000]

    return check


def _values(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return " ".join(["Inf" if value == math.inf else repr(float(value))] * 11)


def series(name: str, labels: Labels) -> str:
    return name + "{" + ", ".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


def nameless(expr: str) -> str:
    """A recorded series without its name, so that labels alone are compared."""
    return f"({expr} + 0)"


def test_every_rule_gets_the_issues_that_its_terms_have_and_no_other(promtool) -> None:
    told: dict[str, float] = {}
    for number, terms in enumerate(EVERY_RULE):
        told |= exported(terms, rule_labels(number))
    issues = [(rule_labels(n), issue, is_so) for n, t in enumerate(EVERY_RULE) for issue, is_so in t.issues().items()]
    assert {(issue, is_so) for _, issue, is_so in issues} == set(itertools.product(FINDING, (True, False)))
    promtool(
        told,
        {
            nameless(f'{ISSUE}{{issue="{name}"}}'): [
                (labels | {"issue": name, "finding": FINDING[name]}, float(is_so))
                for labels, issue, is_so in issues
                if issue == name
            ]
            for name in FINDING
        },
    )


def test_every_rule_is_counted_once_by_its_worst_finding(promtool) -> None:
    told: dict[str, float] = {}
    for number, terms in enumerate(EVERY_RULE):
        told |= exported(terms, rule_labels(number))
    counts = Counter(found for t in EVERY_RULE if (found := t.finding()))
    assert counts.keys() == {*FINDINGS}
    by_plan = Counter(
        (rule_labels(n)["plan"], issue)
        for n, t in enumerate(EVERY_RULE)
        for issue, is_so in t.issues().items()
        if is_so
    )
    promtool(
        told,
        {
            nameless("source_finding:ebbtide_commvault_retention_rule:count"): [
                ({"source": "cs01", "finding": finding}, counts[finding]) for finding in FINDINGS
            ],
            nameless("source:ebbtide_commvault_retention_rule_ok_per_rules:ratio"): [
                ({"source": "cs01"}, (counts["ok"] + counts["info"]) / counts.total())
            ],
            nameless("source_plan_issue_finding:ebbtide_commvault_retention_rule_issue:sum"): [
                ({"source": "cs01", "plan": f"P{p}", "issue": i, "finding": FINDING[i]}, by_plan[f"P{p}", i])
                for p in range(7)
                for i in FINDING
            ],
        },
    )


def test_extended_rules_and_estates_without_any_fact_have_no_issues(promtool) -> None:
    extended = {"source": "cs01", "plan": "Gold", "copy": "Primary", "rule": "extended_1"}
    promtool(exported(Terms(3650.0, 9.0, False, 9999.0), extended), {ISSUE: []})


def test_the_excess_is_infinite_where_nothing_ages_and_absent_where_nothing_should(promtool) -> None:
    expected = []
    told: dict[str, float] = {}
    for number, terms in enumerate(EVERY_RULE):
        told |= exported(terms, rule_labels(number))
        if None not in (terms.days, terms.effective_days) and terms.days != math.inf:
            labels = rule_labels(number) | {"kind": "commvault"}
            expected.append((labels, (terms.effective_days - terms.days) * DAY))
    promtool(told, {nameless("source_kind_plan_copy_rule:ebbtide_retention_excess_seconds:delta"): expected})


def test_fulls_succeed_with_single_errors_or_without_and_no_fulls_say_nothing(promtool) -> None:
    told = {}
    for plan, fulls in {"Gold": (40, 4, 6), "Never": (0, 0, 0)}.items():
        for name, value in zip(("full_jobs", "failed_full_jobs", "partial_full_jobs"), fulls, strict=True):
            told[series(f"ebbtide_commvault_plan_{name}_30d", {"source": "cs01", "plan": plan})] = float(value)
    gold = {"source": "cs01", "plan": "Gold"}
    promtool(
        told,
        {
            nameless("source_plan:ebbtide_commvault_plan_successful_full_jobs_per_full_jobs:ratio30d"): [(gold, 0.9)],
            nameless("source_plan:ebbtide_commvault_plan_flawless_full_jobs_per_full_jobs:ratio30d"): [(gold, 0.75)],
        },
    )


def test_operations_the_service_level_and_days_of_pruning_become_ratios(promtool) -> None:
    on, pool = {"source": "cs01", "operation": "data_aging"}, {"source": "cs01", "kind": "commvault", "pool": "Apex"}
    promtool(
        {
            series("ebbtide_commvault_operation_jobs_30d", on): 30.0,
            series("ebbtide_commvault_operation_failed_jobs_30d", on): 3.0,
            series("ebbtide_commvault_operation_jobs_30d", on | {"operation": "restore"}): 0.0,
            series("ebbtide_commvault_operation_failed_jobs_30d", on | {"operation": "restore"}): 0.0,
            series("ebbtide_commvault_sla_clients", {"source": "cs01", "status": "met"}): 187.0,
            series("ebbtide_commvault_sla_clients", {"source": "cs01", "status": "missed"}): 13.0,
            series("ebbtide_pool_prune_dates_30d", pool): 12.0,
            series("ebbtide_pool_observed_dates_30d", pool): 24.0,
            series("ebbtide_pool_prune_dates_30d", pool | {"pool": "New"}): 0.0,
            series("ebbtide_pool_observed_dates_30d", pool | {"pool": "New"}): 0.0,
        },
        {
            nameless("source_operation:ebbtide_commvault_operation_failed_jobs_per_jobs:ratio30d"): [(on, 0.1)],
            nameless("source:ebbtide_commvault_sla_met_clients_per_clients:ratio"): [({"source": "cs01"}, 0.935)],
            nameless("source_kind_pool:ebbtide_pool_prune_dates_per_observed_dates:ratio30d"): [(pool, 0.5)],
        },
    )


def test_a_dead_mediaagent_is_counted_for_every_pool_it_carries_and_one_in_maintenance_for_none(promtool) -> None:
    edges = [("Apex", "ma1"), ("Apex", "ma2"), ("Basin", "ma1"), ("Cliff", "ma3"), ("Delta", "ma4")]
    cs01 = {"source": "cs01"}
    told = {
        series("ebbtide_commvault_pool_mediaagent_info", cs01 | {"pool": pool, "mediaagent": agent}): 1.0
        for pool, agent in edges
    }
    # ma4: the CommServe does not say.
    for agent, online in {"ma1": 0.0, "ma2": 1.0, "ma3": 0.0}.items():
        told[series("ebbtide_commvault_mediaagent_online", cs01 | {"mediaagent": agent})] = online
        told[series("ebbtide_commvault_mediaagent_maintenance", cs01 | {"mediaagent": agent})] = float(agent == "ma3")
    promtool(
        told,
        {
            nameless("source_mediaagent:ebbtide_commvault_pool_blocked:sum"): [
                (cs01 | {"mediaagent": "ma1"}, 2),
                (cs01 | {"mediaagent": "ma2"}, 0),
            ],
            nameless("source_pool:ebbtide_commvault_mediaagent_offline:sum"): [
                (cs01 | {"pool": "Apex"}, 1),
                (cs01 | {"pool": "Basin"}, 1),
            ],
            nameless("source_pool:ebbtide_commvault_mediaagent:count"): [
                (cs01 | {"pool": pool}, count)
                for pool, count in {"Apex": 2, "Basin": 1, "Cliff": 1, "Delta": 1}.items()
            ],
        },
    )


def test_a_plan_feeds_the_pools_of_its_copies_by_their_own_thresholds(promtool) -> None:
    cs01 = {"source": "cs01"}
    rule = {"rule": "basic", "policy": "shared by two plans"}
    writes = [("Gold", "Primary", "Apex"), ("Gold", "Offsite", "Basin"), ("Silver", "Primary", "Apex")]
    told = {
        series("ebbtide_commvault_retention_rule_info", cs01 | rule | {"plan": plan, "copy": copy, "pool": pool}): 1.0
        for plan, copy, pool in writes
    }
    for pool, free in {"Apex": 0.15, "Basin": 0.15, "Cliff": 0.01}.items():
        told[series("ebbtide_pool_free_ratio", cs01 | {"kind": "commvault", "pool": pool})] = free
    for severity, least in {"warning": 0.05, "critical": 0.03}.items():
        exception = cs01 | {"pool": "Basin", "severity": severity}
        told[series("severity_source_pool:ebbtide_pool_free_ratio:threshold", exception)] = least
    nearly_full = {
        "warning": {("Gold", "Apex"): 1, ("Gold", "Basin"): 0, ("Silver", "Apex"): 1},
        "critical": {("Gold", "Apex"): 0, ("Gold", "Basin"): 0, ("Silver", "Apex"): 0},
    }
    name = "source_plan_pool:ebbtide_commvault_plan_pool_nearly_full:bool"
    promtool(
        told,
        {
            nameless(f'{name}{{severity="{severity}"}}'): [
                (cs01 | {"plan": plan, "pool": pool, "severity": severity}, is_so)
                for (plan, pool), is_so in edges.items()
            ]
            for severity, edges in nearly_full.items()
        },
    )


def test_estate_totals_count_a_shared_disk_once(promtool) -> None:
    told = {}
    # Two pools on one disk, one of its own, an offline one whose free space is unknown, and a pool nobody described.
    pools = {
        "A": ("disk1", 100.0, 40.0),
        "B": ("disk1", 100.0, 40.0),
        "C": ("", 50.0, 5.0),
        "Off": ("", 30.0, None),
        "Bare": (None, 10.0, 10.0),
    }
    for name, (shared, capacity, free) in pools.items():
        on = {"source": "cs01", "kind": "commvault", "pool": name}
        if shared is not None:
            told[series("ebbtide_pool_info", on | ({"shared": shared} if shared else {}))] = 1.0
        told[series("ebbtide_pool_capacity_bytes", on)] = capacity
        if free is not None:
            told[series("ebbtide_pool_free_bytes", on)] = free
    estate = {"source": "cs01", "kind": "commvault"}
    promtool(
        told,
        {
            nameless("source_kind:ebbtide_pool_capacity_bytes:sum"): [(estate, 190)],
            nameless("source_kind:ebbtide_pool_free_bytes:sum"): [(estate, 55)],
            nameless("source_kind:ebbtide_pool_free_bytes_per_capacity_bytes:ratio"): [(estate, 55 / 160)],
        },
    )


def test_net_fill_is_what_came_less_what_went(promtool) -> None:
    on = {"source": "cs01", "kind": "commvault", "pool": "Apex"}
    promtool(
        {
            series("ebbtide_pool_ingested_bytes_total", on): "0+600x10",
            series("ebbtide_pool_reclaimed_bytes_total", on): "0+240x10",
        },
        {
            # Ten minutes of one day are known, and no more is made of them.
            f"round({nameless('source_kind_pool:ebbtide_pool_net_fill_bytes:rate1d')} * 86400)": [(on, 3600)],
        },
    )
