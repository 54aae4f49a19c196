"""The outlook of one pool as a page for people: when it is full, why, and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator

from exporter.model import DAY, PoolForecast
from exporter.reports.outlook import GivenBack, Outlook
from exporter.reports.text import day, human_bytes, written

WHY_NOT = {
    "no_data": "nothing is known of its past",
    "too_short": "its past is shorter than a day or has fewer than 12 readings",
    "no_capacity": "its capacity is not known",
}
_SCENARIOS = {
    "pruning_fixed": "pruning works",
    "cycles_optimised": "rules have the recommended cycles",
    "both": "both",
}
_LAST_STEPS, _LATELY_S = 3, 90 * DAY
_GB = 1e9


def page(outlook: Outlook) -> Iterator[str]:
    """One pool: when, why, what to do."""
    found = outlook.found
    yield f"{written(found.pool, 'text')}: {headline(outlook)}"
    for title, said in (*_state(outlook), *_reasons(outlook), *_expected(found), *_advice(outlook), *_what_if(outlook)):
        yield f"  {title:<11}{said}"


def action(outlook: Outlook) -> str:
    """What to do, in one sentence."""
    if not outlook.is_known:
        return f"none yet: {WHY_NOT[outlook.found.status]}"
    settings, to_buy = outlook.settings, outlook.to_buy
    if to_buy is None:
        return "wait for three days of past before deciding anything"
    first = "an early estimate: " if outlook.found.status == "early" else ""
    first += "look at what ran last, the newest change is unusual; then " if outlook.found.anomalous else ""
    began, hurry = outlook.found.regime_start_at, outlook.hurry
    if began is not None and hurry is not None:
        first += f"find out what began on {day(began)}, it grows {hurry:.0f} times as fast as in the long run; "
    if to_buy <= 0:
        days = (settings.lead_time + settings.cover) / DAY
        return f"{first}nothing to buy: it stays under {settings.target:.0%} for {days:.0f} days"
    order = f"order {human_bytes(to_buy)} {_when(outlook)}"
    fixed = _best_fix(outlook)
    if fixed is None:
        return f"{first}{order}; see first whether pruning works"
    scenario, given = fixed
    if given.to_buy == 0:
        return f"{first}free space before buying any: if {_SCENARIOS[scenario]}, nothing is to be bought"
    return f"{first}free space, and {order}: if {_SCENARIOS[scenario]}, {human_bytes(given.to_buy or 0.0)} is enough"


def headline(outlook: Outlook) -> str:
    found = outlook.found
    if not outlook.is_known:
        return f"no forecast, because {WHY_NOT[found.status]}"
    if found.p10_seconds == math.inf:
        return "full: not within a year"
    bounds = f"earliest {_days(found.p10_seconds, outlook.at)}; latest {_days(found.p90_seconds, outlook.at)}"
    if found.p50_seconds is None:
        return f"full: {bounds} (too short a past for more than bounds)"
    early = "; from less than two weeks of past" if found.status == "early" else ""
    return f"full: {_days(found.p50_seconds, outlook.at)} ({bounds}{early})"


def _state(outlook: Outlook) -> Iterator[tuple[str, str]]:
    if math.isnan(outlook.used) or math.isnan(outlook.past.capacity):
        return
    share = f" ({outlook.share:.0%})" if outlook.past.capacity else ""
    yield "now", f"{human_bytes(outlook.used)} of {human_bytes(outlook.past.capacity)} used{share}"


def _reasons(outlook: Outlook) -> Iterator[tuple[str, str]]:
    found, drivers = outlook.found, outlook.drivers
    if not outlook.is_known:
        return
    said = f"{signed(a_day(found))} a day"
    if found.regime_start_at is not None:
        said += f" since {day(found.regime_start_at)} ({(outlook.at - found.regime_start_at) / DAY:.0f} days)"
    if drivers:
        said += f"; in the long run {signed(drivers.long_run)} a day"
    yield "growth", said
    if found.season_seconds:
        yield "cycle", f"{found.season_seconds / DAY:.0f} days"
    steps = [step for step in drivers.steps if step.at > outlook.at - _LATELY_S] if drivers else []
    if steps:
        yield "steps", ", ".join(f"{signed(step.bytes)} on {day(step.at)}" for step in steps[: -1 - _LAST_STEPS : -1])
    if drivers and drivers.ingested > 0:
        freed = f"{human_bytes(drivers.reclaimed)} freed again ({drivers.reclaimed / drivers.ingested:.0%})"
        yield "in and out", f"{human_bytes(drivers.ingested)} a day came in the last fortnight, {freed}"
    trust = [f"{found.outliers} bad readings left out"] if found.outliers else []
    if found.error_ratio is not None:
        trust.append(f"forecasts of a fortnight were {found.error_ratio:.1%} off")
    if trust:
        yield "trust", ", ".join(trust)


def _expected(found: PoolForecast) -> Iterator[tuple[str, str]]:
    for name, low in found.used_low_bytes.items():
        middle, high = found.used_bytes.get(name), found.used_high_bytes[name]
        between = f"{human_bytes(low or 0.0)} to {human_bytes(high or 0.0)}"
        likely = f"{human_bytes(middle)}, " if middle is not None else ""
        yield f"in {name}", f"{likely}{between} (80% of futures)"


def _advice(outlook: Outlook) -> Iterator[tuple[str, str]]:
    if not outlook.is_known:
        return
    yield "action", action(outlook)
    settings, needed = outlook.settings, outlook.found.recommended_capacity_bytes
    if outlook.to_buy and needed is not None:
        until = day(outlook.at + settings.lead_time + settings.cover)
        terms = f"{settings.lead_time / DAY:.0f} days to arrive and {settings.cover / DAY:.0f} days after that"
        most = f"used to {settings.target:.0%} at most until {until} ({terms})"
        yield "buy", f"{human_bytes(outlook.to_buy)}, then there are {human_bytes(needed)}: {most}"
    for scenario, given in outlook.given_back.items():
        full = _days(given.found.p50_seconds, outlook.at)
        said = f"{human_bytes(given.bytes)} at most if {_SCENARIOS.get(scenario, scenario)}: full {full}"
        if given.long_run_seconds is not None:
            said += f", at the growth of the long run {_days(given.long_run_seconds, outlook.at)}"
        if given.to_buy is not None:
            said += f"; to buy then: {human_bytes(given.to_buy) if given.to_buy else 'nothing'}"
        yield "to free", said


def _what_if(outlook: Outlook) -> Iterator[tuple[str, str]]:
    if outlook.fill_rate is None:
        return
    rate, seconds = outlook.fill_rate / _GB, outlook.what_if_seconds
    if seconds is None or math.isnan(seconds):
        yield "what if", f"fills at {rate:g} GB/day: unknown, used space and capacity must be known"
    elif math.isinf(seconds):
        yield "what if", f"fills at {rate:g} GB/day: never full"
    else:
        yield "what if", f"fills at {rate:g} GB/day: full {_days(seconds, outlook.at)}"


def _best_fix(outlook: Outlook) -> tuple[str, GivenBack] | None:
    """The scenario that leaves the least to buy, the simplest of equals."""
    given = [(scenario, g) for scenario, g in outlook.given_back.items() if g.to_buy is not None]
    return min(given, key=lambda one: one[1].to_buy or 0.0, default=None)


def _when(outlook: Outlook) -> str:
    by = outlook.found.order_by_at
    if by is None or math.isinf(by):
        return "within a year"
    return f"by {day(by)}" if by > outlook.at else f"now (it should have been by {day(by)})"


def _days(seconds: float | None, at: float) -> str:
    if seconds is None or math.isnan(seconds):
        return "unknown"
    if math.isinf(seconds):
        return "not within a year"
    return "now" if seconds <= 0 else f"in {seconds / DAY:.1f} days, {day(at + seconds)}"


def a_day(found: PoolForecast) -> float:
    return (found.fill_bytes_per_second or 0.0) * DAY


def signed(size: float) -> str:
    return f"{'+' if size > 0 else ''}{human_bytes(size)}"
