"""check_ebbtide, run in this process, and answers for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exporter.nagios import plugin
from tests.conftest import ScriptedServer


def answer(body: bytes, head: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


Run = Callable[..., tuple[int, str]]
Scripted = Callable[..., ScriptedServer]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """(exit code, standard output) of the plugin."""

    def check(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            plugin.main(arguments)
        assert isinstance(left.value.code, int)
        return left.value.code, capsys.readouterr().out

    return check
