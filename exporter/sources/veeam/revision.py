"""Which revision of the REST API to speak: every call must name one, the login too.

A server accepts all revisions up to its own build. serverInfo tells the build, but from 12.2 on to administrators
only; to others the revisions themselves are tried, newest first, on a list that a Backup Viewer may read. No
specification of 1.0 is public: it is taken for a smaller 1.1-rev0.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Sequence

from exporter.errors import SourceError, SourceGarbled, reading
from exporter.http import HttpClient, HttpStatus, dig
from exporter.model import DAY, HOUR

log = logging.getLogger(__name__)

# Newest first, with the first build of Backup & Replication that speaks it.
REVISIONS: Sequence[tuple[str, tuple[int, ...]]] = (
    ("1.3-rev2", (13, 1, 0, 411)),
    ("1.3-rev1", (13, 0, 1, 180)),
    ("1.3-rev0", (13, 0, 0, 4967)),
    ("1.2-rev1", (12, 3, 1, 1139)),
    ("1.2-rev0", (12, 3, 0, 310)),
    ("1.1-rev2", (12, 2, 0, 334)),
    ("1.1-rev1", (12, 1, 0, 2131)),
    ("1.1-rev0", (12, 0, 0, 1420)),
    ("1.0-rev2", (11, 0, 1, 1261)),
    ("1.0-rev1", (11, 0, 0, 837)),
)
SPECIFIED_FROM = "1.1-rev0"
_SERVER_INFO = "/api/v1/serverInfo"
_PROBE = "/api/v1/backups"
# What servers answer to a revision they do not know; the documentation leaves the status open.
_UNSUPPORTED_STATUS = {400, 404, 405, 501}


def version_header(revision: str) -> dict[str, str]:
    return {"x-api-version": revision}


def release(revision: str) -> tuple[int, ...]:
    """Revisions as tuples that can be compared: 1.2-rev1 is (1, 2, 1)."""
    return tuple(int(part) for part in re.findall(r"\d+", revision))


def revision_of_build(build: str) -> str | None:
    """The newest revision that a server of this build speaks, None when it is older than 11.0.

    >>> revision_of_build("12.3.2.3617")
    '1.2-rev1'
    """
    # A build may be followed by the name of a patch.
    version = tuple(int(part) for part in build.partition(" ")[0].split("."))
    return next((revision for revision, first in REVISIONS if version >= first), None)


def error_code(error: HttpStatus) -> str:
    """The errorCode of an error body in lower case, "" where there is none (a proxy's page)."""
    try:
        body = json.loads(error.body)
    except ValueError:
        return ""
    return str(body.get("errorCode", "")).lower() if isinstance(body, dict) else ""


def is_unsupported(error: HttpStatus) -> bool:
    """Whether the server does not know the revision it was asked in."""
    return error.status in _UNSUPPORTED_STATUS and error_code(error) == "notimplemented"


def _most_accepted() -> list[str]:
    """All revisions, those first that most servers take: they refuse what is newer than they are, and the newest ones
    what is older than 1.1-rev0."""
    unspecified = [revision for revision, _ in REVISIONS if release(revision) < release(SPECIFIED_FROM)]
    first, *newer = [revision for revision, _ in reversed(REVISIONS) if revision not in unspecified]
    return [first, *unspecified, *newer]


class Revisions:
    """Finds the revision when first asked and again once a day, because servers are upgraded."""

    def __init__(self, http: HttpClient, configured: str | None, clock: Callable[[], float]) -> None:
        self._http = http
        self._configured = configured
        self._clock = clock
        self._lock = threading.Lock()
        self._known: str | None = None
        self._good_until = 0.0

    def current(self) -> str:
        if self._configured:
            return self._configured
        with self._lock:
            if self._known is None or self._clock() >= self._good_until:
                self._known = self._found()
            return self._known

    def forget(self, revision: str) -> None:
        """The server does not know this revision (any more): look again."""
        with self._lock:
            if self._known == revision:
                self._known = None

    def for_login(self) -> Sequence[str]:
        """The revisions to log in with, most promising first. Takes no lock: finding a revision needs a login."""
        if self._configured:
            return (self._configured,)
        known = self._known
        return [*filter(None, [known]), *(revision for revision in _most_accepted() if revision != known)]

    def _found(self) -> str:
        try:
            found, self._good_until = self._find(), self._clock() + DAY
        except SourceError as error:
            if self._known is None:
                raise
            # A server that cannot say so at this moment is most likely the one it was.
            log.debug("%s: %s", self._http.source, error)
            found, self._good_until = self._known, self._clock() + HOUR
        if self._known and found != self._known:
            log.info("%s: the API is now spoken in revision %s, before in %s", self._http.source, found, self._known)
        return found

    def _find(self) -> str:
        if self._http.login:
            # First of all, lest a refused login be taken for a refused serverInfo.
            self._http.login.headers()
        for revision in _most_accepted():
            try:
                reply = self._http.get(_SERVER_INFO, headers=version_header(revision))
            except HttpStatus as error:
                if is_unsupported(error):
                    continue
                if error.status in (403, 404):
                    return self._probe()
                raise
            build = dig(reply.json(), "buildVersion", endpoint=reply.endpoint, expect=str)
            with reading(f"{reply.endpoint}: buildVersion"):
                found = revision_of_build(build)
            if found is None:
                raise SourceGarbled(f"{reply.endpoint}: build {build} is older than 11.0, the first with this API")
            return found
        raise SourceGarbled(f"GET {_SERVER_INFO}: the server speaks no known revision of the API; set api_revision")

    def _probe(self) -> str:
        for revision, _ in REVISIONS:
            try:
                self._http.get(_PROBE, params={"skip": 0, "limit": 1}, headers=version_header(revision))
            except HttpStatus as error:
                if error.status in _UNSUPPORTED_STATUS:
                    continue
                raise
            return revision
        raise SourceGarbled(f"GET {_PROBE}: the server speaks no known revision of the API; set api_revision")
