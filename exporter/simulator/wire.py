"""A small HTTP/1.1 server for simulated systems: keep-alive, faults on command, prompt end.

Only the standard library, and a thread per connection: a client that hangs must not keep others waiting.
"""

import contextlib
import logging
import socket
import ssl
import struct
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from exporter.simulator.control import PREFIX, Control, answer_control
from exporter.simulator.faults import Fault, Faults, spoil
from exporter.simulator.messages import Answer, Application, Headers, Json, Request

__all__ = ["Answer", "Application", "Control", "Fault", "Faults", "Headers", "Json", "Request", "Server"]

log = logging.getLogger(__name__)

DRIP_SECONDS = 0.2
REMEMBERED_REQUESTS = 10_000
BROKEN = Answer({"errorMessage": "Internal error", "errorCode": 1}, 500)


class Server:
    """Serves one application on 127.0.0.1. `with Server(app) as server: requests.get(server.url + "/...")`."""

    def __init__(
        self,
        application: Application,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.application = application
        self.host = host
        self.port = port
        self.faults = faults if faults is not None else Faults()
        self.ssl_context = ssl_context
        self.requests: deque[tuple[str, str]] = deque(maxlen=REMEMBERED_REQUESTS)
        self._listener: _Listener | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.ssl_context else 'http'}://{self.host}:{self.port}"

    def start(self) -> Self:
        self.start_listening()
        return self

    def stop(self) -> None:
        """Ends at once, also for clients that are being kept waiting."""
        self.faults.clear()
        self.stop_listening()

    def start_listening(self) -> None:
        """Opens the port, the same as before if there was one."""
        if self._listener is None:
            self._listener = _Listener(self)
            self.port = self._listener.server_address[1]
            threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()

    def stop_listening(self) -> None:
        """Closes the port and all connections: from now on the system refuses, as if nobody was there."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            listener.shutdown()
            listener.server_close()
            listener.hang_up()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, owner: Server) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__((owner.host, owner.port), _Connection)

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        context = self.owner.ssl_context
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._guard:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if isinstance(request, socket.socket):
            with self._guard:
                self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """A client that went away, or a failed handshake: the other side knows."""
        log.debug("connection of %s broke", client_address, exc_info=True)

    def hang_up(self) -> None:
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Listener

    def _answer(self) -> None:
        request = Request.of(self.command, self.path, Headers(dict(self.headers.items())), self._body())
        owner = self.server.owner
        if request.path.startswith(PREFIX):
            self._send(answer_control(request, owner.application, owner.faults))
            return
        owner.requests.append((request.method, request.path))
        fault = owner.faults.take(request.path)
        if fault is None:
            self._send(self._asked(request))
        elif fault.kind == "refuse":
            self._reset()
        elif fault.kind == "hang":
            owner.faults.wait(fault.seconds)
            self.close_connection = True
        else:
            self._send(spoil(fault.kind, self._asked(request)), drip=fault.kind == "drip")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        log.debug(format, *args)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _asked(self, request: Request) -> Answer:
        try:
            return self.server.owner.application(request)
        except Exception:
            log.exception("the simulator failed on %s %s", request.method, request.path)
            return BROKEN

    def _send(self, answer: Answer, *, drip: bool = False) -> None:
        payload = answer.payload()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        body = b"" if self.command == "HEAD" else payload
        if drip:
            self._drip(body)
        else:
            self.wfile.write(body)

    def _drip(self, payload: bytes) -> None:
        faults = self.server.owner.faults
        self.wfile.flush()
        for index in range(len(payload)):
            self.wfile.write(payload[index : index + 1])
            self.wfile.flush()
            if not faults.wait(DRIP_SECONDS):
                self.wfile.write(payload[index + 1 :])
                return

    def _reset(self) -> None:
        """Closes with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
