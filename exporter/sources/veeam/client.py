"""The REST API of Veeam Backup & Replication: login, revision, pages, and the clock of the server."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from exporter.errors import NotOffered, SourceError, SourceGarbled, reading
from exporter.http import HttpClient, HttpStatus, Reply, dig
from exporter.model import HOUR, MINUTE
from exporter.rounds import Round
from exporter.sources.veeam.config import VeeamSettings
from exporter.sources.veeam.fields import Row, enum, optional, reference, text
from exporter.sources.veeam.revision import (
    SPECIFIED_FROM,
    Revisions,
    error_code,
    is_unsupported,
    release,
    version_header,
)
from exporter.sources.veeam.tokens import TOKEN_ROUTE, Grants
from exporter.telemetry import Telemetry
from exporter.tokens import Tokens

log = logging.getLogger(__name__)

PAGE = 500
REPOSITORY_STATES = "/api/v1/backupInfrastructure/repositories/states"
SCALE_OUT_REPOSITORIES = "/api/v1/backupInfrastructure/scaleOutRepositories"
JOB_STATES = "/api/v1/jobs/states"
SERVER_TIME = "/api/v1/serverTime"
LOGOUT = "/api/oauth2/logout"

# Listing the files of one big backup takes a server minutes.
_TIMEOUT, _DEADLINE = 60.0, 300.0
_LISTS_LAST = MINUTE
_LACKING = {"invaliduri", "notfound", "methodnotallowed"}
_LOGOUT_SECONDS = 2.0


class VeeamClient:
    """Asks one server, at most two things at a time, and only reads. `clock` is monotonic."""

    def __init__(
        self,
        settings: VeeamSettings,
        telemetry: Telemetry,
        *,
        refusal_seconds: float = 4 * MINUTE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = HttpClient(
            settings.name, settings.url, telemetry, verify=settings.verify,
            timeout=_TIMEOUT, deadline=_DEADLINE, concurrency=2, besides_get=(f"POST {TOKEN_ROUTE}", f"POST {LOGOUT}"),
        )  # fmt: skip
        # Whether the account has the role Backup Administrator, as the configuration says.
        self.is_administrator = settings.role == "backup_administrator"
        self.lookback = settings.lookback
        self.backup_files_every = settings.backup_files_every
        self._rounds: dict[str, Round[Any]] = {}
        self._clock = clock
        self._revisions = Revisions(self._http, settings.api_revision, clock)
        self._grants = Grants(self._http, self._revisions, settings.username, settings.login_secret, clock)
        self._http.login = Tokens(self._grants.obtain, refusal_seconds=refusal_seconds, clock=clock)
        self._configured_zone = ZoneInfo(settings.timezone) if settings.timezone else None
        self._zone: tuple[float, tzinfo] | None = None
        self._lists: dict[str, tuple[float, Sequence[Row]]] = {}
        self._incomplete: set[str] = set()

    @property
    def http(self) -> HttpClient:
        return self._http

    @property
    def host(self) -> str:
        return self._http.host

    def revision(self) -> str:
        """The revision of the API that is spoken, such as 1.2-rev1; asks the server when it is not known."""
        return self._revisions.current()

    def speaks(self, revision: str) -> bool:
        """Whether the server is asked in this revision or a later one."""
        return release(self.revision()) >= release(revision)

    def get(self, route: str, *ids: object, params: Mapping[str, object] | None = None) -> Reply:
        revision = self._revisions.current()
        try:
            return self._http.get(route, *ids, params=params, headers=version_header(revision))
        except HttpStatus as error:
            if self._is_lacking(error, ids, revision):
                raise NotOffered(f"GET {route}: VBR 11 (REST {revision}) has no such thing") from None
            if not is_unsupported(error):
                raise
        self._revisions.forget(revision)
        found = self._revisions.current()
        if found == revision:
            raise SourceGarbled(f"GET {route}: the server does not offer this in API revision {revision}")
        return self._http.get(route, *ids, params=params, headers=version_header(found))

    def pages(self, route: str, *ids: object, **params: object) -> Iterator[Row]:
        """The rows of a list, each id once: rows move between pages while they are read.

        A server that ignores `skip` repeats itself: then what came is all there is, and the log says so once.
        """
        endpoint = f"GET {route}"
        seen: set[str] = set()
        received = 0
        while True:
            payload = self.get(route, *ids, params={**params, "skip": received, "limit": PAGE}).json()
            rows = dig(payload, "data", endpoint=endpoint, expect=list)
            received += len(rows)
            before = len(seen)
            for row in rows:
                identity = dig(row, "id", endpoint=endpoint, expect=str)
                if identity not in seen:
                    seen.add(identity)
                    yield row
            total = _total(payload, endpoint)
            repeats = bool(rows) and len(seen) == before
            if not rows or repeats or (total is not None and received >= total):
                if repeats if total is None else len(seen) < total:
                    self._warn_incomplete(endpoint)
                return

    def repository_names(self) -> Mapping[str, str]:
        """Names of repositories and scale-out repositories by id, at most a minute old."""
        return self._names(REPOSITORY_STATES) | self._names(SCALE_OUT_REPOSITORIES)

    def job_names(self) -> Mapping[str, str]:
        """Names of jobs by id, at most a minute old."""
        return self._names(JOB_STATES)

    def running_sessions(self) -> frozenset[str]:
        """Ids of the sessions that jobs run, as of a minute ago at most."""
        return frozenset(
            session
            for row in self._recent(JOB_STATES)
            if (session := reference(row, "sessionId", endpoint=f"GET {JOB_STATES}"))
            and enum(optional(row, "lastResult", str, endpoint=f"GET {JOB_STATES}")) in ("", "none")
        )

    def round_of(self, objects: str, every: float = HOUR) -> Round[Any]:
        """The round in which such objects are asked for, one by one, each once in so many seconds."""
        return self._rounds.setdefault(objects, Round(f"{self._http.source}: one of the {objects},", every))

    def zone(self) -> tzinfo:
        """What a time without zone means: `timezone:` of the config, else the server's own zone or present offset."""
        if self._configured_zone:
            return self._configured_zone
        # Asked again every hour: an offset changes with daylight saving.
        if self._zone is None or self._clock() >= self._zone[0]:
            return self.ask_zone()
        return self._zone[1]

    def ask_zone(self) -> tzinfo:
        """The same, but the server is asked now, which shows as well that it is there."""
        payload = self.get(SERVER_TIME).json()
        if self._configured_zone:
            return self._configured_zone
        zone = server_zone(payload, self._http.source)
        self._zone = (self._clock() + HOUR, zone)
        return zone

    def close(self) -> None:
        """Log out, unless the server takes its time, and end all connections."""
        leaving = threading.Thread(target=self._log_out, daemon=True)
        leaving.start()
        leaving.join(_LOGOUT_SECONDS)
        self._http.close()

    def _is_lacking(self, error: HttpStatus, ids: tuple[object, ...], revision: str) -> bool:
        """Whether the server lacks an endpoint of which nobody says whether it should have it."""
        unspecified = release(revision) < release(SPECIFIED_FROM)
        return unspecified and not ids and error.status in (404, 405) and error_code(error) in _LACKING

    def _warn_incomplete(self, endpoint: str) -> None:
        if endpoint not in self._incomplete:
            self._incomplete.add(endpoint)
            log.warning("%s: %s gives fewer rows than it has: the list is not complete", self._http.source, endpoint)

    def _names(self, route: str) -> dict[str, str]:
        return {row["id"]: text(row, "name", endpoint=f"GET {route}") for row in self._recent(route)}

    def _recent(self, route: str) -> Sequence[Row]:
        """The rows of a list, at most a minute old."""
        kept = self._lists.get(route)
        if kept and self._clock() < kept[0]:
            return kept[1]
        rows = tuple(self.pages(route))
        self._lists[route] = (self._clock() + _LISTS_LAST, rows)
        return rows

    def _log_out(self) -> None:
        token, revision = self._grants.last, next(iter(self._revisions.for_login()))
        if token is None:
            return
        try:
            headers = {**token.headers, **version_header(revision)}
            self._http.post(LOGOUT, headers=headers, authorised=False)
        except SourceError as error:
            log.debug("%s: %s", self._http.source, error)


def server_zone(payload: object, source: str) -> tzinfo:
    """The zone in an answer of serverTime: by name (from 1.3-rev2), else its offset, else UTC with a warning."""
    endpoint = f"GET {SERVER_TIME}"
    if not isinstance(payload, dict):
        raise SourceGarbled(f"{endpoint}: the answer is not an object")
    name = optional(payload, "ianaTimeZoneId", str, endpoint=endpoint)
    if name:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            log.debug("%s: unknown time zone %r", source, name)
    with reading(f"{endpoint}: serverTime"):
        zone = datetime.fromisoformat(text(payload, "serverTime", endpoint=endpoint)).tzinfo
    if zone is None:
        log.warning("%s: the server does not tell its time zone; set `timezone`, UTC is taken until then", source)
    return zone or UTC


def _total(payload: Row, endpoint: str) -> int | None:
    pagination = optional(payload, "pagination", dict, endpoint=endpoint)
    return optional(pagination, "total", int, endpoint=endpoint) if pagination else None
