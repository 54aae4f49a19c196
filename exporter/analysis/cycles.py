"""Finished backups as cycles, and how often a policy really gets a full.

A cycle is a good full (or synthetic full; one that completed with errors, too) and everything up to the next good
full. Runs that failed, were killed or ended otherwise left nothing that ages: they neither open a cycle nor belong to
one. What a series did before its first full is a cycle without one: when its full ran is not known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.model import DAY, Backups, PolicyFulls
from exporter.model.jobs import FAILED, KILLED, PARTIAL, SUCCESS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

# A series or client is late when its last good full is older than so many intervals.
LATE_INTERVALS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cycles:
    """The cycles of one policy as columns of c, by series, then start; its good backups as columns of j.

    series: 0 to series_count - 1; job_cycle: an index into the columns of c; headed: its full is known; kept,
    job_kept: not known to be aged already (for a cycle: its first job). Unknown bytes count as 0.
    """

    policy_id: str
    series_count: int
    series: Ints
    started: Floats
    last_started: Floats
    ended: Floats
    headed: Bools
    kept: Bools
    job_cycle: Ints
    job_started: Floats
    job_bytes: Floats
    job_kept: Bools

    def finished(self, newer: int) -> Floats:
        """(c,) when the full that many cycles later had finished; inf: not yet; newer 0: -inf."""
        if newer <= 0:
            return np.full(self.series.size, -math.inf)
        found = np.full(self.series.size, math.inf)
        if newer < self.series.size:
            same = self.series[newer:] == self.series[:-newer]
            found[:-newer][same] = self.ended[newer:][same]
        return found

    @property
    def closed(self) -> Bools:
        return np.isfinite(self.finished(1))

    def intervals(self) -> tuple[Floats, Floats]:
        """(series_count,) medians, nan for none: from full to full, and from a cycle's last job to the next full.

        Where a cycle is its full alone, the second is the first. Fulls that began at once have no time between them.
        """
        at = np.flatnonzero(self.headed & self.closed)
        at = at[self.started[at + 1] > self.started[at]]
        series = self.series[at]
        interval = self.started[at + 1] - self.started[at]
        gap = self.started[at + 1] - self.last_started[at]
        return quantile(interval, series, self.series_count), quantile(gap, series, self.series_count)

    def last_full(self) -> Floats:
        """(series_count,) when its last good full began; without any its first job, which is later than that."""
        last: Floats = np.full(self.series_count, -math.inf)
        np.maximum.at(last, self.series, self.started)
        return last


def cycles(backups: Backups, at: float) -> dict[str, Cycles]:
    """The cycles by policy, of what had finished by `at`; policies without a good backup are not in it."""
    names, policy_of_series = _policies(backups)
    good = (backups.result == SUCCESS) | (backups.result == PARTIAL)
    rows = np.flatnonzero(good & (backups.ended_at <= at))
    rows = rows[np.argsort(policy_of_series[backups.series_of[rows]], kind="stable")]
    if not rows.size:
        return {}

    of_series = backups.series_of[rows]
    first_of_series = np.diff(of_series, prepend=-1) != 0
    first = first_of_series | backups.is_full[rows]
    job_cycle = np.cumsum(first) - 1
    head = np.flatnonzero(first)
    series = (np.cumsum(first_of_series) - 1)[head]
    started, kept = backups.started_at[rows], backups.aged[rows] != 1
    last_started = started[np.append(head[1:], rows.size) - 1]
    headed, ended = backups.is_full[rows][head], backups.ended_at[rows][head]
    stored = np.nan_to_num(backups.media_bytes[rows])

    policy = policy_of_series[of_series]
    starts = np.flatnonzero(np.diff(policy, prepend=-1))
    found = {}
    for begin, end in zip(starts, np.append(starts[1:], rows.size), strict=True):
        j, c = slice(begin, end), slice(job_cycle[begin], job_cycle[end - 1] + 1)
        name = names[policy[begin]]
        found[name] = Cycles(
            policy_id=name,
            series_count=int(series[c][-1] - series[c][0] + 1),
            series=series[c] - series[c][0],
            started=started[head[c]],
            last_started=last_started[c],
            ended=ended[c],
            headed=headed[c],
            kept=kept[head[c]],
            job_cycle=job_cycle[j] - job_cycle[begin],
            job_started=started[j],
            job_bytes=stored[j],
            job_kept=kept[j],
        )
    return found


def policy_fulls(backups: Backups, at: float, window_days: float = 30) -> tuple[PolicyFulls, ...]:
    """How often the subclients of every policy really got a full, from all that finished by `at`; by policy id.

    Intervals and gaps: medians over subclients of each one's median over all the backups given; counts: fulls that
    ended within the window. Of good fulls the successful ones are fulls - failed - partial, so a success rate is
    that over fulls, or (fulls - failed) / fulls where completed with errors counts as success.
    A client is overdue when none of its subclients had a good full within two of the policy's intervals; one that
    never had any counts from its first run.
    """
    by_policy = cycles(backups, at)
    clients = _last_full_of_clients(backups, at)
    names, policy_of_series = _policies(backups)
    policy = policy_of_series[backups.series_of]
    finished = backups.ended_at <= at
    recent = finished & backups.is_full & (backups.ended_at > at - window_days * DAY)

    def count(rows: Bools) -> NDArray[np.intp]:
        return np.bincount(policy[rows], minlength=len(names))

    fulls = count(recent)
    failed = count(recent & ((backups.result == FAILED) | (backups.result == KILLED)))
    partial = count(recent & (backups.result == PARTIAL))
    good = (backups.result == SUCCESS) | (backups.result == PARTIAL)
    synthetic = finished & backups.is_synthetic & good
    last_synthetic = np.full(len(names), -math.inf)
    np.maximum.at(last_synthetic, policy[synthetic], backups.ended_at[synthetic])

    def record(index: int, name: str) -> PolicyFulls:
        known = by_policy.get(name)
        interval, gap = known.intervals() if known else (np.empty(0), np.empty(0))
        middle = _number(_quantile(interval, 0.5))
        last = clients.get(name, np.empty(0))
        return PolicyFulls(
            policy_id=name,
            full_interval_seconds=middle,
            last_incremental_gap_seconds=_number(_quantile(gap, 0.5)),
            full_interval_p10_seconds=_number(_quantile(interval, 0.1)),
            full_interval_p90_seconds=_number(_quantile(interval, 0.9)),
            fulls_30d=int(fulls[index]),
            failed_fulls_30d=int(failed[index]),
            partial_fulls_30d=int(partial[index]),
            last_synthetic_full_at=_number(last_synthetic[index]),
            clients=last.size,
            overdue_clients=0 if middle is None else int((at - last > LATE_INTERVALS * middle).sum()),
        )

    return tuple(record(i, name) for i, name in sorted(enumerate(names), key=lambda found: found[1]) if name)


def quantile(values: Floats, groups: Ints, count: int, q: float = 0.5) -> Floats:
    """(count,) the quantile of the values of each group, linear between neighbours; nan for a group without any.

    values, groups: (n,), nan counts as absent.

    >>> quantile(np.array([1.0, 5.0, np.nan, 2.0]), np.array([0, 0, 0, 2]), 3)
    array([ 3., nan,  2.])
    """
    there = ~np.isnan(values)
    values, groups = values[there], groups[there]
    values = values[np.lexsort((values, groups))]
    sizes = np.bincount(groups, minlength=count)
    some = sizes > 0
    place = (np.cumsum(sizes) - sizes)[some] + q * (sizes[some] - 1)
    low = np.floor(place).astype(np.intp)
    found = np.full(count, math.nan)
    found[some] = values[low] + (place - low) * (values[np.ceil(place).astype(np.intp)] - values[low])
    return found


def median(values: Floats) -> float:
    """The median of what is not nan; nan where that is nothing."""
    return _quantile(values, 0.5)


def _quantile(values: Floats, q: float) -> float:
    return float(quantile(values, np.zeros(values.size, dtype=np.intp), 1, q)[0])


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _policies(backups: Backups) -> tuple[list[str], Ints]:
    """The policies' ids, and for every series the index of its policy."""
    index: dict[str, int] = {}
    of_series = [index.setdefault(series.policy_id, len(index)) for series in backups.series]
    return list(index), np.array(of_series, dtype=np.intp)


def _last_full_of_clients(backups: Backups, at: float) -> dict[str, Floats]:
    """By policy, one number for each client with a run: when the last good full of any of its subclients began."""
    index: dict[tuple[str, str], int] = {}
    of_series = np.array([index.setdefault((s.policy_id, s.client), len(index)) for s in backups.series], dtype=np.intp)
    client = of_series[backups.series_of]
    good = (backups.result == SUCCESS) | (backups.result == PARTIAL)
    finished = backups.ended_at <= at
    full = finished & good & backups.is_full
    last = np.full(len(index), -math.inf)
    np.maximum.at(last, client[full], backups.started_at[full])
    first = np.full(len(index), math.inf)
    np.minimum.at(first, client[finished], backups.started_at[finished])
    last = np.where(np.isfinite(last), last, first)
    by_policy: dict[str, list[float]] = {}
    for (policy, _), moment in zip(index, last, strict=True):
        if math.isfinite(moment):
            by_policy.setdefault(policy, []).append(float(moment))
    return {policy: np.array(moments) for policy, moments in by_policy.items()}
