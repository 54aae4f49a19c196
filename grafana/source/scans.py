"""What lies in the scanned directory trees, how old is it and whose, and is each scan complete and on time?"""

from __future__ import annotations

from board import choice, dashboard, row, variable
from looks import (
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    TRANSPARENT,
    Json,
    colored,
    drill,
    limit_of,
    steps,
    unit,
    width,
    yes_no,
)
from panels import bargauge, query, stat, table, timeseries

ROOTS = 'source=~"$source", root=~"$root"'
BY_ROOT = "max by (source, root)"
OVERDUE = "ebbtide_scan_overdue_seconds"
LATE = f"time() - {BY_ROOT} (ebbtide_scan_due_timestamp_seconds{{{ROOTS}}})"
ERRORS = f"sum by (source, root) (max by (source, root, error) (ebbtide_scan_errors{{{ROOTS}}}))"


def build() -> Json:
    return dashboard(
        "ebbtide-scans",
        "Ebbtide / Filesystems / Content and scans",
        __doc__,
        [
            variable("source", "Server", "label_values(ebbtide_scan_due_timestamp_seconds, source)"),
            variable("root", "Tree", 'label_values(ebbtide_scan_due_timestamp_seconds{source=~"$source"}, root)'),
            choice("size", "Size", "allocated", "apparent"),
        ],
        [
            row("Now", (4, 4, late()), (4, 4, failed()), (4, 4, errors()), (4, 4, running()), (4, 4, files()), (4, 4, size())),
            row("Trees", (24, 6, trees())),
            row("Content", (8, 9, categories()), (8, 9, modified()), (8, 9, accessed())),
            row("Whose and how large", (12, 8, owners()), (12, 8, sizes())),
            row("Largest directories", (24, 9, directories())),
            row("Trends", (12, 9, growth()), (12, 9, durations())),
        ],
        tags=["filesystems"],
        since="now-30d",
    )  # fmt: skip


def late() -> Json:
    return stat(
        "Overdue scans",
        "Trees whose scan should have ended long ago: what shows of them is as old as the last one that did. See below "
        "whether a scan runs or fails.",
        [query(f'sum(({LATE}) > bool on (source, root) source_root:{OVERDUE}:threshold{{severity="warning"}})')],
        unit="none",
        none="No tree is scanned",
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
    )


def failed() -> Json:
    return stat(
        "Failed scans",
        "Trees whose last scan ended without a result: the root is gone, not mounted or not readable. Their figures are "
        "those of the scan before.",
        [query(f"sum({BY_ROOT} (ebbtide_scan_success{{{ROOTS}}}) == bool 0)")],
        unit="none",
        none="No tree is scanned",
        colors=steps(NEUTRAL, (0, GREEN), (1, RED)),
    )


def errors() -> Json:
    return stat(
        "Not readable",
        "Entries the last scans could not read; sums are too small by those. EACCES: the account lacks a permission; EIO or "
        "ESTALE: the filesystem is damaged or away.",
        [query(f"sum by (error) (max by (source, root, error) (ebbtide_scan_errors{{{ROOTS}}})) > 0", "{{error}}")],
        unit="short",
        none="None",
        colors=steps(NEUTRAL, (1, ORANGE)),
        named=True,
    )


def running() -> Json:
    return stat(
        "Running scans",
        "Scans that are at work. How far they are is in the table below, against what the last one found. None for days "
        "while scans are overdue: the exporter does not start them.",
        [query(f"sum({BY_ROOT} (ebbtide_scan_running{{{ROOTS}}}))")],
        unit="none",
        none="No tree is scanned",
        colors=steps(BLUE),
    )


def files() -> Json:
    return stat(
        "Files",
        "Files in the trees chosen, hard links counted once. Many small ones use inodes and make every backup and scan slow: "
        "see the panel of sizes.",
        [query(f"sum({BY_ROOT} (ebbtide_scan_files{{{ROOTS}}}))", over_time=True)],
        unit="short",
        none="No scan has ended yet",
        colors=steps(BLUE),
    )


def size() -> Json:
    return stat(
        "Size",
        "What the trees chosen hold: allocated is the space on disk, apparent the sum of file sizes. Far more apparent than "
        "allocated: sparse or compressed files.",
        [query(f"sum({BY_ROOT} (ebbtide_scan_${{size}}_bytes{{{ROOTS}}}))", over_time=True)],
        unit="bytes",
        none="No scan has ended yet",
        colors=steps(BLUE),
    )


