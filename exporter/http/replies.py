"""What comes back: an answer, a refusal that is a SourceError, and how a value is taken out of an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import SourceError, SourceGarbled, SourceRefused, SourceUnreachable


@dataclass(frozen=True)
class Reply:
    """An answer with a status below 400. `endpoint` is "GET /StoragePool", for error messages."""

    endpoint: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The decoded body. Raises SourceGarbled when it is not JSON (an HTML login page, a cut answer)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            kind = self.headers.get("Content-Type", "no content type").partition(";")[0]
            raise SourceGarbled(f"{self.endpoint}: not valid JSON ({kind}, {len(self.body)} bytes)") from None


@dataclass(frozen=True)
class Exchange:
    """One attempt at a request. status: None without a whole answer; size: bytes, after decompression."""

    endpoint: str
    status: int | None
    seconds: float
    size: int


@dataclass(frozen=True)
class Remark:
    """What a client found out about the last exchange with an endpoint; reason: that of a SourceError, or ""."""

    endpoint: str
    text: str
    reason: str = ""


class HttpStatus(SourceError):
    """An answer with a status of 400 or more that has no better class; carries what a caller may look at."""

    def __init__(self, message: str, status: int, body: bytes) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class UnexpectedStatus(HttpStatus, SourceGarbled):
    """4xx other than 401 and 403: wrong path, wrong parameter, another release."""


class ServerFailed(HttpStatus, SourceUnreachable):
    """5xx or 429, after the retries."""


class PermissionMissing(HttpStatus, SourceRefused):
    """401 after a fresh login, or 403."""


def dig(payload: Any, *path: str | int, endpoint: str, expect: type | tuple[type, ...] = object) -> Any:
    """The value at `path`; SourceGarbled naming endpoint and field when it is missing or of another type."""
    value = payload
    for step, key in enumerate(path):
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            field = ".".join(map(str, path[: step + 1]))
            raise SourceGarbled(f"{endpoint}: the answer has no field {field}") from None
    if not isinstance(value, expect):
        field = ".".join(map(str, path)) or "the answer"
        raise SourceGarbled(f"{endpoint}: {field} is of type {type(value).__name__}, which is not expected")
    return value
