"""Who is told what, and what is left unsaid because another alert explains it."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import yaml

from tests.promql import ROOT, SEVERITIES, rule_files, rules
from tests.servers import free_port, need, running, wait_until

FOLDER = ROOT / "alertmanager"
CONFIG = FOLDER / "alertmanager.yml"

pytestmark = pytest.mark.server

Labels = dict[str, str]
APEX = {"source": "cs01", "kind": "commvault", "pool": "Apex GDP"}
SCRAPED = {"job": "ebbtide", "instance": "exporter:9877"}


def test_the_configuration_is_valid() -> None:
    run = _amtool("check-config", CONFIG)
    assert run.returncode == 0, run.stderr
    assert "1 templates" in run.stdout


@pytest.mark.parametrize("severity", [s for s in SEVERITIES if s != "none"])
def test_every_severity_reaches_somebody(severity: str) -> None:
    run = _amtool(
        "config", "routes", "test", f"--config.file={CONFIG}",
        "--verify.receivers=ebbtide-webhook", "alertname=EbbtidePoolNearlyFull", f"severity={severity}",
    )  # fmt: skip
    assert run.returncode == 0, run.stdout


def test_the_watchdog_goes_its_own_way() -> None:
    run = _amtool(
        "config", "routes", "test", f"--config.file={CONFIG}",
        "--verify.receivers=ebbtide-watchdog", "alertname=EbbtideWatchdog", "severity=none",
    )  # fmt: skip
    assert run.returncode == 0, run.stdout


def test_critical_waits_ten_seconds_at_most_and_has_a_route_of_its_own() -> None:
    routes = yaml.safe_load(CONFIG.read_text())["route"]["routes"]
    [critical] = [r for r in routes if r["matchers"] == ["severity = critical"]]
    assert critical["group_wait"] == "10s"


def test_inhibitions_name_only_alerts_that_exist() -> None:
    alerts = {rule["alert"] for rule in rules(rule_files()) if "alert" in rule}
    matchers = [
        matcher.split("=", 1)
        for rule in yaml.safe_load(CONFIG.read_text())["inhibit_rules"]
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
            {"alertname": "EbbtideAgingSucceedsPruningFails", "severity": "critical", "category": "pruning", **APEX},
            {
                "alertname": "EbbtidePendingDeletesHigh",
                "severity": "critical",
                "category": "pruning",
                **APEX,
                "ddb": "A",
            },
        ),
        (
            {"alertname": "EbbtideAgingSucceedsPruningFails", "severity": "critical", "category": "pruning", **APEX},
            {"alertname": "EbbtideNoPruning", "severity": "warning", "category": "pruning", **APEX},
        ),
        (
            {"alertname": "EbbtidePoolWithoutMediaAgent", "severity": "critical", "category": "infrastructure", **APEX},
            {"alertname": "EbbtideNoPruning", "severity": "warning", "category": "pruning", **APEX},
        ),
    ],
    ids=lambda labels: f"{labels['alertname']}-{labels['severity']}",
)
def test_what_is_explained_is_left_unsaid(muted: Callable[..., set[str]], explains: Labels, unsaid: Labels) -> None:
    assert muted(explains, unsaid) == {unsaid["alertname"]}


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
            {"alertname": "EbbtideMediaAgentOffline", "severity": "critical", "source": "cs01", "mediaagent": "ma01"},
            {"alertname": "EbbtideCollectorStale", "severity": "warning", "source": "cs01", "collector": "jobs"},
        ),
        (
            {"alertname": "EbbtidePoolNearlyFull", "severity": "critical", "category": "capacity", **APEX},
            {"alertname": "EbbtidePoolNearlyFull", "severity": "warning", "category": "capacity", **APEX, "pool": "B"},
        ),
        # A likely cause of the failure stays visible.
        (
            {"alertname": "EbbtideAgingSucceedsPruningFails", "severity": "critical", "category": "pruning", **APEX},
            {"alertname": "EbbtideDdbSealed", "severity": "warning", "category": "pruning", **APEX, "ddb": "A"},
        ),
        (
            {"alertname": "EbbtideAgingSucceedsPruningFails", "severity": "critical", "category": "pruning", **APEX},
            {"alertname": "EbbtideNoPruning", "severity": "warning", "category": "pruning", **APEX, "pool": "B"},
        ),
        (
            {"alertname": "EbbtidePoolWithoutMediaAgent", "severity": "critical", "category": "infrastructure", **APEX},
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


def test_the_message_names_object_number_runbook_and_dashboard(tmp_path: Path) -> None:
    alert = {
        "status": "firing",
        "labels": {"alertname": "EbbtidePoolNearlyFull", "severity": "critical", **APEX},
        "annotations": {
            "summary": "Pool Apex GDP of cs01 has 1.97% free.",
            "description": "Backups fail when it is full.",
            "runbook_url": "https://ebbtide.example.org/runbooks/EbbtidePoolNearlyFull",
            "dashboard_url": "/d/ebbtide-overview?var-source=cs01",
        },
    }
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"status": "firing", "alerts": [alert], "commonLabels": alert["labels"]}))
    assert _rendered("ebbtide.title", data) == "[FIRING:1] EbbtidePoolNearlyFull cs01 / Apex GDP"
    assert _rendered("ebbtide.text", data).splitlines() == [
        "CRITICAL: Pool Apex GDP of cs01 has 1.97% free.",
        "Backups fail when it is full.",
        "What to do: https://ebbtide.example.org/runbooks/EbbtidePoolNearlyFull",
        "Dashboard: https://grafana.example.org/d/ebbtide-overview?var-source=cs01",
    ]


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Our inhibitions and routes with the receivers emptied, so that nothing is sent."""
    folder = tmp_path_factory.mktemp("alertmanager")
    config = yaml.safe_load(CONFIG.read_text())
    config["receivers"] = [{"name": receiver["name"]} for receiver in config["receivers"]]
    del config["templates"]
    (folder / "am.yml").write_text(yaml.safe_dump(config))
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        need("prometheus-alertmanager"), f"--config.file={folder / 'am.yml'}", f"--storage.path={folder}",
        f"--web.listen-address={url.removeprefix('http://')}", "--cluster.listen-address=",
    ]  # fmt: skip
    with running(command, folder / "log"):
        wait_until(lambda: _ready(url), "Alertmanager is ready")
        yield url


