"""Effective retention by replay: the real backups of each series against days and cycles.

The vendor's rule: all jobs of a cycle age together, once every one of them is past its days, counted from its start,
and the required number of cycles is complete, the cycle's own included. A cycle is complete when the full after it
has finished, so with C cycles the C-th newer full must have: what `effective_retention` writes as C I. Data aging
itself runs once a day (at noon by default), so what may age is gone up to a day later.

The rules are replayed with their present terms, also against cycles that lived under earlier ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from exporter.analysis.cycles import LATE_INTERVALS, Bools, Cycles, Floats, Ints, cycles, median, quantile
from exporter.analysis.retention import INCLUSIVE, STRICT, VENDOR, effective_retention
from exporter.model import Backups, RuleReplay, WhatIf


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A basic rule of a copy of a policy; retention_seconds and cycles are inf for ever; aging that is
    not known counts as enabled."""

    copy_id: str
    policy_id: str
    retention_seconds: float
    cycles: float
    aging_enabled: bool | None = None
    recommended: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Lives:
    """What terms make of cycles (c,): the ages of the full and of the last job when the cycle may age, else nan.

    may_age: the full may, now; past_days: it could, but for newer cycles; jobs_may_age (j,).
    """

    latest: Floats
    earliest: Floats
    may_age: Bools
    past_days: Bools
    jobs_may_age: Bools


def replay(backups: Backups, rules: Sequence[Terms], at: float, *, semantics: str = VENDOR) -> list[RuleReplay]:
    """One RuleReplay a rule, in order, from what had finished by `at`.

    earliest, latest: medians over the subclients; a subclient's own is the median over the cycles of which it is
    settled when they may age, but never less than the present age of the oldest that may not yet: where fulls fail,
    the number grows. A subclient without any such cycle counts with the closed form; where none has one, the rule's
    are None and the closed form is the caller's answer. A cycle whose full ran before the backups given begin makes
    no statement of its own, except that its full is at least as old as what is seen of it.

    retained and the what-ifs count jobs among the backups given that are not known to be aged; unknown bytes as 0.
    Under inclusive and strict every job lives as long as its cycle's full would: max(D, C I), max(D, (C + 1) I).
    """
    if semantics not in (VENDOR, INCLUSIVE, STRICT):
        raise ValueError(f"unknown cycle semantics {semantics!r}")
    by_policy = {name: _Policy(found, at, semantics) for name, found in cycles(backups, at).items()}
    return [_replayed(rule, by_policy.get(rule.policy_id)) for rule in rules]


