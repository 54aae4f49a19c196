"""Filesystems: mounts and scans."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from exporter.metrics.family import Family, Subject, gauge, gauge_by, info
from exporter.model import Scan, Share

MOUNT = Subject(("pool",), ("mounts",), lambda f: f.mounts, lambda m: (m.pool.name,))
MOUNT_ERROR = Subject(("pool",), ("mounts",), lambda f: [m for m in f.mounts if m.error], lambda m: (m.pool.name,))
SCAN = Subject(("root",), ("scans",), lambda f: f.scans, lambda s: (s.root,))
SCAN_STATE = Subject(("root",), ("scan_states",), lambda f: f.scan_states, lambda s: (s.root,))


def shares(
    prefix: str, what: str, label: str, shares_of: Callable[[Scan], Mapping[str, Share]], files: str = "Regular files"
) -> tuple[Family, Family, Family]:
    """Files, apparent and allocated bytes of a scan, told apart by the label."""

    def column(index: int) -> Callable[[Scan], Mapping[str, int]]:
        return lambda scan: {key: share[index] for key, share in shares_of(scan).items()}

    return (
        gauge_by(f"{prefix}_files", f"{files} {what}.", SCAN, label, column(0)),
        gauge_by(f"{prefix}_apparent_bytes", f"Sum of the file sizes {what}.", SCAN, label, column(1)),
        gauge_by(f"{prefix}_allocated_bytes", f"Disk space taken {what}.", SCAN, label, column(2)),
    )


FAMILIES = (
    info("ebbtide_filesystem_info", "A mounted filesystem; atime is the option by which it notes that a file was read.", MOUNT, ("device", "fstype", "atime"), lambda m: (m.device, m.fstype, m.atime)),
    gauge("ebbtide_filesystem_readonly", "1 if mounted read-only.", MOUNT, lambda m: m.read_only),
    gauge("ebbtide_filesystem_device_error", "1 if the filesystem could not be read or did not answer in time.", MOUNT, lambda m: m.error is not None),
    info("ebbtide_filesystem_error_info", "Why a filesystem could not be read: the name of the error, or stuck.", MOUNT_ERROR, ("error",), lambda m: (m.error,)),
    gauge("ebbtide_filesystem_files", "Inodes in total; absent where the filesystem does not limit them.", MOUNT, lambda m: m.files),
    gauge("ebbtide_filesystem_files_free", "Inodes a normal user can still take.", MOUNT, lambda m: m.files_free),
    info("ebbtide_scan_info", "The directory tree: the pool it lies in, and the option by which that notes that a file was read.", SCAN, ("pool", "atime"), lambda s: (s.mountpoint, s.atime)),
    gauge("ebbtide_scan_last_success_timestamp_seconds", "End of the last complete scan of the directory tree.", SCAN, lambda s: s.completed_at),
    gauge("ebbtide_scan_duration_seconds", "Duration of the last complete scan.", SCAN, lambda s: s.duration_seconds),
    gauge("ebbtide_scan_files", "Files below the root, hard links counted once.", SCAN, lambda s: s.files),
    gauge("ebbtide_scan_directories", "Directories below the root.", SCAN, lambda s: s.directories),
    gauge("ebbtide_scan_apparent_bytes", "Sum of the file sizes below the root.", SCAN, lambda s: s.apparent_bytes),
    gauge("ebbtide_scan_allocated_bytes", "Disk space taken by the files below the root.", SCAN, lambda s: s.allocated_bytes),
    gauge_by("ebbtide_scan_errors", "Entries the last scan could not read, by error name.", SCAN, "error", lambda s: s.errors),
    gauge("ebbtide_scan_symlinks", "Symlinks below the root; they are counted as files and never followed.", SCAN, lambda s: s.symlinks),
    gauge("ebbtide_scan_vanished", "Entries that were deleted while the last scan ran.", SCAN, lambda s: s.vanished),
    gauge("ebbtide_scan_trusted_directories", "Directories an incremental scan did not read again, as their names had not changed.", SCAN, lambda s: s.trusted_directories),
    gauge("ebbtide_scan_oldest_trusted_timestamp_seconds", "When the directory was last read that an incremental scan has trusted longest; sizes in it are as old.", SCAN, lambda s: s.oldest_trusted_at),
    gauge("ebbtide_scan_kept_directories", "Directories the last incremental scan could not read, which count as they last did.", SCAN, lambda s: s.kept_directories),
    *shares("ebbtide_scan_size", "by size, from the one named up to the next", "size", lambda s: s.sizes),
    *shares("ebbtide_scan_modified", "by whole days since their content changed, from the age named up to the next", "age", lambda s: s.modified),
    *shares("ebbtide_scan_accessed", "by whole days since they were read, from the age named up to the next; trust it only as far as the atime of ebbtide_scan_info", "age", lambda s: s.accessed),
    *shares("ebbtide_scan_category", "by category of the extension", "category", lambda s: s.categories),
    *shares("ebbtide_scan_owner", "by numeric owner, the largest ten and other", "uid", lambda s: s.owners),
    *shares("ebbtide_scan_directory", "below the largest directories of the roll-up, each with all in it", "directory", lambda s: s.rollup, "Files"),
    gauge_by("ebbtide_scan_directory_incomplete", "1 if something in a directory of the roll-up could not be read.", SCAN, "directory", lambda s: {directory: directory in s.incomplete for directory in s.rollup}),
    gauge("ebbtide_scan_due_timestamp_seconds", "When the next scan of the directory tree is due, or was.", SCAN_STATE, lambda s: s.due_at),
    gauge("ebbtide_scan_success", "0 if the last scan of the directory tree ended without a result: its figures are those of the one before.", SCAN_STATE, lambda s: s.success),
    gauge("ebbtide_scan_running", "1 while a scan of the directory tree runs.", SCAN_STATE, lambda s: s.started_at is not None),
    gauge("ebbtide_scan_running_started_timestamp_seconds", "When the scan that runs was begun.", SCAN_STATE, lambda s: s.started_at),
    gauge("ebbtide_scan_running_entries", "Entries the scan that runs has looked at.", SCAN_STATE, lambda s: s.entries),
    gauge("ebbtide_scan_running_errors", "Entries the scan that runs could not read.", SCAN_STATE, lambda s: s.errors),
)  # fmt: skip
