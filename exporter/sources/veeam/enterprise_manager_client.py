"""The REST API of Veeam Backup Enterprise Manager (9.5 to 13, port 9398): a session, and queries page by page."""

from __future__ import annotations

import base64
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from exporter.errors import SourceError, SourceGarbled
from exporter.http import HttpClient, dig
from exporter.model import MINUTE
from exporter.sources.veeam.config import EnterpriseManagerSettings
from exporter.sources.veeam.fields import Row, optional, text
from exporter.telemetry import Telemetry
from exporter.tokens import Token, Tokens

log = logging.getLogger(__name__)

PAGE = 100
LOGIN = "/api/sessionMngr/?v=latest"
LOGOUT = "/api/logonSessions/{}"
QUERY = "/api/query"
SESSION_HEADER = "X-RestSvcSessionId"

_TIMEOUT, _DEADLINE = 60.0, 300.0
_REFUSAL_SECONDS = 4 * MINUTE
_LOGOUT_SECONDS = 2.0
_LOGON_SESSION = re.compile(rb"logonSessions/([0-9A-Fa-f-]{36})")


class EnterpriseManager:
    """Asks one thing at a time, and only reads. `lookback`: how many seconds the first poll reads back."""

    def __init__(
        self,
        source: str,
        settings: EnterpriseManagerSettings,
        telemetry: Telemetry,
        *,
        lookback: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backup_server = settings.backup_server
        self.lookback = lookback
        self._settings = settings
        self._http = HttpClient(
            source, settings.url, telemetry, verify=settings.verify,
            timeout=_TIMEOUT, deadline=_DEADLINE, concurrency=1, besides_get=(f"POST {LOGIN}", f"DELETE {LOGOUT}"),
        )  # fmt: skip
        self._tokens = Tokens(self._log_in, refusal_seconds=_REFUSAL_SECONDS, clock=clock)
        self._http.login = self._tokens
        self._session: tuple[str, Mapping[str, str]] | None = None

    def entities(self, kind: str, since: tuple[str, float]) -> Iterator[Row]:
        """The entities of a type, each once; since: the name of a moment in queries, and unix seconds."""
        name, at = since
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {"type": kind, "format": "Entities", "filter": f'{name}>="{moment}"', "pageSize": PAGE}
        endpoint = f"GET {QUERY}"
        seen: set[str] = set()
        page = 0
        while True:
            page += 1
            payload = self._http.get(QUERY, params={**query, "page": page}).json()
            # {"Entities": {"BackupFiles": {"BackupFiles": [...]}}, "PagingInfo": {"PageNum": 1, "PagesCount": 3}}
            listed = optional(
                dig(payload, "Entities", endpoint=endpoint, expect=dict), f"{kind}s", dict, endpoint=endpoint
            )
            rows = optional(listed or {}, f"{kind}s", list, endpoint=endpoint) or []
            new = {text(row, "UID", endpoint=endpoint): row for row in rows}
            yield from (row for uid, row in new.items() if uid not in seen)
            pages = dig(payload, "PagingInfo", "PagesCount", endpoint=endpoint, expect=int)
            if page >= pages or not new.keys() - seen:
                return
            seen.update(new)

    def log_out(self) -> None:
        """End the session: a poll is a matter of hours, and it would expire in minutes anyway."""
        session, self._session = self._session, None
        if session is None:
            return
        logon, headers = session
        self._tokens.reject(headers)
        try:
            self._http.request("DELETE", LOGOUT, logon, headers=headers, authorised=False)
        except SourceError as error:
            log.debug("%s: %s", self._http.source, error)

    def close(self) -> None:
        """Log out, unless the server takes its time, and end all connections."""
        leaving = threading.Thread(target=self.log_out, daemon=True)
        leaving.start()
        leaving.join(_LOGOUT_SECONDS)
        self._http.close()

    def _log_in(self) -> Token:
        account = f"{self._settings.username}:{self._settings.login_secret.read()}"
        basic = base64.b64encode(account.encode()).decode("ascii")
        reply = self._http.post(LOGIN, headers={"Authorization": f"Basic {basic}"}, authorised=False)
        session = reply.headers.get(SESSION_HEADER)
        if not session:
            raise SourceGarbled(f"{reply.endpoint}: the answer has no header {SESSION_HEADER}")
        headers = {SESSION_HEADER: session}
        if logon := _LOGON_SESSION.search(reply.body):
            self._session = (logon[1].decode("ascii"), headers)
        return Token(headers)