class _Policy:
    """The cycles of a policy, and what all its rules share."""

    def __init__(self, found: Cycles, at: float, semantics: str) -> None:
        self.cycles, self.at, self.semantics = found, at, semantics
        intervals, gaps = found.intervals()
        interval, gap = median(intervals), median(gaps)
        self.interval = None if math.isnan(interval) else interval
        self.gap = None if math.isnan(gap) else gap
        own = np.where(np.isnan(intervals), interval, intervals)
        # Without any interval nobody can say what late is: nan compares false.
        self.late: Bools = at - found.last_full() > LATE_INTERVALS * own

    def closed_form(self, rule: Terms) -> tuple[float, float]:
        bounds = effective_retention(
            retention_seconds=rule.retention_seconds, cycles=rule.cycles, aging_enabled=rule.aging_enabled,
            full_interval_seconds=self.interval, last_incremental_gap_seconds=self.gap, semantics=self.semantics,
        )  # fmt: skip
        return bounds or (math.nan, math.nan)

    def lives(self, rule: Terms) -> _Lives:
        known, at = self.cycles, self.at
        days = math.inf if rule.aging_enabled is False else rule.retention_seconds
        count = rule.cycles + (self.semantics == STRICT)
        finished = known.finished(math.ceil(count)) if math.isfinite(count) else np.full(known.series.size, math.inf)
        if self.semantics == VENDOR:
            past_at = known.last_started + days
            may_at = np.maximum(past_at, finished)
            jobs_may_age = (may_at < at)[known.job_cycle]
            # An open cycle may get more jobs, so only what is past is settled.
            settled = known.closed | (may_at < at)
            latest, earliest = may_at - known.started, may_at - known.last_started
        else:
            past_at = known.started + days
            latest = np.maximum(days, finished - known.started)
            may_at = known.started + latest
            jobs_may_age = known.job_started + latest[known.job_cycle] < at
            settled, earliest = np.ones_like(known.headed), latest
        unsettled = ~(known.headed & settled & np.isfinite(may_at))
        latest, earliest = (np.where(unsettled, math.nan, age) for age in (latest, earliest))
        return _Lives(latest, earliest, may_at < at, past_at < at, jobs_may_age)

    def oldest_kept(self, lives: _Lives) -> Ints:
        """Of each series that has one, the oldest cycle that may not age yet."""
        kept = np.flatnonzero(~lives.may_age & self.cycles.kept)
        first: Bools = np.diff(self.cycles.series[kept], prepend=-1) != 0
        return kept[first]

    def bounds(self, rule: Terms, lives: _Lives) -> tuple[float | None, float | None]:
        """Earliest and latest."""
        formula_earliest, formula_latest = self.closed_form(rule)
        if math.isinf(formula_latest):
            return math.inf, math.inf
        known = self.cycles
        oldest = self.oldest_kept(lives)
        # Younger than its days a cycle says nothing that the rule does not say.
        oldest = oldest[self.at - known.started[oldest] > rule.retention_seconds]
        full_age, last_age = np.full((2, known.series_count), math.nan)
        full_age[known.series[oldest]] = self.at - known.started[oldest]
        since = known.started if self.semantics != VENDOR else known.last_started
        last_age[known.series[oldest]] = np.maximum(self.at - since[oldest], rule.retention_seconds)

        of_full = quantile(lives.latest, known.series, known.series_count)
        of_last = quantile(lives.earliest, known.series, known.series_count)
        if not (~np.isnan(of_full) | (full_age > np.nan_to_num(formula_latest))).any():
            return None, None

        def value(settled: Floats, age: Floats, formula: float) -> float:
            return median(np.fmax(np.where(np.isnan(settled), formula, settled), age))

        return value(of_last, last_age, formula_earliest), value(of_full, full_age, formula_latest)

    def what_if(self, present: Terms, now: _Lives, retention_seconds: float, count: float) -> WhatIf:
        known = self.cycles
        other = replace(present, retention_seconds=retention_seconds, cycles=count)
        then = self.lives(other)
        freed = known.job_kept & then.jobs_may_age & ~now.jobs_may_age
        return WhatIf(
            retention_seconds=retention_seconds,
            cycles=count,
            jobs=int(freed.sum()),
            bytes=float(known.job_bytes[freed].sum()),
            full_sooner_seconds=self._sooner(present, now, other, then),
        )

    def _sooner(self, present: Terms, now: _Lives, other: Terms, then: _Lives) -> float | None:
        """Cycle by cycle, so that what makes no difference to any is zero; by the closed form where none is settled."""
        formula_now, formula_then = self.closed_form(present)[1], self.closed_form(other)[1]
        if math.inf in (formula_now, formula_then):
            return 0.0 if formula_now == formula_then else formula_now - formula_then
        known = self.cycles
        sooner = median(quantile(now.latest - then.latest, known.series, known.series_count))
        if math.isnan(sooner):
            sooner = formula_now - formula_then
        return None if math.isnan(sooner) else sooner


def _replayed(rule: Terms, policy: _Policy | None) -> RuleReplay:
    if policy is None:
        for_ever = rule.aging_enabled is False or math.inf in (rule.retention_seconds, rule.cycles)
        bound = math.inf if for_ever else None
        return RuleReplay(copy_id=rule.copy_id, earliest_seconds=bound, latest_seconds=bound)
    known, lives = policy.cycles, policy.lives(rule)
    earliest, latest = policy.bounds(rule, lives)
    retained = known.job_kept & ~lives.jobs_may_age
    oldest = policy.oldest_kept(lives)
    waiting = oldest[lives.past_days[oldest]]
    # Incrementals go on into a cycle that no full closes, so its last job is never past its days: its full is.
    overdue = oldest[known.started[oldest] + rule.retention_seconds < policy.at]
    return RuleReplay(
        copy_id=rule.copy_id,
        earliest_seconds=earliest,
        latest_seconds=latest,
        retained_jobs=int(retained.sum()),
        retained_bytes=float(known.job_bytes[retained].sum()),
        waiting_for_cycles=waiting.size,
        blocked_by_missing_fulls=int(policy.late[known.series[overdue]].sum()),
        one_cycle=policy.what_if(rule, lives, rule.retention_seconds, 1.0) if rule.cycles >= 1 else None,
        recommended=policy.what_if(rule, lives, *rule.recommended) if rule.recommended else None,
    )
