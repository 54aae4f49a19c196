"""Errors inside HTTP 200, and two names for one thing."""

from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable

from .conftest import URL

POOLS = f"{URL}/StoragePool"


@pytest.mark.parametrize(
    ("answer", "error", "complaint"),
    [
        ({"errorMessage": "Access denied", "errorCode": 5}, SourceRefused, "error 5"),
        ({"errorMessage": "Access denied", "errorCode": "5"}, SourceRefused, "error 5"),
        ({"errorMessage": "Access Denied for user", "errorCode": 587}, SourceRefused, "error 587"),
        ({"error": {"errorCode": 5}}, SourceRefused, "error 5"),
        ({"error": {"errList": [{"errorCode": 5, "errLogMessage": "x"}]}}, SourceRefused, "error 5"),
        ({"errorMessage": "Internal error", "errorCode": 1}, SourceUnreachable, "error 1"),
        ({"errorCode": 2, "errorMessage": "Invalid input"}, SourceGarbled, "error 2"),
        ({"error": {"errorCode": 2, "errorMessage": "x"}, "copy": {}}, SourceGarbled, "error 2"),
        ({"error": {"errorCode": 0, "errList": [{"errorCode": 7, "errLogMessage": "x"}]}}, SourceGarbled, "error 7"),
        ({"errList": [{"errorCode": 9, "errLogMessage": "x"}]}, SourceGarbled, "error 9"),
        ({"errorMessage": "no code at all"}, SourceGarbled, "error -1"),
        ({"records": [], "failures": {"cs02": "no answer"}}, SourceUnreachable, "data sources"),
        ({"error": "text"}, SourceGarbled, "error is of type str"),
        ({"errorCode": {"value": 0}}, SourceGarbled, "errorCode is of type dict"),
        ({"error": {"errList": ["text"]}}, SourceGarbled, "unexpected value"),
        ([1], SourceGarbled, "not an object"),
    ],
)
def test_an_error_in_an_http_200_is_an_error(client, requests_mock, answer, error, complaint):
    requests_mock.get(POOLS, json=answer)
    with pytest.raises(error, match=f"GET /StoragePool: .*{complaint}"):
        client().get("/StoragePool")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"error": {"errorCode": 0, "errorMessage": "no error"}},
        {"error": {"errList": []}, "errorCode": 0, "errorMessage": "Success"},
        {"failures": {}, "warnings": {"x": "y"}},
    ],
)
def test_code_zero_and_empty_answers_are_success(client, requests_mock, answer):
    requests_mock.get(POOLS, json=answer)
    assert client().get("/StoragePool") == answer


def test_what_the_server_adds_about_itself_is_left_out(client, requests_mock):
    requests_mock.get(POOLS, json={"a": 1, "processinginstructioninfo": {"attributes": []}})
    assert client().get("/StoragePool") == {"a": 1}


def test_a_denial_in_a_200_counts_as_a_refusal_and_the_source_as_reached(client, requests_mock, telemetry):
    requests_mock.get(POOLS, json={"errorMessage": "Access denied", "errorCode": 5})
    with pytest.raises(SourceRefused) as refused:
        client().get("/StoragePool")
    assert refused.value.contact
    assert telemetry.registry.get_sample_value("ebbtide_source_auth_failures_total", {"source": "cs01"}) == 1


def test_json_is_asked_for_and_a_page_is_garbled(client, requests_mock):
    requests_mock.get(POOLS, text="pools")
    with pytest.raises(SourceGarbled, match="not valid JSON"):
        client().get("/StoragePool")
    assert requests_mock.request_history[0].headers["Accept"] == "application/json"


class Names:
    """An old and a new name for one thing; each answers with a status and a body."""

    def __init__(self, mock, client):
        self.mock = mock
        self.client = client
        self.new(200)
        self.old(200)

    def new(self, status, body=None):
        self.mock.get(f"{URL}/new", status_code=status, json=body or {"from": "new"})

    def old(self, status, body=None):
        self.mock.get(f"{URL}/old", status_code=status, json=body or {"from": "old"})

    def ask(self, **options):
        self.mock.reset_mock()
        ways = {"GET /new": lambda: self.client.get("/new"), "GET /old": lambda: self.client.get("/old")}
        answer = self.client.first(ways, **options)
        return answer["from"], [request.path.rpartition("/")[2] for request in self.mock.request_history]


@pytest.fixture
def names(requests_mock, client):
    return Names(requests_mock, client())


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_name_of_another_release_is_asked_once_in_the_life_of_the_client(names, status):
    names.new(status)
    assert names.ask() == ("old", ["new", "old"])
    names.new(200)
    assert names.ask() == ("old", ["old"])


def test_while_a_server_starts_and_knows_no_name_nothing_is_concluded(names):
    names.new(404)
    names.old(404)
    with pytest.raises(SourceGarbled, match="GET /old: unexpected status 404"):
        names.ask()
    names.new(200)
    assert names.ask() == ("new", ["new"])


def test_what_the_account_may_not_ask_is_asked_by_the_other_name(names):
    names.new(200, {"errorCode": 5, "errorMessage": "Access denied"})
    assert names.ask() == ("old", ["new", "old"])
    assert names.ask() == ("old", ["old"])


def test_a_refusal_can_be_made_to_stand(names):
    names.new(403)
    with pytest.raises(SourceRefused, match="GET /new"):
        names.ask(past_refusals=False)


def test_a_missing_permission_is_told_rather_than_a_missing_name(names):
    names.new(403)
    names.old(404)
    with pytest.raises(SourceRefused, match="GET /new"):
        names.ask()


@pytest.mark.parametrize(("status", "error"), [(500, SourceUnreachable), (409, SourceGarbled), (401, SourceRefused)])
def test_other_troubles_are_no_reason_to_try_another_name(names, status, error):
    names.new(status)
    with pytest.raises(error, match="GET /new"):
        names.ask()
