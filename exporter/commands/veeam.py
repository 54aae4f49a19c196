"""`ebbtide veeam`: how efficient jobs are, from the ledger."""

from __future__ import annotations

import json as text_json
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.commands.common import export, ledger_of, load, plain_errors, say, source_of_kind

if TYPE_CHECKING:
    from exporter.config import Config
    from exporter.model import Efficiency, Grading

veeam = typer.Typer(no_args_is_help=True, help="Efficiency of the jobs of a Veeam backup server.")


@veeam.command()
def efficiency(
    source: Annotated[
        str | None, typer.Option("--source", help="Which backup server; needed where there are several.")
    ] = None,
    job: Annotated[str, typer.Option(metavar="GLOB", help="Only jobs (or repositories) called so.")] = "*",
    repositories: Annotated[bool, typer.Option("--repositories", help="Repositories instead of jobs.")] = False,
    price_per_tb: Annotated[
        float, typer.Option(min=0.0, help="Price of a terabyte (1024 GiB) in any currency, for the saving.")
    ] = 100.0,
    json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write reports/NAME.csv.")] = False,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="Write reports/NAME.xlsx.")] = False,
    out: Annotated[
        str, typer.Option(metavar="STEM", help="The files' name, or path, without .csv or .xlsx.")
    ] = "efficiency",
    config: Annotated[Path | None, typer.Option("--config", "--config.file", help="YAML file.")] = None,
) -> None:
    """Score, grade and savings of every job, from the ledger that `ebbtide serve` fills; exit 0, 1 or 2."""
    from exporter.reports.efficiency import efficiency_table
    from exporter.reports.text import iso, json_rows, lines

    with plain_errors():
        loaded = load(config)
        name = source_of_kind(loaded, "veeam", source)
        found = [
            e for e in _graded(loaded, name) if bool(e.job) != repositories and fnmatchcase(e.job or e.repository, job)
        ]
        table = efficiency_table(found, price_per_tb)
        newest = max((e.newest_at for e in found if e.newest_at is not None), default=None)
        _explain(found, newest, _grading(loaded, name))
        paths = export(lambda _: table, [f for f, asked in (("csv", csv), ("xlsx", xlsx)) if asked], out)
    if json:
        head = {"newest_session_at": None if newest is None else iso(newest), "price_per_tb": price_per_tb}
        what = "repositories" if repositories else "jobs"
        print(text_json.dumps({**head, what: list(json_rows(table)), "export_paths": paths}, indent=2))
    else:
        print("\n".join(paths.values() if paths else lines(table)))


def _graded(config: Config, name: str) -> Sequence[Efficiency]:
    from exporter.findings.veeam_efficiency import grade_jobs, remembered_jobs

    with ledger_of(config, name) as state:
        return grade_jobs(remembered_jobs(state), {}, _grading(config, name), state, time.time())


def _grading(config: Config, name: str) -> Grading:
    from exporter.sources.veeam.config import VeeamSettings

    [settings] = [s for s in config.sources if isinstance(s, VeeamSettings) and s.name == name]
    return settings.efficiency.grading


def _explain(found: Sequence[Efficiency], newest: float | None, grading: Grading) -> None:
    """Say on standard error how old the answer is, and why some have no score."""
    from exporter.model import DAY
    from exporter.reports.text import age

    if newest is None:
        say("the ledger holds no sessions of these: run `ebbtide serve` until it has read backups or a drop file")
        return
    say(f"from the ledger, the newest session is {age(time.time() - newest)} old")
    if without := sum(e.score is None for e in found):
        usual, days = grading.usual, grading.usual.window_seconds / DAY
        needed = f"needed are {usual.minimum_sessions} in {days:.0f} days, unless their class says otherwise"
        say(f"{without} of {len(found)} have no score for want of sessions: {needed}")
