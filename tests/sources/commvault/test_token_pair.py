"""An access token that is renewed: what is on disk when, who may hold the pair, and what goes wrong."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.errors import ConfigError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.wire import Fault, Server
from exporter.sources.commvault import token_pair

from .conftest import AT, URL

RENEW = f"{URL}/V4/AccessToken/Renew"
POOLS = f"{URL}/StoragePool"
FIRST = {"accessToken": "example-access-1", "refreshToken": "example-refresh-1"}
SECOND = {"accessToken": "example-access-2", "refreshToken": "example-refresh-2"}
HOLD = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "pair.json"
    path.write_text(json.dumps(FIRST, indent=2))
    path.chmod(0o600)
    return path


@pytest.fixture
def holder(client, file):
    """A client of the pair in the file."""
    return lambda **changed: client(token=None, token_pair_file=str(changed.pop("file", file)), **changed)


class Server200:
    """Takes only the newest access token; renews the newest pair, as often as asked."""

    def __init__(self, mock, file):
        self.file = file
        self.valid = FIRST
        self.renewals = []
        self.on_disk = []
        self.answer = {}
        mock.post(RENEW, json=self._renew)
        mock.get(POOLS, json=self._pools)

    def expire(self):
        self.valid = {}

    def _renew(self, request, context):
        self.renewals.append(request.json())
        assert "Authorization" not in request.headers
        number = len(self.renewals) + 1
        self.valid = {"accessToken": f"example-access-{number}", "refreshToken": f"example-refresh-{number}"}
        return self.valid | self.answer

    def _pools(self, request, context):
        sent = request.headers["Authorization"].removeprefix("Bearer ")
        self.on_disk.append(json.loads(self.file.read_text())["accessToken"] == sent)
        context.status_code = 200 if sent == self.valid.get("accessToken") else 401
        return {}


@pytest.fixture
def server(requests_mock, file):
    return Server200(requests_mock, file)


def saved(file):
    return json.loads(file.read_text())


@pytest.fixture
def disk(file, monkeypatch):
    """Call it with True and no renewed pair can be written, with False and it can."""
    rename = type(file).replace

    def refuse_new(path, to):
        if "access-2" in path.read_text():
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(path, to)

    return lambda *, full: monkeypatch.setattr(type(file), "replace", refuse_new if full else rename)


def test_a_token_that_works_is_not_renewed(holder, server, file):
    client = holder()
    for _ in range(3):
        client.get("/StoragePool")
    assert server.renewals == []
    assert saved(file) == FIRST


def test_a_rejected_token_is_renewed_once_and_the_new_pair_is_on_disk_before_it_is_sent(holder, server, file):
    client = holder()
    server.expire()
    client.get("/StoragePool")
    server.expire()
    client.get("/StoragePool")

    assert server.renewals == [FIRST, SECOND]
    assert all(server.on_disk)
    assert saved(file)["refreshToken"] == "example-refresh-3"
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == ["pair.json", "pair.json.lock"]


def test_file_and_folder_are_flushed_around_the_renaming(holder, server, file, monkeypatch):
    done = []
    flush, rename = os.fsync, type(file).replace
    monkeypatch.setattr(os, "fsync", lambda fd: (done.append(os.readlink(f"/proc/self/fd/{fd}")), flush(fd)))
    monkeypatch.setattr(
        type(file), "replace", lambda path, to: (done.append(f"{path.name} -> {to.name}"), rename(path, to))
    )
    holder().get("/StoragePool")
    assert done == [f"{file}.new", "pair.json.new -> pair.json", str(file.parent)]


def test_collectors_that_start_together_renew_once(holder, server):
    client = holder()
    server.expire()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: client.get("/StoragePool"), range(6)))
    assert server.renewals == [FIRST]


def test_what_the_server_says_about_the_token_is_a_metric_and_what_it_does_not_say_is_none(
    holder, server, file, telemetry
):
    def told():
        names = ("expiry", "renewable_until")
        labels = {"source": "cs01"}
        return [
            telemetry.registry.get_sample_value(f"ebbtide_source_token_{name}_timestamp_seconds", labels)
            for name in names
        ]

    client = holder()
    client.get("/StoragePool")
    assert told() == [None, None]
    server.answer = {"tokenExpiryTimestamp": "99999999999", "renewableUntilTimestamp": 100000000000}
    server.expire()
    client.get("/StoragePool")
    assert told() == [99999999999.0, 100000000000.0]
    assert saved(file)["renewableUntilTimestamp"] == 100000000000

    server.answer = {"tokenExpiryTimestamp": 0}
    server.expire()
    client.get("/StoragePool")
    assert told() == [None, None]
    telemetry.tell_token("cs01", 1.0, 2.0)
    telemetry.forget_source("cs01")
    assert told() == [None, None]


def test_a_token_that_is_known_to_have_expired_is_renewed_before_it_is_sent(holder, server, file):
    file.write_text(json.dumps(FIRST | {"tokenExpiryTimestamp": 1000}))
    holder().get("/StoragePool")
    assert server.renewals == [FIRST]


def test_a_server_whose_clock_is_behind_does_not_make_every_request_a_renewal(holder, server, clock):
    server.answer = {"tokenExpiryTimestamp": 1000}
    client = holder()
    server.expire()
    for _ in range(3):
        client.get("/StoragePool")
    assert len(server.renewals) == 1
    clock.now += 61
    client.get("/StoragePool")
    assert len(server.renewals) == 2


def test_a_pair_is_held_by_one_client_until_that_is_closed(holder, server, file):
    first, second = holder(), holder()
    first.get("/StoragePool")
    with pytest.raises(ConfigError, match=f"token_pair_file {file} is in use by another exporter or source"):
        second.get("/StoragePool")
    first.close()
    second.get("/StoragePool")
    with pytest.raises(SourceUnreachable, match="stopping"):
        first._pair.obtain()


def test_a_pair_that_another_process_holds_is_not_used(holder, server, file):
    command = [sys.executable, "-c", HOLD, f"{file}.lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match="in use by another exporter"):
            holder().get("/StoragePool")
        process.stdin.close()
    assert server.on_disk == []
    holder().get("/StoragePool")


def test_two_names_of_one_file_are_one_pair(holder, server, file, tmp_path):
    (tmp_path / "folder").mkdir()
    alias = tmp_path / "folder" / "alias.json"
    alias.symlink_to(file)
    holder().get("/StoragePool")
    with pytest.raises(ConfigError, match="in use"):
        holder(file=alias).get("/StoragePool")


def test_a_file_behind_a_link_is_rewritten_and_the_link_stays(holder, server, file, tmp_path):
    alias = tmp_path / "alias.json"
    alias.symlink_to(file)
    server.expire()
    holder(file=alias).get("/StoragePool")
    assert alias.is_symlink()
    assert saved(file) == SECOND


def test_nothing_is_read_or_locked_before_the_first_request(holder, file):
    file.unlink()
    client = holder()
    assert list(file.parent.iterdir()) == []
    with pytest.raises(ConfigError, match=r"cannot be read: No such file"):
        client.get("/StoragePool")


def test_a_read_only_file_is_said_before_anything_is_asked(holder, server, file):
    file.chmod(0o400)
    with pytest.raises(ConfigError, match=f"token_pair_file {file} cannot be rewritten: it is read-only"):
        holder().get("/StoragePool")
    assert (server.renewals, server.on_disk) == ([], [])


@pytest.mark.parametrize(
    ("failing", "complaint"), [("open", "cannot be locked: Read-only"), ("replace", "cannot be rewritten: Read-only")]
)
def test_a_folder_that_cannot_be_written_is_said_before_anything_is_asked(
    holder, server, file, monkeypatch, failing, complaint
):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(*((os, "open") if failing == "open" else (type(file), "replace")), refuse)
    client = holder()
    for _ in range(2):
        with pytest.raises(ConfigError, match=complaint):
            client.get("/StoragePool")
    monkeypatch.undo()
    assert (server.renewals, server.on_disk) == ([], [])


def test_a_new_pair_that_cannot_be_written_is_kept_and_not_used_until_it_can(holder, server, file, disk):
    client = holder()
    client.get("/StoragePool")
    server.expire()
    disk(full=True)
    for _ in range(2):
        with pytest.raises(ConfigError, match="cannot be rewritten: No space left"):
            client.get("/StoragePool")
    assert server.renewals == [FIRST]

    disk(full=False)
    client.get("/StoragePool")
    assert server.renewals == [FIRST]
    assert saved(file) == SECOND
    assert all(server.on_disk)


@pytest.mark.parametrize(
    "content",
    ["", "example-access-1", "[]", "{}", '"x"', '{"accessToken": "a"}', '{"accessToken": "a", "refreshToken": "a\\n"}',
     '{"accessToken": 1, "refreshToken": "a"}', b"\xff", "[" * 100_000],
)  # fmt: skip
def test_a_file_that_holds_no_pair_is_a_mistake_of_the_config(holder, file, content):
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match="does not hold") as error:
        holder().get("/StoragePool")
    assert "example-access" not in str(error.value)


@pytest.mark.parametrize(
    "refusal",
    [
        {"json": {"errorMessage": "Invalid refresh token example-refresh-1", "errorCode": 5}},
        {"json": {"error": {"errList": [{"errorCode": 1127, "errLogMessage": "x"}]}}},
        {"status_code": 401},
        {"status_code": 403},
    ],
)
def test_a_refused_pair_is_never_sent_again_and_the_message_says_what_to_do(
    holder, server, file, requests_mock, telemetry, clock, refusal
):
    requests_mock.post(RENEW, **refusal)
    client = holder()
    server.expire()
    for _ in range(3):
        with pytest.raises(SourceRefused, match=f"refused.*; make a new access token.*{file}") as error:
            client.get("/StoragePool")
        assert not error.value.contact
        assert "example-" not in str(error.value)
        clock.now += 61
    assert [request.url for request in requests_mock.request_history].count(RENEW) == 1
    assert telemetry.registry.get_sample_value("ebbtide_source_auth_failures_total", {"source": "cs01"}) >= 1

    server.valid = SECOND
    file.write_text(json.dumps(SECOND))
    client.get("/StoragePool")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"json": {}}, SourceGarbled),
        ({"json": {"accessToken": "x"}}, SourceGarbled),
        ({"json": {"accessToken": {"value": 1}, "refreshToken": "x"}}, SourceGarbled),
        ({"json": ["x"]}, SourceGarbled),
        ({"status_code": 404, "json": {}}, SourceGarbled),
        ({"status_code": 500, "json": {}}, SourceUnreachable),
        ({"exc": ConnectionResetError}, SourceUnreachable),
    ],
)
def test_a_renewal_that_fails_otherwise_is_tried_again(holder, server, requests_mock, answer, error):
    requests_mock.post(RENEW, **answer)
    client = holder()
    server.expire()
    with pytest.raises(error, match="POST /V4/AccessToken/Renew"):
        client.get("/StoragePool")
    requests_mock.post(RENEW, json=server._renew)
    client.get("/StoragePool")
    assert server.renewals == [FIRST]


@pytest.fixture
def renewing(holder, server, requests_mock, monkeypatch):
    """A client in the middle of a renewal, closed; the event that lets the server answer; the renewal's end."""
    monkeypatch.setattr(token_pair, "_CLOSING_SECONDS", 0.05)
    asked, answering = threading.Event(), threading.Event()

    def slowly(request, context):
        asked.set()
        answering.wait(5)
        return server._renew(request, context)

    requests_mock.post(RENEW, json=slowly)
    client = holder()
    client.get("/StoragePool")
    server.expire()
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(client._pair.obtain)
        assert asked.wait(5)
        client._pair.close()
        yield answering, ending
        answering.set()


