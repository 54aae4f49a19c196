"""Everything that can go wrong, drawn.

EbbtideError
├── ConfigError            the YAML is wrong: names the key, the value, what would be right
├── SourceError            caught by the poller; becomes ebbtide_collector_success 0 and one log line
│   ├── SourceUnreachable  no answer: DNS, TCP, TLS, timeout, 5xx
│   ├── SourceRefused      401 or 403: credentials or a missing permission (says which)
│   ├── SourceGarbled      answered, in a shape we do not know (says endpoint and field)
│   └── NotOffered         this release or role has no such thing (says from which one on): no failure
├── HistoryError           the store could not be read or written
└── WorkerError            a process that computes for us has ended

A bug is none of these: it is logged with its traceback, counted, and the process lives on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class EbbtideError(Exception):
    """The message is one line, for the person with the pager; it never holds a secret."""


class ConfigError(EbbtideError):
    pass


class SourceError(EbbtideError):
    """`reason` is a metric label; `contact`: the source itself answered and knows us, only this went wrong."""

    reason = "error"
    contact = True


class SourceUnreachable(SourceError):
    reason = "unreachable"
    contact = False


class SourceRefused(SourceError):
    reason = "refused"


class SourceGarbled(SourceError):
    reason = "garbled"


class NotOffered(SourceError):
    reason = "not_offered"


class HistoryError(EbbtideError):
    pass


class WorkerError(EbbtideError):
    pass


@contextmanager
def reading(endpoint: str) -> Iterator[None]:
    """Turn a field that is missing or of the wrong type into a SourceGarbled that names the endpoint."""
    try:
        yield
    except KeyError as error:
        raise SourceGarbled(f"{endpoint}: the answer has no field {error.args[0]!r}") from error
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise SourceGarbled(f"{endpoint}: a field has an unexpected value: {error}") from error
