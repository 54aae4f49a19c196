"""What is left unsaid because another alert explains it, asked of a real Alertmanager with the shipped rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.alertmanager.shipped import Labels, alertmanager, config, current, post
from tests.promql import rule_files, rules
from tests.servers import wait_until

pytestmark = pytest.mark.server

APEX = {"source": "cs01", "kind": "commvault", "pool": "Apex GDP"}
SCRAPED = {"job": "ebbtide", "instance": "exporter:9877"}


def test_inhibitions_name_only_alerts_that_exist() -> None:
    alerts = {rule["alert"] for rule in rules(rule_files()) if "alert" in rule}
    matchers = [
        matcher.split("=", 1)
        for rule in config()["inhibit_rules"]
        for matcher in rule["source_matchers"] + rule["target_matchers"]
    ]
    names = [value.strip(' ~"').split("|") for label, value in matchers if label.strip(" !") == "alertname"]
    named = {name for alternatives in names for name in alternatives} - {"Ebbtide.+"}
    assert len(named) >= 4
    assert named <= alerts


@pytest.mark.parametrize(
    ("explains", "unsaid"),
    [
        (
            {"alertname": "EbbtideExporterDown", "severity": "critical", **SCRAPED},
            {"alertname": "EbbtidePoolNearlyFull", "severity": "critical", **SCRAPED, **APEX},
        ),
        (
            {"alertname": "EbbtideSourceDown", "severity": "warning", "source": "cs01"},
            {"alertname": "EbbtideCollectorStale", "severity": "warning", "source": "cs01", "collector": "pools"},
        ),
        (
            {"alertname": "EbbtidePoolNearlyFull", "severity": "critical", "category": "capacity", **APEX},
            {"alertname": "EbbtidePoolNearlyFull", "severity": "warning", "category": "capacity", **APEX},
        ),
        (
            {"alertname": "EbbtidePoolNearlyFull", "severity": "critical", "category": "capacity", **APEX},
            {"alertname": "EbbtidePoolFullSoon", "severity": "warning", "category": "forecast", **APEX},
        ),
        (
            {
                "alertname": "EbbtideCommvaultAgingSucceedsPruningFails",
                "severity": "critical",
                "category": "pruning",
                **APEX,
            },
            {
                "alertname": "EbbtideCommvaultPendingDeletesHigh",
                "severity": "critical",
                "category": "pruning",
                **APEX,
                "ddb": "A",
            },
        ),
        (
            {
                "alertname": "EbbtideCommvaultAgingSucceedsPruningFails",
                "severity": "critical",
                "category": "pruning",
                **APEX,
            },
            {"alertname": "EbbtideNoPruning", "severity": "warning", "category": "pruning", **APEX},
        ),
        (
            {
                "alertname": "EbbtideCommvaultPoolWithoutMediaAgent",
                "severity": "critical",
                "category": "infrastructure",
                **APEX,
            },
            {"alertname": "EbbtideNoPruning", "severity": "warning", "category": "pruning", **APEX},
        ),
    ],
    ids=lambda labels: f"{labels['alertname']}-{labels['severity']}",
)
def test_what_is_explained_is_left_unsaid(muted: Callable[..., set[str]], explains: Labels, unsaid: Labels) -> None:
    assert muted(explains, unsaid) == {unsaid["alertname"]}


# By what the alert is about: (explains, unsaid, the labels both carry).
SAME_POOL, SAME_SOURCE = {**APEX}, {"source": "cs01"}
EXPLAINED = (
    ("EbbtideCommvaultDdbCorrupted", "EbbtideCommvaultPendingDeletesHigh", {**APEX, "ddb": "A"}),
    ("EbbtideCommvaultDdbCorrupted", "EbbtideCommvaultAgingSucceedsPruningFails", {**APEX, "ddb": "A"}),
    ("EbbtideCommvaultPoolWithoutMediaAgent", "EbbtideCommvaultAgingSucceedsPruningFails", SAME_POOL),
    ("EbbtideCommvaultPoolWithoutMediaAgent", "EbbtideCommvaultPendingDeletesHigh", SAME_POOL),
    ("EbbtidePoolEmergency", "EbbtidePoolNearlyFull", SAME_POOL),
    ("EbbtidePoolStaysFull", "EbbtidePoolNearlyFull", SAME_POOL),
    ("EbbtidePoolEmergency", "EbbtidePoolStaysFull", SAME_POOL),
    ("EbbtidePoolOffline", "EbbtidePoolEmergency", SAME_POOL),
    ("EbbtidePoolOffline", "EbbtidePoolFullSoon", SAME_POOL),
    ("EbbtideCommvaultDdbSealed", "EbbtidePoolDedupDegraded", SAME_POOL),
    ("EbbtideCommvaultMediaAgentOffline", "EbbtideBackupFailureSpike", SAME_SOURCE),
    ("EbbtideCommvaultAgingFailing", "EbbtideCommvaultAgingNotRunning", SAME_SOURCE),
    ("EbbtideCommvaultAgingDisabled", "EbbtideCommvaultAgingAgedNothing", SAME_SOURCE),
    ("EbbtideCommvaultFullsFailing", "EbbtideCommvaultRetentionExtendedByCycles", SAME_SOURCE),
    ("EbbtideVeeamJobNoRecentSuccess", "EbbtideVeeamJobFailed", {"source": "vbr01", "backup_job": "VM SAP"}),
    (
        "EbbtideVeeamEfficiencyCriticalAnomaly",
        "EbbtideVeeamEfficiencyDegrading",
        {"source": "vbr01", "backup_job": "X"},
    ),
    ("EbbtideManySourcesDown", "EbbtideSourceDown", {}),
    ("EbbtideSourceDown", "EbbtideScanOverdue", SAME_SOURCE),
    ("EbbtideSourceDown", "EbbtideCollectorBlind", SAME_SOURCE),
)


@pytest.mark.parametrize(("explains", "unsaid", "same"), EXPLAINED, ids=lambda value: str(value)[:60])
def test_a_consequence_of_the_same_object_is_left_unsaid(
    muted: Callable[..., set[str]], explains: str, unsaid: str, same: Labels
) -> None:
    assert muted(_labels(explains, same), _labels(unsaid, same)) == {unsaid}


@pytest.mark.parametrize(("explains", "unsaid", "same"), EXPLAINED, ids=lambda value: str(value)[:60])
def test_the_same_of_another_object_is_said(
    muted: Callable[..., set[str]], explains: str, unsaid: str, same: Labels
) -> None:
    if same:
        elsewhere = {name: f"another {value}" for name, value in same.items()}
        assert muted(_labels(explains, elsewhere), _labels(unsaid, same)) == set()
    else:
        assert muted(_labels(unsaid, same)) == set(), "it is muted by nothing else"


def _labels(alert: str, about: Labels) -> Labels:
    """As the rules label it."""
    shipped = next(rule["labels"] for rule in rules(rule_files()) if rule.get("alert") == alert)
    return {"alertname": alert, **shipped, **about}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            {"alertname": "EbbtideExporterDown", "severity": "critical", **SCRAPED},
            {
                "alertname": "EbbtidePoolNearlyFull",
                "severity": "critical",
                "job": "ebbtide",
                "instance": "b:9877",
                **APEX,
            },
        ),
        (
            {"alertname": "EbbtideSourceDown", "severity": "warning", "source": "cs02"},
            {"alertname": "EbbtidePoolNearlyFull", "severity": "critical", **APEX},
        ),
        # Both lack kind and pool: a dead agent must not hide that a collector is stale.
        (
            {
                "alertname": "EbbtideCommvaultMediaAgentOffline",
                "severity": "critical",
                "source": "cs01",
                "mediaagent": "ma01",
            },
            {"alertname": "EbbtideCollectorStale", "severity": "warning", "source": "cs01", "collector": "jobs"},
        ),
        (
            {"alertname": "EbbtidePoolNearlyFull", "severity": "critical", "category": "capacity", **APEX},
            {"alertname": "EbbtidePoolNearlyFull", "severity": "warning", "category": "capacity", **APEX, "pool": "B"},
        ),
        # A likely cause of the failure stays visible.
        (
            {
                "alertname": "EbbtideCommvaultAgingSucceedsPruningFails",
                "severity": "critical",
                "category": "pruning",
                **APEX,
            },
            {
                "alertname": "EbbtideCommvaultDdbSealed",
                "severity": "warning",
                "category": "pruning",
                **APEX,
                "ddb": "A",
            },
        ),
        (
            {
                "alertname": "EbbtideCommvaultAgingSucceedsPruningFails",
                "severity": "critical",
                "category": "pruning",
                **APEX,
            },
            {"alertname": "EbbtideNoPruning", "severity": "warning", "category": "pruning", **APEX, "pool": "B"},
        ),
        (
            {
                "alertname": "EbbtideCommvaultPoolWithoutMediaAgent",
                "severity": "critical",
                "category": "infrastructure",
                **APEX,
            },
            {"alertname": "EbbtideNoPruning", "severity": "warning", "category": "pruning", **APEX, "source": "cs02"},
        ),
        (
            {"alertname": "EbbtideExporterDown", "severity": "critical", **SCRAPED},
            {"alertname": "EbbtideWatchdog", "severity": "none"},
        ),
    ],
    ids=lambda labels: f"{labels['alertname']}-{labels['severity']}",
)
def test_what_is_not_explained_is_said(muted: Callable[..., set[str]], one: Labels, other: Labels) -> None:
    assert muted(one, other) == set()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Our inhibitions and routes with the receivers emptied, so that nothing is sent."""
    content = config()
    content["receivers"] = [{"name": receiver["name"]} for receiver in content["receivers"]]
    del content["templates"]
    content["global"] = {}
    with alertmanager(content, tmp_path_factory.mktemp("alertmanager")) as url:
        yield url


@pytest.fixture
def muted(running: str) -> Iterator[Callable[..., set[str]]]:
    posted: list[Labels] = []

    def asked(*alerts: Labels) -> set[str]:
        """Names of those alerts that another one silences."""
        posted.extend(alerts)
        post(running, alerts, "2100-01-01T00:00:00Z")
        wait_until(lambda: len(current(running)) == len(alerts), "the alerts arrive")
        return {a["labels"]["alertname"] for a in current(running) if a["status"]["inhibitedBy"]}

    yield asked
    post(running, posted, "2000-01-01T00:00:00Z")
    wait_until(lambda: not current(running), "the alerts are gone")
