from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.commvault.events import fetch, parse

from .conftest import AT, URL


def event(number, at, severity=6, **fields):
    return {"id": number, "severity": severity, "timeSource": at, "eventCodeString": "1:1", **fields}


def counts(found):
    return {(e.severity, e.criterion): e.count for e in found if e.count}


def test_severities_have_names(payload):
    kinds = [kind for _, kind in parse(payload("events")).values()]
    assert kinds == [("major", ""), ("critical", ""), ("info", ""), ("other", "")]


def test_codes_of_a_pruning_backlog_are_the_operators_to_name(payload):
    assert parse(payload("events"), ("64:1097",))["501"][1] == ("major", "pruning_backlog")


def test_every_severity_is_there_before_its_first_event(client, poll, requests_mock):
    requests_mock.get(f"{URL}/Events", json={})
    found = fetch(client(), poll())
    assert [(e.severity, e.criterion, e.count) for e in found] == [
        ("critical", "", 0), ("info", "", 0), ("major", "", 0), ("minor", "", 0), ("other", "", 0),
    ]  # fmt: skip


@pytest.fixture
def told(client, poll, requests_mock):
    """What is counted when a poll at that moment is answered with these events."""

    def told(at, *events):
        requests_mock.get(f"{URL}/Events", json={"commservEvents": events})
        return counts(fetch(client(), poll(at=at)))

    return told


def test_what_happened_before_the_first_poll_is_not_counted(told):
    old = [event(1, AT - 900), event(2, AT - 60), event(3, None)]
    assert told(AT, *old) == {}
    assert told(AT + 300, *old, event(4, AT + 100)) == {("major", ""): 1}


def test_an_event_is_counted_once_however_often_it_is_listed(told):
    told(AT)
    assert told(AT + 300, event(1, AT + 60), event(2, AT + 240)) == {("major", ""): 2}
    # Stored late: its time lies before the last poll.
    late = [event(2, AT + 240), event(3, AT + 270), event(4, AT + 400, severity=9)]
    assert told(AT + 600, *late) == {("major", ""): 3, ("critical", ""): 1}
    assert told(AT + 601, *late) == {("major", ""): 3, ("critical", ""): 1}


def test_an_event_in_the_second_where_two_polls_overlap_is_counted_once(told):
    told(AT - 900)
    assert told(AT + 0.5, event(1, AT - 600)) == {("major", ""): 1}
    assert told(AT + 900.5, event(1, AT - 600)) == {("major", ""): 1}


@pytest.mark.parametrize("moment", [{}, {"timeSource": 0}, {"timeSource": -1}, {"timeSource": ""}])
def test_an_event_without_a_time_is_counted_once(told, moment):
    timeless = {"id": 1, "severity": 9} | moment
    told(AT)
    assert told(AT + 900, timeless) == {("critical", ""): 1}
    assert told(AT + 1800, timeless) == {("critical", ""): 1}
    assert told(AT + 2700) == {("critical", ""): 1}


def test_events_of_an_outage_are_counted_after_a_restart(told):
    told(AT)
    told(AT + 900, event(1, AT + 100))
    assert told(AT + 9000, event(2, AT + 5000), event(3, AT + 8000)) == {("major", ""): 3}


def test_a_poll_asks_from_a_little_before_the_last_one_and_never_for_more_than_a_week(client, poll, requests_mock):
    requests_mock.get(f"{URL}/Events", json={})

    def asked(at):
        fetch(client(), poll(at=at))
        query = requests_mock.last_request.qs
        return int(query["totime"][0]) - int(query["fromtime"][0])

    assert [asked(AT), asked(AT + 900), asked(AT + 40 * 86400)] == [600, 1500, 7 * 86400]


def test_a_poll_that_fails_counts_nothing(told):
    told(AT)
    with pytest.raises(SourceGarbled, match=r"GET /Events: .*id"):
        told(AT + 900, event(1, AT + 800), {"severity": 6})
    assert told(AT + 900, event(1, AT + 800)) == {("major", ""): 1}
