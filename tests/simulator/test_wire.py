"""The server under the simulated systems: it serves, it fails as it is told, it ends at once."""

import json
import ssl
import threading
import time

import pytest
import requests
import trustme

from exporter.simulator import Clock, CommServe, Estate, Fault, Faults, Server
from exporter.simulator.faults import KINDS
from exporter.simulator.messages import Answer, Headers, Request

NOON = 1_780_012_800.0
BODY = {"name": "Gold", "size": 17, "ratio": 0.5, "open": True, "rows": [{"id": 1}, {"id": 2}]}


def application(request):
    if request.path == "/broken":
        raise RuntimeError("a bug")
    if request.path == "/echo":
        return Answer({"method": request.method, "query": request.query, "form": request.form()})
    return Answer(BODY)


@pytest.fixture
def server():
    with Server(application) as started:
        yield started


@pytest.fixture
def session():
    with requests.Session() as opened:
        yield opened


def test_a_request_is_read_in_any_case_and_decoded():
    request = Request.of("post", "/Qcommand/qoperation%20execute?Limit=5&empty=", {"AuthToken": "QSDK x"}, b'{"a": 1}')
    assert (request.method, request.path) == ("POST", "/Qcommand/qoperation execute")
    assert request.headers["authtoken"] == request.headers.get("AUTHTOKEN") == "QSDK x"
    assert (request.first("limit"), request.first("empty", "x"), request.first("none", "x")) == ("5", "", "x")
    assert request.json() == {"a": 1}
    assert len(Headers({"A": "1"})) == 1
    assert "a" in Headers({"A": "1"})


def test_answers_are_json_or_as_they_are():
    assert json.loads(Answer({"a": [1]}).payload()) == {"a": [1]}
    assert Answer("text").payload() == b"text"
    assert Answer(b"\x00").payload() == b"\x00"


def test_one_connection_serves_many_requests(server, session):
    ports = set()
    for number in range(3):
        answer = session.post(f"{server.url}/echo?n={number}", data={"field": "a b"}, stream=True)
        ports.add(answer.raw.connection.sock.getsockname()[1])
        assert answer.json() == {"method": "POST", "query": {"n": [str(number)]}, "form": {"field": "a b"}}
    assert len(ports) == 1
    assert list(server.requests) == [("POST", "/echo")] * 3


def test_a_head_has_no_body_but_its_length(server, session):
    answer = session.head(server.url + "/")
    assert answer.content == b""
    assert int(answer.headers["Content-Length"]) == len(Answer(BODY).payload())


def test_a_bug_of_the_application_is_a_500(server, session, caplog):
    assert session.get(server.url + "/broken").status_code == 500
    assert "a bug" in caplog.text


@pytest.mark.parametrize("kind", ["401", "403", "429", "500", "503"])
def test_a_status_on_command(server, session, kind):
    server.faults.set(Fault(kind))
    answer = session.get(server.url + "/")
    assert answer.status_code == int(kind)
    assert answer.json()["errorCode"]
    assert answer.headers.get("Retry-After") == ("1" if kind == "429" else None)


def test_a_refused_request_is_reset(server, session):
    server.faults.set(Fault("refuse", count=1))
    with pytest.raises(requests.ConnectionError):
        session.get(server.url + "/")
    assert session.get(server.url + "/").json() == BODY


