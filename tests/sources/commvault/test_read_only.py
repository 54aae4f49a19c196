"""A CommServe is only ever asked."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from requests_mock import ANY

from exporter.http import NotReadOnly
from exporter.sources import commvault

from .conftest import URL

QCOMMAND = "/Qcommand/qoperation%20execute"
SOURCE = Path(commvault.__file__).parent


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("PUT", "/StoragePool", None),
        ("DELETE", "/Job/{}", None),
        ("PATCH", "/V4/Plan/{}", {}),
        ("POST", "/Task", {}),
        ("POST", "/Jobs/kill", {}),
        ("POST", "/StoragePool", {}),
        ("POST", "/V4/AccessToken", {}),
        ("POST", QCOMMAND, None),
        ("POST", QCOMMAND, {}),
        ("POST", QCOMMAND, "qdelete client -c x"),
        ("POST", QCOMMAND, {"TMMsg_CreateTaskReq": {}}),
        ("POST", QCOMMAND, {"EVGui_SetDDBReq": {}}),
        ("POST", QCOMMAND, {"EVGui_DDBEnginesReq": {}, "EVGui_DeleteReq": {}}),
        ("POST", "/ExecuteQCommand", {"EVGui_DDBEnginesReq": {}}),
    ],
)
def test_what_could_change_something_is_not_sent(client, requests_mock, method, route, body):
    requests_mock.register_uri(method, ANY, json={})
    with pytest.raises(NotReadOnly, match="this client only reads"):
        client().http.request(method, route, 1, json=body)
    assert requests_mock.call_count == 0


@pytest.mark.parametrize(
    ("route", "body"),
    [("/Jobs", {}), ("/JobDetails", {"jobId": 1}), (QCOMMAND, {"EVGui_DDBEnginesReq": {}})],
)
def test_what_reads_by_post_is_sent(client, requests_mock, route, body):
    requests_mock.post(URL + route, json={"a": 1})
    assert client().post(route, json=body) == {"a": 1}


def test_nothing_speaks_http_but_the_client_that_only_reads():
    for file in SOURCE.glob("*.py"):
        modules = {
            name.name if isinstance(node, ast.Import) else node.module
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in node.names
        }
        assert not modules & {"requests", "urllib3", "urllib.request", "http.client", "httpx", "socket"}, file
        assert "HttpClient(" not in file.read_text(encoding="utf-8").replace("CommServeHttp(HttpClient)", ""), file
