"""grafana/smoke.py against a stand-in written from Grafana's HTTP API: no Grafana server runs here."""

import importlib.util
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.boards import BOARDS, FILES, GRAFANA, Json

_spec = importlib.util.spec_from_file_location("grafana_smoke", GRAFANA / "smoke.py")
assert _spec is not None
assert _spec.loader is not None
smoke = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(smoke)

TOKEN = "glsa_standin"
ONE_VALUE = {"frames": [{"schema": {}, "data": {"values": [[1795274559000], [1]]}}], "status": 200}


class StandIn(ThreadingHTTPServer):
    """What it serves can be changed: `boards` by uid, `answers` that take the place of those to a path or an expr."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.boards: dict[str, Json] = {board["uid"]: board for board in BOARDS}
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[Json] = []
        self.headers: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: StandIn
    wbufsize = -1  # One packet for head and body: else each answer waits for the acknowledgement of the first.

    def do_GET(self) -> None:
        if self.path in self.server.answers:
            return self._answer(*self.server.answers[self.path])
        if self.path == "/api/health":
            return self._answer(200, {"commit": "x", "database": "ok", "version": "11.6.0"})
        if not self._allowed():
            return self._answer(401, {"message": "Invalid API key"})
        if self.path == "/api/datasources/uid/ebbtide-prometheus/health":
            return self._answer(200, {"status": "OK", "message": "Successfully queried the Prometheus API."})
        uid = self.path.removeprefix("/api/dashboards/uid/")
        if uid in self.server.boards:
            return self._answer(200, {"meta": {"provisioned": True}, "dashboard": self.server.boards[uid]})
        return self._answer(404, {"message": "Dashboard not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._allowed() or self.path != "/api/ds/query":
            return self._answer(401, {"message": "Invalid API key"})
        self.server.asked += body["queries"]
        results = {}
        for query in body["queries"]:
            status, answer = self.server.answers.get(query["expr"], (200, ONE_VALUE))
            results[query["refId"]] = answer
            if status != 200:
                return self._answer(status, {"results": {query["refId"]: answer}})
        return self._answer(200, {"results": results})

    def _allowed(self) -> bool:
        self.server.headers.append(self.headers["Authorization"])
        return self.headers["Authorization"] == f"Bearer {TOKEN}"

    def _answer(self, status: int, body: Any) -> None:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", body["to"])
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Prints nothing."""


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """Asked for one board, unless a test wants all."""
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    folder = tmp_path / "dashboards" / FILES[0].parent.name
    folder.mkdir(parents=True)
    shutil.copy(FILES[0], folder)
    monkeypatch.setattr(smoke, "BOARDS", folder.parent)
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """The lines of the table by name, the last word of each name being whether it is well."""
    lines: dict[str, list[str]] = {}
    for line in capsys.readouterr().out.splitlines():
        fine, name, words = line.split(maxsplit=2)
        lines.setdefault(name, []).append(f"{fine} {words}")
    return lines


def first_query() -> tuple[str, str]:
    """The uid of a board, and the first query it asks, as the stand-in hears it."""
    board = BOARDS[0]
    target = next(target for panel in board["panels"] for target in panel.get("targets", ()))
    question = smoke._question(board, [target], "ebbtide-prometheus")
    return board["uid"], question["queries"][0]["expr"]


def test_a_grafana_with_all_boards_is_well_and_is_asked_every_query_once(
    grafana: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke, "BOARDS", GRAFANA / "dashboards")
    assert smoke.main([grafana.url + "/"]) == 0
    lines = told(capsys)
    assert lines["health"] == ["ok Grafana 11.6.0, database ok"]
    assert lines["datasource"][0].startswith("ok ebbtide-prometheus: Successfully")
    assert {*lines} - {"health", "datasource"} == {board["uid"] for board in BOARDS}
    assert all(line.startswith("ok ") for of_one in lines.values() for line in of_one)
    assert len(grafana.asked) == sum(len(panel.get("targets", ())) for board in BOARDS for panel in board["panels"])
    assert {query["datasource"]["uid"] for query in grafana.asked} == {"ebbtide-prometheus"}
    names = {variable["name"] for board in BOARDS for variable in board["templating"]["list"]}
    for query in grafana.asked:
        assert not names & {*smoke.re.findall(r"\$\{?(\w+)", query["expr"])}, query["expr"]
        assert not smoke.re.search(r'\w="\.\*"', query["expr"]), f"nothing is called like that: {query['expr']}"


