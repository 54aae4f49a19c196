"""What only a Prometheus as history has to do."""

from __future__ import annotations

import math

import pytest
import requests_mock

from exporter.errors import HistoryError
from exporter.history.promql import PromqlHistory
from exporter.telemetry import Telemetry
from tests.history.pasts import AT, DAY, GOLD, NAME, said
from tests.servers import free_port


def test_a_prometheus_that_fails_is_a_history_error() -> None:
    history = PromqlHistory(f"http://127.0.0.1:{free_port()}", Telemetry())
    with pytest.raises(HistoryError, match=r"^history: GET /api/v1/query_range: no answer: connection refused$"):
        history.range(NAME, GOLD, AT - 3600, AT, 300.0)
    history.close()


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"data": {"result": {}}}, {"data": {"result": [{}]}}, {"data": {"result": [{"values": [[1, "many"]]}]}},
     {"data": {"result": [{"values": 5}]}}],
    ids=str,
)  # fmt: skip
def test_an_answer_of_another_shape_is_a_history_error(answer: object) -> None:
    history = PromqlHistory("http://prometheus.example.com", Telemetry())
    with requests_mock.Mocker() as mock:
        mock.get("http://prometheus.example.com/api/v1/query_range", json=answer)
        with pytest.raises(HistoryError, match=r"^history: "):
            history.range(NAME, GOLD, AT - 3600, AT, 300.0)
    history.close()


def test_a_series_scraped_by_two_jobs_is_one() -> None:
    history = PromqlHistory("http://prometheus.example.com/prefix/", Telemetry())
    result = [{"values": [[10, "1"], [20, "2"]]}, {"values": [[20, "3"], [15, "+Inf"]]}]
    with requests_mock.Mocker() as mock:
        mock.get("http://prometheus.example.com/prefix/api/v1/query_range", json={"data": {"result": result}})
        found = history.range(NAME, GOLD, 0, 20, 5.0)
    assert said(found) == [(10, 1), (15, math.inf), (20, 3)]
    history.close()


def test_no_more_points_are_asked_for_than_a_server_answers() -> None:
    history = PromqlHistory("http://prometheus.example.com", Telemetry())
    with requests_mock.Mocker() as mock:
        mock.get("http://prometheus.example.com/api/v1/query_range", json={"data": {"result": []}})
        history.range(NAME, GOLD, AT - 400 * DAY, AT, 60.0)
        [asked] = mock.request_history
    start, end, step = (float(asked.qs[key][0]) for key in ("start", "end", "step"))
    assert end == AT
    assert (end - start) / step <= 11_000
    history.close()
