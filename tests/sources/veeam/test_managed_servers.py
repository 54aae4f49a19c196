from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.veeam.managed_servers import MANAGED_SERVERS, fetch, parse


@pytest.mark.parametrize("folder", ["veeam-1.2", "veeam-1.3"])
def test_servers_are_available_or_not(rows, folder):
    vcenter, proxy, *_ = parse(rows(f"{folder}/managedServers"))
    assert (vcenter.name, vcenter.server_type, vcenter.available) == ("vcenter01.example.com", "ViHost", True)
    assert proxy.available is False


def test_before_12_3_it_is_unknown_whether_a_server_is_available(rows):
    assert {server.available for server in parse(rows("veeam-1.1/managedServers"))} == {None}


@pytest.mark.parametrize(("status", "available"), [("AVAILABLE", True), ("unavailable", False), ("Resting", None)])
def test_a_status_is_read_in_any_case_and_a_new_one_is_unknown(rows, status, available):
    [first, *_] = rows("veeam-1.3/managedServers")
    assert parse([first | {"status": status}])[0].available is available


@pytest.mark.parametrize(("field", "value"), [("id", None), ("name", 7), ("status", True), ("type", [])])
def test_a_surprising_field_is_named(rows, field, value):
    [first, *_] = rows("veeam-1.3/managedServers")
    with pytest.raises(SourceGarbled, match=rf"^GET /api/v1/backupInfrastructure/managedServers: .*{field}"):
        parse([first | {field: value}])


def test_they_are_one_list(client, requests_mock, payload, poll):
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    requests_mock.get(MANAGED_SERVERS, json=payload("veeam-1.3/managedServers"))
    assert len(fetch(client(), poll)) == 4