def test_a_client_that_is_closed_in_a_renewal_hands_its_file_over_when_that_ends(renewing, holder, server, file):
    answering, ending = renewing
    with ThreadPoolExecutor(1) as pool:
        beginning = pool.submit(holder().get, "/StoragePool")
        with pytest.raises(TimeoutError):
            beginning.result(0.05)
        answering.set()
        ending.result(5)
        beginning.result(5)
    assert server.renewals == [FIRST]
    assert saved(file) == SECOND
    assert server.on_disk[-1]


def test_a_source_that_left_in_a_renewal_leaves_no_token_on_the_page(renewing, server, file, telemetry):
    answering, ending = renewing
    server.answer = {"renewableUntilTimestamp": 100000000000}
    telemetry.forget_source("cs01")
    answering.set()
    ending.result(5)
    assert saved(file)["renewableUntilTimestamp"] == 100000000000
    name = "ebbtide_source_token_renewable_until_timestamp_seconds"
    assert telemetry.registry.get_sample_value(name, {"source": "cs01"}) is None


@pytest.mark.parametrize("full", [False, True])
def test_a_pair_that_could_not_be_written_is_tried_once_more_when_the_client_is_closed(
    holder, server, file, disk, caplog, full
):
    client = holder()
    server.expire()
    disk(full=True)
    with pytest.raises(ConfigError, match="No space left"):
        client.get("/StoragePool")
    disk(full=full)
    client.close()
    assert saved(file) == (FIRST if full else SECOND)
    assert ("No space left on device; the renewed pair is lost" in caplog.text) == full
    assert "example-" not in caplog.text
    disk(full=False)
    # What the file holds from now on is no business of a client that is closed.
    file.write_text(json.dumps(FIRST))
    with pytest.raises(SourceUnreachable, match="stopping"):
        client._pair.obtain()
    assert saved(file) == FIRST
    holder()._pair.obtain()


def test_no_form_of_a_pair_shows_it(holder, server, file, caplog):
    caplog.set_level("DEBUG")
    client = holder()
    server.expire()
    client.get("/StoragePool")
    shown = repr(client._pair.__dict__) + repr(client._pair._read()) + repr(client._pair.obtain()) + caplog.text
    assert "example-refresh" not in shown


def test_a_simulated_commserve_renews_a_pair_again_and_again(client, account, file):
    clock = Clock(AT, rate=0)
    access, refresh = FIRST.values()
    commserve = CommServe(
        Estate("small", clock), clock, access_token=access, refresh_token=refresh, access_seconds=1800.0
    )
    with Server(commserve) as server:
        one = client(url=f"{server.url}/commandcenter/api", token=None, token_pair_file=str(file))
        for _ in range(3):
            assert one.get("/StoragePool")["storagePoolList"]
            clock.advance(1801)
        # An answer that is lost takes the new pair with it; the old one then ends the chain.
        server.faults.add(Fault("cut", "AccessToken", count=1))
        with pytest.raises(SourceGarbled):
            one.get("/StoragePool")
        with pytest.raises(SourceRefused, match="make a new access token"):
            one.get("/StoragePool")
