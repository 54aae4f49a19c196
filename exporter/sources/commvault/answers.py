"""Answers in JSON or XML, and the errors that a CommServe hides in an HTTP 200, in all the forms it has for them.

The server's own words are left out of messages, as they may repeat a name or a token; its error code is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exporter.errors import SourceGarbled, SourceRefused, SourceUnreachable, reading
from exporter.http import Reply
from exporter.sources.commvault import xml
from exporter.sources.commvault.fields import Row, number, part, text

ACCESS_DENIED = 5
INTERNAL_ERROR = 1


def decoded(reply: Reply) -> Any:
    """What an answer holds, whether it came as JSON or as XML, which some releases send whatever they are asked."""
    kind = reply.headers.get("Content-Type", "").lower()
    if "html" in kind or not reply.body.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return reply.json()
    try:
        return xml.parse(reply.body)
    except ValueError as error:
        raise SourceGarbled(f"{reply.endpoint}: {error} ({len(reply.body)} bytes)") from None


def checked(payload: Any, endpoint: str) -> dict[str, Any]:
    """The answer, without what the server adds about itself; raises the SourceError that it stands for, if any."""
    if not isinstance(payload, dict):
        raise SourceGarbled(f"{endpoint}: the answer is not an object")
    with reading(endpoint):
        failed = next((e for e in errors(payload) if e[0] != 0), None)
        # Report datasets say per data source what went wrong.
        if part(payload, "failures"):
            raise SourceUnreachable(f"{endpoint}: the CommServe could not ask all of its data sources")
    if failed is None:
        return {key: value for key, value in payload.items() if key != "processinginstructioninfo"}
    code, message = failed
    if code == ACCESS_DENIED or "access denied" in message.lower():
        raise SourceRefused(f"{endpoint}: refused (Commvault error {code}): access denied")
    if code == INTERNAL_ERROR:
        raise SourceUnreachable(f"{endpoint}: the server reports a failure of its own (Commvault error {code})")
    raise SourceGarbled(f"{endpoint}: the request failed (Commvault error {code})")


def errors(payload: Row) -> Iterator[tuple[int, str]]:
    """(code, message) of each error the answer mentions; 0 is success, -1 an error without a code."""
    inner = part(payload, "error")
    for holder in (payload, inner):
        yield from _error(holder)
        for entry in holder.get("errList") or ():
            yield from _error(entry)


def _error(holder: Row) -> Iterator[tuple[int, str]]:
    message = text(holder, "errorMessage") or text(holder, "errLogMessage")
    code = number(holder, "errorCode")
    if code is not None or message:
        yield (-1 if code is None else int(code)), message
