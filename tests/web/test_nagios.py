"""/nagios/CHECK says what check_ebbtide says, from the Board."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.nagios.checks import CHECKS
from exporter.nagios.thresholds import from_file
from tests.promql import ROOT
from tests.web.conftest import Client, Site, served


@pytest.fixture
def client(site: Site):  # type: ignore[no-untyped-def]
    numbers = from_file(ROOT / "rules/thresholds.yaml")
    with served(replace(site.doors(), thresholds=lambda: numbers)) as client:
        yield client


def test_the_verdict_with_its_exit_code(client: Client) -> None:
    answer = client.get("/nagios/pool?source=cs01")
    assert (answer.status_code, answer.headers["x-nagios-exit"]) == (200, "0")
    assert answer.text == "POOL OK: cs01/Gold has 25.00% free | free=25B;;;0 cs01/Gold=25%;20:;10:\n".replace(
        "cs01/Gold=", "'cs01/Gold'="
    )


def test_ranges_in_the_query_and_json_when_asked_for(client: Client) -> None:
    answer = client.get("/nagios/pool?object=G*&warning=50:&critical=30:", headers={"Accept": "application/json"})
    said = answer.json()
    assert (said["exit"], said["state"], answer.headers["x-nagios-exit"]) == (2, "CRITICAL", "2")
    assert said["output"].startswith("POOL CRITICAL: cs01/Gold has 25.00% free")


def test_what_the_exporter_counts_itself_is_read_too(client: Client) -> None:
    said = client.get("/nagios/exporter").text
    assert said.startswith("EXPORTER WARNING: exporter could not load its changed configuration")


def test_what_is_asked_wrongly_is_said(client: Client) -> None:
    assert client.get("/nagios/nothing").status_code == 404
    answer = client.get("/nagios/pool?warning=20:10")
    assert (answer.status_code, answer.text[:32]) == (400, "warning and critical are ranges ")
    assert client.get("/nagios").json() == {name: check.help for name, check in CHECKS.items()}


def test_its_requests_are_counted_under_one_name(client: Client, site: Site) -> None:
    client.get("/nagios/pool")
    client.get("/nagios/nothing")
    assert site.house.counted("ebbtide_http_requests_total", handler="/nagios", code="200") == 1
    assert site.house.counted("ebbtide_http_requests_total", handler="/nagios", code="404") == 1


def test_without_thresholds_nothing_is_called_well(site: Site) -> None:
    with served(site.doors()) as client:
        answer = client.get("/nagios/pool")
    assert answer.headers["x-nagios-exit"] == "3"
    assert answer.text.startswith("POOL UNKNOWN: there is no threshold of ebbtide_pool_free_ratio")
