"""A server that speaks as much TDS, the protocol of SQL Server, as it takes to answer a driver's login and batches.

It is told what to say; it knows no SQL. Layouts: Microsoft's [MS-TDS], sections 2.2.6 and 2.2.7.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

_BATCH, _REPLY, _ATTENTION, _LOGIN, _PRELOGIN = 1, 4, 6, 16, 18
_READ_ONLY_INTENT = 0x20


@dataclass(frozen=True)
class Refusal(Exception):
    number: int
    text: str


@dataclass(frozen=True)
class Table:
    columns: Sequence[str]
    rows: Sequence[Sequence[int | str | None]] = ()


# None: done, and nothing to say. It may raise Refusal, or ConnectionAbortedError to hang up.
Answer = Callable[[str], Table | None]


@dataclass
class Heard:
    """What the clients said."""

    batches: list[str] = field(default_factory=list)
    read_only: list[bool] = field(default_factory=list)
    application: list[str] = field(default_factory=list)


@contextmanager
def serving(answer: Answer, refuse: Refusal | None = None) -> Iterator[tuple[int, Heard]]:
    """The port of a server, and what it hears. refuse: what it says to every login."""
    heard = Heard()

    class Session(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while packet := self._packet():
                kind, body = packet
                if kind == _PRELOGIN:
                    # Version and no encryption.
                    options = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 255)
                    self._reply(options + bytes([16, 0, 3, 232, 0, 0, 2]))
                elif kind == _LOGIN:
                    heard.read_only.append(bool(body[26] & _READ_ONLY_INTENT))
                    start, length = struct.unpack_from("<HH", body, 48)
                    heard.application.append(body[start : start + 2 * length].decode("utf-16-le"))
                    self._reply(_error(refuse) if refuse else _login_ack())
                elif kind == _BATCH:
                    text = body[struct.unpack_from("<I", body)[0] :].decode("utf-16-le")
                    heard.batches.append(text)
                    try:
                        self._reply(_rows(answer(text)))
                    except Refusal as refusal:
                        self._reply(_error(refusal))
                    except ConnectionAbortedError:
                        return
                elif kind == _ATTENTION:
                    self._reply(_done(0x20, 0))

        def _packet(self) -> tuple[int, bytes] | None:
            body, last = b"", False
            while not last:
                head = self._exactly(8)
                if not head:
                    return None
                kind, status, length = struct.unpack_from(">BBH", head)
                body += self._exactly(length - 8)
                last = bool(status & 1)
            return kind, body

        def _exactly(self, count: int) -> bytes:
            found = b""
            while len(found) < count:
                try:
                    more = self.request.recv(count - len(found))
                except ConnectionError:
                    return b""
                if not more:
                    return b""
                found += more
            return found

        def _reply(self, tokens: bytes) -> None:
            self.request.sendall(struct.pack(">BBHHBB", _REPLY, 1, len(tokens) + 8, 0, 1, 0) + tokens)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1], heard
        finally:
            server.shutdown()
            thread.join()


def _login_ack() -> bytes:
    body = b"\x01" + bytes([0x74, 0, 0, 4]) + _short("Microsoft SQL Server") + bytes([16, 0, 3, 232])
    return b"\xad" + struct.pack("<H", len(body)) + body + _done(0, 0)


def _error(refusal: Refusal) -> bytes:
    text = refusal.text
    body = struct.pack("<IBBH", refusal.number, 1, 14, len(text)) + text.encode("utf-16-le")
    body += _short("CS01") + _short("") + struct.pack("<I", 1)
    return b"\xaa" + struct.pack("<H", len(body)) + body + _done(2, 0)


def _rows(table: Table | None) -> bytes:
    """Numbers as BIGINT, text as NVARCHAR, by what is in the column's first row."""
    if table is None:
        return _done(0, 0)
    texts = [bool(table.rows) and isinstance(table.rows[0][i], str) for i in range(len(table.columns))]
    found = b"\x81" + struct.pack("<H", len(table.columns))
    for column, text in zip(table.columns, texts, strict=True):
        kind = b"\xe7" + struct.pack("<H", 512) + bytes([9, 4, 208, 0, 52]) if text else b"\x26\x08"
        found += struct.pack("<IH", 0, 1) + kind + _short(column)
    for row in table.rows:
        found += b"\xd1" + b"".join(map(_value, row, texts))
    return found + _done(0x10, len(table.rows))


def _value(value: int | str | None, text: bool) -> bytes:
    if value is None:
        return b"\xff\xff" if text else b"\x00"
    if isinstance(value, str):
        return struct.pack("<H", 2 * len(value)) + value.encode("utf-16-le")
    return b"\x08" + struct.pack("<q", value)


def _done(status: int, count: int) -> bytes:
    return struct.pack("<BHHQ", 0xFD, status, 0xC1 if count else 0, count)


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")
