"""Login as VBR does it: access tokens that live for minutes, refresh tokens that are good for one use."""

import secrets
from dataclasses import dataclass

from exporter.simulator.messages import Answer, Request
from exporter.simulator.vbr_call import CAPITALISED_FROM, REVISIONS, Call, unauthorized, unexpected

REFRESH_SECONDS = 14 * 86400.0
SHORT_REFRESH_EXTRA = 900.0


@dataclass(frozen=True)
class Pair:
    access: str
    refresh: str
    expires: float
    refresh_expires: float


class Tokens:
    """`capitalised_grants`: from 1.3-rev1 on accept only `Password` and `Refresh_token`, as the schema has it.

    Otherwise these revisions take both spellings; earlier ones only know the small one.
    """

    def __init__(self, username: str, password: str, seconds: float, *, capitalised_grants: bool = False) -> None:
        self._username = username
        self._password = password
        self._seconds = seconds
        self._capitalised_grants = capitalised_grants
        self._pairs: list[Pair] = []

    def grant(self, call: Call) -> Answer:
        form = call.request.form()
        grant_type = self._grant_type(form.get("grant_type", ""), call.revision)
        if grant_type == "password":
            self._check_password(form)
        elif grant_type == "refresh_token":
            self._use(form.get("refresh_token", ""), call.now)
        else:
            raise unexpected("The value of grant_type is not valid.")
        short = form.get("use_short_term_refresh", "").lower() == "true"
        refresh_lives = self._seconds + SHORT_REFRESH_EXTRA if short else REFRESH_SECONDS
        pair = Pair(
            secrets.token_urlsafe(32), secrets.token_urlsafe(32), call.now + self._seconds, call.now + refresh_lives
        )
        self._pairs = [one for one in self._pairs if one.refresh_expires > call.now] + [pair]
        return Answer(
            {
                "access_token": pair.access,
                "token_type": "bearer",
                "refresh_token": pair.refresh,
                "expires_in": int(self._seconds),
                ".issued": call.zoneless(float(int(call.now))),
                ".expires": call.zoneless(float(int(pair.expires))),
            }
        )

    def check(self, request: Request, now: float) -> None:
        """401 unless the request bears a token that is alive."""
        self._bearer(request, now)

    def revoke(self, call: Call) -> Answer:
        ended = self._bearer(call.request, call.now)
        self._pairs = [pair for pair in self._pairs if pair is not ended]
        return Answer({})

    def _grant_type(self, text: str, revision: str) -> str:
        if REVISIONS.index(revision) < REVISIONS.index(CAPITALISED_FROM):
            return text
        small = text[:1].lower() + text[1:]
        return "" if self._capitalised_grants and small == text else small

    def _check_password(self, form: dict[str, str]) -> None:
        known = form.get("username", "").casefold() == self._username.casefold()
        if not known or form.get("password") != self._password:
            raise unauthorized("The user name or password is incorrect.")

    def _use(self, refresh: str, now: float) -> None:
        """Kills the refresh token; its access token lives on until it expires."""
        for index, pair in enumerate(self._pairs):
            if refresh and pair.refresh == refresh and now < pair.refresh_expires:
                self._pairs[index] = Pair(pair.access, "", pair.expires, pair.expires)
                return
        raise unauthorized("The refresh token is expired or was used before.")

    def _bearer(self, request: Request, now: float) -> Pair:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        for pair in self._pairs:
            if scheme.lower() == "bearer" and token and pair.access == token and now < pair.expires:
                return pair
        raise unauthorized()
