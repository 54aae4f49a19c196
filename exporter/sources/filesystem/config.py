"""What the configuration of a filesystem source looks like."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from exporter.model import DAY
from exporter.settings import Duration, Interval, Settings, SourceSettings
from exporter.sources.filesystem.cluster import executor_address
from exporter.sources.filesystem.pace import parse_window
from exporter.sources.filesystem.schedule import next_after

# Full by nature (images) or as fleeting as the machine's memory; shown when `exclude_types` says otherwise.
EXCLUDED_TYPES = ("erofs", "iso9660", "overlay", "ramfs", "squashfs", "tmpfs")


class MountFilter(Settings):
    """Which mounts are shown. Globs are fnmatch's, case counts, and `*` also matches a slash."""

    include: Annotated[tuple[str, ...], Field(description="mountpoints shown; empty means all")] = ()
    exclude: Annotated[tuple[str, ...], Field(description="mountpoints left out, also when included")] = ()
    include_types: Annotated[
        tuple[str, ...], Field(description='filesystem types shown, and no other; "/" is shown whatever its type')
    ] = ()
    exclude_types: Annotated[
        tuple[str, ...], Field(description='filesystem types left out, besides those that hold no data; never "/"')
    ] = EXCLUDED_TYPES

    @model_validator(mode="after")
    def _one_list_of_types(self) -> Self:
        if self.include_types and "exclude_types" in self.model_fields_set:
            raise ValueError("include_types and exclude_types are both set; keep one")
        return self


def _absolute(path: str) -> str:
    if not PurePath(path).is_absolute():
        raise ValueError(f"{path!r} is not an absolute path")
    return path


def _absolute_if_any(path: str | None) -> str | None:
    return None if path is None else _absolute(path)


def _executor_if_any(text: str | None) -> str | None:
    return None if text is None else executor_address(text)


def _window(text: str) -> str:
    parse_window(text)
    return text


def _schedule_if_any(text: str | None) -> str | None:
    if text is not None:
        next_after(text, 0.0)
    return text


Schedule = Annotated[
    str | None, AfterValidator(_schedule_if_any), Field(description='five fields of cron, in local time: "30 2 * * *"')
]


class ScanSettings(Settings):
    """A directory tree whose files are counted every `interval`, or by the `schedule`."""

    path: Annotated[str, AfterValidator(_absolute)]
    depth: Annotated[int, Field(ge=0, description="levels of directories told apart")] = 1
    interval: Duration = DAY
    schedule: Schedule = None
    exclude: Annotated[
        tuple[str, ...], Field(description="globs of names, or of whole paths where they hold a slash")
    ] = ()
    include: Annotated[
        tuple[str, ...], Field(description="files that count, as globs like those of exclude; empty means all")
    ] = ()
    max_depth: Annotated[
        int | None, Field(ge=1, description="directories this far below are counted and not entered")
    ] = None
    categories: Annotated[
        str | None,
        AfterValidator(_absolute_if_any),
        Field(description="YAML file, instead of the table that is shipped"),
    ] = None
    index: Annotated[
        str | None,
        AfterValidator(_absolute_if_any),
        Field(description="file that makes scans incremental and lets a killed one go on"),
    ] = None
    verify: Annotated[
        int, Field(ge=1, description="with an index, unchanged directories are read again after so many scans")
    ] = 20
    workers: Annotated[int | None, Field(ge=1, description="processes for a local disk; default: one a core")] = None
    executor: Annotated[
        str | None,
        AfterValidator(_executor_if_any),
        Field(description='"dask://scheduler.example.com:8786": the workers of a cluster, which mount the root too'),
    ] = None
    entries_per_second: Annotated[float | None, Field(gt=0, description="limit; default: none")] = None
    io_pressure: Annotated[
        float | None, Field(gt=0, le=100, description="percent of /proc/pressure/io above which a scan pauses")
    ] = 40.0
    pause: Annotated[
        tuple[Annotated[str, AfterValidator(_window)], ...],
        Field(description='times of day in which a scan pauses, such as "08:00-18:00"'),
    ] = ()

    @model_validator(mode="after")
    def _interval_or_schedule(self) -> Self:
        if self.schedule is not None and "interval" in self.model_fields_set:
            raise ValueError("interval and schedule are both set; keep one")
        return self

    def with_defaults(self, **defaults: Any) -> Self:
        """The same with these for what is not set; who sets an interval or a schedule wants no other of the two."""
        given = self.model_fields_set
        if given & {"interval", "schedule"}:
            given = given | {"interval", "schedule"}
        return self.model_copy(update={key: value for key, value in defaults.items() if key not in given})

    def due_after(self, begun: float) -> float:
        """When the next scan is due after one that was begun then."""
        return begun + self.interval if self.schedule is None else next_after(self.schedule, begun)


class Intervals(Settings):
    """How often mounts are read (1m), looked which scan is due (15m), and how far one is that runs (1m)."""

    mounts: Interval = None
    scans: Interval = None
    scan_states: Interval = None


class FilesystemSettings(SourceSettings):
    kind: Literal["filesystem"]
    mounts: MountFilter = MountFilter()
    scan: tuple[ScanSettings, ...] = ()
    timeout: Annotated[Duration, Field(description="a mount that has not answered by then is stuck")] = 5.0
    intervals: Intervals = Intervals()

    @model_validator(mode="after")
    def _each_root_and_index_once(self) -> Self:
        paths = [scan.path for scan in self.scan]
        if twice := sorted({path for path in paths if paths.count(path) > 1}):
            raise ValueError(f"scan has {twice[0]} twice")
        indexes = [scan.index for scan in self.scan if scan.index is not None]
        if twice := sorted({path for path in indexes if indexes.count(path) > 1}):
            raise ValueError(f"two scans have the index {twice[0]}")
        return self