def test_a_cut_answer_is_half_of_one_and_complete_by_its_length(server, session):
    server.faults.set(Fault("cut"))
    whole = Answer(BODY).payload()
    assert session.get(server.url + "/").content == whole[: len(whole) // 2]


def test_wrong_types_make_every_number_an_object(server, session):
    server.faults.set(Fault("wrong_types"))
    answer = session.get(server.url + "/").json()
    assert (answer["size"], answer["open"], answer["rows"][0]) == ({"value": 17}, True, {"id": {"value": 1}})


def test_wrong_lists_make_every_list_a_text(server, session):
    server.faults.set(Fault("wrong_lists"))
    assert session.get(server.url + "/").json() == {**BODY, "rows": "2 items"}


def test_an_empty_answer_and_a_login_page_come_with_200(server, session):
    server.faults.set(Fault("empty", "/a"), Fault("html", "/b"))
    empty, page = session.get(server.url + "/a"), session.get(server.url + "/b")
    assert (empty.status_code, empty.json()) == (200, {})
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<form" in page.text


def test_a_hanging_server_answers_nothing(server, session):
    server.faults.set(Fault("hang", seconds=60))
    with pytest.raises(requests.ReadTimeout):
        session.get(server.url + "/", timeout=0.1)


def test_hanging_ends_after_its_seconds_with_the_connection(server, session):
    server.faults.set(Fault("hang", count=1, seconds=0.05))
    with pytest.raises(requests.ConnectionError):
        session.get(server.url + "/", timeout=5)


def test_a_dripping_answer_sends_its_head_at_once_and_the_rest_when_the_fault_is_cleared(server, session):
    server.faults.set(Fault("drip"))
    answer = session.get(server.url + "/", stream=True, timeout=5)
    assert answer.raw.read(1) == b"{"
    assert server.faults.current()
    server.faults.clear()
    assert json.loads(b"{" + answer.raw.read()) == BODY


def test_a_fault_is_for_a_path_in_any_case_and_so_often():
    faults = Faults(Fault("500", "storagepool", count=2))
    faults.add(Fault("401", "Job"))
    taken = [faults.take(path) for path in ("/api/Plan", "/api/StoragePool", "/api/Jobs", "/API/STORAGEPOOL/3")]
    assert [fault and fault.kind for fault in taken] == [None, "500", "401", "500"]
    assert faults.take("/api/StoragePool") is None


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="unknown fault 'explode', one of: refuse, hang"):
        Fault("explode")


def test_a_closed_port_refuses_and_opens_again_as_the_same(server, session):
    port = server.port
    assert session.get(server.url + "/").ok
    server.stop_listening()
    with pytest.raises(requests.ConnectionError):
        session.get(server.url + "/", timeout=5)
    server.start_listening()
    assert server.port == port
    assert session.get(server.url + "/").ok


def test_stopping_does_not_wait_for_clients_that_hang(session):
    server = Server(application, faults=Faults(Fault("hang", seconds=60))).start()
    failures = []

    def ask():
        try:
            session.get(server.url + "/", timeout=60)
        except requests.ConnectionError as error:
            failures.append(error)

    client = threading.Thread(target=ask)
    client.start()
    while not server.requests:
        time.sleep(0.01)
    server.stop()
    client.join(timeout=5)
    assert len(failures) == 1


