from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.commvault.operation_windows import fetch, parse

from .conftest import URL


@pytest.fixture
def windows(payload):
    return {window.id: window for window in parse(payload("opwindowlist"))}


def test_a_window_that_stops_pruning_or_everything_blocks_pruning(windows):
    assert {window.name: window.blocks_pruning for window in windows.values()} == {
        "no pruning by day": True,
        "freeze": True,
        "no fulls": False,
    }


def test_times_are_in_seconds_of_the_day_with_their_days_and_weeks(windows):
    assert windows["3"].times == (
        (21600.0, 72000.0, (1, 2, 3, 4, 5), ()),
        # The first week is bit 1, the last one bit 16.
        (28800.0, 36000.0, (0, 6), (1, 5)),
    )


def test_all_weeks_are_a_bit_of_their_own(windows):
    assert windows["4"].times == ((0.0, 86400.0, (0, 1, 2, 3, 4, 5, 6), ()),)


def test_a_window_without_dates_has_no_limits(windows):
    assert (windows["3"].starts_at, windows["3"].ends_at) == (None, None)
    assert (windows["4"].starts_at, windows["4"].ends_at) == (1766188800.0, 1767398400.0)
    assert (windows["5"].starts_at, windows["5"].ends_at, windows["5"].times) == (None, None, ())


def test_no_windows_are_none():
    assert parse({}) == parse({"error": {"errorCode": 0}}) == parse({"operationWindow": []}) == ()


TIME = {"startTime": 0, "endTime": 1}


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"windows": []}, "no field operationWindow"),
        ({"operationWindow": [{"name": "a"}]}, "no field 'ruleId'"),
        ({"operationWindow": [{"ruleId": 1, "name": "a", "operations": 131072}]}, "operations is of type int"),
        ({"operationWindow": [{"ruleId": 1, "name": "a", "operations": ["ALL"]}]}, "operations is not a number"),
        ({"operationWindow": [{"ruleId": 1, "name": "a", "dayTime": [{}]}]}, "startTime or endTime is missing"),
        ({"operationWindow": [{"ruleId": 1, "name": "a", "dayTime": "always"}]}, "dayTime is of type str"),
        ({"operationWindow": [{"ruleId": 1, "name": "a", "dayTime": [TIME | {"dayOfWeek": [[]]}]}]}, "dayOfWeek is of"),
    ],
)
def test_a_surprise_is_garbled_and_names_endpoint_and_field(answer, field):
    with pytest.raises(SourceGarbled, match=f"GET /OperationWindow/OpWindowList: .*{field}"):
        parse(answer)


def test_one_call_asks_for_those_of_the_commcell(client, poll, requests_mock, payload):
    requests_mock.get(f"{URL}/OperationWindow/OpWindowList?clientId=0", json=payload("opwindowlist"))
    assert len(fetch(client(), poll())) == 3
    assert requests_mock.call_count == 1
