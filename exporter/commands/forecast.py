"""`ebbtide forecast`: when it is full, what drives it and what to do, for a person."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exporter.commands.common import load, plain_errors
from exporter.errors import ConfigError

if TYPE_CHECKING:
    from exporter.config import Config
    from exporter.findings.config import ForecastSettings
    from exporter.findings.forecasts import Name, Past
    from exporter.model import PoolForecast

_DAY = 86400.0
_GB = 1e9
_WHY_NOT = {
    "no_data": "nothing is known of its past",
    "too_short": "its past is shorter than a day or has fewer than 12 readings",
    "no_capacity": "its capacity is not known",
}


def forecast(
    pool: Annotated[str | None, typer.Argument(help="Name of the pool; without one, all of them.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "--config.file", help="YAML file; without one, the default store.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Only pools of this source.")] = None,
    history: Annotated[
        Path | None, typer.Option(help="CSV with the columns timestamp, used_bytes and perhaps capacity_bytes.")
    ] = None,
    capacity: Annotated[float | None, typer.Option(min=0, help="GB; instead of the capacity in the history.")] = None,
    fill_rate: Annotated[float | None, typer.Option(help="What if it filled at so many GB a day?")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each pool and line.")] = False,
) -> None:
    """Say when each pool is full, with bounds, what drives that and what to do."""
    with plain_errors():
        loaded, now = load(config), time.time()
        known = _from_csv(history, pool) if history else _from_store(loaded, source, pool, now)
        for number, (name, past) in enumerate(known.items()):
            at = float(past.timestamps[-1]) if history and past.timestamps.size else now
            sized = past if capacity is None else past._replace(capacity=capacity * _GB)
            found = _forecast(name, sized, at, loaded.forecast)
            if as_json:
                print(json.dumps(_plain(name[0], found, sized, fill_rate)))
                continue
            if number:
                print()
            for line in _told(found, sized, at, loaded.forecast, fill_rate):
                print(line)


def _from_store(config: Config, source: str | None, pool: str | None, now: float) -> dict[Name, Past]:
    from exporter.findings.forecasts import pasts
    from exporter.history.opening import open_history
    from exporter.telemetry import Telemetry

    matching = {key: value for key, value in (("source", source), ("pool", pool)) if value is not None}
    store = open_history(config.history, config.store_urls()[0], Telemetry())
    try:
        found = pasts(store, matching, now)
    finally:
        store.close()
    if not found:
        asked = " and ".join(f"{key} {value!r}" for key, value in matching.items())
        raise ConfigError(f"the history knows no pool{f' with {asked}' if asked else ''}")
    return found


def _from_csv(path: Path, pool: str | None) -> dict[Name, Past]:
    import numpy as np

    from exporter.findings.forecasts import Past

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(path, csv.DictReader(file, strict=True)))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    except csv.Error as error:
        raise ConfigError(f"{path}: {error}") from None
    table = np.array(sorted(rows), np.float64).reshape(-1, 3)
    sizes = table[np.isfinite(table[:, 2]), 2]
    return {("", "", pool or path.stem): Past(table[:, 0], table[:, 1], float(sizes[-1]) if sizes.size else math.nan)}


def _rows(path: Path, reader: csv.DictReader[str]) -> Iterator[tuple[float, float, float]]:
    """timestamp, used and capacity; what is empty is NaN."""
    for column in ("timestamp", "used_bytes"):
        if column not in (reader.fieldnames or ()):
            raise ConfigError(f"{path}: the first line names the columns; there is none for {column}")
    for row in reader:
        try:
            sizes = [float(row.get(name) or math.nan) for name in ("used_bytes", "capacity_bytes")]
            yield _moment(row["timestamp"] or ""), sizes[0], sizes[1]
        except ValueError as error:
            raise ConfigError(f"{path}:{reader.line_num}: {error}") from None


def _moment(text: str) -> float:
    if text.replace(".", "", 1).isdigit():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _forecast(name: Name, past: Past, at: float, settings: ForecastSettings) -> PoolForecast:
    from exporter.analysis.forecast import forecast as engine
    from exporter.findings.config import HORIZON_S
    from exporter.findings.forecasts import pool_forecast

    result = engine(past.timestamps, past.used, past.capacity, HORIZON_S, method=settings.method)
    newest = float(past.timestamps[-1]) if past.timestamps.size else at
    return pool_forecast(name[1], name[2], past.capacity, newest, result, at, settings)


def _free(past: Past) -> float:
    return max(0.0, past.capacity - float(past.used[-1])) if past.used.size and past.capacity >= 0 else math.nan


def _days_at(rate: float, past: Past) -> float:
    """Days until it is full at so many GB a day."""
    return _free(past) / (rate * _GB) if rate > 0 else math.inf


def _plain(source: str, found: PoolForecast, past: Past, rate: float | None) -> dict[str, Any]:
    """For JSON, which knows no infinity: what is not within a year is the text "never"."""
    fields: dict[str, Any] = {"source": source, "capacity_bytes": past.capacity, "free_bytes": _free(past)}
    fields |= asdict(found)
    if rate is not None:
        fields["what_if_days"] = _days_at(rate, past)
    return {name: _number(value) if isinstance(value, float) else value for name, value in fields.items()}


def _number(value: float) -> float | str | None:
    return None if math.isnan(value) else "never" if math.isinf(value) else value


def _told(found: PoolForecast, past: Past, at: float, settings: ForecastSettings, rate: float | None) -> Iterator[str]:
    from exporter.reports.text import human_bytes, written

    yield f"{written(found.pool, 'text')}: {_full(found)}"
    if past.used.size and math.isfinite(past.capacity):
        used = float(past.used[-1])
        share = f" ({used / past.capacity:.0%})" if past.capacity else ""
        yield f"  now       {human_bytes(used)} of {human_bytes(past.capacity)} used{share}"
    if found.status not in _WHY_NOT:
        yield f"  driven by {_driver(found, at)}"
        for name, low in found.used_low_bytes.items():
            middle, high = found.used_bytes.get(name), found.used_high_bytes[name]
            between = f"{human_bytes(low or 0.0)} to {human_bytes(high or 0.0)}"
            yield f"  in {name:6} {f'{human_bytes(middle)}, ' if middle is not None else ''}{between} (80 %)"
        yield f"  action    {_action(found, past, at, settings)}"
    if rate is not None:
        yield f"  what if   at {rate:g} GB a day: {_days(_days_at(rate, past) * _DAY)}"


def _full(found: PoolForecast) -> str:
    if found.status in _WHY_NOT:
        return f"no forecast, because {_WHY_NOT[found.status]}"
    bounds = f"earliest {_days(found.p10_seconds)}, latest {_days(found.p90_seconds)}"
    if found.p50_seconds is None:
        return f"full: {bounds} (too short a past for more than bounds)"
    early = "; from less than two weeks of past" if found.status == "early" else ""
    return f"full: {_days(found.p50_seconds)} ({bounds}{early})"


def _days(seconds: float | None) -> str:
    if seconds is None or math.isnan(seconds):
        return "unknown"
    if math.isinf(seconds):
        return "not within a year"
    return "now" if seconds <= 0 else f"in {seconds / _DAY:.1f} days"


def _driver(found: PoolForecast, at: float) -> str:
    rate = (found.fill_bytes_per_second or 0.0) * _DAY / _GB
    said = [f"{'growth' if rate >= 0 else 'shrinking'} of {abs(rate):,.3g} GB a day"]
    if found.regime_start_at is not None:
        said.append(f"so since {_date(found.regime_start_at)} ({(at - found.regime_start_at) / _DAY:.0f} days)")
    if found.season_seconds:
        said.append(f"in a cycle of {found.season_seconds / _DAY:.0f} days")
    if found.anomalous:
        said.append("the last change is unusual: look at what ran last")
    if found.outliers:
        said.append(f"{found.outliers} bad readings left out")
    if found.error_ratio is not None:
        said.append(f"forecasts of a fortnight were {found.error_ratio:.1%} off")
    return ", ".join(said)


def _action(found: PoolForecast, past: Past, at: float, settings: ForecastSettings) -> str:
    from exporter.reports.text import human_bytes

    target, needed, by = settings.target, found.recommended_capacity_bytes, found.order_by_at
    if needed is None or by is None:
        return "wait for three days of past before deciding anything"
    more = needed - past.capacity
    if more <= 0 or math.isinf(by):
        return (
            f"nothing to buy: it stays under {target:.0%} for {(settings.lead_time + settings.cover) / _DAY:.0f} days"
        )
    when = f"by {_date(by)}" if by > at else f"now (it should have been by {_date(by)})"
    return (
        f"order {human_bytes(more)} {when}, for {human_bytes(needed)} in all, used to {target:.0%} at most for "
        f"{settings.cover / _DAY:.0f} days after it arrives; see first whether pruning works (reclaimable bytes)"
    )


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
