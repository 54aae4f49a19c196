from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.veeam.proxies import PROXIES, PROXY_STATES, fetch, parse


def test_a_13_tells_how_proxies_are(rows):
    _, offline, disabled, _ = parse(rows("veeam-1.3/proxies_states"))
    assert (offline.name, offline.proxy_type) == ("proxy02.example.com", "HvProxy")
    assert (offline.online, offline.enabled, offline.out_of_date) == (False, True, True)
    assert (disabled.online, disabled.enabled, disabled.out_of_date) == (True, False, False)


def test_a_12_tells_only_what_they_are(rows):
    first, _ = parse(rows("veeam-1.1/proxies"))
    assert (first.id, first.name, first.proxy_type) == (
        "aaaaaaaa-0000-0000-0000-000000000001", "VMware Backup Proxy", "ViProxy",
    )  # fmt: skip
    assert (first.online, first.enabled, first.out_of_date) == (None, None, None)


@pytest.mark.parametrize(
    ("revision", "route", "name"),
    [("1.3-rev0", PROXY_STATES, "veeam-1.3/proxies_states"), ("1.2-rev1", PROXIES, "veeam-1.1/proxies")],
)
def test_one_list_is_asked_for(client, requests_mock, payload, poll, revision, route, name):
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    requests_mock.get(route, json=payload(name))
    assert fetch(client(api_revision=revision), poll)
    assert [r.path for r in requests_mock.request_history if r.method == "GET"] == [route.lower()]


@pytest.mark.parametrize(
    ("field", "value"), [("name", None), ("isOnline", "yes"), ("isDisabled", 1), ("isOutOfDate", []), ("type", 7)]
)
def test_a_surprising_field_is_named(rows, field, value):
    [first, *_] = rows("veeam-1.3/proxies_states")
    with pytest.raises(SourceGarbled, match=rf"^GET /api/v1/backupInfrastructure/proxies: .*{field}"):
        parse([first | {field: value}])
