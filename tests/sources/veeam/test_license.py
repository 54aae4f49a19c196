from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exporter.errors import NotOffered, SourceGarbled
from exporter.model import TEBIBYTE
from exporter.sources.veeam.license import LICENSE, fetch, parse


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_subscription_of_instances(payload):
    told = parse(payload("veeam-1.2/license"), UTC)
    assert (told.status, told.license_type, told.edition) == ("valid", "Subscription", "EnterprisePlus")
    assert (told.expires_at, told.support_expires_at) == (at("2026-12-31"), at("2026-11-30"))
    assert (told.used, told.licensed) == ({"instances": 87.5}, {"instances": 100.0})
    assert (told.used_bytes, told.licensed_bytes) == (None, None)


def test_a_perpetual_licence_of_sockets_never_expires_but_its_support_does(payload):
    told = parse(payload("veeam-1.2/license_perpetual"), UTC)
    assert (told.status, told.expires_at, told.support_expires_at) == ("expired", None, at("2024-06-30"))
    assert (told.used, told.licensed) == ({"sockets": 10.0}, {"sockets": 12.0})


def test_a_licence_of_many_parts_counts_capacity_in_bytes(payload):
    told = parse(payload("veeam-1.3/license"), UTC)
    assert told.used == {"instances": 87.5, "sockets": 10.0}
    assert (told.used_bytes, told.licensed_bytes) == (12.5 * TEBIBYTE, 50 * TEBIBYTE)


def test_dates_in_the_parts_count_by_the_earliest(payload):
    told = parse(payload("veeam-1.3-rev2/license"), UTC)
    assert (told.expires_at, told.support_expires_at) == (at("2027-01-31"), at("2026-10-31"))


def test_the_date_of_the_whole_goes_before_those_of_its_parts(payload):
    told = parse(payload("veeam-1.3-rev2/license") | {"expirationDate": "2027-06-30T00:00:00Z"}, UTC)
    assert told.expires_at == at("2027-06-30")


def test_a_licence_without_any_part_says_what_it_can(payload):
    bare = {"status": "Suspended", "edition": "Community", "expirationDate": "0001-01-01T00:00:00"}
    told = parse(bare, UTC)
    assert (told.status, told.license_type, told.expires_at, told.used, told.licensed) == ("unknown", "", None, {}, {})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expirationDate", "soon"), ("status", 1), ("instanceLicenseSummary", []),
        ("instanceLicenseSummary", {"licensedInstancesNumber": 1}),
        ("instanceLicenseSummary", {"licensedInstancesNumber": 1, "usedInstancesNumber": "many"}),
    ],
)  # fmt: skip
def test_a_surprising_field_is_named(payload, field, value):
    with pytest.raises(SourceGarbled, match=r"^GET /api/v1/license: .*(status|soon|Instance|instance)"):
        parse(payload("veeam-1.2/license") | {field: value}, UTC)


def test_it_is_one_request(client, requests_mock, payload, poll):
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    requests_mock.get("/api/v1/serverTime", json=payload("veeam-1.3/serverTime"))
    requests_mock.get(LICENSE, json=payload("veeam-1.3/license"))
    assert fetch(client(role="backup_administrator"), poll).status == "valid"


def test_before_12_3_there_is_none_to_read(client, requests_mock, poll):
    with pytest.raises(NotOffered, match=r"^GET /api/v1/license: exists from VBR 12\.3 .* speaks 1\.1-rev2"):
        fetch(client(api_revision="1.1-rev2", role="backup_administrator"), poll)
    assert requests_mock.request_history == []
