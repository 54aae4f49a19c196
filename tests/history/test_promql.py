"""How a Prometheus-compatible server is asked: parts, credentials, tenant; and what is said when it does not answer."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests_mock
from pydantic import ValidationError

from exporter import config
from exporter.errors import ConfigError, HistoryError
from exporter.history.config import HistorySettings
from exporter.history.opening import open_history, promql_history
from exporter.history.promql import PromqlHistory
from exporter.history.sql import SqlHistory
from exporter.telemetry import Telemetry
from tests.history.stores import AT, DAY, GOLD, HOUR, NAME

URL = "https://prometheus.example.com/prefix"
ROUTE = f"{URL}/api/v1/query_range"
NOTHING = {"status": "success", "data": {"resultType": "matrix", "result": []}}
SECRET = "hunter2-of-prometheus"


@pytest.fixture
def server() -> Iterator[requests_mock.Mocker]:
    with requests_mock.Mocker() as mock:
        mock.get(ROUTE, json=NOTHING)
        yield mock


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    return path


def ask(history: PromqlHistory, days: float = 1.0, step: float = HOUR) -> None:
    history.range(NAME, GOLD, AT - days * DAY, AT, step)
    history.close()


def opened(**settings: object) -> PromqlHistory:
    return promql_history(HistorySettings(url=URL, **settings), Telemetry())  # type: ignore[arg-type]


def test_no_more_points_are_asked_for_at_once_than_a_server_answers(server: requests_mock.Mocker) -> None:
    ask(opened(), days=400, step=60.0)
    asked = [tuple(float(one.qs[key][0]) for key in ("start", "end", "step")) for one in server.request_history]
    assert len(asked) == 58
    assert all((end - start) / step < 11_000 for start, end, step in asked)
    assert asked[0][0] == AT - 400 * DAY + 60
    assert asked[-1][1] == AT
    for (_, end, _), (start, _, _) in itertools.pairwise(asked):
        assert start == end + 60


def test_the_window_of_a_step_touches_no_other(server: requests_mock.Mocker) -> None:
    ask(opened(selector={"job": 'my "job"'}))
    [query] = server.request_history[0].qs["query"]
    labels = 'source="cs01",kind="commvault",pool="gold",job="my \\"job\\""'
    assert query == f"last_over_time(ebbtide_pool_free_bytes{{{labels}}}[3599999ms])"


def test_an_answer_is_neither_moved_nor_cached_nor_partial(server: requests_mock.Mocker) -> None:
    ask(opened())
    asked = server.request_history[0].qs
    assert (asked["nocache"], asked["deny_partial_response"], asked["partial_response"]) == (["1"], ["1"], ["false"])


def test_a_label_that_is_not_valid_text_is_asked_for_as_the_page_shows_it(server: requests_mock.Mocker) -> None:
    history = opened()
    history.range(NAME, {"pool": "/mnt/\udcff"}, AT - DAY, AT, HOUR)
    history.close()
    assert r'{pool="/mnt/\\udcff"}' in server.request_history[0].qs["query"][0]


# Access


def test_a_token_is_sent_as_bearer(server: requests_mock.Mocker, secret_file: Path) -> None:
    ask(opened(token_file=secret_file))
    assert server.request_history[0].headers["Authorization"] == f"Bearer {SECRET}"


def test_a_token_may_come_from_the_environment(server: requests_mock.Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_TOKEN", SECRET)
    ask(opened(token={"env": "PROMETHEUS_TOKEN"}))
    assert server.request_history[0].headers["Authorization"] == f"Bearer {SECRET}"


def test_a_username_and_a_password_are_sent_as_basic(server: requests_mock.Mocker, secret_file: Path) -> None:
    ask(opened(username="ebbtide", password_file=secret_file))
    sent = server.request_history[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"ebbtide:{SECRET}"


def test_a_tenant_is_named(server: requests_mock.Mocker) -> None:
    ask(opened(tenant="backup"))
    assert server.request_history[0].headers["X-Scope-OrgID"] == "backup"
    assert "Authorization" not in server.request_history[0].headers


def test_a_token_that_was_rotated_is_read_again(server: requests_mock.Mocker, secret_file: Path) -> None:
    def answer(_: object, context: object) -> dict[str, object]:
        secret_file.write_text("rotated")
        context.status_code = 401  # type: ignore[attr-defined]
        return {}

    server.get(ROUTE, [{"json": answer}, {"json": NOTHING}])
    ask(opened(token_file=secret_file))
    assert [one.headers["Authorization"] for one in server.request_history] == [f"Bearer {SECRET}", "Bearer rotated"]


def test_a_ca_file_or_no_verification_is_what_the_configuration_says(
    server: requests_mock.Mocker, secret_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ask(opened(verify=secret_file))
    ask(opened(verify=False))
    assert [one.verify for one in server.request_history] == [str(secret_file), False]
    assert "TLS certificates are not verified" in caplog.text


# What goes wrong


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, {}, "GET /api/v1/query_range: refused (401): the credentials are not accepted"),
        (403, {"error": SECRET}, "GET /api/v1/query_range: refused (403): the account lacks the permission"),
        (422, {"status": "error", "error": "query processing would load too many samples\ninto memory"},
         "GET /api/v1/query_range: unexpected status 422: query processing would load too many samples into memory"),
        (400, ["no"], "GET /api/v1/query_range: unexpected status 400"),
        (302, {}, "GET /api/v1/query_range: redirected (302); check the url"),
    ],
)  # fmt: skip
def test_what_the_server_refuses_is_an_error_that_names_the_url_and_no_secret(
    server: requests_mock.Mocker, secret_file: Path, status: int, body: object, message: str
) -> None:
    server.get(ROUTE, status_code=status, json=body)
    with pytest.raises(HistoryError) as caught:
        ask(opened(username="ebbtide", password_file=secret_file))
    assert str(caught.value) == f"history {URL}: {message}"


def test_an_error_that_is_no_json_is_not_repeated(server: requests_mock.Mocker) -> None:
    server.get(ROUTE, status_code=404, text=f"<html>{SECRET}</html>")
    with pytest.raises(HistoryError, match=r"unexpected status 404$"):
        ask(opened())


def test_a_token_file_that_is_gone_is_an_error_that_names_it(secret_file: Path) -> None:
    history = opened(token_file=secret_file)
    secret_file.unlink()
    with pytest.raises(HistoryError, match=r"^history https://.*: secret file .*secret cannot be read: No such file"):
        ask(history)


def test_a_server_that_cuts_its_answer_off_is_an_error(server: requests_mock.Mocker) -> None:
    server.get(ROUTE, text='{"status": "success", "data": {"result": [')
    with pytest.raises(HistoryError, match="not valid JSON"):
        ask(opened())


@pytest.mark.parametrize("answer", [[], {"data": {"result": [{"metric": {}}]}}])
def test_an_answer_of_another_shape_is_an_error(server: requests_mock.Mocker, answer: object) -> None:
    server.get(ROUTE, json=answer)
    with pytest.raises(HistoryError, match="GET /api/v1/query_range"):
        ask(opened())


# Thanos, Mimir and clusters


def test_no_server_is_left_to_answer_in_part_or_with_every_replica(server: requests_mock.Mocker) -> None:
    ask(opened())
    [asked] = server.request_history
    told = {"partial_response": ["false"], "deny_partial_response": ["1"], "dedup": ["true"], "nocache": ["1"]}
    assert told.items() <= asked.qs.items()


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ({"isPartial": True}, ""),
        ({"warnings": ["PromQL info: x", "receive series from\nstore-2: deadline exceeded"]},
         ": receive series from store-2: deadline exceeded"),
    ],
)  # fmt: skip
def test_an_answer_that_says_it_is_not_complete_is_refused(
    server: requests_mock.Mocker, beside: dict[str, object], said: str
) -> None:
    server.get(ROUTE, json=NOTHING | beside)
    with pytest.raises(HistoryError) as caught:
        ask(opened())
    assert str(caught.value) == f"history {URL}: GET /api/v1/query_range: the answer is not complete{said}"


@pytest.mark.parametrize(
    "beside",
    [
        {"isPartial": False, "warnings": []},
        {"warnings": None},
        {"warnings": ["PromQL warning: metric might not be a gauge", "No StoreAPIs matched for this query"]},
    ],
)
def test_a_remark_on_the_query_or_a_time_without_data_is_no_missing_part(
    server: requests_mock.Mocker, beside: dict[str, object]
) -> None:
    server.get(ROUTE, json=NOTHING | beside)
    ask(opened())
    assert server.called


class Limited:
    """A server of one series of 1 that answers at most `longest` seconds at once, as Mimir says it."""

    def __init__(self, server: requests_mock.Mocker, longest: float) -> None:
        self.longest = longest
        self.refused = 0
        server.get(ROUTE, json=self.answer)

    def answer(self, request: requests_mock.request._RequestObjectProxy, context: object) -> object:
        start, end, step = (float(request.qs[key][0]) for key in ("start", "end", "step"))
        if end - start > self.longest:
            self.refused += 1
            context.status_code = 422  # type: ignore[attr-defined]
            text = "the query time range exceeds the limit (query length: 9600h0m0s, limit: 768h0m0s)"
            return {"status": "error", "error": f"{text} (err-mimir-max-total-query-length)"}
        values = [[start + number * step, "1"] for number in range(round((end - start) / step) + 1)]
        result = [{"metric": {"__name__": NAME, **GOLD}, "values": values}]
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}


@pytest.mark.parametrize("longest", [32 * DAY, 7 * DAY, DAY, 0])
def test_a_range_that_is_too_long_for_a_tenant_is_asked_for_in_shorter_ones(
    server: requests_mock.Mocker, longest: float
) -> None:
    limited, history = Limited(server, longest), opened(tenant="backup")
    found = history.range(NAME, GOLD, AT - 400 * DAY, AT, DAY)
    assert (found.timestamps == AT - DAY * np.arange(399, -1, -1)).all()
    learned = limited.refused
    assert learned < 12
    history.range(NAME, GOLD, AT - 400 * DAY, AT, DAY)
    history.close()
    assert limited.refused == learned


def test_a_range_that_is_too_long_even_with_one_point_is_an_error(server: requests_mock.Mocker) -> None:
    Limited(server, -1)
    with pytest.raises(HistoryError, match="the query time range exceeds the limit"):
        ask(opened())


# The configuration


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("url: 'http://ebb:hunter2@prometheus.example.com'", "a URL must not hold credentials; use username and"),
        ("url: 'http://prometheus.example.com?token=hunter2'", "a URL must end before ? and #"),
        ("token_file: /dev/null", "a token or password is for the http(s):// URL of a Prometheus"),
        ("tenant: backup", "tenant is for the http(s):// URL of a Prometheus"),
        ("url: sqlite://, selector: {job: ebbtide}", "selector is for the http(s):// URL of a Prometheus"),
        ("url: 'http://p', username: ebb", "username and password belong together"),
        ("url: 'http://p', password_file: /p", "username and password belong together"),
        ("url: 'http://p', token_file: /t, username: ebb, password_file: /p", "a token and a username or password"),
        ("url: 'http://p', token_file: /t, token: {env: T}", "token and token_file are both set; keep one"),
        ("url: 'http://p', token: hunter2", "a secret is not written into the config"),
        ("url: 'http://p', token_file: /nowhere/token", "history: secret file /nowhere/token cannot be read"),
        ("raw: 14", "history.raw: 14 is not a duration"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused_without_its_secrets(keys: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse(f"history: {{{keys}}}")
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_everything_about_a_server_can_be_written_in_the_configuration(secret_file: Path) -> None:
    text = f"""
    history:
      url: {URL}
      username: ebbtide
      password_file: {secret_file}
      tenant: backup
      verify: {secret_file}
      selector: {{job: ebbtide}}
    """
    loaded = config.parse(text).history
    assert loaded.is_promql
    assert [one.read() for one in loaded.secrets] == [SECRET]
    assert SECRET not in repr(loaded)


def test_how_long_samples_and_days_are_kept_can_be_written_in_years() -> None:
    loaded = config.parse("history: {raw: 30d, keep: 5y}").history
    assert (loaded.raw, loaded.keep) == (30 * DAY, 5 * 365 * DAY)


def test_a_server_is_asked_and_nothing_is_appended(server: requests_mock.Mocker) -> None:
    history = open_history(HistorySettings(url=URL), URL, Telemetry())  # type: ignore[arg-type]
    history.append([(NAME, GOLD, 1.0)], AT)
    assert not server.request_history
    assert history.range(NAME, GOLD, AT - DAY, AT, HOUR).values.size == 0
    history.close()


def test_without_a_server_the_history_is_the_store_with_its_retention(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/h.db"
    history = open_history(HistorySettings(url=url, raw="2d", keep="9d", resolution="1m"), url, Telemetry())  # type: ignore[arg-type]
    assert isinstance(history, SqlHistory)
    assert history.retention.has_days
    assert (history.retention.raw, history.retention.keep, history.retention.resolution) == (2 * DAY, 9 * DAY, 60)
    history.close()


def test_a_setting_that_is_none_is_not_taken(secret_file: Path) -> None:
    with pytest.raises(ValidationError):
        HistorySettings(url=URL, token_fiel=secret_file)  # type: ignore[call-arg, arg-type]
