from __future__ import annotations

import logging
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
import requests

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.model import HOUR, VeeamServer
from exporter.sources.veeam.veeam_server import fetch, parse

BERLIN = ZoneInfo("Europe/Berlin")
WINTER, SUMMER = 1772442000.0, 1782810000.0
INFO, TIME = "/api/v1/serverInfo", "/api/v1/serverTime"


@pytest.fixture(autouse=True)
def server(requests_mock, payload):
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    requests_mock.get(INFO, json=payload("veeam-1.3/serverInfo"))
    requests_mock.get(TIME, json=payload("veeam-1.3/serverTime"))
    return requests_mock


def asked(mock):
    return [request.path for request in mock.request_history if request.method == "GET"]


def test_a_13_tells_its_platform(payload):
    assert parse(payload("veeam-1.3/serverInfo"), "1.3-rev1", BERLIN, WINTER) == VeeamServer(
        name="vbr01.example.com", version="13.0.1.180", api_revision="1.3-rev1", platform="Linux",
        utc_offset_seconds=HOUR,
    )  # fmt: skip


@pytest.mark.parametrize(("folder", "version"), [("veeam-1.1", "12.0.0.1420"), ("veeam-1.2", "12.3.2.3617")])
def test_a_12_has_a_version_and_no_platform(payload, folder, version):
    server = parse(payload(f"{folder}/serverInfo"), "1.2-rev1", UTC, WINTER)
    assert (server.version, server.platform, server.utc_offset_seconds) == (version, "", 0.0)


def test_the_offset_is_that_of_the_day(payload):
    info = payload("veeam-1.3/serverInfo")
    assert parse(info, "1.3-rev1", BERLIN, SUMMER).utc_offset_seconds == 2 * HOUR


def test_a_viewer_of_a_newer_server_learns_the_revision_and_the_offset(client, server, poll):
    told = fetch(client(), poll)
    assert told == VeeamServer(api_revision="1.3-rev1", utc_offset_seconds=HOUR)
    assert asked(server) == [TIME.lower()]


@pytest.mark.parametrize("own", [{}, {"timezone": "Europe/Berlin"}], ids=["asked", "configured"])
def test_a_server_that_went_away_is_not_reported_from_memory(client, server, poll, own):
    viewer = client(**own)
    assert fetch(viewer, poll).utc_offset_seconds == HOUR
    server.get(TIME, exc=requests.exceptions.ConnectionError)
    with pytest.raises(SourceUnreachable, match=r"^GET /api/v1/serverTime: "):
        fetch(viewer, poll)


def test_a_viewer_of_a_12_1_may_read_all_of_it(client, server, poll, payload):
    server.get(INFO, json=payload("veeam-1.1/serverInfo"))
    assert fetch(client(api_revision="1.1-rev1"), poll).version == "12.0.0.1420"


def test_an_administrator_reads_all_of_it(client, poll):
    assert fetch(client(role="backup_administrator"), poll).version == "13.0.1.180"


def test_who_is_no_administrator_after_all_goes_without(client, server, poll, payload, caplog):
    server.get(INFO, status_code=403, json=payload("veeam-1.3/forbidden"))
    with caplog.at_level(logging.INFO):
        told = fetch(client(role="backup_administrator"), poll)
    assert (told.version, told.api_revision, told.utc_offset_seconds) == ("", "1.3-rev1", HOUR)
    assert "done without: GET /api/v1/serverInfo: refused (403)" in caplog.text


def test_a_refused_login_is_no_missing_right(client, server, poll):
    server.get(INFO, status_code=401, json={"errorCode": "AccessDenied", "message": "Unauthorized"})
    with pytest.raises(SourceRefused, match=r"\(401\)"):
        fetch(client(role="backup_administrator"), poll)


@pytest.mark.parametrize("spoilt", [{}, [], {"name": "x", "buildVersion": 13}, {"name": None, "buildVersion": "13"}])
def test_a_surprising_answer_names_the_endpoint(spoilt):
    with pytest.raises(SourceGarbled, match=r"^GET /api/v1/serverInfo: "):
        parse(spoilt, "1.3-rev1", UTC, WINTER)
