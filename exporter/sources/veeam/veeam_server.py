"""The server about itself: its name, build and platform, and what its times without zone mean.

GET /api/v1/serverTime, open to anyone, and GET /api/v1/serverInfo, which from 1.1-rev2 (VBR 12.2) on needs the role
Backup Administrator: without it name, version and platform stay empty. platform is told from 1.3-rev0 on.
"""

from __future__ import annotations

import logging
from datetime import datetime, tzinfo
from typing import Any

from exporter.errors import reading
from exporter.http import PermissionMissing
from exporter.model import Poll, VeeamServer
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.fields import optional, text

log = logging.getLogger(__name__)

SERVER_INFO = "/api/v1/serverInfo"
_INFO = f"GET {SERVER_INFO}"
_ADMINISTRATORS_FROM = "1.1-rev2"


def fetch(client: VeeamClient, poll: Poll) -> VeeamServer:
    return parse(_info(client), client.revision(), client.ask_zone(), poll.at)


def parse(info: Any, revision: str, zone: tzinfo, at: float) -> VeeamServer:
    """info: the answer of serverInfo, None where the role may not read it; at: when the offset of `zone` is wanted."""
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    seconds = offset.total_seconds() if offset is not None else None
    if info is None:
        return VeeamServer(api_revision=revision, utc_offset_seconds=seconds)
    with reading(_INFO):
        return VeeamServer(
            name=text(info, "name", endpoint=_INFO),
            version=text(info, "buildVersion", endpoint=_INFO),
            api_revision=revision,
            platform=optional(info, "platform", str, endpoint=_INFO) or "",
            utc_offset_seconds=seconds,
        )


def _info(client: VeeamClient) -> Any:
    """None where the role may not read it."""
    if client.speaks(_ADMINISTRATORS_FROM) and not client.is_administrator:
        return None
    try:
        return client.get(SERVER_INFO).json()
    except PermissionMissing as error:
        if error.status != 403:
            raise
        log.info("done without: %s", error)
        return None
