from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceRefused
from exporter.model import HOUR
from exporter.sources.commvault.commcell import fetch, parse, utc_offset

from .conftest import URL

DENIED = {"errorMessage": "Access denied", "errorCode": 5}


def test_a_commcell_has_a_name_a_release_and_a_licence(payload):
    cell = parse(payload("commserv"), payload("v4_license"))
    assert (cell.name, cell.id, cell.version) == ("cs01", "2", "11.36.21")
    assert (cell.license_expires_at, cell.license_edition) == (1798761600.0, "Commvault")
    assert cell.utc_offset_seconds == HOUR


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("0:-60:(UTC+01:00) Amsterdam, Berlin", 1.0),
        ("0:300:(UTC-05:00) Eastern Time (US & Canada)", -5.0),
        ("0:-330:(UTC+05:30) Chennai, Kolkata", 5.5),
        ("0:0:(UTC) Coordinated Universal Time", 0.0),
        ("0:240:(GMT-04:00) Atlantic Time", -4.0),
        ("0:-60:Amsterdam", 1.0),
        ("(UTC+01:00) Amsterdam", 1.0),
    ],
)
def test_the_clock_is_minutes_west_of_utc(zone, hours):
    assert utc_offset(zone) == hours * HOUR


@pytest.mark.parametrize("zone", ["", "Amsterdam", "0:60:(UTC+01:00) Amsterdam", "0:x:Amsterdam"])
def test_a_time_zone_that_contradicts_itself_or_tells_nothing_is_unknown(zone):
    assert utc_offset(zone) is None


def test_what_is_not_told_is_unknown():
    cell = parse({"commcell": {"commCellName": "cs01"}}, {})
    assert (cell.id, cell.version, cell.license_edition) == ("", "", "")
    assert (cell.utc_offset_seconds, cell.license_expires_at) == (None, None)
    assert parse({"commcell": {"commCellName": "cs01"}}, {"expiryDate": 0}).license_expires_at is None


@pytest.mark.parametrize(
    ("answer", "license_", "message"),
    [
        ({}, {}, "GET /CommServ: .*no field commcell"),
        ({"commcell": []}, {}, "GET /CommServ: commcell is of type list"),
        ({"commcell": {}}, {}, "GET /CommServ: .*no field 'commCellName'"),
        ({"commcell": {"commCellName": "cs01"}, "timeZone": 60}, {}, "GET /CommServ: .*timeZone is of type int"),
        ({}, {"expiryDate": "soon"}, "GET /V4/License: .*expiryDate is not a number"),
    ],
)
def test_a_surprise_is_garbled_and_names_endpoint_and_field(answer, license_, message):
    with pytest.raises(SourceGarbled, match=message):
        parse(answer, license_)


def test_two_calls_read_it(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/CommServ", json=payload("commserv"))
    requests_mock.get(f"{URL}/V4/License", json=payload("v4_license"))
    [cell] = fetch(client(), poll())
    assert cell.license_edition == "Commvault"


@pytest.mark.parametrize("answer", [{"status_code": 404}, {"status_code": 403}, {"json": DENIED}, {"json": {}}])
def test_a_licence_that_is_refused_costs_the_rest_nothing(client, poll, requests_mock, payload, answer):
    requests_mock.get(f"{URL}/CommServ", json=payload("commserv"))
    requests_mock.get(f"{URL}/V4/License", **answer)
    [cell] = fetch(client(), poll())
    assert (cell.version, cell.license_expires_at) == ("11.36.21", None)


def test_credentials_that_are_not_accepted_are_not_a_missing_licence(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/CommServ", json=payload("commserv"))
    requests_mock.get(f"{URL}/V4/License", status_code=401)
    with pytest.raises(SourceRefused, match="401"):
        fetch(client(), poll())
