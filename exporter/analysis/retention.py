"""How long data really lives before it may age."""

from __future__ import annotations

import math

VENDOR, INCLUSIVE, STRICT = "vendor", "inclusive", "strict"


def effective_retention(
    *,
    retention_seconds: float | None,
    cycles: float | None,
    aging_enabled: bool | None,
    full_interval_seconds: float | None,
    last_incremental_gap_seconds: float | None = None,
    semantics: str = VENDOR,
) -> tuple[float, float] | None:
    """The ages (earliest, latest) in seconds that a cycle's last job and its full reach before the cycle may age.

    retention_seconds D and cycles C as configured, inf for ever; full_interval_seconds I between fulls;
    last_incremental_gap_seconds g from a cycle's last incremental to the next full (I when there are only fulls).
    (inf, inf) where nothing ever ages; None where D, C or I are not known well enough for a statement.
    Scheduled instead of real intervals say what a schedule allows: 14 days with 2 cycles of monthly fulls is 60 days.
    An extended rule keeps single fulls by their days alone: C = 0, and I is of no concern.

    vendor: every job of the cycle past D and C newer cycles complete, so all jobs of a cycle age together:
    latest = max(C I, (I - g) + D), earliest = max(C I - (I - g), D). inclusive: max(D, C I) for both, strict:
    max(D, (C + 1) I) for both; these two are what many operators reckon with.

    >>> day = 86400.0
    >>> rule = dict(retention_seconds=14 * day, cycles=2, aging_enabled=True, full_interval_seconds=7 * day)
    >>> [x / day for x in effective_retention(**rule, last_incremental_gap_seconds=day)]
    [14.0, 20.0]
    >>> [x / day for x in effective_retention(**rule, semantics=STRICT)]
    [21.0, 21.0]
    """
    if aging_enabled is False or math.inf in (retention_seconds, cycles):
        return math.inf, math.inf
    if retention_seconds is None or cycles is None:
        return None
    days, interval = retention_seconds, full_interval_seconds
    if interval is None:
        return (days, days) if cycles == 0 else None
    if semantics == STRICT:
        return (max(days, (cycles + 1) * interval),) * 2
    if semantics == INCLUSIVE:
        return (max(days, cycles * interval),) * 2
    if semantics != VENDOR:
        raise ValueError(f"unknown cycle semantics {semantics!r}")
    gap = interval if last_incremental_gap_seconds is None else min(last_incremental_gap_seconds, interval)
    return max(cycles * interval - (interval - gap), days), max(cycles * interval, (interval - gap) + days)
