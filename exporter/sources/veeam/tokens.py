"""The login: a password buys an access token for minutes and a refresh token for one use.

A refresh token is dropped before it is sent: if the answer gets lost the server has used it up, and the next login
takes the password. The lifetime is `expires_in`; `.expires` is the server's wall clock without a zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from exporter.errors import SourceGarbled, reading
from exporter.http import HttpClient, HttpStatus, PermissionMissing, Reply, UnexpectedStatus, dig
from exporter.settings import Secret
from exporter.sources.veeam.revision import Revisions, error_code, is_unsupported, version_header
from exporter.tokens import Token

TOKEN_ROUTE = "/api/oauth2/token"  # noqa: S105
_RENEW_AFTER = 0.8


class Grants:
    """What `Tokens` calls, under its lock, when it has no token or the token is due."""

    def __init__(
        self, http: HttpClient, revisions: Revisions, username: str, password: Secret, clock: Callable[[], float]
    ) -> None:
        self._http = http
        self._revisions = revisions
        self._username = username
        self._password = password
        self._clock = clock
        self._refresh: str | None = None
        self._capitalised = False
        self.last: Token | None = None

    def obtain(self) -> Token:
        refresh, self._refresh = self._refresh, None
        # A token that was refused before its time is not renewed: that calls for a fresh login.
        if refresh and self.last and self._clock() >= (self.last.renew_at or 0.0):
            try:
                return self._granted("refresh_token", {"refresh_token": refresh})
            except HttpStatus as error:
                if error.status not in (400, 401):
                    raise
        password = {"username": self._username, "password": self._password.read()}
        try:
            return self._granted("password", password)
        except UnexpectedStatus as error:
            if error.status != 400:
                raise
            message = f"POST {TOKEN_ROUTE}: refused (400): the server does not take this login"
            raise PermissionMissing(message, error.status, error.body) from None

    def _granted(self, grant: str, fields: Mapping[str, str]) -> Token:
        for revision in self._revisions.for_login():
            asked_at = self._clock()
            try:
                reply = self._spelled(grant, fields, revision)
            except HttpStatus as error:
                if is_unsupported(error):
                    continue
                raise
            return self._kept(reply, asked_at)
        raise SourceGarbled(f"POST {TOKEN_ROUTE}: the server does not know the API revision; check api_revision")

    def _spelled(self, grant: str, fields: Mapping[str, str], revision: str) -> Reply:
        """VBR 13 documents password and refresh_token, and its schema Password and Refresh_token."""
        try:
            return self._post(grant, fields, revision, capitalised=self._capitalised)
        except UnexpectedStatus as error:
            if error_code(error) != "unexpectedcontent":
                raise
        reply = self._post(grant, fields, revision, capitalised=not self._capitalised)
        self._capitalised = not self._capitalised
        return reply

    def _post(self, grant: str, fields: Mapping[str, str], revision: str, *, capitalised: bool) -> Reply:
        form = {"grant_type": grant.capitalize() if capitalised else grant, **fields}
        return self._http.post(TOKEN_ROUTE, form=form, headers=version_header(revision), authorised=False)

    def _kept(self, reply: Reply, asked_at: float) -> Token:
        payload = reply.json()
        access = dig(payload, "access_token", endpoint=reply.endpoint, expect=str)
        lifetime = dig(payload, "expires_in", endpoint=reply.endpoint, expect=(int, float))
        refresh = payload.get("refresh_token")
        with reading(reply.endpoint):
            # Neither may reach the message of a ValueError: the first is a secret.
            if not access.isascii() or not access.isprintable():
                raise ValueError("access_token is not printable")
            if not lifetime > 0:
                raise ValueError("expires_in is not positive")
            renew_at = asked_at + _RENEW_AFTER * lifetime
        self._refresh = refresh if isinstance(refresh, str) else None
        self.last = Token({"Authorization": f"Bearer {access}"}, renew_at)
        return self.last
