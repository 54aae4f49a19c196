"""Errors inside HTTP 200, two names for one thing, and lists that move while they are read."""

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


def page(total, *ids):
    payload = {} if total is None else {"totalRecordsWithoutPaging": total}
    return payload | ({"jobs": [{"jobSummary": {"jobId": job_id}} for job_id in ids]} if ids else {})


def read(client, *answers):
    """(offsets asked for, ids per page) when the server gives these answers one after the other."""
    offsets = []
    left = iter(answers)

    def ask(offset):
        offsets.append(offset)
        return "POST /Jobs", next(left)

    pages = [[summary["jobId"] for summary in summaries] for _, summaries in client.pages(ask)]
    return offsets, pages


def test_pages_follow_one_another_until_the_total_is_reached(client):
    assert read(client(), page(5, 9, 8), page(5, 7, 6), page(5, 5)) == ([0, 2, 4], [[9, 8], [7, 6], [5]])


def test_a_job_that_is_pushed_to_the_next_page_comes_once(client):
    """Two new jobs start after the first page was read; the total grows with them."""
    assert read(client(), page(4, 9, 8), page(6, 9, 8, 7), page(6, 6)) == ([0, 2, 5], [[9, 8], [7], [6]])


def test_a_total_that_shrinks_below_what_was_received_ends_the_list(client):
    assert read(client(), page(5, 9, 8), page(3, 7)) == ([0, 2], [[9, 8], [7]])


def test_the_server_decides_how_long_a_page_is(client):
    assert read(client(), page(4, 9), page(4, 8), page(4, 7, 6))[0] == [0, 1, 2]


def test_without_a_total_the_list_goes_on_until_there_is_nothing_more(client):
    assert read(client(), page(None, 9), page(None, 8), page(0)) == ([0, 1, 2], [[9], [8]])


@pytest.mark.parametrize("nothing", [{"totalRecordsWithoutPaging": 0}, {"totalRecordsWithoutPaging": 0, "jobs": []}])
def test_no_jobs_are_said_by_leaving_them_out(client, nothing):
    assert read(client(), nothing) == ([0], [])


def test_an_answer_that_holds_nothing_at_all_does_not_say_that_there_are_no_jobs(client):
    with pytest.raises(SourceGarbled, match="totalRecordsWithoutPaging"):
        read(client(), {})


def test_a_server_that_ignores_the_offset_is_not_read_for_ever(client):
    with pytest.raises(SourceGarbled, match="repeats a page"):
        read(client(), page(6, 9, 8), page(6, 9, 8))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"jobs": "24 items"}, "jobs is of type str"),
        ({"jobs": ["x"]}, "no object"),
        ({"jobs": [{"job": {}}]}, "no field jobSummary"),
        ({"jobs": [{"jobSummary": {}}]}, "no field 'jobId'"),
        ({"jobs": [{"jobSummary": {"jobId": {"value": 1}}}]}, "jobId is of type dict"),
        (page(1, 9) | {"totalRecordsWithoutPaging": "many"}, "totalRecordsWithoutPaging is not a number"),
    ],
)
def test_a_list_in_another_shape_is_garbled(client, answer, complaint):
    with pytest.raises(SourceGarbled, match=f"POST /Jobs: .*{complaint}"):
        read(client(), answer)
