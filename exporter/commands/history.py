"""`ebbtide history`: what is kept, bringing an older past in, and taking it out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from exporter.commands.common import FAILED, fail, load, plain_errors, say, since_moment
from exporter.errors import ConfigError, HistoryError

if TYPE_CHECKING:
    from exporter.config import Config
    from exporter.history.backfill import Backfill, Point, Taken
    from exporter.history.sql import SqlHistory

history = typer.Typer(no_args_is_help=True, help="The past values that forecasts are made from.")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "--config.file", help="YAML file; without one, the default store.")
]
Since = Annotated[str, typer.Option(help="A look-back such as 24h, 90d or 104w, or an ISO time; 0h is everything.")]
Families = Annotated[list[str] | None, typer.Option("--metric", help="Only this metric; may be given again.")]

_SAY_EVERY_S = 10.0


@history.command()
def info(config: ConfigFile = None) -> None:
    """Where past values are kept, how many, since when and on how much disk; counting takes a while."""
    from exporter.history.transfer import names_and_labels
    from exporter.reports.text import human_bytes

    with plain_errors(), _store(load(config)) as store:
        stock, names = store.stock(), names_and_labels(store)
        retention = store.retention
    print(f"{store.shown}")
    print(f"{human_bytes(stock.size_bytes)} on disk, {stock.series:,} series of {len(names)} metrics")
    for what, count, oldest, kept in (
        ("samples", stock.samples, stock.oldest_sample, retention.raw),
        ("days", stock.days, stock.oldest_day, retention.keep),
    ):
        since = "" if oldest is None else f", since {time.strftime('%Y-%m-%d', time.gmtime(oldest))}"
        print(f"{count:,} {what}{since}; kept for {kept / 86400:,.0f} days")


@history.command("import")
def bring_in(
    sources: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Files, or the http(s):// URL of a Prometheus.")
    ],
    config: ConfigFile = None,
    form: Annotated[
        str | None, typer.Option("--format", help="csv, openmetrics or prometheus; else by the name.")
    ] = None,
    since: Since = "0h",
    metric: Families = None,
    token_file: Annotated[Path | None, typer.Option(help="Bearer token for the URL.")] = None,
    username: Annotated[str | None, typer.Option(help="Account for the URL.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="Its password.")] = None,
    tenant: Annotated[str | None, typer.Option(help="X-Scope-OrgID for the URL.")] = None,
    selector: Annotated[list[str] | None, typer.Option(help="LABEL=VALUE that queries to the URL ask for.")] = None,
) -> None:
    """Add past values to the store; those it has stay. Works beside a running exporter; may be done again."""
    from exporter.history.backfill import Backfill

    access: dict[str, Any] = {
        "token_file": token_file, "username": username, "password_file": password_file, "tenant": tenant,
    }  # fmt: skip
    with plain_errors(), _store(load(config)) as store:
        access["selector"] = _pairs("--selector", selector)
        families, now = _kept(metric), time.time()
        begin = since_moment(since, now)
        into = Backfill(store, now)
        for source in sources:
            how = form or _format_of(source)
            if how == "prometheus":
                points = _from_server(source, access, families, begin, now, store)
            else:
                points = _from_file(source, how, families, begin)
            _take(points, into)
        _tell(into.end())


@history.command("export")
def take_out(
    to: Annotated[Path | None, typer.Option("--to", help="File to write; without it, standard output.")] = None,
    config: ConfigFile = None,
    form: Annotated[str, typer.Option("--format", help="csv or openmetrics.")] = "csv",
    since: Since = "0h",
    metric: Families = None,
    label: Annotated[
        list[str] | None, typer.Option(help="LABEL=VALUE to add, as a scrape would: job=ebbtide; OpenMetrics only.")
    ] = None,
) -> None:
    """Write out what the store holds: CSV, or OpenMetrics for `promtool tsdb create-blocks-from openmetrics`."""
    from exporter.history.formats import write_csv, write_openmetrics
    from exporter.history.transfer import names_and_labels, stored

    with plain_errors(), _store(load(config)) as store:
        if form not in ("csv", "openmetrics"):
            raise ConfigError(f"--format: {form!r} is neither csv nor openmetrics")
        extra, now = _pairs("--label", label), time.time()
        known = names_and_labels(store)
        names = sorted(set(known) & set(_kept(metric))) if metric else sorted(known)
        points = stored(store, names, since_moment(since, now), now, _progress())
        with _written(to) as file:
            if form == "csv":
                write_csv(points, sorted({one for name in names for one in known[name]}), file)
            else:
                write_openmetrics(points, extra, file)


@contextmanager
def _store(config: Config) -> Iterator[SqlHistory]:
    from exporter.history.opening import sql_history

    if config.history.is_promql:
        raise ConfigError("history.url is a server that scrapes for itself; ebbtide keeps nothing there")
    store = sql_history(config.history, config.store_urls()[0], config.keep_of)
    try:
        yield store
    finally:
        store.close()


def _kept(chosen: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
    """The labels of each metric that history keeps, or of the chosen ones."""
    from exporter.metrics import FAMILIES

    kept = {family.name: tuple(family.labels) for family in FAMILIES if family.kept}
    if unknown := sorted(set(chosen or ()) - set(kept)):
        raise ConfigError(f"--metric: {unknown[0]!r} is not kept; there are {', '.join(sorted(kept))}")
    return {name: labels for name, labels in kept.items() if not chosen or name in chosen}


def _from_server(
    url: str, access: Mapping[str, Any], families: Mapping[str, tuple[str, ...]], since: float, now: float,
    store: SqlHistory,
) -> Iterator[Point]:  # fmt: skip
    from pydantic import ValidationError

    from exporter.history.config import HistorySettings
    from exporter.history.opening import promql_history
    from exporter.history.transfer import scraped
    from exporter.telemetry import Telemetry

    if _format_of(url) != "prometheus":
        raise ConfigError(f"--format prometheus wants an http(s):// URL, not {url!r}")
    try:
        settings = HistorySettings(url=url, **access)
    except ValidationError as error:
        raise ConfigError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    server = promql_history(settings, Telemetry())
    try:
        yield from scraped(server, families, since, now, store.retention, _progress())
    finally:
        server.close()


def _from_file(name: str, form: str, families: Mapping[str, tuple[str, ...]], since: float) -> Iterator[Point]:
    from exporter.history.formats import read_csv, read_openmetrics

    if form not in ("csv", "openmetrics"):
        raise ConfigError(f"--format: {form!r} is none of csv, openmetrics, prometheus")
    path, progress, left_out = Path(name), _progress(), 0
    try:
        size = path.stat().st_size
        with path.open(encoding="utf-8-sig", newline="") as file:
            read = read_csv if form == "csv" else read_openmetrics
            for number, point in read(_counted(file, lambda done: progress(name, done / max(1, size))), name):
                wanted = families.get(point.name)
                if wanted is None:
                    left_out += 1
                    continue
                if missing := [label for label in wanted if label not in point.labels]:
                    raise HistoryError(f"{name}:{number}: {point.name} has no label {missing[0]}")
                if point.at >= since:
                    yield point._replace(labels={label: point.labels[label] for label in wanted})
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}") from None
    if left_out:
        say(f"{name}: {left_out:,} lines of other metrics were left out; kept are {', '.join(sorted(families))}")


def _counted(lines: Iterable[str], tell: Callable[[int], None]) -> Iterator[str]:
    """The lines; tell: called now and then with the number of bytes they had."""
    done = 0
    for number, line in enumerate(lines):
        done += len(line.encode())
        if number % 10_000 == 0:
            tell(done)
        yield line


def _take(points: Iterator[Point], into: Backfill) -> None:
    for point in points:
        try:
            into.add(point)
        except ValueError as error:
            raise HistoryError(f"{point.name} {dict(point.labels)}: {error}") from None


def _tell(taken: Taken) -> None:
    there = taken.points - taken.samples - taken.days - taken.too_old - taken.valueless
    print(f"{taken.points:,} points read: {taken.samples:,} new samples, {taken.days:,} new days")
    if taken.too_old:
        print(f"{taken.too_old:,} are older than the store keeps (history.keep)")
    if there > 0:
        print(f"{there:,} were there already, or are part of a day or closer than the resolution")


def _format_of(name: str) -> str:
    if name.startswith(("http://", "https://")):
        return "prometheus"
    return "csv" if name.lower().endswith(".csv") else "openmetrics"


def _pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    split = [text.partition("=") for text in texts or ()]
    for name, equals, _ in split:
        if not equals or not name.isidentifier():
            raise ConfigError(f"{option}: {name!r} is not written like job=ebbtide")
    return {name: value for name, _, value in split}


@contextmanager
def _written(path: Path | None) -> Iterator[TextIO]:
    """A file that is there when it is whole."""
    if path is None:
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
        yield sys.stdout
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
        part.replace(path)
    except OSError as error:
        fail(FAILED, f"{path}: {error.strerror}")
    finally:
        part.unlink(missing_ok=True)


def _progress() -> Callable[[str, float], None]:
    """Says every few seconds how far it is, so that somebody who waits knows."""
    said_at = time.monotonic()

    def progress(what: str, done: float) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= _SAY_EVERY_S:
            said_at = time.monotonic()
            say(f"{done:4.0%} {what}")

    return progress
