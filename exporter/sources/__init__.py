"""The kinds of system ebbtide watches. To add one: a folder, and a line here and in config.py.

Each is imported when the first of its kind is made: a worker process of a scan needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exporter.model import Source
    from exporter.telemetry import Telemetry


def _commvault(settings: Any, telemetry: Telemetry) -> Source:
    from exporter.sources.commvault import Commvault

    return Commvault(settings, telemetry)


def _veeam(settings: Any, telemetry: Telemetry) -> Source:
    from exporter.sources.veeam import Veeam

    return Veeam(settings, telemetry)


def _filesystem(settings: Any, telemetry: Telemetry) -> Source:
    from exporter.sources.filesystem.source import Filesystem

    return Filesystem(settings, telemetry)


KINDS: dict[str, Callable[[Any, Telemetry], Source]] = {
    "commvault": _commvault,
    "veeam": _veeam,
    "filesystem": _filesystem,
}
