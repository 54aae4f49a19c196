"""A receiver that does not take a message says whether others may be taken, and keeps the message for later."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api

from exporter.bridge.alerts import parse
from exporter.bridge.config import BridgeSettings, IcingaSettings, SnmpSettings
from exporter.bridge.delivery import NotNow, Unreachable
from exporter.bridge.icinga import IcingaApi
from exporter.bridge.nagios import NagiosPipe
from exporter.bridge.outbox import Message
from exporter.bridge.results import Result
from exporter.bridge.service import build
from exporter.bridge.snmp import SnmpReceiver, to_message
from exporter.bridge.telemetry import BridgeTelemetry
from exporter.errors import ConfigError
from tests.bridge.serving import listening
from tests.bridge.webhooks import alert, webhook
from tests.conftest import ScriptedServer

RESULT = Result("cs01", "EbbtidePoolNearlyFull", 2, "CRITICAL: " + "a" * 4000, "firing=1;;;0", 1700000000.0)
MESSAGE = Message(1, "cs01!EbbtidePoolNearlyFull", RESULT.to_json(), 0.0)


def test_a_nagios_that_reads_nothing_is_away_once_its_pipe_is_full(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "nagios.cmd")
    reader = os.open(tmp_path / "nagios.cmd", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    pipe = NagiosPipe(tmp_path / "nagios.cmd")
    pipe.send(MESSAGE)
    with pytest.raises(Unreachable, match=r"nagios\.cmd: Resource temporarily unavailable$"):
        pipe.send(MESSAGE)
    os.close(reader)


@pytest.fixture
def icinga(scripted: Callable[..., ScriptedServer], tmp_path: Path) -> Iterator[IcingaApi]:
    """An API that has a bad moment."""
    (tmp_path / "password").write_text("s3cret")
    server = scripted(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    keys = {"url": server.url, "username": "ebbtide", "password_file": str(tmp_path / "password"), "timeout": "1s"}
    api = IcingaApi(IcingaSettings.model_validate(keys), freshness=600.0)
    yield api
    api.close()


def test_an_icinga_that_fails_is_asked_again(icinga: IcingaApi) -> None:
    with pytest.raises(NotNow, match=r"^cs01!EbbtidePoolNearlyFull: .+ \(503\)$"):
        icinga.send(MESSAGE)


def test_a_password_that_is_gone_is_waited_for(icinga: IcingaApi, tmp_path: Path) -> None:
    (tmp_path / "password").unlink()
    with pytest.raises(Unreachable, match=r"^secret file .*password cannot be read"):
        icinga.send(MESSAGE)


@pytest.fixture
def manager() -> Iterator[int]:
    """The port of an SNMP manager that answers every inform with genErr."""
    v2c = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]

    def answer(socket_: socket.socket) -> None:
        while (datagram := socket_.recvfrom(65536))[0]:
            asked, _ = decoder.decode(datagram[0], asn1Spec=v2c.Message())
            said = v2c.apiMessage.get_response(asked)
            v2c.apiPDU.set_error_status(v2c.apiMessage.get_pdu(said), 5)
            socket_.sendto(encoder.encode(said), datagram[1])

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        yield listening.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", listening.getsockname())
        thread.join()


def snmp(port: int, folder: Path) -> SnmpSettings:
    (folder / "community").write_text("public")
    return SnmpSettings.model_validate({"host": "127.0.0.1", "port": port, "community_file": folder / "community"})


# Where pysmi is installed too, pysnmp calls it by names that pysmi calls old.
@pytest.mark.filterwarnings("ignore:.* is deprecated. Please use:DeprecationWarning")
def test_a_manager_that_refuses_one_may_take_others(manager: int, tmp_path: Path) -> None:
    [told] = parse(webhook(alert()))
    receiver = SnmpReceiver(snmp(manager, tmp_path), lambda _: 1)
    with pytest.raises(NotNow, match=r"^f1: refused with error status 5$"):
        receiver.send(Message(1, told.fingerprint, to_message(told), 0.0))
    receiver.close()


def test_without_its_extra_snmp_is_a_mistake_in_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pysnmp", None)
    with pytest.raises(ConfigError, match=r"pip install 'ebbtide\[snmp\]'"):
        SnmpReceiver(snmp(162, tmp_path), lambda _: 1)


def test_a_bridge_with_a_receiver_that_is_not_served_is_not_healthy(tmp_path: Path) -> None:
    settings, telemetry = BridgeSettings.model_validate({"nagios": {"command_file": "/nowhere"}}), BridgeTelemetry()
    bridge = build(settings, tmp_path / "bridge.db", (), 600.0, telemetry)
    with listening(bridge, telemetry) as url:
        bridge.start()
        assert requests.get(f"{url}/-/healthy", timeout=10).status_code == 200
        bridge.stop()
        assert requests.get(f"{url}/-/healthy", timeout=10).status_code == 503
