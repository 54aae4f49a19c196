"""Outlooks of many pools: a line for each, the soonest first; and what a script reads."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from exporter.model import DAY, PoolForecast
from exporter.reports.outlook import GivenBack, Outlook
from exporter.reports.outlook_text import WHY_NOT, a_day, action, signed
from exporter.reports.tables import Column, Table
from exporter.reports.text import NEVER, day


def outlooks_table(found: Iterable[Outlook]) -> Table[Outlook]:
    """The soonest first; those of which nothing can be said at the end, with the reason."""
    columns: tuple[Column[Outlook], ...] = (
        Column("source", "SOURCE", "text", lambda o: o.name[0]),
        Column("kind", "KIND", "text", lambda o: o.name[1]),
        Column("pool", "POOL", "text", lambda o: o.name[2]),
        Column("used", "USED", "ratio", lambda o: _known(o.share)),
        Column("free", "FREE", "bytes", lambda o: _known(o.free)),
        Column("growth", "A DAY", "text", lambda o: _growth(o.found)),
        Column("full", "FULL IN", "text", lambda o: _short(o.found.p50_seconds)),
        Column("earliest", "EARLIEST", "text", lambda o: _short(o.found.p10_seconds)),
        Column("latest", "LATEST", "text", lambda o: _short(o.found.p90_seconds)),
        Column("order_by", "ORDER BY", "text", lambda o: _order_by(o)),
        Column("what_if", "WHAT IF", "text", lambda o: _short(o.what_if_seconds)),
        Column("note", "NOTE", "text", _note),
    )
    ordered = sorted(found, key=lambda o: (*_soonest(o.found), o.name))
    asked = [c for c in columns if c.name != "what_if" or any(o.fill_rate is not None for o in ordered)]
    return Table("Forecasts", tuple(asked), ordered)


def plain(outlook: Outlook) -> dict[str, Any]:
    """For JSON, which knows no infinity: what is not within a year is the text "never"."""
    source, _, _ = outlook.name
    drivers, what_if = outlook.drivers, outlook.what_if_seconds
    fields: dict[str, Any] = {"source": source, "capacity_bytes": outlook.past.capacity, "free_bytes": outlook.free}
    fields |= asdict(outlook.found) | {"bytes_to_buy": outlook.to_buy}
    fields["long_run_bytes_per_second"] = drivers and drivers.long_run / DAY
    fields["ingested_bytes_per_second"] = drivers and drivers.ingested / DAY
    fields["reclaimed_bytes_per_second"] = drivers and drivers.reclaimed / DAY
    fields["steps"] = [step._asdict() for step in drivers.steps] if drivers else []
    fields["if_reclaimed"] = {name: _plain_given_back(given) for name, given in outlook.given_back.items()}
    fields["action"] = action(outlook)
    if what_if is not None:
        fields["what_if_days"] = what_if / DAY
    return {name: _number(value) if isinstance(value, float) else value for name, value in fields.items()}


def _plain_given_back(given: GivenBack) -> dict[str, Any]:
    times = {name: getattr(given.found, name) for name in ("p10_seconds", "p50_seconds", "p90_seconds")}
    return {
        "bytes": given.bytes,
        "bytes_to_buy": given.to_buy,
        "long_run_seconds": given.long_run_seconds,
        **{name: None if value is None else _number(value) for name, value in times.items()},
    }


def _soonest(found: PoolForecast) -> tuple[bool, float, float]:
    """Pools of which only bounds are known stand where the earlier of them puts them."""
    earliest = math.inf if found.p10_seconds is None else found.p10_seconds
    return found.p10_seconds is None, earliest if found.p50_seconds is None else found.p50_seconds, earliest


def _note(outlook: Outlook) -> str:
    found = outlook.found
    if found.status in WHY_NOT:
        return f"no forecast: {WHY_NOT[found.status]}"
    notes = {"bounds_only": "under 3 days of past", "early": "under 14 days of past"}
    said = [notes[found.status]] if found.status in notes else []
    if found.anomalous:
        said.append("the newest change is unusual")
    return ", ".join(said)


def _order_by(outlook: Outlook) -> str | None:
    by = outlook.found.order_by_at
    if by is None:
        return None
    if not outlook.to_buy or math.isinf(by):
        return "-"
    return day(by) if by > outlook.at else "overdue"


def _short(seconds: float | None) -> str | None:
    if seconds is None or math.isnan(seconds):
        return None
    if math.isinf(seconds):
        return "> 1 year"
    return "now" if seconds <= 0 else f"{seconds / DAY:.1f} d"


def _growth(found: PoolForecast) -> str | None:
    return None if found.fill_bytes_per_second is None else signed(a_day(found))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _number(value: float) -> float | str | None:
    return None if math.isnan(value) else NEVER if math.isinf(value) else value
