"""A CommServe without a configuration file: a source named "commvault", described by environment variables.

COMMVAULT_BASE_URL (or only its host) and COMMVAULT_API_TOKEN make the source; COMMVAULT_VERIFY_TLS is true, false or a
file of CA certificates; COMMVAULT_JOB_CACHE_TTL is the interval of the collector `jobs` in seconds, 600 unless given.
COMMVAULT_JOB_CACHE_BUCKET_SECONDS is accepted and has no effect: it rounds the keys of a cache, and jobs are kept in a
ledger, which holds each of them once.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from exporter.errors import ConfigError
from exporter.settings import parse_duration
from exporter.sources.commvault.config import CommvaultSettings

NAME = "commvault"
URL, TOKEN, VERIFY = "COMMVAULT_BASE_URL", "COMMVAULT_API_TOKEN", "COMMVAULT_VERIFY_TLS"
TTL, BUCKET = "COMMVAULT_JOB_CACHE_TTL", "COMMVAULT_JOB_CACHE_BUCKET_SECONDS"

_VERIFY = {"": True, "true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def from_environment(environ: Mapping[str, str]) -> CommvaultSettings | None:
    """The source, None where neither its address nor its token is set. Raises ConfigError naming the variable."""
    url, token = environ.get(URL, ""), environ.get(TOKEN, "")
    if not url and not token:
        return None
    for name, value, other in ((URL, url, TOKEN), (TOKEN, token, URL)):
        if not value:
            raise ConfigError(f"{name} is not set, and {other} is; a Commvault source needs both")
    _seconds(environ, BUCKET, 300)
    given = environ.get(VERIFY, "")
    settings = {
        "kind": "commvault",
        "name": NAME,
        "url": url,
        "token": {"env": TOKEN},
        "verify": _VERIFY.get(given.lower(), given),
        "intervals": {"jobs": _seconds(environ, TTL, 600)},
    }
    try:
        return CommvaultSettings.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"][0] == "verify":
            raise ConfigError(f"{VERIFY}: {given!r} is neither true nor false nor a file") from None
        raise ConfigError(f"{URL}: {first['msg'].removeprefix('Value error, ')}") from None


def _seconds(environ: Mapping[str, str], name: str, usual: int) -> str:
    """A duration as the configuration has it, such as 600s."""
    given = environ.get(name) or str(usual)
    try:
        duration = f"{int(given)}s"
        parse_duration(duration)
    except ValueError:
        raise ConfigError(f"{name}: {given!r} is not a number of seconds above zero") from None
    return duration