def test_it_speaks_tls(session, tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    with Server(application, ssl_context=context) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert session.get(server.url + "/", verify=str(trusted)).json() == BODY


class TestControl:
    """What curl can do under /-/sim."""

    @pytest.fixture
    def estate(self):
        return Estate("small", Clock(NOON, rate=0))

    @pytest.fixture
    def server(self, estate):
        with Server(CommServe(estate, estate.clock)) as started:
            yield started

    def test_it_says_what_it_is(self, server, session):
        state = session.get(server.url + "/-/sim").json()
        assert state["simulates"] == "a Commvault CommServe"
        assert (state["time"], state["rate"], state["stories"], state["faults"]) == (NOON, 0, [], [])
        assert state["can_tell"]["agent_dead"] == "agent"

    def test_faults_come_and_go_and_never_touch_the_controls(self, server, session):
        fault = {"kind": "500", "path": "", "count": 3, "seconds": 1}
        assert session.post(server.url + "/-/sim/fault", json=fault).json()["faults"] == [fault]
        assert session.get(server.url + "/commandcenter/api/CommServ").status_code == 500
        assert session.get(server.url + "/-/sim").json()["faults"][0]["count"] == 2
        assert session.delete(server.url + "/-/sim/fault").json()["faults"] == []
        assert not [path for _, path in server.requests if "sim" in path]

    def test_stories_are_told_and_ended(self, server, session, estate):
        story = {"name": "storm", "object": "gold primary", "bytes_per_hour": 3600.0}
        told = session.post(server.url + "/-/sim/story", json=story).json()
        assert told["stories"] == ["storm: Gold Primary"]
        assert estate.pool("Gold Primary").storm_rate == 1.0
        ended = session.delete(server.url + "/-/sim/story", json=story).json()
        assert ended["stories"] == []

    def test_the_clock_can_be_moved_and_let_run(self, server, session, estate):
        assert session.post(server.url + "/-/sim/clock", json={"advance": 60}).json()["time"] == NOON + 60
        assert session.post(server.url + "/-/sim/clock", json={"rate": 100}).json()["rate"] == 100
        assert estate.clock.rate == 100

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("fault", {"kind": "explode"}, 400),
            ("fault", {}, 400),
            ("fault", ["500"], 400),
            ("fault", {"kind": "500", "count": 0}, 400),
            ("fault", {"kind": "500", "count": float("inf")}, 400),
            ("fault", {"kind": "hang", "seconds": -1}, 400),
            ("story", {"object": "Gold Primary"}, 400),
            ("story", {"name": "storm", "object": 5}, 400),
            ("story", {"name": "storm", "seconds": 0}, 400),
            ("story", {"name": "storm", "bytes_per_hour": -1}, 400),
            ("story", {"name": "storm", "bytes_per_hour": "much"}, 400),
            ("clock", {}, 400),
            ("clock", {"advance": -60}, 400),
            ("clock", {"advance": float("inf")}, 400),
            ("clock", {"rate": float("nan")}, 400),
            ("clock", {"rate": -1}, 400),
            ("story", {"name": "flood"}, 400),
            ("story", {"name": "storm", "object": "No Such Pool"}, 400),
            ("story", {"name": "agent_dead", "bytes_per_hour": 1}, 400),
            ("nothing", {}, 404),
        ],
    )
    def test_what_it_cannot_do_it_says(self, server, session, path, body, status):
        before = session.get(server.url + "/-/sim").json()
        answer = session.post(f"{server.url}/-/sim/{path}", data=json.dumps(body), timeout=5)
        assert answer.status_code == status
        assert answer.json()["error"]
        assert session.get(server.url + "/-/sim", timeout=5).json() == before

    def test_a_clock_is_turned_wholly_or_not_at_all(self, server, session, estate):
        for body in ({"rate": 5, "advance": "x"}, {"rate": "x", "advance": 5}):
            assert session.post(server.url + "/-/sim/clock", json=body).status_code == 400
        assert session.post(server.url + "/-/sim/clock", data="{nonsense").status_code == 400
        assert (estate.clock.rate, estate.clock.now()) == (0, NOON)

    def test_a_story_that_cannot_be_told_does_not_end_the_one_that_is(self, server, session, estate):
        estate.tell("storm", "Gold Primary")
        refused = {"name": "storm", "object": "Gold Primary", "seconds": -1}
        assert session.post(server.url + "/-/sim/story", json=refused).status_code == 400
        assert [story.object for story in estate.told("storm")] == ["Gold Primary"]

    def test_an_application_without_controls_knows_faults_only(self, session):
        with Server(application) as server:
            assert session.get(server.url + "/-/sim").json() == {"faults": []}
            assert session.post(server.url + "/-/sim/clock", json={"advance": 1}).status_code == 404


def test_every_kind_of_fault_has_a_test():
    """A kind added to KINDS wants a test above."""
    tried = {"refuse", "hang", "drip", "401", "403", "429", "500", "503", "cut", "wrong_types", "wrong_lists"}
    assert set(KINDS) == tried | {"empty", "html"}
