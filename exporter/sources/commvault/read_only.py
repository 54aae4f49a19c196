"""What may be sent to a CommServe: GET, and the few POSTs that ask or log in. Anything else is a bug."""

from __future__ import annotations

import re

from exporter.http import NotReadOnly

_POSTS = {"/Login", "/Logout", "/V4/AccessToken/Renew", "/Jobs", "/JobDetails"}
_QCOMMAND = "/Qcommand/qoperation%20execute"
# A QCommand does what its body says; these are the requests by which the console reads.
_READING = re.compile(r"EVGui_(?:Get\w+|DDBEngines)Req")


def only_reading(method: str, route: str, body: object) -> None:
    """Raise NotReadOnly for a request that could change something. `route` is below the base path, without ids."""
    if method == "GET" or (method == "POST" and (route in _POSTS or (route == _QCOMMAND and _reads(body)))):
        return
    raise NotReadOnly(f"{method} {route} is not sent: this client only reads")


def _reads(body: object) -> bool:
    return isinstance(body, dict) and len(body) == 1 and all(_READING.fullmatch(str(name)) for name in body)
