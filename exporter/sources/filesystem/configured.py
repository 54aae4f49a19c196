"""A scan as the configuration describes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from exporter.sources.filesystem.categories import SHIPPED, read_categories
from exporter.sources.filesystem.cluster import on_cluster
from exporter.sources.filesystem.config import ScanSettings
from exporter.sources.filesystem.index import Index, Trust
from exporter.sources.filesystem.mountinfo import Entry, same_device_below
from exporter.sources.filesystem.pace import Pauses, Pressure, parse_window
from exporter.sources.filesystem.scan import How, Progress, scan
from exporter.sources.filesystem.subtree import Rules
from exporter.sources.filesystem.tally import Tally


def scan_configured(
    settings: ScanSettings,
    mounts: Iterable[Entry],
    *,
    should_stop: Callable[[], bool],
    progress: Callable[[Progress], None],
) -> tuple[Tally, int, Trust | None]:
    """The settled tally, st_dev of the root, and with an index what was taken over. Raises what `scan` raises."""
    rules = Rules(
        root=settings.path,
        depth=settings.depth,
        exclude=settings.exclude,
        include=settings.include,
        max_depth=settings.max_depth,
        categories=read_categories(Path(settings.categories) if settings.categories else SHIPPED),
        mountpoints=same_device_below(mounts, os.fsencode(os.path.realpath(settings.path))),
    )
    how = How(
        workers=settings.workers,
        entries_per_second=settings.entries_per_second,
        pauses=Pauses(
            Pressure(settings.io_pressure) if settings.io_pressure is not None else None,
            tuple(map(parse_window, settings.pause)),
        ),
        should_stop=should_stop,
        progress=progress,
    )
    if settings.executor is not None:
        how = on_cluster(how, settings.executor)
    if settings.index is None:
        return *scan(rules, how), None
    with closing(Index(Path(settings.index), verify=settings.verify)) as index:
        return *scan(rules, how, index), index.trust
