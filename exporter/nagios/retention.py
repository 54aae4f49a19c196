"""Retention rules of Commvault and what is wrong with them, by the same bands as the recording rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from nagiosplugin import Performance

from exporter.nagios.check import Check, Data, performance
from exporter.nagios.verdict import Finding, State

_RULE = "ebbtide_commvault_retention_rule"
_AGING, _DAYS, _CYCLES = f"{_RULE}_aging_enabled", f"{_RULE}_retention_seconds", f"{_RULE}_retention_cycles"
_EFFECTIVE, _CONFIGURED = "ebbtide_retention_effective_seconds", "ebbtide_retention_configured_seconds"
_LABELS = ("source", "plan", "copy", "rule")
_LEVELS = ("critical", "high", "medium", "info", "ok")
_INFINITE = float("inf")


def _retention(data: Data) -> Iterator[Finding | Performance]:
    days, cycles = data.samples.values(_DAYS, *_LABELS), data.samples.values(_CYCLES, *_LABELS)
    effective = {s.at(*_LABELS): s.value for s in data.samples.of(_EFFECTIVE, kind="commvault", bound="latest")}
    configured = {s.at(*_LABELS): s.value for s in data.samples.of(_CONFIGURED, kind="commvault")}
    rules = {s.at(*_LABELS): s.value for s in data.of(_AGING, "plan", rule="basic")}
    judged = {
        key: _level(data, enabled, days.get(key), cycles.get(key), effective.get(key), configured.get(key))
        for key, enabled in sorted(rules.items())
    }
    count = Counter(judged.values())
    # The rules ask for every one; ranges are about their number.
    limits = data.limits("{}", None, 0.0) if data.selection.warning is None else data.limits("{}")
    state = limits.state(count["critical"])
    for key, level in judged.items():
        if level == "critical":
            yield Finding("/".join(key[:3]), state, "has data aging disabled and keeps for ever")
        else:
            yield Finding("/".join(key[:3]), State.OK, f"is {level}", _LEVELS.index(level))
    for level in _LEVELS:
        yield performance(level, count[level], "", limits if level == "critical" else None, 0)


def _level(
    data: Data,
    enabled: float,
    days: float | None,
    cycles: float | None,
    effective: float | None,
    configured: float | None,
) -> str:
    """The worst of what is wrong with a rule; "info": it keeps for ever."""
    if enabled == 0:
        return "critical"
    short, many, much, longer = (
        data.threshold(quantity, {}, issue=issue) or _INFINITE
        for quantity, issue in (
            (_DAYS, "inefficient_short_term"),
            (_CYCLES, "inefficient_short_term"),
            (_CYCLES, "high_cycles"),
            (f"{_EFFECTIVE}_per_configured_seconds", "cycle_extended"),
        )
    )
    ending = cycles is not None and cycles < _INFINITE
    if days is not None and cycles is not None and ending and days <= short and cycles >= many:
        return "high"
    if effective is not None and configured and effective < _INFINITE and effective / configured > longer:
        return "high"
    if cycles is not None and ending and cycles >= much:
        return "medium"
    return "info" if _INFINITE in (days, cycles) else "ok"


CHECKS = (
    Check(
        "retention",
        "Retention rules whose data aging is disabled; their number.",
        "retention rules",
        ("EbbtideCommvaultAgingDisabled",),
        (_AGING, _DAYS, _CYCLES, _EFFECTIVE, _CONFIGURED),
        _retention,
        collectors=("plans",),
        kinds=("commvault",),
    ),
)
