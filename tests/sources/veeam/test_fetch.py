"""What the collectors ask for."""

from __future__ import annotations

import pytest

from exporter.errors import SourceRefused
from exporter.sources.veeam import backup_jobs, pools

API = "/api/v1"
STATES = f"{API}/backupInfrastructure/repositories/states"
SCALE_OUTS = f"{API}/backupInfrastructure/scaleOutRepositories"


@pytest.fixture(autouse=True)
def server(requests_mock, payload):
    answers = {
        STATES: "repositories_states",
        f"{API}/jobs/states": "jobs_states",
        f"{API}/jobs": "jobs",
        f"{API}/serverTime": "serverTime",
    }
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    requests_mock.get(SCALE_OUTS, json=payload("veeam-1.1/scaleOutRepositories"))
    for route, name in answers.items():
        requests_mock.get(route, json=payload(f"veeam-1.3/{name}"))
    return requests_mock


def asked(mock):
    return [r.path for r in mock.request_history if r.method == "GET"]


def test_pools_of_a_13_need_one_call(client, server, poll):
    assert len(pools.fetch(client(), poll)) == 12
    assert asked(server) == [STATES.lower()]


def test_pools_of_a_12_need_the_scale_out_repositories_too(client, server, poll):
    assert len(pools.fetch(client(api_revision="1.2-rev1"), poll)) == 12
    assert asked(server) == [STATES.lower(), SCALE_OUTS.lower()]


@pytest.mark.parametrize(("collector", "route"), [(pools, STATES), (backup_jobs, f"{API}/jobs")])
def test_a_refused_endpoint_costs_its_own_collector_only(client, server, poll, collector, route):
    server.get(route, status_code=403, json={"errorCode": "AccessDenied", "message": "Forbidden"})
    vbr = client()
    others = {pools, backup_jobs} - {collector}
    if route == STATES:
        # The names of repositories come from the same endpoint.
        others = set()
    with pytest.raises(SourceRefused, match=rf"GET {route}: refused \(403\)"):
        collector.fetch(vbr, poll)
    for other in others:
        assert other.fetch(vbr, poll)
