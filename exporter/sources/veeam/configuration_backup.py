"""The backup of the server's own configuration: whether it runs, is encrypted, and when it last succeeded.

GET /api/v1/configBackup. Needs the role Backup Administrator.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from exporter.errors import reading
from exporter.http import dig
from exporter.model import ConfigurationBackup, Poll
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.fields import moment, optional

CONFIG_BACKUP = "/api/v1/configBackup"
_CONFIG_BACKUP = f"GET {CONFIG_BACKUP}"


def fetch(client: VeeamClient, _: Poll) -> ConfigurationBackup:
    return parse(client.get(CONFIG_BACKUP).json(), client.zone())


def parse(payload: Any, zone: tzinfo) -> ConfigurationBackup:
    """Where it never succeeded, lastSuccessfulBackup is empty or missing."""
    with reading(_CONFIG_BACKUP):
        last = optional(payload, "lastSuccessfulBackup", dict, endpoint=_CONFIG_BACKUP) or {}
        encryption = optional(payload, "encryption", dict, endpoint=_CONFIG_BACKUP) or {}
        return ConfigurationBackup(
            enabled=dig(payload, "isEnabled", endpoint=_CONFIG_BACKUP, expect=bool),
            encrypted=optional(encryption, "isEnabled", bool, endpoint=_CONFIG_BACKUP),
            last_success_at=moment(optional(last, "lastSuccessfulTime", str, endpoint=_CONFIG_BACKUP), zone),
        )
