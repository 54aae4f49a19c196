"""`ebbtide forecast`: when it is full, what drives it and what to do, for a person."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.commands.common import load, plain_errors, say
from exporter.errors import ConfigError

if TYPE_CHECKING:
    from exporter.config import Config
    from exporter.findings.forecasts import Name, Past
    from exporter.reports.outlook import Outlook

_GB = 1e9


def forecast(
    pool: Annotated[str | None, typer.Argument(help="Name of the pool; without one, a line for each of them.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "--config.file", help="YAML file; without one, the default store.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Only pools of this source.")] = None,
    history: Annotated[
        Path | None, typer.Option(help="CSV with the columns timestamp, used_bytes and perhaps capacity_bytes.")
    ] = None,
    capacity: Annotated[float | None, typer.Option(min=0, help="GB; instead of the capacity in the history.")] = None,
    used: Annotated[float | None, typer.Option(min=0, help="GB used now; instead of any history.")] = None,
    fill_rate: Annotated[float | None, typer.Option(help="What if it filled at so many GB a day?")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each pool and line.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw one pool into this .png or .svg (extra: plot).")] = None,
) -> None:
    """Say when each pool is full, with bounds, what drives that and what to do."""
    with plain_errors():
        if history and used is not None:
            raise ConfigError("--used says what is used instead of --history: give one of them")
        outlooks = _outlooks(load(config), pool, source, history, capacity, used, fill_rate)
        if plot:
            _draw(outlooks, plot)
        _print(outlooks, as_json=as_json, one=pool is not None or history is not None or used is not None)


def _outlooks(
    config: Config,
    pool: str | None,
    source: str | None,
    history: Path | None,
    capacity: float | None,
    used: float | None,
    fill_rate: float | None,
) -> list[Outlook]:
    from exporter.reports.outlook import Outlook

    now = time.time()
    reclaimable: dict[Name, dict[str, float]] = {}
    if history:
        from exporter.commands.readings import read_past

        pasts = {("", "", pool or history.stem): read_past(history)}
    elif used is not None:
        pasts = {("", "", pool or "pool"): _no_past(used * _GB, now)}
    else:
        pasts, reclaimable = _from_store(config, source, pool, now)
    return [
        Outlook(
            name,
            past if capacity is None else past._replace(capacity=capacity * _GB),
            at=float(past.timestamps[-1]) if history and past.timestamps.size else now,
            settings=config.forecast,
            reclaimable=reclaimable.get(name, {}),
            fill_rate=None if fill_rate is None else fill_rate * _GB,
        )
        for name, past in pasts.items()
    ]


def _from_store(
    config: Config, source: str | None, pool: str | None, now: float
) -> tuple[dict[Name, Past], dict[Name, dict[str, float]]]:
    from exporter.findings.forecasts import pasts, reclaimable
    from exporter.history.opening import open_history
    from exporter.telemetry import Telemetry

    matching = {key: value for key, value in (("source", source), ("pool", pool)) if value is not None}
    store = open_history(config.history, config.store_urls()[0], Telemetry())
    try:
        found = pasts(store, matching, now)
        freed = reclaimable(store, matching, now)
    finally:
        store.close()
    if not found:
        asked = " and ".join(f"{key} {value!r}" for key, value in matching.items())
        raise ConfigError(f"the history knows no pool{f' with {asked}' if asked else ''}")
    return found, freed


def _no_past(used: float, now: float) -> Past:
    """One reading, for which arithmetic is all there is."""
    import numpy as np

    from exporter.findings.forecasts import Past

    return Past(np.array([now]), np.array([used]), math.nan, np.array([math.nan]))


def _draw(outlooks: list[Outlook], path: Path) -> None:
    from exporter.reports.forecast_chart import FORMATS, draw

    if path.suffix not in FORMATS:
        raise ConfigError(f"--plot: {path}: the name ends in {' or '.join(FORMATS)}")
    if len(outlooks) > 1:
        raise ConfigError(f"--plot draws one pool and {len(outlooks)} are meant: name it, and with --source its source")
    draw(outlooks[0], path)
    say(f"drawn: {path}")


def _print(outlooks: list[Outlook], *, as_json: bool, one: bool) -> None:
    from exporter.reports.outlook_rows import outlooks_table, plain
    from exporter.reports.outlook_text import page
    from exporter.reports.text import lines

    if as_json:
        for outlook in outlooks:
            print(json.dumps(plain(outlook)))
    elif one:
        print("\n\n".join("\n".join(page(outlook)) for outlook in outlooks))
    else:
        print("\n".join(lines(outlooks_table(outlooks))))
