"""SNMP notifications by EBBTIDE-MIB: v2c and v3, acknowledged (informs) or not (traps)."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import TYPE_CHECKING, Any

from exporter.bridge.alerts import Alert
from exporter.bridge.config import SnmpSettings
from exporter.bridge.delivery import NotNow, Unreachable
from exporter.bridge.mib import ANY_ALERT, NOTIFICATIONS, OBJECTS, SEVERITY, STATUS
from exporter.bridge.outbox import Message
from exporter.errors import ConfigError

if TYPE_CHECKING:
    from pysnmp.hlapi.v3arch.asyncio import SnmpEngine

# What an alert is about, the narrowest first.
_NAMED_BY = (
    "ddb", "mountpath", "pool", "plan", "backup_job", "mediaagent", "collector", "root", "proxy", "server", "receiver",
)  # fmt: skip
# A notification is one datagram, and managers have small buffers.
_LONGEST_TEXT = 400


def to_message(alert: Alert) -> str:
    return json.dumps({"notification": NOTIFICATIONS.get(alert.name, ANY_ALERT), "values": list(_values(alert))})


def _values(alert: Alert) -> Iterator[int | str]:
    """In the order of OBJECTS."""
    others: dict[str, int | str] = {
        "ebbtideAlertStatus": STATUS["firing" if alert.firing else "resolved"],
        "ebbtideAlertSeverity": SEVERITY.get(alert.severity, SEVERITY["warning"]),
        "ebbtideAlertFingerprint": alert.fingerprint,
        "ebbtideAlertObject": next((alert.labels[k] for k in _NAMED_BY if alert.labels.get(k)), ""),
        "ebbtideAlertSummary": alert.summary,
        "ebbtideAlertDescription": alert.annotations.get("description", ""),
        "ebbtideAlertStartsAt": alert.startsAt.astimezone(UTC).isoformat(timespec="seconds"),
        "ebbtideAlertRunbookUrl": alert.annotations.get("runbook_url", ""),
    }
    for one in OBJECTS:
        value = alert.labels.get(one.label, "") if one.label else others[one.name]
        yield value if isinstance(value, int) else value.encode()[:_LONGEST_TEXT].decode(errors="ignore")


def default_engine_id() -> str:
    """RFC 3411: Net-SNMP's enterprise number, then a text: the same for the same host name."""
    return (bytes.fromhex("80001f8804") + f"ebbtide {socket.gethostname()}".encode()[:27]).hex()


class SnmpReceiver:
    """boots: gives how often this engine has started, which v3 must never repeat."""

    def __init__(self, settings: SnmpSettings, boots: Callable[[str], int]) -> None:
        try:
            import pysnmp  # noqa: F401
        except ImportError:
            raise ConfigError("bridge.snmp: pysnmp is not installed: pip install 'ebbtide[snmp]'") from None
        self._settings = settings
        self._boots = boots
        self._loop = asyncio.new_event_loop()
        self._engine: SnmpEngine | None = None

    @property
    def name(self) -> str:
        return self._settings.name

    def send(self, message: Message) -> None:
        from pysnmp.error import PySnmpError

        try:
            indication, status = self._loop.run_until_complete(self._notify(json.loads(message.body)))
        except ConfigError as error:
            raise Unreachable(str(error)) from None
        except (PySnmpError, OSError) as error:
            # Its messages may hold what it was given, keys too.
            raise Unreachable(f"not sent: {type(error).__name__}") from None
        if indication:
            raise Unreachable(f"not taken: {indication}")
        if status:
            raise NotNow(f"{message.object}: refused with error status {int(status)}")

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close_dispatcher()
            self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _notify(self, body: dict[str, Any]) -> tuple[object, Any]:
        from pysnmp.hlapi.v3arch import asyncio as hlapi

        settings = self._settings
        engine = self._engine or self._new_engine()
        target = await hlapi.UdpTransportTarget.create(
            (settings.host, settings.port), timeout=settings.timeout, retries=1
        )
        base = settings.base_oid
        carried = [
            (
                hlapi.ObjectIdentifier(f"{base}.1.{number}.0"),
                hlapi.Integer32(v) if isinstance(v, int) else hlapi.OctetString(v.encode()),
            )
            for number, v in enumerate(body["values"], start=1)
        ]
        notification = hlapi.NotificationType(hlapi.ObjectIdentity(f"{base}.0.{body['notification']}"))
        indication, status, _, _ = await hlapi.send_notification(
            engine, self._credentials(), target, hlapi.ContextData(), "inform" if settings.acknowledged else "trap",
            notification.add_varbinds(*carried), lookupMib=False,
        )  # fmt: skip
        return indication, status

    def _new_engine(self) -> SnmpEngine:
        from pysnmp.hlapi.v3arch.asyncio import OctetString, SnmpEngine

        engine_id = self._settings.engine_id or default_engine_id()
        # Given its id at once, it would count its starts in a file below /tmp, which a reboot clears.
        engine = SnmpEngine()
        own, boots = engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots")
        engine.snmpEngineID = own.syntax = own.syntax.clone(OctetString(hexValue=engine_id))
        boots.syntax = boots.syntax.clone(self._boots(f"snmp engine {engine_id}"))
        self._engine = engine
        return engine

    def _credentials(self) -> Any:
        from pysnmp.hlapi.v3arch import asyncio as hlapi

        settings = self._settings
        if settings.version == "2c":
            return hlapi.CommunityData(settings.key("community").read(), mpModel=1)  # noqa: S508 (the administrator chose it)
        authentication = {
            "SHA": hlapi.USM_AUTH_HMAC96_SHA,
            "SHA-256": hlapi.USM_AUTH_HMAC192_SHA256,
            "SHA-384": hlapi.USM_AUTH_HMAC256_SHA384,
            "SHA-512": hlapi.USM_AUTH_HMAC384_SHA512,
        }
        privacy = {"AES": hlapi.USM_PRIV_CFB128_AES, "AES-256": hlapi.USM_PRIV_CFB256_AES}
        return hlapi.UsmUserData(
            settings.username,
            authKey=settings.key("auth_password").read(),
            privKey=settings.key("privacy_password").read(),
            authProtocol=authentication[settings.auth_protocol],
            privProtocol=privacy[settings.privacy_protocol],
        )
