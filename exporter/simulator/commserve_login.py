"""Logging in and out, and the tokens between: login tokens end by idling, access tokens by the clock."""

import base64
import hashlib
import hmac
import math
from dataclasses import dataclass, field

from exporter.simulator.commserve_call import Body, Call, Route

ATTEMPTS = 5
LOCK_SECONDS = 300
RENEWABLE_SECONDS = 14 * 86400


@dataclass
class Sessions:
    """`access_seconds` None is an access token that does not expire. One use of an old pair ends them all."""

    username: str
    password: str = field(repr=False)
    idle_seconds: float = 1800.0
    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    access_seconds: float | None = None
    access_expires: float = float("inf")
    attempts: int = 0
    locked_until: float = 0.0
    last_used: dict[str, float] = field(default_factory=dict, repr=False)
    _issued: int = 0

    def admits(self, call: Call) -> bool:
        """Authtoken with a login token, or Authorization: Bearer (also Authtoken: Bearer) with an access token."""
        headers = call.request.headers
        for sent in (headers.get("Authtoken", ""), headers.get("Authorization", "")):
            word, _, rest = sent.partition(" ")
            is_bearer = word.lower() == "bearer"
            if is_bearer and self.access_token and hmac.compare_digest(rest.encode(), self.access_token.encode()):
                return call.at < self.access_expires
            token = rest if is_bearer else sent
            if token in self.last_used:
                return self._touch(token, call.at)
        return False

    def issue(self, at: float) -> str:
        token = f"QSDK {self.secret('token')}"
        self.last_used[token] = at
        return token

    def renew(self, access: str, refresh: str, at: float) -> bool:
        """Replaces the pair when it is the present one, else ends the chain."""
        if (access, refresh) != (self.access_token, self.refresh_token) or not self.refresh_token:
            self.access_token = self.refresh_token = None
            return False
        self.access_token, self.refresh_token = self.secret("access"), self.secret("refresh")
        self.access_expires = at + (self.access_seconds or 1800.0)
        return True

    def secret(self, purpose: str) -> str:
        self._issued += 1
        return hashlib.sha256(f"{self.username}/{purpose}/{self._issued}".encode()).hexdigest()[:40]

    def _touch(self, token: str, at: float) -> bool:
        if at - self.last_used[token] > self.idle_seconds:
            del self.last_used[token]
            return False
        self.last_used[token] = at
        return True


def login(call: Call) -> Body:
    sessions, sent = call.sessions, call.request.json()
    if call.at < sessions.locked_until:
        return _refused(call, 1128, "User account is locked.")
    if sent.get("username") != sessions.username or _decoded(sent.get("password")) != sessions.password:
        sessions.attempts += 1
        if sessions.attempts < ATTEMPTS:
            return _refused(call, 1127, "Invalid Username/Password.")
        sessions.attempts, sessions.locked_until = 0, call.at + LOCK_SECONDS
        return _refused(call, 1128, "User account is locked.")
    sessions.attempts = 0
    return {
        "aliasName": "1",
        "userName": sessions.username,
        "userGUID": _guid(sessions.username),
        "token": sessions.issue(call.at),
        "ccn": 0,
        "loginAttempts": 0,
        "remainingLockTime": 0,
        "isAccountLocked": False,
        "forcePasswordChange": False,
        "errList": [],
    }


def logout(call: Call) -> Body:
    call.sessions.last_used.pop(call.request.headers.get("Authtoken", ""), None)
    return {"response": "User logged out"}


def renew_login(call: Call) -> Body:
    old = str(call.request.json().get("sessionId", ""))
    if call.sessions.last_used.pop(old, None) is None:
        return {"error": {"errorCode": 5, "errLogMessage": "Invalid session."}}
    return {"token": call.sessions.issue(call.at)}


def renew_access(call: Call) -> Body:
    sent, sessions = call.request.json(), call.sessions
    if not sessions.renew(str(sent.get("accessToken")), str(sent.get("refreshToken")), call.at):
        return {"errorMessage": "Invalid refresh token", "errorCode": 5}
    return {
        "accessToken": sessions.access_token,
        "refreshToken": sessions.refresh_token,
        "tokenExpiryTimestamp": int(sessions.access_expires),
        "renewableUntilTimestamp": int(sessions.access_expires + RENEWABLE_SECONDS),
    }


def who_am_i(call: Call) -> Body:
    name = call.sessions.username
    return {"userName": name, "userGUID": _guid(name), "userId": 42, "email": f"{name}@example.com"}


def _refused(call: Call, code: int, message: str) -> Body:
    left = max(0, math.ceil(call.sessions.locked_until - call.at))
    return {
        "loginAttempts": call.sessions.attempts,
        "remainingLockTime": left,
        "isAccountLocked": left > 0,
        "errList": [{"errorCode": code, "errLogMessage": message}],
    }


def _decoded(password: object) -> str | None:
    """Only base64 is taken for a password."""
    try:
        return base64.b64decode(str(password), validate=True).decode()
    except ValueError:
        return None


def _guid(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32].upper()


ROUTES = (
    Route("POST", "Login", login, public=True),
    Route("POST", "Logout", logout),
    Route("POST", "RenewLoginToken", renew_login, public=True),
    Route("POST", "V4/AccessToken/Renew", renew_access, public=True),
    Route("GET", "WhoAmI", who_am_i),
)
