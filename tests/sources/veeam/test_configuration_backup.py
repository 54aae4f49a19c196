from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import SourceGarbled, SourceRefused
from exporter.model import ConfigurationBackup
from exporter.sources.veeam.configuration_backup import CONFIG_BACKUP, fetch, parse

BERLIN = ZoneInfo("Europe/Berlin")
LAST = datetime(2026, 3, 2, 10, 0, 35, 33000, tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize("folder", ["veeam-1.2", "veeam-1.3"])
def test_the_last_success_is_the_same_with_and_without_a_zone(payload, folder):
    told = parse(payload(f"{folder}/configBackup"), BERLIN)
    assert (told.enabled, told.encrypted) == (True, True)
    assert told.last_success_at == pytest.approx(LAST)


@pytest.mark.parametrize(
    "last", [{}, None, {"lastSuccessfulTime": None}, {"lastSuccessfulTime": "1900-01-01T00:00:00"}]
)
def test_what_never_succeeded_has_no_time(payload, last):
    body = payload("veeam-1.1/configBackup") | {"lastSuccessfulBackup": last}
    assert parse(body, BERLIN) == ConfigurationBackup(enabled=False, encrypted=False)


def test_what_is_not_told_is_unknown():
    assert parse({"isEnabled": True}, BERLIN) == ConfigurationBackup(enabled=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [("isEnabled", "yes"), ("encryption", True), ("lastSuccessfulBackup", {"lastSuccessfulTime": "soon"})],
)
def test_a_surprising_field_is_named(payload, field, value):
    with pytest.raises(SourceGarbled, match=rf"^GET /api/v1/configBackup: .*({field}|soon)"):
        parse(payload("veeam-1.3/configBackup") | {field: value}, BERLIN)


@pytest.fixture
def server(requests_mock, payload):
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    requests_mock.get("/api/v1/serverTime", json=payload("veeam-1.3/serverTime"))
    return requests_mock


def test_every_revision_has_it(client, server, payload, poll):
    server.get(CONFIG_BACKUP, json=payload("veeam-1.2/configBackup"))
    told = fetch(client(api_revision="1.1-rev0", role="backup_administrator"), poll)
    assert told.last_success_at == pytest.approx(LAST)


def test_a_viewer_who_says_to_be_more_is_refused(client, server, payload, poll):
    server.get(CONFIG_BACKUP, status_code=403, json=payload("veeam-1.3/forbidden"))
    with pytest.raises(SourceRefused, match=r"GET /api/v1/configBackup: refused \(403\)"):
        fetch(client(role="backup_administrator"), poll)
