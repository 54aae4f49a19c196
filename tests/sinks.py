"""Where notifications end in the tests: a mail server and an HTTP server that keep what they were sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers import free_port

SMTP_USER, SMTP_PASSWORD = "ebbtide", "not-a-real-secret"


@dataclass
class Mails:
    """What a mail server on `address` was given, by whoever knew the password."""

    address: str
    received: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802  aiosmtpd names it
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if not session.authenticated:
            return "530 Authentication required"
        self.received.append(message_from_bytes(envelope.original_content or b"", policy=policy.default))
        return "250 OK"

    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.received]


@dataclass
class Posts:
    """What an HTTP server on `url` was sent: path, headers and body, which is parsed where it is JSON."""

    url: str
    received: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    def at(self, path: str) -> list[Any]:
        return [body for asked, _, body in self.received if asked.startswith(path)]

    def alerts(self, path: str = "/") -> list[dict[str, Any]]:
        """The alerts of all webhooks to a path, in the order they came."""
        return [alert for body in self.at(path) for alert in body["alerts"]]


@contextmanager
def mail_server() -> Iterator[Mails]:
    port = free_port()
    mails = Mails(f"127.0.0.1:{port}")

    def login(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object) -> AuthResult:
        known = isinstance(given, LoginPassword) and (given.login, given.password) == (
            SMTP_USER.encode(), SMTP_PASSWORD.encode(),
        )  # fmt: skip
        return AuthResult(success=known)

    controller = Controller(
        mails,
        hostname="127.0.0.1",
        port=port,
        authenticator=login,
        auth_require_tls=False,
        auth_exclude_mechanism=["LOGIN"],
    )
    controller.start()
    try:
        yield mails
    finally:
        controller.stop()


@contextmanager
def http_server(answer: bytes = b"{}") -> Iterator[Posts]:
    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_json = body[:1] in (b"{", b"[")
            posts.received.append((self.path, dict(self.headers), json.loads(body) if is_json else body.decode()))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    posts = Posts(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield posts
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
