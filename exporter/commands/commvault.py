"""`ebbtide commvault`: jobs from the ledger, storage pools from the CommServe."""

from __future__ import annotations

import json as text_json
import logging
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.commands.common import (
    FAILED,
    USAGE,
    export,
    fail,
    ledger_of,
    load,
    plain_errors,
    say,
    since_moment,
    source_of_kind,
)

if TYPE_CHECKING:
    from exporter.history.ledger import SourceState
    from exporter.model import Job, Pool
    from exporter.service import Service

commvault = typer.Typer(no_args_is_help=True, help="Jobs and storage pools of a CommServe.")
pools = typer.Typer(help="Storage pools with capacity, free space and status, asked of the CommServe now.")
commvault.add_typer(pools, name="pools")

SourceName = Annotated[str | None, typer.Option("--source", help="Which CommServe; needed where there are several.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", "--config.file", help="YAML file.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]

_SAY_EVERY_SECONDS = 10.0


@dataclass(frozen=True)
class _Wanted:
    since: float
    client: str
    retained: bool
    limit: int

    def jobs(self, state: SourceState) -> Iterator[Job]:
        found = state.newest_jobs(self.since, client=self.client, retained=self.retained)
        return islice(found, self.limit or None)


@commvault.command()
def jobs(
    source: SourceName = None,
    client: Annotated[str, typer.Option(help="Only of this client: its name in any case, or its id.")] = "",
    since: Annotated[
        str, typer.Option(help="Ended since: 24h, 7d or an ISO time (UTC unless it says); 0h is all the ledger has.")
    ] = "24h",
    limit: Annotated[int, typer.Option(min=0, help="At most so many, the newest first; 0 is all.")] = 100,
    retained: Annotated[bool, typer.Option("--retained", help="Only jobs known not to be aged.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the CommServe for new jobs first.")] = False,
    json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write reports/NAME.csv.")] = False,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="Write reports/NAME.xlsx.")] = False,
    out: Annotated[str, typer.Option(metavar="STEM", help="The files' name, or path, without .csv or .xlsx.")] = "",
    config: ConfigFile = None,
    refresh_cache: Annotated[bool, typer.Option("--refresh-cache", hidden=True)] = False,
    export_csv: Annotated[bool, typer.Option("--export-csv", hidden=True)] = False,
    export_xlsx: Annotated[bool, typer.Option("--export-xlsx", hidden=True)] = False,
) -> None:
    """Finished jobs, the newest first, from the ledger that `ebbtide serve` fills; exit 0, 1 failed, 2 wrong usage."""
    refresh |= refresh_cache
    formats = [name for name, asked in (("csv", csv or export_csv), ("xlsx", xlsx or export_xlsx)) if asked]
    if out and not formats:
        fail(USAGE, "--out names the files of --csv and --xlsx; give one of them")
    with plain_errors():
        wanted = _Wanted(since_moment(since, time.time()), client, retained, limit)
        with _remembered(config, source, refresh=refresh) as state:
            total = _explain(state, wanted, refreshed=refresh)
            paths = _export(state, wanted, total, formats, out or _slug(client))
            if json:
                _print_json(state, wanted, paths, refreshed=refresh)
            elif paths:
                print(*paths.values(), sep="\n")
            else:
                _print_table(state, wanted)


@pools.callback(invoke_without_command=True)
def list_pools(
    context: typer.Context, source: SourceName = None, json: AsJson = False, config: ConfigFile = None
) -> None:
    """Storage pools with capacity, free space and status, asked of the CommServe now."""
    if context.invoked_subcommand is not None:
        return
    from exporter.reports.tables import pools_table
    from exporter.reports.text import json_rows, lines

    with plain_errors():
        table = pools_table(_ask_pools(config, source))
    if json:
        print(text_json.dumps({"source": "api", "pools": list(json_rows(table))}, indent=2))
    else:
        print("\n".join(lines(table)))


@pools.command("show")
def show_pool(
    pool: Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the pool.")],
    source: SourceName = None,
    json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """One storage pool."""
    from exporter.reports.tables import POOL_COLUMNS, pools_table
    from exporter.reports.text import json_rows, written

    with plain_errors():
        found = _ask_pools(config, source)
    one = next((p for p in found if pool == p.id), None) or next(
        (p for p in found if pool.lower() == p.name.lower()), None
    )
    if one is None:
        fail(FAILED, f"there is no storage pool {pool!r} among the {len(found)} that the account may see")
    if json:
        print(text_json.dumps(next(json_rows(pools_table([one]))), indent=2))
        return
    for column in POOL_COLUMNS:
        label = column.name.removesuffix("_bytes").replace("_", " ")
        print(f"{label + ':':<12} {written(column.value(one), column.kind) or '-'}")


def _ask_pools(config: Path | None, source: str | None) -> tuple[Pool, ...]:
    from exporter.model import Poll
    from exporter.sources.commvault import pools as collector

    with _service(config, source) as (service, name):
        watch = next(watch for watch in service.watches if watch.source.name == name)
        return collector.fetch(watch.source.client, Poll(time.time(), None, service.ledger.state(name)))


@contextmanager
def _service(config: Path | None, source: str | None) -> Iterator[tuple[Service, str]]:
    from exporter.service import Service

    loaded = load(config)
    name = source_of_kind(loaded, "commvault", source)
    service = Service(loaded, config)
    try:
        yield service, name
    finally:
        service.close()


@contextmanager
def _remembered(config: Path | None, source: str | None, *, refresh: bool) -> Iterator[SourceState]:
    """What the ledger knows of the source, after new jobs have been asked for if so wished."""
    if refresh:
        with _service(config, source) as (service, name):
            _refresh(service, name)
            yield service.ledger.state(name)
        return
    loaded = load(config)
    with ledger_of(loaded, source_of_kind(loaded, "commvault", source)) as state:
        yield state


def _refresh(service: Service, name: str) -> None:
    from exporter.model import Poll
    from exporter.sources.commvault import jobs as collector

    # It says how far a long fill is.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    logging.getLogger("exporter.fill").setLevel(logging.INFO)
    watch = next(watch for watch in service.watches if watch.source.name == name)
    state = service.ledger.state(name)
    while collector.fetch(watch.source.client, Poll(time.time(), None, state)).fill_ratio < 1:
        pass


def _explain(state: SourceState, wanted: _Wanted, *, refreshed: bool) -> int:
    """Say on standard error how old and how whole the answer is; how many jobs are in it."""
    from exporter.fill import progress
    from exporter.reports.text import age
    from exporter.sources.commvault.jobs import last_poll

    polled_at, fill = last_poll(state), progress(state)
    if refreshed:
        say("from the CommServe, asked just now")
    elif polled_at is None:
        say("from the ledger, which has not been filled yet: run `ebbtide serve`, or use --refresh")
    else:
        say(f"from the ledger, last poll {age(time.time() - polled_at)} ago")
    if fill is not None and not fill.done:
        say(f"older jobs are still missing: {fill.offset:,} of about {fill.total:,} have been read")
    counts = state.count_jobs(wanted.since, client=wanted.client)
    total = counts.get(False, 0) if wanted.retained else sum(counts.values())
    if wanted.retained and counts.get(None):
        say(f"{counts[None]:,} jobs are left out: it is not known whether their data has been aged")
    if wanted.limit and total > wanted.limit:
        say(f"the newest {wanted.limit:,} of {total:,} jobs; --limit 0 has all")
    return min(total, wanted.limit or total)


def _export(state: SourceState, wanted: _Wanted, total: int, formats: Iterable[str], stem: str) -> dict[str, str]:
    from exporter.reports.tables import jobs_table

    return export(lambda path: jobs_table(_with_progress(wanted.jobs(state), total, path)), formats, stem)


def _with_progress(found: Iterable[Job], total: int, path: Path) -> Iterator[Job]:
    said = time.monotonic()
    for count, job in enumerate(found, 1):
        yield job
        if time.monotonic() - said >= _SAY_EVERY_SECONDS:
            said = time.monotonic()
            say(f"{path}: {count:,} of {total:,} rows")


def _print_json(state: SourceState, wanted: _Wanted, paths: dict[str, str], *, refreshed: bool) -> None:
    from exporter.reports.tables import jobs_table
    from exporter.reports.text import iso, json_rows
    from exporter.sources.commvault.jobs import last_poll

    polled_at = last_poll(state)
    head = {
        "source": "api" if refreshed else "cache",
        "cache_generated_at": None if polled_at is None else iso(polled_at),
    }
    # One job at a time: there may be a million.
    print(text_json.dumps(head)[:-1] + ', "jobs": [', end="")
    for count, row in enumerate(json_rows(jobs_table(wanted.jobs(state)))):
        print("," if count else "", text_json.dumps(row), sep="\n", end="")
    print(f'\n], "export_paths": {text_json.dumps(paths)}}}')


def _print_table(state: SourceState, wanted: _Wanted) -> None:
    from exporter.reports.tables import jobs_table
    from exporter.reports.text import lines

    for line in lines(jobs_table(wanted.jobs(state))):
        print(line)


def _slug(client: str) -> str:
    """backups, or backups-core-prod3: the file's name unless --out gives one."""
    return "-".join(filter(None, ("backups", re.sub(r"[^a-z0-9]+", "-", client.lower()).strip("-"))))
