"""HttpClient: timeouts, TLS, retries of GET, one fresh login after a 401."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from exporter.errors import SourceGarbled, SourceUnreachable
from exporter.http.reasons import plain_reason, retry_after
from exporter.http.replies import Exchange, HttpStatus, PermissionMissing, Remark, Reply, ServerFailed, UnexpectedStatus
from exporter.settings import Pinned
from exporter.telemetry import Telemetry
from exporter.tokens import Login

log = logging.getLogger(__name__)

# `verify: false` is the operator's decision; it is logged once per source instead of once per request.
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
# They write URLs with their queries, and headers they could not parse.
for _talkative in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_talkative).setLevel(logging.ERROR)

_RETRIED_STATUS = {429, 502, 503, 504}
_LARGEST_ANSWER = 512 * 1024 * 1024


class NotReadOnly(Exception):
    """A bug: a client that only reads was to send what could change something. It did not."""


class _PinningAdapter(HTTPAdapter):
    def __init__(self, sha256: str | None, **options: Any) -> None:
        self._sha256 = sha256
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, assert_fingerprint=self._sha256)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: requests would read a redirect's whole body, past our deadline, to prepare what nobody sends."""


class HttpClient:
    """Requests to one source, at most `concurrency` at a time, shared by all its collectors.

    timeout: seconds without a byte; deadline: seconds for a whole answer, so a server that drips cannot hold a poll.
    besides_get: all that may be sent beside GET, as "POST /Login"; None: anything.
    observer: told of every attempt, and of what the source's own client remarks.
    """

    observer: Callable[[Exchange | Remark], None] | None = None

    def __init__(
        self,
        source: str,
        base_url: str,
        telemetry: Telemetry,
        *,
        verify: bool | Path | Pinned = True,
        timeout: float = 30.0,
        deadline: float = 120.0,
        concurrency: int = 4,
        attempts: int = 3,
        backoff: float = 0.5,
        headers: Mapping[str, str] | None = None,
        besides_get: Collection[str] | None = None,
    ) -> None:
        self.source = source
        self.base_url = base_url.rstrip("/")
        self.login: Login | None = None
        self._telemetry = telemetry
        self._timeout = timeout
        self._deadline = deadline
        self._attempts = attempts
        self._backoff = backoff
        self._besides_get = besides_get
        self._slots = threading.BoundedSemaphore(concurrency)
        self._closing = threading.Event()
        self._session = session = _Session()
        session.trust_env = False
        # A pinned certificate is compared by urllib3, and nobody need have signed it.
        pinned = verify.sha256 if isinstance(verify, Pinned) else None
        session.verify = str(verify) if isinstance(verify, Path) else verify is True
        session.headers.update({"Accept": "application/json", "User-Agent": "ebbtide"} | dict(headers or {}))
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _PinningAdapter(pinned, pool_connections=1, pool_maxsize=concurrency, max_retries=0)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        if verify is False:
            log.warning("%s: TLS certificates are not verified (verify: false)", source)

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    def get(
        self,
        route: str,
        *ids: object,
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """GET base_url + route, its `{}` filled with the quoted ids; retried when the server has a bad moment."""
        return self.request("GET", route, *ids, params=params, headers=headers)

    def post(
        self,
        route: str,
        *ids: object,
        json: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        authorised: bool = True,
    ) -> Reply:
        """POST, sent once: a login or a query that the vendor only offers as POST."""
        return self.request("POST", route, *ids, json=json, form=form, headers=headers, authorised=authorised)

    def request(
        self,
        method: str,
        route: str,
        *ids: object,
        params: Mapping[str, object] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        authorised: bool = True,
    ) -> Reply:
        """One answer with a status below 400; raises a SourceError otherwise. `route` is also the metric label."""
        if method != "GET" and self._besides_get is not None and f"{method} {route}" not in self._besides_get:
            raise NotReadOnly(f"{method} {route} is not sent: this client only reads")
        endpoint = f"{method} {route.partition('?')[0]}".replace("{}", "{id}")
        url = self.base_url + route.format(*(quote(str(i), safe="") for i in ids))
        give_up = time.monotonic() + self._deadline
        attempts = self._attempts if method == "GET" else 1
        fresh_login = False
        attempt = 0
        while True:
            attempt += 1
            login = self.login if authorised else None
            credentials = dict(login.headers()) if login else {}
            try:
                status, answer_headers, body = self._send(
                    endpoint, method, url, give_up, params=params, json=json, data=form,
                    headers=credentials | dict(headers or {}),
                )  # fmt: skip
            except SourceUnreachable:
                if attempt >= attempts or not self._pause(attempt, None, give_up):
                    raise
                continue
            if status < 300:
                return Reply(endpoint, status, answer_headers, body)
            if status == 401 and login and not fresh_login:
                login.reject(credentials)
                fresh_login, attempts = True, attempts + 1
                continue
            if status in _RETRIED_STATUS and attempt < attempts and self._pause(attempt, answer_headers, give_up):
                continue
            raise self._refusal(endpoint, status, body)

    def remark(self, endpoint: str, text: str, reason: str = "") -> None:
        """Tell the observer what an answer meant, where its status does not say so."""
        if self.observer:
            self.observer(Remark(endpoint.replace("{}", "{id}"), text, reason))

    def close(self) -> None:
        """End waits and connections; requests under way fail soon after."""
        self._closing.set()
        self._session.close()

    def _refusal(self, endpoint: str, status: int, body: bytes) -> HttpStatus:
        if status in (401, 403):
            if status == 401:
                self._telemetry.auth_failures.labels(self.source).inc()
            what = "the credentials are not accepted" if status == 401 else "the account lacks the permission"
            refusal = PermissionMissing(f"{endpoint}: refused ({status}): {what}", status, body)
            refusal.contact = status != 401
            return refusal
        if status >= 500 or status == 429:
            what = "too many requests" if status == 429 else "the server reports a failure of its own"
            return ServerFailed(f"{endpoint}: {what} ({status})", status, body)
        if status < 400:
            return UnexpectedStatus(f"{endpoint}: redirected ({status}); check the url", status, body)
        return UnexpectedStatus(f"{endpoint}: unexpected status {status}", status, body)

    def _pause(self, attempt: int, headers: Mapping[str, str] | None, give_up: float) -> bool:
        """Wait before the next attempt; False when there is no time for one."""
        wait = self._backoff * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
        if headers and "Retry-After" in headers:
            wait = max(wait, retry_after(headers["Retry-After"], time.time()))
        if time.monotonic() + wait >= give_up or self._closing.wait(wait):
            return False
        self._telemetry.api_retries.labels(self.source).inc()
        return True

    def _send(
        self, endpoint: str, method: str, url: str, give_up: float, **kwargs: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        started = time.monotonic()
        if not self._slots.acquire(timeout=max(0.0, give_up - started)):
            raise SourceUnreachable(f"{endpoint}: no free slot: earlier requests to this source hang")
        status, size = None, 0
        try:
            response = self._session.request(
                method, url, stream=True, allow_redirects=False, timeout=(min(10.0, self._timeout), self._timeout),
                **kwargs,
            )  # fmt: skip
            with response:
                body = self._body(endpoint, response, give_up)
            status, size = response.status_code, len(body)
            return status, response.headers, body
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            raise SourceUnreachable(f"{endpoint}: {plain_reason(error)}") from None
        finally:
            self._slots.release()
            # The part after the method is a route with its ids left out, so the label set is bounded.
            route = endpoint.partition(" ")[2]
            code, seconds = str(status or "error"), time.monotonic() - started
            self._telemetry.api_requests.labels(self.source, route, code).inc()
            self._telemetry.api_request_duration.labels(self.source, route).observe(seconds)
            self._telemetry.api_response_bytes.labels(self.source, route).inc(size)
            log.debug("%s: %s: %s in %.3f s", self.source, endpoint, code, seconds)
            if self.observer:
                self.observer(Exchange(endpoint, status, seconds, size))

    def _body(self, endpoint: str, response: requests.Response, give_up: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        # read1 returns after every packet, so that the deadline is seen even when single bytes drip in.
        while part := response.raw.read1(1024 * 1024, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > _LARGEST_ANSWER:
                raise SourceGarbled(f"{endpoint}: answer larger than {_LARGEST_ANSWER} bytes")
            if time.monotonic() > give_up:
                raise SourceUnreachable(f"{endpoint}: answer not complete after {self._deadline:g} s")
            if self._closing.is_set():
                raise SourceUnreachable(f"{endpoint}: the exporter is stopping")
        return b"".join(parts)
