"""Every failure is one of three, with a plain reason."""

from __future__ import annotations

import hashlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from exporter import http
from exporter.errors import SourceError, SourceGarbled, SourceRefused, SourceUnreachable
from exporter.http import (
    PermissionMissing,
    ServerFailed,
    UnexpectedStatus,
)
from exporter.settings import Pinned
from exporter.simulator.wire import Answer, Fault, Server
from tests.conftest import url_of

from .conftest import Clients, Scripted, answer, refused


def test_a_name_that_does_not_resolve(client: Clients) -> None:
    error = refused("http://cs01.invalid", client, SourceUnreachable)
    assert str(error).endswith("no answer: the host name does not resolve")
    assert not error.contact


def test_a_port_where_nobody_listens(client: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = url_of(taken)
    assert str(refused(url, client, SourceUnreachable)).endswith("no answer: connection refused")


def test_a_host_that_cannot_be_one(client: Clients) -> None:
    refused(f"http://{'a' * 64}.example.com", client, SourceUnreachable)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def https(authority: trustme.CA) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Server(lambda _: Answer({"ok": 1}), ssl_context=context) as server:
        yield server


def test_a_certificate_nobody_vouches_for(https: Server, client: Clients) -> None:
    error = refused(https.url, client, SourceUnreachable)
    assert str(error).endswith(("no answer: TLS: unable to get local issuer certificate",
                                "no answer: TLS: self-signed certificate in certificate chain"))  # fmt: skip


def test_a_certificate_of_the_configured_authority(
    https: Server, client: Clients, authority: trustme.CA, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    assert client(https.url, verify=bundle).get("/x").json() == {"ok": 1}


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_not_verifying_is_the_operators_decision_and_logged_once(
    https: Server, client: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    one = client(https.url, verify=False)
    assert one.get("/x").json() == one.get("/x").json() == {"ok": 1}
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == [
        "cs01: TLS certificates are not verified (verify: false)"
    ]


@pytest.fixture(scope="module")
def fingerprint(https: Server) -> str:
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((https.host, https.port)))
    return hashlib.sha256(certificate).hexdigest()


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_the_one_certificate_that_is_pinned(
    https: Server, client: Clients, fingerprint: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = client(https.url, verify=Pinned(sha256=fingerprint))
    assert one.get("/x").json() == {"ok": 1}
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_another_certificate_than_the_pinned_one_is_not_spoken_to(https: Server, client: Clients) -> None:
    asked = len(https.requests)
    with pytest.raises(SourceUnreachable) as caught:
        client(https.url, verify=Pinned(sha256="0" * 64)).get("/x")
    assert str(caught.value) == ("GET /x: no answer: TLS: the certificate is not the one whose sha256 is configured")
    assert len(https.requests) == asked


def test_tls_spoken_to_a_server_that_speaks_none(client: Clients) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def plain() -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(answer("400 Bad Request"))
        connection.close()

    thread = threading.Thread(target=plain)
    thread.start()
    url = url_of(listener).replace("http:", "https:")
    error = refused(url, client, SourceUnreachable)
    thread.join()
    listener.close()
    assert str(error).endswith(("TLS: wrong version number", "TLS: record layer failure"))


def test_a_server_that_hangs_ends_at_the_timeout(scripted: Scripted, client: Clients) -> None:
    server = scripted(lambda _: server.stopping.wait(5))
    started = time.monotonic()
    error = refused(server.url, client, SourceUnreachable, timeout=0.1)
    assert str(error).endswith("no answer in time")
    assert 0.1 <= time.monotonic() - started < 2


def test_a_server_that_does_not_take_the_connection_ends_at_the_timeout(client: Clients) -> None:
    """A full backlog: the handshake is never finished."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listener.getsockname())
        error = refused(url_of(listener), client, SourceUnreachable, timeout=0.1)
        for one in waiting:
            one.close()
    assert str(error).endswith("no answer: the connection timed out")


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /login"])
def test_a_server_that_drips_ends_at_the_deadline(scripted: Scripted, client: Clients, status: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 1000\r\n\r\n")
        while not server.stopping.wait(0.02):
            connection.sendall(b"{")

    server = scripted(drip)
    started = time.monotonic()
    error = refused(server.url, client, SourceUnreachable, deadline=0.25)
    assert str(error).endswith("answer not complete after 0.25 s")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "cut",
    [
        answer(body=b'{"pools": []}', Content_Length="1000"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ],
    ids=["length", "chunk", "last chunk"],
)
def test_a_body_cut_short_is_never_taken_for_the_whole(scripted: Scripted, client: Clients, cut: bytes) -> None:
    error = refused(scripted(cut).url, client, SourceUnreachable)
    assert str(error).endswith(("the answer was cut off", "the connection was closed"))


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "the connection was closed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the connection was closed"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000, "the connection was closed"),
        (answer(body=b"no gzip", Content_Encoding="gzip"), "the answer is not what its Content-Encoding says"),
    ],
    ids=["nothing", "no http", "endless header", "not gzip"],
)
def test_bytes_that_are_no_answer(scripted: Scripted, client: Clients, sent: bytes, reason: str) -> None:
    assert str(refused(scripted(sent).url, client, SourceUnreachable)).endswith(reason)


def test_a_reset_connection(client: Clients) -> None:
    with Server(lambda _: Answer()) as server:
        server.faults.set(Fault("refuse"))
        assert str(refused(server.url, client, SourceUnreachable)).endswith("no answer: the connection was closed")


def test_an_answer_without_end_is_not_kept(
    scripted: Scripted, client: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.http.client._LARGEST_ANSWER", 1000)
    error = refused(scripted(answer(body=b"x" * 1001)).url, client, SourceGarbled)
    assert str(error).endswith("answer larger than 1000 bytes")


@pytest.mark.parametrize(
    ("status", "kind", "reason", "contact"),
    [
        ("302 Found", UnexpectedStatus, "redirected (302); check the url", True),
        ("401 Unauthorized", PermissionMissing, "refused (401): the credentials are not accepted", False),
        ("403 Forbidden", PermissionMissing, "refused (403): the account lacks the permission", True),
        ("404 Not Found", UnexpectedStatus, "unexpected status 404", True),
        ("429 Too Many Requests", ServerFailed, "too many requests (429)", False),
        ("500 Internal Server Error", ServerFailed, "the server reports a failure of its own (500)", False),
        ("503 Service Unavailable", ServerFailed, "the server reports a failure of its own (503)", False),
    ],
)
def test_a_status_is_one_of_three_errors(
    scripted: Scripted, client: Clients, status: str, kind: type[SourceError], reason: str, contact: bool
) -> None:
    server = scripted(answer(status, b"hunter2", Location="http://127.0.0.1:9/hunter2"))
    error = refused(server.url, client, kind)
    assert str(error).endswith(reason)
    assert error.contact is contact
    assert "hunter2" not in repr(error)
    assert isinstance(error, http.HttpStatus)
    assert (error.status, error.body) == (int(status[:3]), b"hunter2")
    assert len(server.asked) == 1


def test_a_403_is_a_refusal_and_a_404_is_not() -> None:
    assert issubclass(PermissionMissing, SourceRefused)
    assert issubclass(UnexpectedStatus, SourceGarbled)
    assert issubclass(ServerFailed, SourceUnreachable)
