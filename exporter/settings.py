"""The small types that every config model is made of: durations, secrets, TLS verification.

A secret is never held by the config: only the name of the file or variable it is read from, each time it
is needed, so that a rotated password works without a reload and no repr, dump or traceback can show one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, FilePath, WithJsonSchema

from exporter.errors import ConfigError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0, "y": 365 * 86400.0}
_DURATION = re.compile(r"([0-9]+)(ms|s|m|h|d|w|y)")
_DURATION_PATTERN = r"^([0-9]{1,12}(ms|s|m|h|d|w|y))+$"
_LONGEST_DURATION = 100 * 365 * 86400.0


def parse_duration(text: object) -> float:
    """Seconds in a Prometheus-style duration.

    >>> parse_duration("1h30m")
    5400.0
    """
    if not isinstance(text, str) or not re.fullmatch(_DURATION_PATTERN, text):
        raise ValueError(f"{text!r} is not a duration: write it like 30s, 5m, 1h or 1d")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
    if seconds <= 0:
        raise ValueError(f"{text!r} is not a duration: it must be longer than zero")
    if seconds > _LONGEST_DURATION:
        raise ValueError(f"{text!r} is not a duration: it must be shorter than a hundred years")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest exact form: 5400 seconds are "1h30m"."""
    rest, parts = round(seconds * 1000), []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": _DURATION_PATTERN, "examples": ["30s", "5m", "1h", "1d"]}),
]


_LISTEN = re.compile(r"(?P<host>\[[^]]+\]|[^:\[\]]*):(?P<port>\d{1,5})")


def _listen(value: str) -> str:
    match = _LISTEN.fullmatch(value)
    if not match or int(match["port"]) > 65535:
        raise ValueError(f"{value!r} is not an address like :9877 or 127.0.0.1:9877")
    return value


def address(listen: str) -> tuple[str, int]:
    """(host, port) of a Listen; without a host, all addresses are meant."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


Listen = Annotated[str, AfterValidator(_listen), Field(description="host:port; without a host, all addresses")]


class Settings(BaseModel):
    """Base of every config model: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Secret:
    """Where a secret is read from: a file (its first line) or an environment variable."""

    file: Path | None = None
    env: str | None = None

    def read(self) -> str:
        """The secret itself. Raises ConfigError naming the file or variable, never the content."""
        if self.env is not None:
            value = os.environ.get(self.env, "")
            if not value:
                raise ConfigError(f"environment variable {self.env} is not set or empty")
            return value
        try:
            value = Path(self.file or "").read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except UnicodeDecodeError:
            raise ConfigError(f"secret file {self.file} cannot be read: not UTF-8 text") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a path"
            raise ConfigError(f"secret file {self.file} cannot be read: {reason}") from None
        if not value:
            raise ConfigError(f"secret file {self.file} is empty")
        return value


class FromEnvironment(Settings):
    env: Annotated[str, Field(min_length=1)]


def _only_env(value: Any) -> Any:
    if isinstance(value, str):
        # The value itself must not be repeated: it may well be the password.
        raise ValueError("a secret is not written into the config; use the same key with _file, or {env: NAME}")
    return value


EnvSecret = Annotated[FromEnvironment, BeforeValidator(_only_env)]


def secret(key: str, env: FromEnvironment | None, file: Path | None) -> Secret | None:
    """The one of `key` and `key_file` that is set; None when neither is. Raises ValueError when both are."""
    if env is not None and file is not None:
        raise ValueError(f"{key} and {key}_file are both set; keep one")
    if env is not None:
        return Secret(env=env.env)
    return Secret(file=file) if file is not None else None


def _fingerprint(text: str) -> str:
    digits = text.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError(f"{text!r} is not a SHA-256 fingerprint: 64 hexadecimal digits")
    return digits


class Pinned(Settings):
    """One certificate, whoever signed it."""

    sha256: Annotated[str, AfterValidator(_fingerprint), Field(description="fingerprint of the certificate")]


# True, False, the path of a CA bundle, or the one certificate.
Verify = Annotated[
    bool | FilePath | Pinned,
    Field(union_mode="left_to_right", description="true, false, a file of CAs, or sha256: of the certificate"),
]

# How often a collector polls; `off` (which YAML reads as false) leaves it out, absent keeps its default.
Interval = Annotated[Duration | Literal[False] | None, Field(description="a duration such as 5m, or off")]

SourceName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\n\r]*\S$")]


class SourceSettings(Settings):
    """What every entry of `sources:` has; each kind adds its own keys."""

    name: SourceName

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret the source is configured with, so that a missing file is found before the first poll."""
        found: list[Secret | None] = []
        for key in type(self).model_fields:
            value = getattr(self, key)
            if isinstance(value, FromEnvironment):
                found.append(secret(key, value, None))
            elif key.endswith("_file") and key.removesuffix("_file") in type(self).model_fields:
                found.append(secret(key.removesuffix("_file"), None, value))
        return tuple(one for one in found if one)


def base_url(value: str) -> str:
    """An http(s) URL without a trailing slash. Raises ValueError when it holds credentials or is none."""
    # What stands before an @ or behind a ? may be a secret and is not repeated.
    if "@" in value:
        raise ValueError("a URL must not hold credentials; use username and password_file")
    parts = urlsplit(value)
    if parts.query or parts.fragment:
        raise ValueError("a URL must end before ? and #")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(f"{value!r} is not a URL like https://host.example.com")
    return value.rstrip("/")


Url = Annotated[str, AfterValidator(base_url)]
