"""What goes over the wire: a request, an answer, and the callable between them."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Json = Any


class Headers(Mapping[str, str]):
    """Header lines, looked up in any case."""

    def __init__(self, lines: Mapping[str, str] | None = None) -> None:
        self._lines = {name.lower(): value for name, value in (lines or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._lines[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


@dataclass(frozen=True)
class Request:
    """`path` is percent-decoded and without the query."""

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=Headers)
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> "Request":
        """The request for a target such as "/api/Job?limit=5", as it stands in the request line."""
        parts = urlsplit("//host" + target if target.startswith("/") else target)
        query = parse_qs(parts.query, keep_blank_values=True)
        return cls(method.upper(), unquote(parts.path), query, Headers(headers), body)

    def json(self) -> Json:
        """The body as JSON; ValueError where it is none."""
        return json.loads(self.body or b"{}")

    def form(self) -> dict[str, str]:
        """The body as url-encoded form, the first value of each field."""
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0] for name, values in fields.items()}

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter, its name in any case."""
        for key, values in self.query.items():
            if key.lower() == name.lower():
                return values[0]
        return default


@dataclass(frozen=True)
class Answer:
    """A dict or list is sent as JSON, text and bytes as they are."""

    body: object = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def payload(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, separators=(",", ":")).encode()


Application = Callable[[Request], Answer]
