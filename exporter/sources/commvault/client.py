"""The REST API of a CommServe: login, errors in HTTP 200, pages, and which of two names a release knows."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from exporter.errors import SourceError, SourceRefused
from exporter.http import HttpClient, Reply, UnexpectedStatus
from exporter.model import HOUR, MINUTE
from exporter.rounds import Round
from exporter.sources.commvault.answers import checked, decoded
from exporter.sources.commvault.bases import CommServeHttp
from exporter.sources.commvault.config import CommvaultSettings
from exporter.sources.commvault.login import Login, LoginRefused
from exporter.sources.commvault.token_pair import TokenPair
from exporter.telemetry import Telemetry
from exporter.tokens import Token, Tokens

log = logging.getLogger(__name__)

T = TypeVar("T")

_LOGOUT_SECONDS = 2.0
_UNKNOWN_NAME = {400, 404, 405}


class CommvaultClient:
    """Asks one CommServe, and only reads. `lookback`: seconds of job history for the first fill."""

    def __init__(
        self,
        settings: CommvaultSettings,
        telemetry: Telemetry,
        *,
        refusal_seconds: float = 4 * MINUTE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lookback = settings.lookback
        self.job_retention = settings.job_retention
        self.copy_details = settings.copy_details
        self.cycle_semantics = settings.cycle_semantics
        self.sla_dataset = settings.sla_dataset
        self.pruning_backlog_event_codes = settings.pruning_backlog_event_codes
        self._telemetry = telemetry
        self._http = CommServeHttp(
            settings.name,
            settings.url,
            telemetry,
            verify=settings.verify,
            concurrency=settings.concurrency,
            clock=clock,
        )
        self._login = Login(self._http, settings)
        file = settings.token_pair_file
        self._pair = TokenPair(self._http, file, telemetry, clock=clock) if file else None
        self._http.login = Tokens(self._obtain, refusal_seconds=refusal_seconds, clock=clock)
        self._unknown: set[str] = set()
        self._rounds: dict[str, Round[Any]] = {}

    @property
    def http(self) -> HttpClient:
        return self._http

    @property
    def host(self) -> str:
        return self._http.host

    def get(
        self,
        route: str,
        *ids: object,
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        return self._checked(self._http.get(route, *ids, params=params, headers=headers))

    def post(self, route: str, *ids: object, json: object = None) -> dict[str, Any]:
        return self._checked(self._http.post(route, *ids, json=json))

    def first(self, ways: Mapping[str, Callable[[], T]], *, past_refusals: bool = True) -> T:
        """The answer of the first way that this release has and, with `past_refusals`, this account may go.

        A way that did not work is not tried again once a later one has worked: the second name is that of another
        release. Until then it is, since a server that starts says 404 to everything.
        """
        failed: dict[str, SourceError] = {}
        for name, ask in ways.items():
            if name in self._unknown:
                continue
            try:
                answer = ask()
            except (UnexpectedStatus, SourceRefused) as error:
                unknown = isinstance(error, UnexpectedStatus) and error.status in _UNKNOWN_NAME
                denied = isinstance(error, SourceRefused) and error.contact
                if not (unknown or (denied and past_refusals)):
                    raise
                failed[name] = error
                continue
            for other, reason in failed.items():
                self._unknown.add(other)
                self._http.remark(other, f"{name} instead", reason.reason)
                log.info("%s: %s; from now on %s is asked instead", self._http.source, reason, name)
            return answer
        # Who may not should hear of the permission, not of the name that an older release had.
        raise next((e for e in failed.values() if isinstance(e, SourceRefused)), [*failed.values()][-1])

    def round_of(self, objects: str, every: float = HOUR) -> Round[Any]:
        """The round in which such objects are asked for, one by one, each once in so many seconds."""
        return self._rounds.setdefault(objects, Round(f"{self._http.source}: one of the {objects},", every))

    def close(self) -> None:
        """Log out, unless the server takes its time, and end all connections."""
        leaving = threading.Thread(target=self._login.log_out, daemon=True)
        leaving.start()
        leaving.join(_LOGOUT_SECONDS)
        if self._pair:
            self._pair.close()
        self._http.close()

    def _obtain(self) -> Token:
        try:
            return self._pair.obtain() if self._pair else self._login.obtain()
        except LoginRefused:
            self._telemetry.auth_failures.labels(self._http.source).inc()
            raise

    def _checked(self, reply: Reply) -> dict[str, Any]:
        try:
            return checked(decoded(reply), reply.endpoint)
        except SourceError as error:
            self._http.remark(reply.endpoint, str(error).removeprefix(f"{reply.endpoint}: "), error.reason)
            if isinstance(error, SourceRefused):
                self._telemetry.auth_failures.labels(self._http.source).inc()
            raise