def trees() -> Json:
    def scan(family: str, ref: str) -> Json:
        return query(f"{BY_ROOT} (ebbtide_scan_{family}{{{ROOTS}}})", ref=ref, table=True)

    found, took = (f"{BY_ROOT} (ebbtide_scan_{what}{{{ROOTS}}})" for what in ("files", "duration_seconds"))
    looked_at = f"{BY_ROOT} (ebbtide_scan_running_entries{{{ROOTS}}})"
    before = f"({found} + {BY_ROOT} (ebbtide_scan_directories{{{ROOTS}}}) > 0)"
    started = f"{BY_ROOT} (ebbtide_scan_running_started_timestamp_seconds{{{ROOTS}}})"
    ended = f"{BY_ROOT} (ebbtide_scan_last_success_timestamp_seconds{{{ROOTS}}})"
    return table(
        "Trees",
        "Every scanned tree, the one that is due first on top. Done: what a running scan has looked at, of what the last "
        "one found; the first has nothing to compare with. Click a tree to see it alone.",
        [
            ("Server", "source", [width(120)]),
            ("Tree", "root", [drill("Only this tree", "ebbtide-scans", source="Server", root="Tree")]),
            ("Mount", "pool", [drill("Its filesystem", "ebbtide-filesystems", source="Server", pool="Mount"), width(110)]),
            ("Last scan", "Value #success", [*yes_no("complete", "failed"), width(100)]),
            ("Ended", "Value #ended", [*unit("s", 1), width(95)]),
            ("Due", "Value #due", [*unit("dateTimeFromNow"), width(110)]),
            ("Took", "Value #took", [*unit("s", 1), width(95)]),
            ("Files", "Value #files", [*unit("short"), width(90)]),
            ("Size", "Value #size", [*unit("bytes"), width(100)]),
            ("Not readable", "Value #errors", [*unit("percentunit", 2), *colored(steps(TRANSPARENT, (limit_of("EbbtideScanErrors", "ebbtide_scan_errors_per_files"), ORANGE)))]),
            ("Looked at", "Value #seen", [*unit("short"), width(100)]),
            ("Done", "Value #done", [*unit("percentunit", 0), width(80)]),
            ("Runs for", "Value #runs", [*unit("s", 0), width(90)]),
        ],
        [
            query(f"max by (source, root, pool) (ebbtide_scan_info{{{ROOTS}}})", ref="info", table=True),
            scan("success", "success"),
            query(f"time() - {ended}", ref="ended", table=True),
            query(f"1000 * {BY_ROOT} (ebbtide_scan_due_timestamp_seconds{{{ROOTS}}})", ref="due", table=True),
            query(took, ref="took", table=True),
            query(found, ref="files", table=True),
            scan("${size}_bytes", "size"),
            query(f"{ERRORS} / ({found} > 0)", ref="errors", table=True),
            query(looked_at, ref="seen", table=True),
            query(f"{looked_at} / {before}", ref="done", table=True),
            query(f"time() - {started}", ref="runs", table=True),
        ],
        none="No tree is scanned",
        sort=("Due", False),
    )  # fmt: skip


def _content(title: str, description: str, by: str, dimension: str, colors: Json) -> Json:
    """A bar for each value of the label `by`, over all trees chosen."""
    series = f"ebbtide_scan_{dimension}_${{size}}_bytes{{{ROOTS}}}"
    return bargauge(
        title,
        description,
        [query(f"sort_desc(sum by ({by}) (max by (source, root, {by}) ({series})))", f"{{{{{by}}}}}")],
        unit="bytes",
        none="No scan has ended yet",
        colors=colors,
    )


def categories() -> Json:
    return _content(
        "By category",
        "What the files are, by the category of their extension. Backups and archives beside live data, or logs that "
        "nobody rotates, are the cheapest space to win.",
        "category",
        "category",
        steps(BLUE),
    )


def modified() -> Json:
    return _content(
        "By age of content",
        "Space by the days since the content was changed, from the age named up to the next. What has not changed for a "
        "year is a candidate for an archive.",
        "age",
        "modified",
        steps(BLUE),
    )


def accessed() -> Json:
    return _content(
        "By last reading",
        "Space by the days since it was read. Trust it as far as the mount notes readings: with relatime to a day, with "
        "noatime not at all, and a backup may itself read the files.",
        "age",
        "accessed",
        steps(BLUE),
    )


def owners() -> Json:
    return _content(
        "By owner",
        "The ten numeric owners (uid) with most space, and all others. Ask the first before anything is bought; a number "
        "without a user is what somebody who has left still keeps.",
        "uid",
        "owner",
        steps(BLUE),
    )


def sizes() -> Json:
    return _content(
        "By size of file",
        "Space in files from the size named up to the next. Space in few large files is quickly won; in millions of small "
        "ones it costs inodes, and time in every backup.",
        "size",
        "size",
        steps(BLUE),
    )


def directories() -> Json:
    def directory(family: str, ref: str) -> Json:
        series = f"max by (source, root, directory) (ebbtide_scan_directory_{family}{{{ROOTS}}})"
        return query(series, ref=ref, table=True)

    share = f"max by (source, root, directory) (ebbtide_scan_directory_${{size}}_bytes{{{ROOTS}}})"
    whole = f"({BY_ROOT} (ebbtide_scan_${{size}}_bytes{{{ROOTS}}}) > 0)"
    return table(
        "Largest directories",
        "The largest directories of the roll-up, each with all that is below it: a directory and the one above it both "
        "count the same files. Incomplete: something in it could not be read.",
        [
            ("Server", "source", [width(140)]),
            ("Tree", "root", []),
            ("Directory", "directory", []),
            ("Size", "Value #size", unit("bytes")),
            ("Of its tree", "Value #share", unit("percentunit", 1)),
            ("Files", "Value #files", unit("short")),
            ("Complete", "Value #incomplete", yes_no("no", "yes", good=0)),
        ],
        [
            directory("${size}_bytes", "size"),
            query(f"{share} / on (source, root) group_left () {whole}", ref="share", table=True),
            directory("files", "files"),
            directory("incomplete", "incomplete"),
        ],
        none="No scan has ended yet",
        sort=("Size", True),
    )


def growth() -> Json:
    return timeseries(
        "Size of the trees",
        "As each scan found it. A step between two scans: look in the table above for the directory that is new there.",
        [query(f"{BY_ROOT} (ebbtide_scan_${{size}}_bytes{{{ROOTS}}})", "{{source}} {{root}}", over_time=True)],
        unit="bytes",
        none="No scan has ended yet",
    )


def durations() -> Json:
    return timeseries(
        "Duration of the scans",
        "How long the last complete scan of each tree took. If it nears its interval, scan with an index, less often, or "
        "exclude what nobody asks about.",
        [query(f"{BY_ROOT} (ebbtide_scan_duration_seconds{{{ROOTS}}})", "{{source}} {{root}}", over_time=True)],
        unit="s",
        none="No scan has ended yet",
    )
