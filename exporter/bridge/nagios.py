"""Passive results into the pipe of external commands of Nagios, on the same host."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from exporter.bridge.delivery import Unreachable
from exporter.bridge.outbox import Message
from exporter.bridge.results import Result, from_json

# Up to so many bytes (PIPE_BUF) a write to a pipe is whole or not at all.
_LONGEST = 4096


class NagiosPipe:
    name = "nagios"

    def __init__(self, command_file: Path) -> None:
        self._path = command_file

    def send(self, message: Message) -> None:
        line = command(from_json(message.body))
        try:
            # Without a reader, which is Nagios, the open fails at once. It must never make a file of its own.
            pipe = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            raise Unreachable(f"{self._path}: {error.strerror}") from None
        try:
            if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
                raise Unreachable(f"{self._path} is not a pipe; is Nagios running with check_external_commands=1?")
            os.write(pipe, line)
        except OSError as error:
            raise Unreachable(f"{self._path}: {error.strerror}") from None
        finally:
            os.close(pipe)

    def close(self) -> None:
        pass


def command(result: Result) -> bytes:
    """One line. A semicolon ends a field but not the last; lines after the first are written with a backslash.

    >>> command(Result("cs01", "EbbtideSourceDown", 1, "WARNING: a;b", "firing=1;;;0", 1700000000.0))
    b'[1700000000] PROCESS_SERVICE_CHECK_RESULT;cs01;EbbtideSourceDown;1;WARNING: a;b|firing=1;;;0\\n'
    """
    first, *more = (line.replace("|", "/").replace("\\", "/") for line in result.output.split("\n"))
    head = f"[{result.at:.0f}] PROCESS_SERVICE_CHECK_RESULT;{_field(result.host)};{_field(result.service)}"
    whole = f"{head};{result.state};{first}|{result.performance}" + "".join(f"\\n{line}" for line in more)
    text = whole.encode()[: _LONGEST - 1].decode(errors="ignore")
    return text.encode() + b"\n"


def _field(name: str) -> str:
    return " ".join(name.replace(";", "_").split())
