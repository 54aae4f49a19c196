"""Filesystems: mounts and scans."""

from __future__ import annotations

from exporter.metrics.family import Subject, gauge, gauge_by, info

MOUNT = Subject(("pool",), ("mounts",), lambda f: f.mounts, lambda m: (m.pool.name,))
SCAN = Subject(("root",), ("scans",), lambda f: f.scans, lambda s: (s.root,))

FAMILIES = (
    info("ebbtide_filesystem_info", "A mounted filesystem.", MOUNT, ("device", "fstype"), lambda m: (m.device, m.fstype)),
    gauge("ebbtide_filesystem_readonly", "1 if mounted read-only.", MOUNT, lambda m: m.read_only),
    gauge("ebbtide_filesystem_device_error", "1 if the filesystem could not be read or did not answer in time.", MOUNT, lambda m: m.error is not None),
    gauge("ebbtide_filesystem_files", "Inodes in total; absent where the filesystem does not limit them.", MOUNT, lambda m: m.files),
    gauge("ebbtide_filesystem_files_free", "Inodes a normal user can still take.", MOUNT, lambda m: m.files_free),
    gauge("ebbtide_scan_last_success_timestamp_seconds", "End of the last complete scan of the directory tree.", SCAN, lambda s: s.completed_at),
    gauge("ebbtide_scan_duration_seconds", "Duration of the last complete scan.", SCAN, lambda s: s.duration_seconds),
    gauge("ebbtide_scan_files", "Files below the root, hard links counted once.", SCAN, lambda s: s.files),
    gauge("ebbtide_scan_directories", "Directories below the root.", SCAN, lambda s: s.directories),
    gauge("ebbtide_scan_apparent_bytes", "Sum of the file sizes below the root.", SCAN, lambda s: s.apparent_bytes),
    gauge("ebbtide_scan_allocated_bytes", "Disk space taken by the files below the root.", SCAN, lambda s: s.allocated_bytes),
    gauge_by("ebbtide_scan_errors", "Entries the last scan could not read, by error name.", SCAN, "error", lambda s: s.errors),
)  # fmt: skip
