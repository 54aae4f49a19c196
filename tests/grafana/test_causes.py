"""Every cause and problem that is ranked has words on the dashboards, and no other has."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.grafana.boards import GRAFANA
from tests.promql import ROOT, groups

SCORES = "problem_cause:ebbtide_cause_score:threshold"
RANKED = [
    rule["labels"]
    for group in groups([ROOT / "rules/thresholds.yaml"])
    for rule in group["rules"]
    if rule.get("record") == SCORES
]


@pytest.fixture
def causes(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(GRAFANA / "source"))
    yield importlib.import_module("causes")
    for name in ("causes", "looks"):
        sys.modules.pop(name, None)


def test_every_ranked_cause_is_told_as_a_cause_and_as_a_check(causes: ModuleType) -> None:
    ranked = {labels["cause"] for labels in RANKED}
    assert {*causes.CAUSES} == ranked
    assert {*causes.CHECKS} == ranked


def test_every_problem_is_told(causes: ModuleType) -> None:
    assert {*causes.PROBLEMS} == {labels["problem"] for labels in RANKED}


def test_every_score_has_one_verdict_and_a_whole_one_is_likely(causes: ModuleType) -> None:
    spans = [mapping["options"] for mapping in causes.verdicts()["value"]]

    def said(score: float) -> list[str]:
        return [span["result"]["text"] for span in spans if span["from"] <= score <= span["to"]]

    assert said(causes.UNKNOWN) == ["CHECK BY HAND"]
    assert said(0) == ["PASS"]
    assert said(0.5) == said(causes.LIKELY - 0.5) == ["CHECK"]
    assert said(causes.LIKELY) == said(100) == ["LIKELY CAUSE"]
    assert said(causes.ABSENT) == ["PASS"]
    assert said(causes.SYMPTOM) == ["SYMPTOM"]
