"""A living server of every revision, read by a Viewer and by an administrator."""

from __future__ import annotations

import pytest

from exporter.simulator.vbr_call import REVISIONS
from tests.sources.veeam.site import NOON


@pytest.fixture(params=["viewer", "administrator"])
def read(request, site):
    """Makes a source whose account has the role that its configuration names."""
    role = request.param
    return lambda revision: site(revision, role=role, configured={"role": f"backup_{role}"})


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_collector_answers_or_says_from_when_on_there_is_such_a_thing(read, house, revision):
    source = read(revision).source
    watch = house.watch(source)
    states = [watch.poll(collector.name, NOON) for collector in source.collectors]
    assert source.client.revision() == revision
    lacking = {state.collector: state.error for state in states if state.success is None}
    assert [state.error for state in states if state.success is False] == []
    assert set(lacking) <= {"malware_events", "license", "best_practices"}
    assert all(f"this server speaks {revision}" in told for told in lacking.values())
    assert bool(lacking) == (revision < "1.2" or (revision < "1.3-rev1" and not source.client.is_administrator))