@pytest.fixture
def muted(alertmanager: str) -> Iterator[Callable[..., set[str]]]:
    posted: list[Labels] = []

    def post(*alerts: Labels) -> set[str]:
        """Names of those alerts that another one silences."""
        posted.extend(alerts)
        _post(alertmanager, alerts, "2100-01-01T00:00:00Z")
        wait_until(lambda: len(_alerts(alertmanager)) == len(alerts), "the alerts arrive")
        return {a["labels"]["alertname"] for a in _alerts(alertmanager) if a["status"]["inhibitedBy"]}

    yield post
    _post(alertmanager, posted, "2000-01-01T00:00:00Z")
    wait_until(lambda: not _alerts(alertmanager), "the alerts are gone")


def _post(url: str, alerts: list[Labels] | tuple[Labels, ...], until: str) -> None:
    body = [{"labels": labels, "startsAt": "1999-01-01T00:00:00Z", "endsAt": until} for labels in alerts]
    requests.post(f"{url}/api/v2/alerts", json=body, timeout=5).raise_for_status()


def _alerts(url: str) -> list[dict[str, dict[str, str]]]:
    answer: list[dict[str, dict[str, str]]] = requests.get(f"{url}/api/v2/alerts", timeout=5).json()
    return answer


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=1).ok
    except requests.ConnectionError:
        return False


def _rendered(template: str, data: Path) -> str:
    run = _amtool(
        "template", "render", f"--template.glob={FOLDER}/templates/*.tmpl",
        f'--template.text={{{{ template "{template}" . }}}}', f"--template.data={data}",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def _amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([need("amtool"), *map(str, arguments)], capture_output=True, text=True, timeout=30)
