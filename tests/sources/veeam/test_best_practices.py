from __future__ import annotations

import pytest

from exporter.errors import NotOffered, SourceGarbled
from exporter.sources.veeam.best_practices import BEST_PRACTICES, fetch, parse


def test_practices_are_counted_by_status(payload):
    assert parse(payload("veeam-1.3/bestPractices")).by_status == {
        "ok": 2, "violation": 1, "suppressed": 1, "unknown": 3,
    }  # fmt: skip


def test_a_status_that_no_practice_has_is_0(payload):
    assert parse(payload("veeam-1.2/bestPractices")).by_status == {
        "ok": 1, "violation": 1, "suppressed": 0, "unknown": 0,
    }  # fmt: skip


def test_case_does_not_matter_and_new_words_are_unknown():
    items = [{"status": word} for word in ("ok", "OK", "VIOLATION", "Postponed")]
    assert parse({"items": items}).by_status == {"ok": 2, "violation": 1, "suppressed": 0, "unknown": 1}


@pytest.fixture
def server(requests_mock, payload):
    requests_mock.post("/api/oauth2/token", json=payload("veeam-1.3/token"))
    return requests_mock


@pytest.mark.parametrize(
    ("status", "body"), [(200, {"items": []}), (404, {"errorCode": "NotFound", "message": "No session"})]
)
def test_an_analyzer_that_never_ran_has_no_counts(client, server, poll, status, body):
    server.get(BEST_PRACTICES, status_code=status, json=body)
    assert fetch(client(role="backup_administrator"), poll).by_status == {}


@pytest.mark.parametrize(
    ("status", "body"), [(404, {"errorCode": "InvalidURI"}), (400, {"errorCode": "NotFound"}), (404, {})]
)
def test_another_404_is_an_error(client, server, poll, status, body):
    server.get(BEST_PRACTICES, status_code=status, json=body)
    with pytest.raises(SourceGarbled, match=f"unexpected status {status}"):
        fetch(client(role="backup_administrator"), poll)


@pytest.mark.parametrize("spoilt", [{}, {"items": {}}, {"items": [{}]}, {"items": ["OK"]}, {"items": [{"status": 1}]}])
def test_a_surprising_answer_names_the_endpoint(spoilt):
    with pytest.raises(SourceGarbled, match=r"^GET /api/v1/securityAnalyzer/bestPractices: "):
        parse(spoilt)


def test_before_12_3_there_is_none_to_read(client, requests_mock, poll):
    with pytest.raises(NotOffered, match=r"exists from VBR 12\.3 "):
        fetch(client(api_revision="1.1-rev2", role="backup_administrator"), poll)
    assert requests_mock.request_history == []
