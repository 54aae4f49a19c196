"""The report of a scan for a person to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exporter.reports.tables import Column, Table
from exporter.reports.text import human_bytes, lines
from exporter.sources.filesystem.summary import AGES, BEFORE_1970, FUTURE

Row = Mapping[str, Any]

_SHOWN = 20
_SIZES: tuple[Column[Row], ...] = (
    Column("allocated_bytes", "ON DISK", "bytes", lambda row: row["allocated_bytes"]),
    Column("apparent_bytes", "APPARENT", "bytes", lambda row: row["apparent_bytes"]),
)
_FILES: Column[Row] = Column("files", "FILES", "number", lambda row: row["files"])
_COMPLETE: Column[Row] = Column("complete", "COMPLETE", "flag", lambda row: row["complete"])


def scan_lines(report: Row) -> Iterator[str]:
    """What report_of made: totals, what could not be read, the largest directories and files, and who has what."""
    yield (
        f"{report['files']:,} files and {report['directories']:,} directories take "
        f"{human_bytes(report['allocated_bytes'])} ({human_bytes(report['apparent_bytes'])} apparent)"
    )
    if report["errors"]:
        errors = ", ".join(f"{name} {count:,}" for name, count in report["errors"].items())
        yield f"{sum(report['errors'].values()):,} entries could not be read: {errors}"
    if report["vanished"]:
        yield f"{report['vanished']:,} entries vanished meanwhile"
    directories = [row for row in report["rollup"] if row["path"]]
    ages = {age: report["ages"]["modified"].get(age) for age in (*AGES, FUTURE, BEFORE_1970)}
    for head, rows, columns in (
        (
            "DIRECTORY, WITH ALL BELOW",
            directories[:_SHOWN],
            (_FILES, *_SIZES, *([_COMPLETE] if report["errors"] else [])),
        ),
        ("LARGEST DIRECTORY BY ITS OWN FILES", report["top_directories"][:_SHOWN], _SIZES),
        ("LARGEST FILE", report["top_files"][:_SHOWN], _SIZES),
        ("CATEGORY", _ranked(report["categories"]), (_FILES, *_SIZES)),
        ("OWNER", _ranked(report["owners"]), (_FILES, *_SIZES)),
        ("NOT CHANGED FOR", _named({age: share for age, share in ages.items() if share}), (_FILES, *_SIZES)),
    ):
        if rows:
            yield ""
            yield from lines(Table(head, (_first(head), *columns), rows))


def _first(title: str) -> Column[Row]:
    return Column("path", title, "text", lambda row: row["path"] or ".")


def _named(shares: Mapping[str, Row]) -> list[Row]:
    return [{"path": name, **share} for name, share in shares.items()]


def _ranked(shares: Mapping[str, Row]) -> list[Row]:
    return sorted(_named(shares), key=lambda row: -int(row["allocated_bytes"]))
