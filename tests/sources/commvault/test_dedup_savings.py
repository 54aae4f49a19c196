from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable
from exporter.sources.commvault.dedup_savings import fetch, parse

from .conftest import URL

DISK = "GET /V4/Storage/Disk/{}"


def ratio(general):
    return [r.dedup_ratio for r in parse({"id": 1, "name": "A", "general": general}, DISK, "1", "A")]


@pytest.mark.parametrize(
    ("savings", "expected"), [(88, 100 / 12), (0, 1.0), ("90", 10.0), (100, None), (101, None), (-1, None)]
)
def test_savings_in_percent_become_a_ratio(savings, expected):
    assert ratio({"dedupeSavingsPercent": savings}) == ([] if expected is None else [pytest.approx(expected)])


@pytest.mark.parametrize(
    ("savings", "expected"),
    [
        ("75%", 4.0),
        ("75 %", 4.0),
        ("87.5%", 8.0),
        ("87,50%", 8.0),
        (75, 4.0),
        ("N/A", None),
        ("", None),
        ("100%", None),
    ],
)
def test_clouds_and_hyperscale_write_their_savings_as_text(savings, expected):
    assert ratio({"deduplicationSavings": savings}) == ([] if expected is None else [pytest.approx(expected)])


def test_a_pool_that_tells_no_savings_has_no_ratio():
    assert ratio({}) == []
    assert parse({"id": 1}, DISK, "1", "A") == []


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"general": "text"}, "general is of type str"),
        ({"general": {"dedupeSavingsPercent": {"value": 1}}}, "dedupeSavingsPercent is of type dict"),
        ({"general": {"deduplicationSavings": [1]}}, "deduplicationSavings is of type list"),
    ],
)
def test_a_surprise_is_garbled_and_names_endpoint_and_field(answer, field):
    with pytest.raises(SourceGarbled, match=rf"GET /V4/Storage/Disk/\{{\}}: .*{field}"):
        parse(answer, DISK, "1", "A")


class V4:
    """A base path with V4 under it; the pool 305 has been deleted since it was listed."""

    def __init__(self, mock, payload):
        self.mock = mock
        self.payload = payload
        for route in ("Disk", "Cloud", "HyperScale"):
            self.answer(route, payload(f"v4_storage_{route.lower()}"))
        for route, pool in (("Disk", 301), ("Cloud", 304), ("HyperScale", 303)):
            self.answer(f"{route}/{pool}", payload(f"v4_storage_{route.lower()}_{pool}"))
        self.answer("Disk/305", status=404)

    def answer(self, route, body=None, status=200):
        self.mock.get(f"{URL}/V4/Storage/{route}", json=body or {}, status_code=status)


@pytest.fixture
def v4(requests_mock, payload):
    return V4(requests_mock, payload)


def test_every_kind_of_pool_is_asked_for_its_savings(v4, client, poll):
    found = {(r.pool_id, r.pool): r.dedup_ratio for r in fetch(client(), poll())}
    assert found == {
        ("301", "Apex GDP"): pytest.approx(100 / 12),
        ("304", "S3 Archive"): pytest.approx(4.0),
        ("303", "HyperScale 01"): pytest.approx(8.0),
    }


def test_a_pool_without_deduplication_is_not_asked(v4, client, poll, requests_mock):
    fetch(client(), poll())
    assert not [r for r in requests_mock.request_history if r.path.endswith("/314")]


def test_a_list_that_this_release_lacks_does_not_cost_the_others(v4, client, poll):
    v4.answer("HyperScale", status=404)
    assert {r.pool for r in fetch(client(), poll())} == {"Apex GDP", "S3 Archive"}


def test_without_v4_the_message_says_which_url_has_it(v4, client, poll):
    for route in ("Disk", "Cloud", "HyperScale"):
        v4.answer(route, status=404)
    with pytest.raises(SourceGarbled, match=r"this url has no V4 API .*/commandcenter/api"):
        fetch(client(), poll())


def test_details_that_are_missing_for_all_pools_are_an_error(v4, client, poll):
    for route in ("Disk/301", "Cloud/304", "HyperScale/303"):
        v4.answer(route, status=404)
    with pytest.raises(SourceGarbled, match="unexpected status 404"):
        fetch(client(), poll())


def test_other_refusals_of_a_request_are_errors(v4, client, poll):
    v4.answer("Disk", status=409)
    with pytest.raises(SourceGarbled, match="unexpected status 409"):
        fetch(client(), poll())


def test_a_pool_whose_details_are_refused_does_not_cost_the_others(v4, client, poll):
    pools = [found.pool_id for found in fetch(client(), poll())]
    v4.answer("Disk/301", status=400)
    assert [found.pool_id for found in fetch(client(), poll())] == [pool for pool in pools if pool != "301"]


def test_a_server_in_trouble_is_not_taken_for_one_without_v4(v4, client, poll):
    v4.answer("Cloud", status=500)
    with pytest.raises(SourceUnreachable, match="GET /V4/Storage/Cloud"):
        fetch(client(), poll())


def test_a_missing_permission_is_told(v4, client, poll):
    v4.answer("Disk", {"errorCode": 5, "errorMessage": "Access denied"})
    with pytest.raises(SourceRefused, match="GET /V4/Storage/Disk"):
        fetch(client(), poll())


def test_a_list_in_another_shape_is_garbled(v4, client, poll):
    v4.answer("Disk", {"diskStorage": [{"name": "A"}]})
    with pytest.raises(SourceGarbled, match="GET /V4/Storage/Disk: the answer has no field 'id'"):
        fetch(client(), poll())
