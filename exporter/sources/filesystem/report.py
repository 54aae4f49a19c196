"""All that a scan found, long lists included, in a form for JSON: the ledger keeps it, `ebbtide scan` prints it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypeAlias

from exporter.sources.filesystem.summary import Summary
from exporter.sources.filesystem.tally import Tally

Report: TypeAlias = dict[str, Any]

# Of the roll-up; beyond, they are too small for anyone to ask.
_DIRECTORIES = 10_000


def report_of(root: str, tally: Tally, summary: Summary, *, completed_at: float, duration_seconds: float) -> Report:
    """Of a settled tally and its summary. Paths are relative to the root and escaped as text.escaped does it.

    entries: files and directories. errors: by name; ages: by mtime and by atime; rollup: the largest directories first,
    the root itself ("") with the others. Bytes, seconds, and completed_at in unix seconds.
    """
    return {
        "root": root,
        "completed_at": completed_at,
        "duration_seconds": duration_seconds,
        "entries": tally.files + tally.directories,
        "files": tally.files,
        "directories": tally.directories,
        "symlinks": tally.symlinks,
        "vanished": tally.vanished,
        "apparent_bytes": tally.apparent_bytes,
        "allocated_bytes": tally.allocated_bytes,
        "errors": dict(sorted(tally.errors.items())),
        "sizes": {name: share._asdict() for name, share in summary.sizes.items()},
        "ages": {
            "modified": {name: share._asdict() for name, share in summary.modified.items()},
            "accessed": {name: share._asdict() for name, share in summary.accessed.items()},
        },
        "categories": {name: share._asdict() for name, share in summary.categories.items()},
        "owners": {uid: share._asdict() for uid, share in summary.owners.items()},
        "rollup": [asdict(directory) for directory in summary.rollup[:_DIRECTORIES]],
        "top_files": [asdict(file) for file in summary.top_files],
        "top_directories": [asdict(directory) for directory in summary.top_directories],
    }
