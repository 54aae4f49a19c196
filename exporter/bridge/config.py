"""The configuration section `bridge:`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from exporter.settings import Duration, EnvSecret, FromEnvironment, Listen, Secret, Settings, Url, Verify, secret

# Net-SNMP's arc for experiments, until there is a number of one's own.
PLAYPEN = "1.3.6.1.4.1.8072.9999.9999"


def _oid(value: str) -> str:
    if not re.fullmatch(r"[0-2](\.(0|[1-9][0-9]{0,9})){2,60}", value):
        raise ValueError(f"{value!r} is not an object identifier like {PLAYPEN}")
    return value


def _engine_id(value: str) -> str:
    digits = value.removeprefix("0x").lower()
    if not re.fullmatch(r"([0-9a-f]{2}){5,32}", digits):
        raise ValueError(f"{value!r} is not an engine id: 5 to 32 bytes in hexadecimal digits")
    return digits


class NagiosSettings(Settings):
    command_file: Annotated[Path, Field(description="the pipe of external commands, on the same host")]


class IcingaSettings(Settings):
    url: Annotated[Url, Field(description="of the API, https://icinga.example.com:5665")]
    username: str
    password: EnvSecret | None = None
    password_file: Path | None = None
    verify: Verify = True
    timeout: Duration = 10.0

    @property
    def secret(self) -> Secret:
        found = secret("password", self.password, self.password_file)
        if found is None:
            raise ValueError("password or password_file is required")
        return found

    @model_validator(mode="after")
    def _has_a_password(self) -> IcingaSettings:
        _ = self.secret
        return self


class SnmpSettings(Settings):
    """One receiver of notifications: v2c with a community, v3 always authenticated and encrypted."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 162
    version: Literal["2c", "3"] = "2c"
    acknowledged: Annotated[
        bool, Field(description="informs, which the receiver answers; plain traps can be lost unnoticed")
    ] = True
    community: EnvSecret | None = None
    community_file: Path | None = None
    username: str = ""
    auth_protocol: Literal["SHA", "SHA-256", "SHA-384", "SHA-512"] = "SHA"
    auth_password: EnvSecret | None = None
    auth_password_file: Path | None = None
    privacy_protocol: Literal["AES", "AES-256"] = "AES"
    privacy_password: EnvSecret | None = None
    privacy_password_file: Path | None = None
    engine_id: Annotated[
        Annotated[str, AfterValidator(_engine_id)] | None,
        Field(description="ours, which receivers of plain v3 traps must know"),
    ] = None
    base_oid: Annotated[
        Annotated[str, AfterValidator(_oid)], Field(description="where EBBTIDE-MIB hangs; change it there too")
    ] = PLAYPEN
    timeout: Duration = 2.0

    @property
    def name(self) -> str:
        return f"snmp {self.host}:{self.port}"

    def key(self, key: str) -> Secret:
        env: FromEnvironment | None = getattr(self, key)
        found = secret(key, env, getattr(self, f"{key}_file"))
        if found is None:
            raise ValueError(f"{key} or {key}_file is required with version {self.version}")
        return found

    @property
    def keys(self) -> tuple[str, ...]:
        return ("community",) if self.version == "2c" else ("auth_password", "privacy_password")

    @model_validator(mode="after")
    def _has_what_its_version_needs(self) -> SnmpSettings:
        for key in self.keys:
            self.key(key)
        if self.version == "3" and not self.username:
            raise ValueError("username is required with version 3")
        return self


class QueueSettings(Settings):
    path: Annotated[Path | None, Field(description="SQLite file; default: bridge.db in the state folder")] = None
    size: Annotated[int, Field(ge=1, description="messages kept per receiver; then the oldest are dropped")] = 100_000


class BridgeSettings(Settings):
    listen: Listen = "127.0.0.1:9879"
    token: EnvSecret | None = None
    token_file: Annotated[Path | None, Field(description="what Alertmanager must send as its bearer token")] = None
    queue: QueueSettings = QueueSettings()
    forget_after: Annotated[
        Duration,
        Field(description="what Alertmanager has not repeated for so long has ended; over twice its repeat_interval"),
    ] = 25 * 3600.0
    nagios: NagiosSettings | None = None
    icinga: IcingaSettings | None = None
    snmp: tuple[SnmpSettings, ...] = ()

    @property
    def bearer(self) -> Secret | None:
        return secret("token", self.token, self.token_file)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret that must be there."""
        found = [self.bearer] if self.bearer else []
        found += [self.icinga.secret] if self.icinga else []
        return (*found, *(one.key(key) for one in self.snmp for key in one.keys))

    @model_validator(mode="after")
    def _tells_somebody(self) -> BridgeSettings:
        _ = self.bearer
        if not (self.nagios or self.icinga or self.snmp):
            raise ValueError("nobody is told; set nagios, icinga or snmp")
        names = [one.name for one in self.snmp]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"snmp: {doubled[0].removeprefix('snmp ')} is there more than once")
        return self
