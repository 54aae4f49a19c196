"""The one HTTP client: timeouts, TLS, retries of GET, one fresh login after a 401, errors to SourceError.

Everything that leaves this module is either a Reply or a SourceError whose one line names the request and the
plain reason; bodies, headers and query strings never reach a message, because any of them may hold a secret.
Environment proxies and .netrc are ignored: a token must go to the configured host and nowhere else, which is also
why redirects are not followed.
"""

from exporter.http.client import HttpClient, NotReadOnly
from exporter.http.reasons import plain_reason, retry_after
from exporter.http.replies import (
    Exchange,
    HttpStatus,
    PermissionMissing,
    Remark,
    Reply,
    ServerFailed,
    UnexpectedStatus,
    dig,
)

__all__ = [
    "Exchange", "HttpClient", "HttpStatus", "NotReadOnly", "PermissionMissing", "Remark", "Reply", "ServerFailed",
    "UnexpectedStatus", "dig", "plain_reason", "retry_after",
]  # fmt: skip
