"""Getting into a CommServe: an access token as it is, or a login with a password that gives a token.

A login token ends after 30 minutes without use; nothing here counts them, the 401 that follows brings a fresh login.
"""

from __future__ import annotations

import base64
import logging

from exporter.errors import ConfigError, SourceError, SourceGarbled, SourceRefused, reading
from exporter.http import HttpClient, dig
from exporter.model import MINUTE
from exporter.sources.commvault.answers import decoded, errors
from exporter.sources.commvault.config import CommvaultSettings
from exporter.sources.commvault.fields import Row, amount, flag, text
from exporter.tokens import Token

log = logging.getLogger(__name__)

ENDPOINT = "POST /Login"
_SESSION_MINUTES = 30
# Five wrong passwords lock an account, and a password that is wrong stays wrong for a while.
_WRONG_PASSWORD_SECONDS = 15 * MINUTE


class LoginRefused(SourceRefused):
    """`retry_seconds`: how long the server says that trying again is useless."""

    contact = False

    def __init__(self, message: str, retry_seconds: float) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class Login:
    def __init__(self, http: HttpClient, settings: CommvaultSettings) -> None:
        self._http = http
        self._settings = settings
        self._token: str | None = None

    def obtain(self) -> Token:
        if access_token := self._settings.token_secret:
            token = access_token.read().strip()
            if not sendable(token):
                raise ConfigError("token: it holds characters that no access token has")
            return Token({"Authorization": f"Bearer {token}"})
        self._token = None
        self._token = self._log_in()
        return Token({"Authtoken": self._token})

    def log_out(self) -> None:
        """End the session of the last login, if there is one; a failure matters to nobody."""
        token, self._token = self._token, None
        if token is None:
            return
        try:
            self._http.post("/Logout", headers={"Authtoken": token}, authorised=False)
        except SourceError as error:
            log.debug("%s: %s", self._http.source, error)

    def _log_in(self) -> str:
        settings = self._settings
        password = settings.password_secret.read() if settings.password_secret else ""
        body = {
            "username": settings.username,
            # The API takes no plain password.
            "password": base64.b64encode(password.encode()).decode(),
            "timeout": _SESSION_MINUTES,
        }
        payload = dig(decoded(self._http.post("/Login", json=body, authorised=False)), endpoint=ENDPOINT, expect=dict)
        return parse(payload)


def parse(payload: Row) -> str:
    """The token in the answer of a login, verbatim with its prefix "QSDK "; a refusal comes with HTTP 200, too."""
    with reading(ENDPOINT):
        token = text(payload, "token")
        if token and sendable(token):
            return token
        locked_seconds = amount(payload, "remainingLockTime")
        if flag(payload, "isAccountLocked") or locked_seconds:
            wait = f" for another {locked_seconds:.0f} s" if locked_seconds else ""
            raise LoginRefused(
                f"{ENDPOINT}: refused: the account is locked{wait}", locked_seconds or _WRONG_PASSWORD_SECONDS
            )
        codes = [code for code, _ in errors(payload) if code != 0]
    if codes:
        raise LoginRefused(
            f"{ENDPOINT}: refused (Commvault error {codes[0]}): the credentials are not accepted",
            _WRONG_PASSWORD_SECONDS,
        )
    raise SourceGarbled(f"{ENDPOINT}: the answer has no usable field token")


def sendable(token: str) -> bool:
    """Whether a header can carry it as it is."""
    return bool(token) and token.isascii() and token.isprintable()
