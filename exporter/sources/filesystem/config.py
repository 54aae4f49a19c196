"""What the configuration of a filesystem source looks like."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from exporter.model import DAY
from exporter.settings import Duration, Interval, Settings, SourceSettings

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


class ScanSettings(Settings):
    """A directory tree whose files are counted every `interval`."""

    path: Annotated[str, AfterValidator(_absolute)]
    depth: Annotated[int, Field(ge=0, description="levels of directories told apart; has no effect yet")] = 1
    interval: Duration = DAY
    exclude: Annotated[
        tuple[str, ...], Field(description="globs of names, or of whole paths where they hold a slash")
    ] = ()


class Intervals(Settings):
    """How often mounts are read (1m), and how often it is looked which scan is due (15m)."""

    mounts: Interval = None
    scans: Interval = None


class FilesystemSettings(SourceSettings):
    kind: Literal["filesystem"]
    mounts: MountFilter = MountFilter()
    scan: tuple[ScanSettings, ...] = ()
    timeout: Annotated[Duration, Field(description="a mount that has not answered by then is stuck")] = 5.0
    intervals: Intervals = Intervals()

    @model_validator(mode="after")
    def _each_root_once(self) -> Self:
        paths = [scan.path for scan in self.scan]
        if twice := sorted({path for path in paths if paths.count(path) > 1}):
            raise ValueError(f"scan has {twice[0]} twice")
        return self
