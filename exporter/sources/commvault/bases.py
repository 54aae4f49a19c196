"""Under which path a CommServe has its API: current and older names, a port without a web application, a proxy.

A url that ends in one of the vendor's base paths is believed; any other is taken for an address at which the API has
to be found. It is found by GET /CommServ without a login, since no password goes to a path that may be somebody
else's: who answers 401, or with JSON or XML, is a CommServe. What was found is kept, and looked for again only when
it has stopped answering.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exporter.errors import SourceUnreachable
from exporter.http import HttpClient, Reply, UnexpectedStatus
from exporter.settings import Pinned
from exporter.sources.commvault.read_only import only_reading
from exporter.telemetry import Telemetry

log = logging.getLogger(__name__)

BASES = ("/commandcenter/api", "/webconsole/api", "/SearchSvc/CVWebService.svc")
PROBE = "GET /CommServ"

_ENDING = re.compile(r"(?:/commandcenter|/webconsole)?(?:/api)?$|/SearchSvc(?:/CVWebService\.svc)?$", re.IGNORECASE)
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html)", re.IGNORECASE)
_PROBE_SECONDS = 30.0
# A page that says 404 may also be what an older release has for a newer name.
_MISSES = 3
_QUIET_SECONDS = 30.0


def candidates(url: str) -> tuple[str, ...]:
    """The urls under which the API may be, the likeliest first: that of the configuration unless it is a bare host."""
    root = _ENDING.sub("", url, count=1)
    known = tuple(root + base for base in BASES)
    return tuple(dict.fromkeys((url, *known) if urlsplit(url).path else (*known, url)))


class NoBase(SourceUnreachable):
    """The host answers, but under none of the base paths as a CommServe does."""


class CommServeHttp(HttpClient):
    """Requests to a CommServe under whichever base path it has; refuses to send what does not only read."""

    def __init__(
        self,
        source: str,
        url: str,
        telemetry: Telemetry,
        *,
        verify: bool | Path | Pinned,
        concurrency: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(source, url, telemetry, verify=verify, concurrency=concurrency)
        self._clock = clock
        self._candidates = candidates(self.base_url)
        self._believed = self.base_url.lower().endswith(tuple(base.lower() for base in BASES))
        self._misses = _MISSES - 1
        self._finding = threading.Lock()
        self._silent: tuple[float, str] | None = None

    def request(self, method: str, route: str, *ids: object, **options: Any) -> Reply:
        only_reading(method, route, options.get("json"))
        if not self._believed:
            self._find(self.base_url)
        base = self.base_url
        try:
            reply = super().request(method, route, *ids, **options)
        except UnexpectedStatus as error:
            if (error.status < 400 or (error.status == 404 and _is_page({}, error.body))) and self._is_elsewhere(base):
                return super().request(method, route, *ids, **options)
            raise
        if _is_page(reply.headers, reply.body) and self._is_elsewhere(base):
            return super().request(method, route, *ids, **options)
        self._misses = 0
        return reply

    def _is_elsewhere(self, base: str) -> bool:
        """Count an answer that no API gives, and look for the API when they become many; whether it is elsewhere."""
        if self.base_url != base:
            return True
        self._misses += 1
        if self._misses < _MISSES:
            return False
        try:
            return self._find(base)
        except NoBase:
            raise
        except SourceUnreachable as error:
            log.debug("%s: %s", self.source, error)
            return False

    def _find(self, base: str) -> bool:
        """Make the first base that answers the one in use; whether it is another than `base`. Raises NoBase."""
        with self._finding:
            if self.base_url == base and not (self._believed and self._misses < _MISSES):
                self._probe_all()
            return self.base_url != base

    def _probe_all(self) -> None:
        if self._silent and self._clock() < self._silent[0]:
            raise NoBase(self._silent[1])
        self._silent = None
        tried: list[str] = []
        order = (self.base_url, *self._candidates) if self._believed else self._candidates
        for candidate in dict.fromkeys(order):
            wrong = self._probe(candidate)
            if not wrong:
                self.base_url, self._believed, self._misses = candidate, True, 0
                self.remark(PROBE, f"the API is at {candidate}")
                log.info("%s: the API is at %s", self.source, candidate)
                return
            self.remark(PROBE, f"not at {candidate}")
            tried.append(f"{candidate} ({wrong})")
        message = f"{PROBE}: no CommServe answers; tried {', '.join(tried)}"
        self._silent = (self._clock() + _QUIET_SECONDS, message)
        raise NoBase(message)

    def _probe(self, base: str) -> str:
        """What is wrong with a base, "" when a CommServe answers there. Raises SourceUnreachable without an answer."""
        status, headers, body = self._send(PROBE, "GET", f"{base}/CommServ", time.monotonic() + _PROBE_SECONDS)
        if status == 401:
            return ""
        if _is_page(headers, body):
            return f"{status}, a web page"
        return "" if status in (200, 403) and _is_structured(body) else str(status)


def _is_structured(body: bytes) -> bool:
    return body.lstrip().startswith((b"{", b"<"))


def _is_page(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an answer is meant for a browser."""
    return "html" in headers.get("Content-Type", "").lower() or bool(_PAGE.match(body))
