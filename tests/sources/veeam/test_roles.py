"""What an account without the right is told, and what not."""

from __future__ import annotations

import pytest

from exporter.sources.veeam import COLLECTORS, FOR_ADMINISTRATORS, MALWARE_EVENTS

ADMINISTRATOR = "the role Veeam Backup Administrator"
ROUTES = {
    "license": "/api/v1/license",
    "configuration_backup": "/api/v1/configBackup",
    "best_practices": "/api/v1/securityAnalyzer/bestPractices",
}
NOW = 1772449200.0


@pytest.mark.parametrize("collector", [*COLLECTORS, MALWARE_EVENTS, *FOR_ADMINISTRATORS], ids=lambda c: c.name)
def test_every_collector_says_which_role_it_needs(collector):
    assert "the role Veeam Backup " in collector.permission


@pytest.mark.parametrize("collector", [c.name for c in FOR_ADMINISTRATORS])
def test_a_viewer_configured_as_administrator_is_refused_by_endpoint_and_role_and_the_server_is_up(
    site, house, collector
):
    watch = house.watch(site(configured={"role": "backup_administrator"}).source)
    state = watch.poll(collector, NOW)
    assert (state.success, state.reason) == (False, "refused")
    refusal = f"GET {ROUTES[collector]}: refused (403): the account lacks the permission; needed: {ADMINISTRATOR}"
    assert state.error.startswith(refusal)
    assert watch.up is True
    assert watch.poll("pools", NOW).success


def test_what_a_revision_has_for_administrators_only_is_no_failure_of_a_viewer(site, house):
    watch = house.watch(site("1.2-rev1").source)
    state = watch.poll("malware_events", NOW)
    assert (state.success, state.reason) == (None, "not_offered")
    assert "needs the role Veeam Backup Administrator before VBR 13.0.1" in state.error
    assert watch.up is True
