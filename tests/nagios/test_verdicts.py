"""The same data through the rules, in a real Prometheus, and through the checks: the verdicts are the same."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from exporter.nagios import plugin, thresholds
from exporter.nagios.check import Data, Selection
from exporter.nagios.checks import CHECKS
from exporter.nagios.fetch import Access, NoAnswer, Prometheus
from exporter.nagios.samples import Samples, from_page
from exporter.nagios.verdict import State, Verdict
from tests.nagios.estates import DRAWS, Series
from tests.promql import ROOT
from tests.servers import free_port, need, running, wait_until

pytestmark = pytest.mark.server

EACH = 20
SEVERITIES = {"critical": State.CRITICAL, "warning": State.WARNING}


@dataclass
class Site:
    """A Prometheus that evaluated the shipped rules over the estates, and what an exporter would say of them."""

    prometheus: Prometheus
    url: str
    page: str
    now: float
    numbers: thresholds.Thresholds

    def firing(self, name: str) -> list[dict[str, str]]:
        """The labels of the firing alerts that a check stands for."""
        alerts = requests.get(f"{self.url}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        return [a["labels"] for a in alerts if a["labels"]["alertname"] in CHECKS[name].alerts]

    def rules_say(self, name: str, sources: Iterable[str]) -> dict[str, State]:
        said = dict.fromkeys(sources, State.OK)
        for labels in self.firing(name):
            if (source := labels.get("source")) in said:
                said[source] = max(said[source], SEVERITIES.get(labels["severity"], State.OK))
        return said

    def samples(self, name: str) -> Samples:
        """As a check with --prometheus asks."""
        samples = self.prometheus.metrics(CHECKS[name].metrics)
        for asked, expression in CHECKS[name].asks.items():
            samples |= self.prometheus.query(expression, asked)
        return samples

    def verdict(self, name: str, samples: Samples, source: str) -> Verdict:
        return CHECKS[name].run(Data(samples, self.numbers, self.now, Selection(source=source)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("verdicts")
    now = time.time()
    series = [
        one
        for name, draw in DRAWS.items()
        for number in range(EACH)
        for one in draw(random.Random(f"{name}{number}"), f"{name}-{number}", now)
    ]
    series += [Series("up", {"job": "ebbtide", "instance": f"e{n}:9877"}, n) for n in (0, 1)]
    series += [Series("ebbtide_config_last_reload_successful", {"instance": "e1:9877", "job": "ebbtide"}, 0)]
    _backfill(folder, series, now)
    for rules in (ROOT / "rules").glob("**/*.yaml"):
        _hurried(rules, folder / rules.name)
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump({"global": {"evaluation_interval": "2s"}, "rule_files": [str(folder / "*.yaml")]})
    )
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        need("prometheus"), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={url.removeprefix('http://')}", "--storage.tsdb.retention.time=10y",
    ]  # fmt: skip
    with running(command, folder / "log"):
        prometheus = Prometheus(url, Access())
        wait_until(lambda: _evaluated(prometheus), "the rules are evaluated over what they record")
        page = "\n".join([one.at(0) for one in series if one.name != "up"] + [""])
        yield Site(prometheus, url, page, time.time(), thresholds.from_file(ROOT / "rules/thresholds.yaml"))


def _backfill(folder: Path, series: list[Series], now: float) -> None:
    """26 hours of history, until now: what Prometheus is to write must be younger than a block."""
    ages = [*range(26 * 3600, 900, -3600), *range(900, -1, -60)]
    past = "".join(f"{one.at(age)} {now - age:.3f}\n" for one in series for age in ages)
    (folder / "past.om").write_text(f"{past}# EOF\n")
    command = [
        need("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics",
        str(folder / "past.om"), str(folder / "tsdb"),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


def _hurried(rules: Path, to: Path) -> None:
    """The rules as shipped, every two seconds and without `for`."""
    content: dict[str, Any] = yaml.safe_load(rules.read_text())
    for group in content["groups"]:
        group["interval"] = "2s"
        for rule in group["rules"]:
            rule.pop("for", None)
            rule.pop("keep_firing_for", None)
    to.write_text(yaml.safe_dump(content))


def _evaluated(prometheus: Prometheus) -> bool:
    """Four times at least: what is recorded from what is recorded is there."""
    often = "count_over_time(severity:ebbtide_pool_free_ratio:threshold[1m]) >= 4"
    try:
        return bool(prometheus.query(often, "often").of("often"))
    except NoAnswer:
        return False


@pytest.mark.parametrize("name", DRAWS)
def test_a_check_of_prometheus_data_comes_to_the_verdict_of_the_rules(site: Site, name: str) -> None:
    samples = site.samples(name)
    said = {source: site.verdict(name, samples, source).state for source in _sources(name)}
    assert len(set(said.values())) > 1
    # Rules rest on what rules record, and Prometheus may still be at it.
    wait_until(lambda: site.rules_say(name, said) == said, "the rules come to the same verdicts")
    assert {s: v.name for s, v in site.rules_say(name, said).items()} == {s: v.name for s, v in said.items()}


@pytest.mark.parametrize("name", DRAWS)
def test_a_check_of_a_page_comes_to_it_too_or_to_a_worse_one_where_it_lacks_the_past(site: Site, name: str) -> None:
    page, samples = from_page(site.page, CHECKS[name].metrics), site.samples(name)
    for source in _sources(name):
        known = site.verdict(name, samples, source).state
        said = site.verdict(name, page, source).state
        assert said == known or (CHECKS[name].asks and said > known), source


def test_an_exporter_that_is_not_scraped_is_as_bad_as_its_alert(site: Site) -> None:
    verdict = site.verdict("exporter", site.samples("exporter"), "*")
    assert {f.name: f.state for f in verdict.findings} == {"e0:9877": State.CRITICAL, "e1:9877": State.WARNING}
    assert {(a["instance"], a["severity"]) for a in site.firing("exporter")} == {
        ("e0:9877", "critical"),
        ("e1:9877", "warning"),
    }


def test_check_ebbtide_asks_a_real_prometheus(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    wait_until(lambda: site.firing("mediaagents"), "the rules are evaluated")
    with pytest.raises(SystemExit) as left:
        plugin.main(["mediaagents", "--prometheus", site.url, "--timeout", "60"])
    assert left.value.code == 2
    assert capsys.readouterr().out.startswith("MEDIAAGENTS CRITICAL: mediaagents-")
    with pytest.raises(SystemExit) as left:
        plugin.main(["pending-deletes", "--prometheus", site.url, "--timeout", "60"])
    assert left.value.code == 2
    assert "and they get fewer" in capsys.readouterr().out
    with pytest.raises(SystemExit) as left:
        plugin.main(["alert", "EbbtideCommvaultMediaAgentOffline", "--prometheus", site.url, "--timeout", "60"])
    assert left.value.code == 2
    assert "is offline." in capsys.readouterr().out


def _sources(name: str) -> list[str]:
    return [f"{name}-{number}" for number in range(EACH)]
