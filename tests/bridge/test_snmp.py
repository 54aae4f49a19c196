"""A real snmptrapd takes what the bridge sends: v2c and v3, with and without an answer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.bridge.alerts import Alert, parse
from exporter.bridge.config import PLAYPEN, SnmpSettings
from exporter.bridge.delivery import Unreachable
from exporter.bridge.mib import NOTIFICATIONS, OBJECTS
from exporter.bridge.outbox import Message
from exporter.bridge.snmp import SnmpReceiver, default_engine_id, to_message
from tests.bridge.serving import metric, post, served
from tests.bridge.webhooks import alert, webhook
from tests.servers import free_udp_port, need, running, wait_until

# Where pysmi is installed too, pysnmp calls it by names that pysmi calls old.
pytestmark = pytest.mark.filterwarnings("ignore:.* is deprecated. Please use:DeprecationWarning")

OURS = "80001f8804656262746964652074657374"
TRAPD = f"""\
authCommunity log public-s3cret
createUser ebbtide SHA auth-s3cret AES priv-s3cret
createUser -e 0x{OURS} ebbtide SHA auth-s3cret AES priv-s3cret
createUser strong SHA-512 auth-s3cret AES priv-s3cret
authUser log ebbtide priv
authUser log strong priv
"""


@dataclass
class Trapd:
    folder: Path
    port: int

    @property
    def log(self) -> str:
        return (self.folder / "traps.log").read_text()

    def settings(self, **keys: Any) -> SnmpSettings:
        for name in ("public-s3cret", "auth-s3cret", "priv-s3cret", "wrong-s3cret"):
            (self.folder / name).write_text(name)
        v2c = {"community_file": self.folder / "public-s3cret"}
        v3 = {
            "username": "ebbtide", "auth_password_file": self.folder / "auth-s3cret",
            "privacy_password_file": self.folder / "priv-s3cret",
        }  # fmt: skip
        chosen = v3 if keys.get("version") == "3" else v2c
        return SnmpSettings.model_validate(
            {"host": "127.0.0.1", "port": self.port, "timeout": "300ms", **chosen, **keys}
        )


@pytest.fixture(scope="module")
def trapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trapd]:
    folder, port = tmp_path_factory.mktemp("trapd"), free_udp_port()
    (folder / "trapd.conf").write_text(TRAPD)
    command = [
        need("snmptrapd"), "-f", "-C", "-c", str(folder / "trapd.conf"), "-Lf", str(folder / "traps.log"), "-On",
        "-m", "", "-p", str(folder / "pid"), f"udp:127.0.0.1:{port}",
    ]  # fmt: skip
    paths = {"SNMPCONFPATH": str(folder), "SNMP_PERSISTENT_DIR": str(folder / "persist"), "MIBS": ""}
    with running(command, folder / "output", env={**os.environ, **paths}):
        listening = f"0100007F:{port:04X}"
        wait_until(lambda: listening in Path("/proc/net/udp").read_text(), "snmptrapd listens")
        yield Trapd(folder, port)


def told(**labels: str) -> Alert:
    [found] = parse(webhook(alert(**labels)))
    return found


def send(settings: SnmpSettings, boots: int, *alerts: Alert) -> None:
    receiver = SnmpReceiver(settings, lambda _: boots)
    try:
        for one in alerts:
            receiver.send(Message(1, one.fingerprint, to_message(one), 0.0))
    finally:
        receiver.close()


@pytest.mark.server
@pytest.mark.parametrize(
    "keys",
    [
        {"version": "2c"},
        {"version": "2c", "acknowledged": False},
        {"version": "3"},
        {"version": "3", "acknowledged": False, "engine_id": OURS},
        {"version": "3", "username": "strong", "auth_protocol": "SHA-512"},
    ],
    ids=["v2c-inform", "v2c-trap", "v3-inform", "v3-trap", "v3-sha512"],
)
def test_snmptrapd_logs_what_was_sent(trapd: Trapd, keys: dict[str, Any], request: pytest.FixtureRequest) -> None:
    mark = request.node.callspec.id
    send(trapd.settings(**keys), 1, told(fingerprint=mark, summary="Pool ü has 1.97% free."))
    wait_until(lambda: f'.1.4.0 = STRING: "{mark}"' in trapd.log, "the notification is logged", 10)
    [line] = [line for line in trapd.log.splitlines() if f'"{mark}"' in line]
    assert f".1.3.6.1.6.3.1.1.4.1.0 = OID: .{PLAYPEN}.0.{NOTIFICATIONS['EbbtidePoolNearlyFull']}\t" in line
    assert f'.{PLAYPEN}.1.1.0 = STRING: "EbbtidePoolNearlyFull"' in line
    assert f".{PLAYPEN}.1.2.0 = INTEGER: 1" in line
    assert f".{PLAYPEN}.1.3.0 = INTEGER: 3" in line
    assert f'.{PLAYPEN}.1.6.0 = STRING: "Apex GDP"' in line


@pytest.mark.server
def test_a_webhook_becomes_a_notification(trapd: Trapd, tmp_path: Path) -> None:
    receiver = {"host": "127.0.0.1", "port": trapd.port, "community_file": str(trapd.settings().community_file)}
    with served(tmp_path, snmp=[receiver]) as url:
        assert post(url, alert("hook")).status_code == 200
        taken = f'ebbtide_bridge_messages_sent_total{{receiver="snmp 127.0.0.1:{trapd.port}"}} 1.0'
        wait_until(lambda: metric(url, taken), "the manager has it")
    assert '.1.4.0 = STRING: "hook"' in trapd.log


@pytest.mark.server
def test_text_of_any_script_is_told_in_utf8(trapd: Trapd) -> None:
    send(trapd.settings(), 1, told(fingerprint="utf8", pool="łódź → 東", summary="Full."))
    wait_until(lambda: '"utf8"' in trapd.log, "the notification is logged", 10)
    [line] = [line for line in trapd.log.splitlines() if '"utf8"' in line]
    object_ = line.partition(".1.6.0 = ")[2].partition(f".{PLAYPEN}")[0]
    # snmptrapd writes what is not ASCII in hexadecimal digits, 16 bytes in a line.
    digits = "".join(object_.removeprefix("Hex-STRING:").split())
    assert bytes.fromhex(digits).decode() == "łódź → 東"


@pytest.mark.server
def test_several_go_over_one_engine_and_an_end_says_so(trapd: Trapd) -> None:
    first, second = told(fingerprint="s1"), told(fingerprint="s2", status="resolved", alertname="SomebodysOwn")
    send(trapd.settings(), 1, first, second)
    wait_until(lambda: '"s2"' in trapd.log, "both are logged", 10)
    [end] = [line for line in trapd.log.splitlines() if '"s2"' in line]
    assert f".{PLAYPEN}.1.2.0 = INTEGER: 2" in end
    assert f"= OID: .{PLAYPEN}.0.1\t" in end


@pytest.mark.server
@pytest.mark.parametrize("keys", [{"version": "2c"}, {"version": "3"}])
def test_wrong_credentials_are_noticed_and_not_told(trapd: Trapd, keys: dict[str, Any]) -> None:
    key = "community_file" if keys["version"] == "2c" else "auth_password_file"
    with pytest.raises(Unreachable) as error:
        send(trapd.settings(**keys, **{key: trapd.folder / "wrong-s3cret"}), 1, told(fingerprint="wrong"))
    assert "s3cret" not in str(error.value)
    assert '"wrong"' not in trapd.log


def test_nobody_there_is_noticed(tmp_path: Path) -> None:
    nobody = Trapd(tmp_path, free_udp_port())
    with pytest.raises(Unreachable, match=r"^not taken: No SNMP response received before timeout$"):
        send(nobody.settings(timeout="100ms"), 1, told())


def test_a_password_that_is_gone_or_too_short_is_noticed(tmp_path: Path) -> None:
    nobody = Trapd(tmp_path, free_udp_port())
    settings = nobody.settings(version="3")
    (tmp_path / "priv-s3cret").write_text("short")
    with pytest.raises(Unreachable, match=r"^not sent: "):
        send(settings, 1, told())
    (tmp_path / "priv-s3cret").unlink()
    with pytest.raises(Unreachable, match=r"^secret file .*priv-s3cret cannot be read"):
        send(settings, 1, told())


def test_an_engine_keeps_its_name_and_counts_its_starts(tmp_path: Path) -> None:
    """RFC 3411: 5 to 32 bytes, the first bit set; RFC 3414: a start is never counted twice."""
    assert 5 <= len(bytes.fromhex(default_engine_id())) <= 32
    assert default_engine_id() == default_engine_id()
    assert bytes.fromhex(default_engine_id())[0] & 0x80
    asked: list[str] = []
    receiver = SnmpReceiver(Trapd(tmp_path, free_udp_port()).settings(timeout="50ms"), lambda n: asked.append(n) or 7)  # type: ignore[func-returns-value]
    with pytest.raises(Unreachable):
        receiver.send(Message(1, "f", to_message(told()), 0.0))
    receiver.close()
    assert asked == [f"snmp engine {default_engine_id()}"]


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        ({}, "Apex GDP"), ({"ddb": "D1"}, "D1"), ({"pool": "", "proxy": "proxy2"}, "proxy2"),
        ({"pool": "", "root": "/srv/mail"}, "/srv/mail"), ({"pool": ""}, ""),
    ],
)  # fmt: skip
def test_the_object_is_the_narrowest_thing_that_an_alert_names(labels: dict[str, str], named: str) -> None:
    values = json.loads(to_message(told(**labels)))["values"]
    assert values[[one.name for one in OBJECTS].index("ebbtideAlertObject")] == named


def test_the_begin_is_said_in_utc() -> None:
    [one] = parse(webhook({**alert(), "startsAt": "2026-01-31T12:00:00.5+02:00"}))
    assert "2026-01-31T10:00:00+00:00" in json.loads(to_message(one))["values"]


def test_a_long_text_is_cut_to_what_a_datagram_takes() -> None:
    body = to_message(told(summary="é" * 1000, severity="odd"))
    assert len(body) < 8000
    assert '"EbbtidePoolNearlyFull", 1, 2, ' in body