def test_a_board_that_is_missing_fails(grafana: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    del grafana.boards[BOARDS[0]["uid"]]
    assert smoke.main([grafana.url]) == 1
    assert told(capsys)[BOARDS[0]["uid"]] == ["FAIL not there: 404: Dashboard not found"]


def test_a_board_of_an_older_release_fails(grafana: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    uid = BOARDS[0]["uid"]
    grafana.boards[uid] = BOARDS[0] | {"panels": BOARDS[0]["panels"][:2]}
    assert smoke.main([grafana.url]) == 1
    assert "other queries" in told(capsys)[uid][0]


@pytest.mark.parametrize("status", [200, 400])
def test_a_query_that_prometheus_refuses_fails_with_its_words(
    grafana: StandIn, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    uid, expr = first_query()
    grafana.answers[expr] = (status, {"error": "bad_data: parse error", "status": 400})
    assert smoke.main([grafana.url]) == 1
    assert any("parse error" in line for line in told(capsys)[uid])


def test_an_empty_answer_is_well_and_counted(grafana: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    uid, expr = first_query()
    grafana.answers[expr] = (200, {"frames": [{"schema": {}, "data": {"values": []}}], "status": 200})
    assert smoke.main([grafana.url]) == 0
    assert not told(capsys)[uid][0].endswith(" 0 of them with nothing")


def test_a_query_without_an_answer_fails(grafana: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    answers = list(smoke._board(_Silent(), BOARDS[0], "x"))
    assert answers[0][0] is False
    assert all("no answer" in words for _, _, words in answers[1:])


class _Silent:
    def ask(self, path: str, body: Json | None = None) -> Json:
        return {"results": {}} if body else {"dashboard": BOARDS[0]}


def test_a_token_that_is_refused_fails_everything_but_the_health(
    grafana: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", "glsa_other")
    assert smoke.main([grafana.url]) == 1
    lines = told(capsys)
    assert lines.pop("health")[0].startswith("ok")
    assert all("401: Invalid API key" in line for of_one in lines.values() for line in of_one)
    assert "glsa_other" not in str(lines)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, {"database": "failing", "version": "11.6.0"}, "database failing"),
        (200, b"<html>a login page</html>", "Expecting value"),
        (200, [], "answers no JSON object"),
        (502, b"<html>bad gateway</html>", "502: Bad Gateway"),
        (302, {"to": "http://127.0.0.1:9/login"}, "redirects to http://127.0.0.1:9/login"),
    ],
)
def test_what_is_no_healthy_grafana_fails(
    grafana: StandIn, capsys: pytest.CaptureFixture[str], status: int, body: Any, words: str
) -> None:
    grafana.answers["/api/health"] = (status, body)
    assert smoke.main([grafana.url]) == 1
    assert words in told(capsys)["health"][0]


def test_nobody_listening_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    assert smoke.main(["http://127.0.0.1:9"]) == 1
    assert told(capsys)["health"][0].startswith("FAIL")


def test_the_token_comes_from_a_file(grafana: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAFANA_TOKEN")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert smoke.main([grafana.url, "--token-file", str(tmp_path / "token")]) == 0
    assert {*grafana.headers} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("arguments", "token", "words"),
    [
        (["grafana.example.com"], TOKEN, "http://"),
        (["file:///etc/passwd"], TOKEN, "http://"),
        (["http://127.0.0.1:9"], "", "no token"),
        (["http://127.0.0.1:9"], "two\nlines", "no token"),
        (["http://127.0.0.1:9", "--token-file", "/nonexistent"], TOKEN, "No such file"),
    ],
)
def test_what_was_not_asked_properly_is_said_and_nothing_is_sent(
    arguments: list[str], token: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", token)
    with pytest.raises(SystemExit) as left:
        smoke.main(arguments)
    assert left.value.code == 2
    assert words in capsys.readouterr().err
