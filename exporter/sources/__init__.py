"""The kinds of system ebbtide watches. To add one: a folder, and a line here and in config.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exporter.model import Source
from exporter.sources.commvault import Commvault
from exporter.sources.filesystem import Filesystem
from exporter.sources.veeam import Veeam
from exporter.telemetry import Telemetry

KINDS: dict[str, Callable[[Any, Telemetry], Source]] = {
    "commvault": Commvault,
    "veeam": Veeam,
    "filesystem": Filesystem,
}
