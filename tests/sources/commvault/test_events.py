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


def test_an_event_is_counted_once_however_often_it_is_listed(client, poll, requests_mock):
    first = [event(1, AT - 900), event(2, AT - 60)]
    requests_mock.get(f"{URL}/Events", json={"commservEvents": first})
    assert counts(fetch(client(), poll(at=AT))) == {("major", ""): 2}
    # Stored late: its time lies before the last poll.
    late = [event(2, AT - 60), event(3, AT - 30), event(4, AT + 100, severity=9)]
    requests_mock.get(f"{URL}/Events", json={"commservEvents": late})
    assert counts(fetch(client(), poll(at=AT + 300))) == {("major", ""): 3, ("critical", ""): 1}
    assert counts(fetch(client(), poll(at=AT + 301))) == {("major", ""): 3, ("critical", ""): 1}


def test_an_event_in_the_second_where_two_polls_overlap_is_counted_once(client, poll, requests_mock):
    requests_mock.get(f"{URL}/Events", json={"commservEvents": [event(1, AT - 600)]})
    assert counts(fetch(client(), poll(at=AT + 0.5))) == {("major", ""): 1}
    assert counts(fetch(client(), poll(at=AT + 900.5))) == {("major", ""): 1}


def test_a_poll_asks_from_a_little_before_the_last_one_and_never_for_more_than_a_week(client, poll, requests_mock):
    requests_mock.get(f"{URL}/Events", json={})

    def asked(at):
        fetch(client(), poll(at=at))
        query = requests_mock.last_request.qs
        return int(query["totime"][0]) - int(query["fromtime"][0])

    assert [asked(AT), asked(AT + 900), asked(AT + 40 * 86400)] == [4200, 1500, 7 * 86400]


def test_a_poll_that_fails_counts_nothing(client, poll, requests_mock):
    requests_mock.get(f"{URL}/Events", json={"commservEvents": [event(1, AT), {"severity": 6}]})
    with pytest.raises(SourceGarbled, match=r"GET /Events: .*id"):
        fetch(client(), poll())
    requests_mock.get(f"{URL}/Events", json={"commservEvents": [event(1, AT)]})
    assert counts(fetch(client(), poll())) == {("major", ""): 1}
