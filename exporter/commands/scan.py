"""`ebbtide scan`: what lies in a directory tree, for a person or a script."""

from __future__ import annotations

import json as text_json
import multiprocessing
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exporter.commands.common import FAILED, fail, ledger_of, load, plain_errors, say, source_of_kind

if TYPE_CHECKING:
    from exporter.sources.filesystem.config import ScanSettings
    from exporter.sources.filesystem.report import Report
    from exporter.sources.filesystem.scan import Progress

INTERRUPTED = 130

_SAY_EVERY_SECONDS = 30.0
_DRAW_EVERY_SECONDS = 0.2
# A call on a dead mount cannot be ended; who waits for it has waited long enough.
_PATIENCE_SECONDS = 5.0


def _executor(text: str | None) -> str | None:
    from exporter.sources.filesystem.cluster import executor_address

    try:
        return None if text is None else executor_address(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def scan(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Directory whose tree is scanned.")],
    json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes for a local disk; default: one a core.")] = None,
    executor: Annotated[
        str | None,
        typer.Option(callback=_executor, help="dask://scheduler:8786: workers of a cluster, which mount PATH too."),
    ] = None,
    index: Annotated[
        Path | None, typer.Option(help="File that makes scans incremental and lets one that was ended go on.")
    ] = None,
    depth: Annotated[int, typer.Option(min=0, help="Levels of directories told apart.")] = 2,
    max_depth: Annotated[int | None, typer.Option(min=1, help="Directories this far below are not entered.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Glob of names, or of paths where it has a slash.")] = None,
    include: Annotated[list[str] | None, typer.Option(help="Glob of files that count; default: all.")] = None,
    categories: Annotated[Path | None, typer.Option(help="Table of categories instead of the shipped one.")] = None,
    entries_per_second: Annotated[float | None, typer.Option(min=1.0, help="Limit; default: none.")] = None,
    last: Annotated[bool, typer.Option("--last", help="Scan nothing: what `ebbtide serve` last found there.")] = False,
    source: Annotated[str | None, typer.Option("--source", help="With --last: of which filesystem source.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "--config.file", help="With --last: YAML file.")] = None,
) -> None:
    """Count what lies in a directory tree: sizes, ages, kinds, owners, and the largest of it."""
    from exporter.sources.filesystem.config import ScanSettings

    root = os.path.abspath(path)
    with plain_errors():
        if last:
            report = _last(root, source, config)
        else:
            # Not validated: a path need not be text.
            settings = ScanSettings.model_construct(
                path=root, depth=depth, max_depth=max_depth, exclude=tuple(exclude or ()), include=tuple(include or ()),
                categories=_absolute(categories), index=_absolute(index), workers=workers,
                executor=executor,
                entries_per_second=entries_per_second, io_pressure=None,
            )  # fmt: skip
            report = _scan(settings)
    if json:
        print(text_json.dumps(report, indent=2))
        return
    from exporter.reports.scan import scan_lines

    for line in scan_lines(report):
        print(line)


def _scan(settings: ScanSettings) -> Report:
    from exporter.sources.filesystem.text import readable

    stop, shown = threading.Event(), _Shown(sys.stderr.isatty())
    found: Future[Report] = Future()
    # Its own thread, to be left behind when a mount does not answer.
    thread = threading.Thread(target=_run, args=(settings, stop, shown.note, found), name="scan", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_DRAW_EVERY_SECONDS)
            shown.draw()
    except KeyboardInterrupt:
        shown.clear()
        stop.set()
        until = time.monotonic() + _PATIENCE_SECONDS
        while (thread.is_alive() or multiprocessing.active_children()) and time.monotonic() < until:
            thread.join(_DRAW_EVERY_SECONDS)
            for worker in multiprocessing.active_children():
                worker.join(_DRAW_EVERY_SECONDS)
        say("stopped" + ("; the next scan with this index goes on from here" if settings.index else ""))
        if thread.is_alive() or multiprocessing.active_children():
            # The interpreter would wait for them for ever.
            os._exit(INTERRUPTED)
        raise typer.Exit(INTERRUPTED) from None
    shown.clear()
    try:
        return found.result()
    except OSError as error:
        fail(FAILED, f"{readable(settings.path)}: {error.strerror or error}")


def _run(
    settings: ScanSettings, stop: threading.Event, note: Callable[[Progress], None], found: Future[Report]
) -> None:
    from exporter.sources.filesystem.configured import scan_configured
    from exporter.sources.filesystem.mountinfo import read_mounts
    from exporter.sources.filesystem.pace import be_nice
    from exporter.sources.filesystem.report import report_of
    from exporter.sources.filesystem.summary import summarize
    from exporter.sources.filesystem.text import readable

    be_nice()
    began = time.monotonic()
    try:
        tally, _, _ = scan_configured(settings, read_mounts(), should_stop=stop.is_set, progress=note)
    except BaseException as error:  # noqa: BLE001 - raised again by who waits
        found.set_exception(error)
        return
    now, took = time.time(), time.monotonic() - began
    summary = summarize(tally, now)
    found.set_result(report_of(readable(settings.path), tally, summary, completed_at=now, duration_seconds=took))


class _Shown:
    """How far a scan is, on standard error: one line that is rewritten on a terminal, elsewhere one now and then."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal
        self._began = self._said = time.monotonic()
        self._progress: Progress | None = None

    def note(self, progress: Progress) -> None:
        self._progress = progress

    def draw(self) -> None:
        now, progress = time.monotonic(), self._progress
        if progress is None or (not self._terminal and now < self._said + _SAY_EVERY_SECONDS):
            return
        self._said = now
        line = _line(progress, now - self._began)
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()
        else:
            say(line)

    def clear(self) -> None:
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _line(progress: Progress, seconds: float) -> str:
    """
    >>> from exporter.sources.filesystem.scan import Progress
    >>> _line(Progress(1234, 2, b"a/b"), 2.0)
    '1,234 entries, 617/s, 2 errors, a/b'
    """
    from exporter.reports.text import written
    from exporter.sources.filesystem.text import escaped

    rate = progress.entries / seconds if seconds else 0.0
    where = "" if progress.directory is None else f", {written(escaped(progress.directory), 'text')}"
    return f"{progress.entries:,} entries, {rate:,.0f}/s, {progress.errors:,} errors{where}"


def _last(root: str, source: str | None, config: Path | None) -> Any:
    from exporter.errors import ConfigError
    from exporter.sources.filesystem.scans import report_key
    from exporter.sources.filesystem.text import readable

    loaded = load(config)
    name = source_of_kind(loaded, "filesystem", source)
    with ledger_of(loaded, name) as state:
        found = state.get(report_key(readable(root)))
    if not found:
        raise ConfigError(f"the ledger has no scan of {readable(root)} by the source {name}")
    return text_json.loads(found)


def _absolute(path: Path | None) -> str | None:
    return None if path is None else os.path.abspath(path)
