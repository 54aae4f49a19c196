"""A scan as the configuration describes it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from exporter.errors import HistoryError
from exporter.sources.filesystem.categories import SHIPPED, read_categories
from exporter.sources.filesystem.cluster import on_cluster
from exporter.sources.filesystem.config import ScanSettings
from exporter.sources.filesystem.index import Index, Trust
from exporter.sources.filesystem.mountinfo import Entry, same_device_below
from exporter.sources.filesystem.pace import Pauses, Pressure, parse_window
from exporter.sources.filesystem.scan import How, Progress, scan
from exporter.sources.filesystem.subtree import Rules
from exporter.sources.filesystem.tally import Tally

try:
    import fcntl
except ImportError:
    # Windows.
    fcntl = None  # type: ignore[assignment]


def scan_configured(
    settings: ScanSettings,
    mounts: Iterable[Entry],
    *,
    should_stop: Callable[[], bool],
    progress: Callable[[Progress], None],
) -> tuple[Tally, int, Trust | None]:
    """The settled tally, st_dev of the root, and with an index what was taken over.

    Raises what `scan` raises, ConfigError for the table of categories and HistoryError for the index.
    """
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
    with _opened(settings.index, settings.verify) as index:
        return *scan(rules, how, index), index.trust


@contextmanager
def _opened(path: str, verify: int) -> Iterator[Index]:
    """The index, for one scan at a time. Raises HistoryError when it cannot be used."""
    try:
        lock = open(f"{path}.lock", "wb")  # noqa: SIM115 - what is raised below it is not of this file
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise HistoryError(f"{path}: another scan uses this index") from None
    except OSError as error:
        raise HistoryError(f"{path}: the index cannot be used: {error.strerror}") from None
    try:
        with lock, closing(Index(Path(path), verify=verify)) as index:
            yield index
    except sqlite3.Error as error:
        raise HistoryError(f"{path}: the index cannot be used: {error}") from error
