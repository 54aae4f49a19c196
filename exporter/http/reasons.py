"""Why there was no answer, and how long to wait for the next."""

from __future__ import annotations

import email.utils
import socket
import ssl

import requests
import urllib3


def retry_after(value: str, now: float) -> float:
    """Seconds to wait by a Retry-After header, which holds seconds or an HTTP date; 0 when it is neither."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return 0.0


def plain_reason(error: BaseException) -> str:
    """Why there was no answer, in words of an administrator.

    The cause is looked for along the exception chain, because requests, urllib3 and http.client wrap one another.
    """
    causes: list[BaseException] = []
    queue: list[object] = [error]
    while queue and len(causes) < 20:
        current = queue.pop(0)
        if not isinstance(current, BaseException) or current in causes:
            continue
        causes.append(current)
        queue += [getattr(current, "reason", None), current.__cause__, current.__context__, *current.args]

    def found(*types: type[BaseException]) -> BaseException | None:
        return next((c for c in causes if isinstance(c, types)), None)

    if found(UnicodeEncodeError, requests.exceptions.InvalidHeader):
        return "not sent: the credentials hold a character that HTTP headers do not take"
    if found(socket.gaierror):
        return "no answer: the host name does not resolve"
    if found(ConnectionRefusedError):
        return "no answer: connection refused"
    if tls := found(requests.exceptions.SSLError, urllib3.exceptions.SSLError):
        if "Fingerprints did not match" in str(tls):
            return "no answer: TLS: the certificate is not the one whose sha256 is configured"
        verify = next((c for c in causes if getattr(c, "verify_message", "")), None)
        spoken = getattr(found(ssl.SSLError), "reason", None) or type(tls).__name__
        detail = getattr(verify, "verify_message", "") or spoken.replace("_", " ").lower()
        return f"no answer: TLS: {detail}"
    if found(requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
        return "no answer: the connection timed out"
    if found(requests.exceptions.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError):
        return "no answer in time"
    if found(urllib3.exceptions.IncompleteRead, requests.exceptions.ChunkedEncodingError):
        return "the answer was cut off"
    if found(ConnectionError, urllib3.exceptions.ProtocolError):
        return "no answer: the connection was closed"
    if found(urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError):
        return "the answer is not what its Content-Encoding says"
    return f"no answer: {type(error).__name__}"
