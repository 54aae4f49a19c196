from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.model import AlertCount
from exporter.sources.commvault.alerts import fetch, parse, parse_count

from .conftest import URL


def test_alerts_are_counted_by_severity_and_by_a_criterion_of_a_short_list(payload):
    found = {(a.severity, a.criterion): a.count for a in parse(payload("v4_triggeredalerts"))}
    assert found == {
        ("critical", "mediaagent went offline"): 2,
        ("major", "disk space low"): 1,
        # A text with the name of a client in it must not become a label.
        ("information", "other"): 1,
        ("other", "job failed"): 1,
    }


def test_a_criterion_with_a_number_in_it_is_the_one_of_the_list():
    [alert] = parse({"alertsTriggered": [{"id": 1, "detectedCriterion": "Data aging is disabled for 30 days"}]})
    assert alert.criterion == "data aging is disabled for n days"


def test_nothing_raised_is_no_alert():
    assert parse({}) == parse({"alertsTriggered": []}) == ()
    assert parse_count({}) == parse_count({"totalNoOfAlerts": 0}) == ()


def test_an_older_release_tells_only_how_many(client, poll, requests_mock):
    requests_mock.get(f"{URL}/V4/TriggeredAlerts", status_code=404)
    requests_mock.get(f"{URL}/Alert", json={"totalNoOfAlerts": "7", "feedsList": [{}]})
    assert fetch(client(), poll()) == (AlertCount(severity="other", criterion="other", count=7),)


@pytest.mark.parametrize(
    ("answer", "said"),
    [({"alertsTriggered": 5}, "alertsTriggered"), ({"alertsTriggered": [{"id": 1, "severity": 1}]}, "severity")],
)
def test_a_surprise_is_garbled(answer, said):
    with pytest.raises(SourceGarbled, match=f"GET /V4/TriggeredAlerts: .*{said}"):
        parse(answer)
