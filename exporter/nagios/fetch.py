"""Asking the exporter, Prometheus or Alertmanager from a plugin: standard library only, which starts in no time."""

from __future__ import annotations

import base64
import gzip
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from exporter.nagios.samples import Samples, from_vector

_LARGEST_ANSWER = 512 * 1024 * 1024


class NoAnswer(Exception):
    """Nothing usable came back; one line, without credentials. silent: nobody answered at all."""

    def __init__(self, message: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


@dataclass(frozen=True)
class Access:
    """How to ask: seconds to wait, whose certificates to trust, and `user:password` in the first line of a file."""

    timeout: float = 10.0
    ca: Path | None = None
    verify: bool = True
    auth_file: Path | None = None

    def get(self, url: str, query: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> bytes:
        """The body of a 200. Raises NoAnswer."""
        pairs = urlencode(query if isinstance(query, Mapping) else list(query))
        asked = f"{url}?{pairs}" if pairs else url
        place = urlsplit(url)._replace(query="").geturl()
        request = Request(asked, headers={"User-Agent": "check_ebbtide", "Accept-Encoding": "gzip", **self._login()})  # noqa: S310
        # No proxies from the environment, and no redirects: what is in the header is for this host alone.
        opener = build_opener(ProxyHandler({}), _NoRedirects(), HTTPSHandler(context=self._context()))
        try:
            with opener.open(request, timeout=self.timeout) as answer:
                body: bytes = answer.read(_LARGEST_ANSWER)
                return gzip.decompress(body) if answer.headers.get("content-encoding") == "gzip" else body
        except HTTPError as error:
            said = "refused: user or password" if error.code in (401, 403) else f"answered {error.code}"
            raise NoAnswer(f"{place}: {said}") from None
        except URLError as error:
            raise NoAnswer(f"{place}: {_reason(error.reason)}", silent=True) from None
        except (OSError, HTTPException, EOFError, ValueError) as error:
            raise NoAnswer(f"{place}: {_reason(error)}", silent=True) from None

    def json(self, url: str, query: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> Any:
        try:
            return json.loads(self.get(url, query))
        except ValueError:
            raise NoAnswer(f"{url}: the answer is no JSON") from None

    def _login(self) -> dict[str, str]:
        if self.auth_file is None:
            return {}
        try:
            line = self.auth_file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError):
            raise NoAnswer(f"{self.auth_file}: cannot be read") from None
        if ":" not in line:
            raise NoAnswer(f"{self.auth_file}: the first line is not user:password")
        return {"Authorization": f"Basic {base64.b64encode(line.encode()).decode()}"}

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        except (OSError, ssl.SSLError):
            raise NoAnswer(f"{self.ca}: no file of CA certificates") from None
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


class Prometheus:
    """Its HTTP API. Raises NoAnswer."""

    def __init__(self, url: str, access: Access) -> None:
        self._url = url.rstrip("/")
        self._access = access

    def query(self, expression: str, name: str = "") -> Samples:
        answer = self.ask("query", {"query": expression})
        if not isinstance(answer, dict) or answer.get("resultType") != "vector":
            raise NoAnswer(f"{self._url}: the answer is no instant vector")
        return from_vector(answer["result"], name)

    def metrics(self, names: Iterable[str]) -> Samples:
        return self.query(f'{{__name__=~"{"|".join(sorted(names))}"}}')

    def ask(self, path: str, query: Mapping[str, str]) -> Any:
        answer = self._access.json(f"{self._url}/api/v1/{path}", query)
        if not isinstance(answer, dict) or answer.get("status") != "success" or "data" not in answer:
            raise NoAnswer(f"{self._url}: the answer is not Prometheus'")
        return answer["data"]


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS certificate: {error.verify_message}"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
