"""How well Veeam jobs reduce their data: five components of 0 to 100 points, and what they come to.

Ratios are x:1 everywhere: what went in divided by what was left, so 1 means that nothing was saved.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from exporter.model import DAY, TEBIBYTE, Benchmarks, Efficiency, EfficiencyTerms, Grading, Reductions

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
Key = TypeVar("Key", str, tuple[str, str])

OK, INSUFFICIENT = "ok", "insufficient_sessions"
FLAGS = ("CRITICAL_ANOMALIES", "DEGRADING_TREND", "HIGH_VARIANCE")

_GRADES = ((85.0, "A"), (70.0, "B"), (55.0, "C"), (40.0, "D"))
_RATINGS = {"A": "EXCELLENT", "B": "GOOD", "C": "FAIR", "D": "POOR", "F": "POOR"}
_SIGMAS = 3.0
_CRITICAL_BELOW_MEAN = 0.8
_HIGH_VARIANCE = 0.3
_MONTH_DAYS = 30.0
# What differs by less, relative to its mean, differs by rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Trend:
    """change: relative, of the later half against the earlier; direction: improving, stable or degrading."""

    direction: str
    change: float
    pvalue: float


class Anomalies(NamedTuple):
    """(n,) each: beyond three sigma; of these, critical, since far below the mean."""

    beyond: Bools
    critical: Bools


@dataclass(frozen=True, slots=True, eq=False)
class _Sessions:
    """Columns of n, oldest first. entry: of Reductions.jobs; job: of one job; series: of one job and kind."""

    at: Floats
    data: Floats
    stored: Floats
    dedup: Floats
    compression: Floats
    entry: Ints
    job: Ints
    series: Ints

    def of(self, rows: Ints | Bools) -> _Sessions:
        return _Sessions(*(getattr(self, column.name)[rows] for column in fields(self)))

    @property
    def combined(self) -> Floats:
        return self.data / self.stored


def efficiencies(reductions: Reductions, grading: Grading, at: float) -> tuple[Efficiency, ...]:
    """Every job by name, then every repository by name (these have job_id and job ""), judged at the moment `at`.

    A job is its id, else its name; it is called and lies as its newest session says. A repository is all sessions of
    its jobs; each is compared with those of its own job, so that jobs that differ do not make each other anomalous.
    """
    sessions = _ordered(reductions)
    found = []
    for mine in _split(sessions, sessions.job):
        job_id, name, repository = reductions.jobs[mine.entry[-1]]
        # A backup that was imported, or whose job was deleted, counts for its repository only.
        if job := name or job_id:
            terms = grading.of(job)
            found.append(_judged(_telling(mine, terms, at), terms, at, job_id=job_id, job=job, repository=repository))
    found.sort(key=lambda e: (e.job, e.job_id))
    store_of = _codes(repository for _, _, repository in reductions.jobs)
    for mine in _split(sessions, store_of[sessions.entry]):
        if store := reductions.jobs[mine.entry[0]][2]:
            told = _telling(mine, grading.usual, at)
            found.append(_judged(told, grading.usual, at, job_id="", job="", repository=store))
    return tuple(found)


def benchmark_score(ratio: float, benchmarks: Benchmarks) -> float:
    """Points for a mean ratio: linear from 0 over 50, 75 and 90 at the benchmarks, then so many for every 1x.

    >>> [benchmark_score(ratio, EfficiencyTerms().dedup) for ratio in (1.5, 3.0, 4.0, 8.5)]
    [50.0, 82.5, 91.0, 100.0]
    """
    b = benchmarks
    if ratio >= b.excellent:
        return 90.0 + min(10.0, b.points_above * (ratio - b.excellent))
    return float(np.interp(ratio, (0.0, b.fair, b.good, b.excellent), (0.0, 50.0, 75.0, 90.0)))


def trend(series: Floats, terms: EfficiencyTerms) -> Trend:
    """The later half of a series against the earlier one (which has one less of an odd number); oldest first.

    Believed when the two-sample, two-sided t-test with equal variances says so and the change leaves the dead band.
    """
    earlier, later = np.split(series, [len(series) // 2])
    change = float(later.mean() / earlier.mean() - 1.0)
    pvalue = _pvalue(earlier, later)
    if pvalue >= terms.significance or abs(change) <= terms.dead_band_ratio:
        return Trend("stable", change, pvalue)
    return Trend("improving" if change > 0 else "degrading", change, pvalue)


def trend_score(found: Trend) -> float:
    """Points: 85 to 100 for improving, 70 to 85 for stable, under 70 for degrading.

    >>> [round(trend_score(Trend("degrading", change, 0.01)), 9) for change in (-0.06, -0.20)]
    [58.0, 30.0]
    """
    percent = abs(100.0 * found.change)
    if found.direction == "improving":
        return 85.0 + min(15.0, percent / 2)
    if found.direction == "degrading":
        return max(0.0, 70.0 - 2 * percent)
    return 70.0 + max(0.0, 15.0 - percent)


def consistency_score(variation: float) -> float:
    """Points for a coefficient of variation (population sigma divided by mean): 100 for none, 0 from 0.5."""
    return max(0.0, 100.0 - 200.0 * variation)


def anomaly_score(rate: float) -> float:
    """Points for anomalies per session, where a session may count twice: by deduplication and by compression.

    >>> [round(anomaly_score(count / 40), 9) for count in (0, 1, 2, 4, 6, 8)]
    [100.0, 93.75, 87.5, 75.0, 37.5, 0.0]
    """
    if rate < 0.10:
        return 75.0 + 25.0 * (1.0 - 10.0 * rate)
    return 75.0 - 750.0 * (rate - 0.10) if rate < 0.20 else 0.0


def overall_score(components: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Not rounded, so that 84.995 is no A."""
    return math.fsum(weight * components[name] for name, weight in weights.items())


def grade(score: float) -> str:
    return next((letter for least, letter in _GRADES if score >= least), "F")


def rating(letter: str) -> str:
    """A grade in a word; "" for none."""
    return _RATINGS.get(letter, "")


def optimization_potential(data: float, ratio: float, target_ratio: float) -> float:
    """Bytes that less would be stored at the target (combined, x:1) than at `ratio`; never negative.

    >>> optimization_potential(900.0, 1.25 * 2.0, 2.5 * 1.8)
    160.0
    """
    return max(0.0, data / ratio - data / target_ratio)


def per_month(bytes_per_day: float) -> float:
    return _MONTH_DAYS * bytes_per_day


def saving_per_year(bytes_per_day: float, price_per_tebibyte: float) -> float:
    """Of data written, not of data kept: retention is not looked at."""
    return 12 * per_month(bytes_per_day) / TEBIBYTE * price_per_tebibyte


def variation(series: Floats, group: Ints) -> float:
    """Coefficient of variation with every value taken relative to the mean of its group."""
    found = math.sqrt(float(np.mean((_relative(series, group) - 1.0) ** 2)))
    return found if found > _ROUNDING else 0.0


def anomalies(series: Floats, group: Ints) -> Anomalies:
    """Which values are beyond three population sigmas of their group, outliers included.

    Among n values none is beyond the square root of n - 1 sigmas, so ten or fewer have no anomaly.
    """
    relative = _relative(series, group)
    sigma = np.sqrt(np.bincount(group, (relative - 1.0) ** 2) / np.maximum(1, np.bincount(group)))[group]
    beyond = (sigma > _ROUNDING) & (np.abs(relative - 1.0) > _SIGMAS * sigma + _ROUNDING)
    return Anomalies(beyond, beyond & (relative < _CRITICAL_BELOW_MEAN))


def _relative(series: Floats, group: Ints) -> Floats:
    means = np.bincount(group, series) / np.maximum(1, np.bincount(group))
    relative: Floats = series / means[group]
    return relative


def _pvalue(earlier: Floats, later: Floats) -> float:
    """1 for a series without variance; 0 for halves without, that differ: no chance is left to either."""
    # scipy.stats.ttest_ind gives the same, after half a second of imports, and a warning where there is no variance.
    from scipy.special import stdtr

    difference, level = abs(float(later.mean() - earlier.mean())), abs(float(earlier.mean()))
    if difference <= _ROUNDING * level:
        return 1.0
    squares = earlier.size * float(earlier.var()) + later.size * float(later.var())
    freedom = earlier.size + later.size - 2
    error = math.sqrt(squares / freedom * (1 / earlier.size + 1 / later.size))
    return 2.0 * float(stdtr(freedom, -difference / error)) if error > _ROUNDING * level else 0.0


def _ordered(reductions: Reductions) -> _Sessions:
    r = reductions
    job_of = _codes((job_id, "" if job_id else job) for job_id, job, _ in r.jobs)
    job = job_of[r.job_of]
    found = _Sessions(
        r.at, r.data_bytes, r.stored_bytes, r.dedup_ratio, r.compression_ratio, r.job_of.astype(np.intp), job,
        3 * job + r.is_full + 1,
    )  # fmt: skip
    # By more than their time, so that sessions of one moment always come in the same order.
    return found.of(np.lexsort((r.job_of, r.compression_ratio, r.dedup_ratio, r.data_bytes, r.at)))


def _codes(keys: Iterable[Key]) -> Ints:
    """For each key its place among the different ones, sorted."""
    keys = list(keys)
    places = {key: place for place, key in enumerate(sorted(set(keys)))}
    return np.array([places[key] for key in keys], np.intp)


def _split(sessions: _Sessions, code: Ints) -> Iterator[_Sessions]:
    """The sessions of every code from 0, in the order they are in."""
    order = np.argsort(code, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(code))[:-1]):
        if rows.size:
            yield sessions.of(rows)


def _telling(sessions: _Sessions, terms: EfficiencyTerms, at: float) -> _Sessions:
    s = sessions
    recent = s.at >= at - terms.window_seconds
    return s.of(recent & (s.data >= terms.smallest_data_bytes) & (s.stored > 0) & (s.dedup > 0) & (s.compression > 0))


def _judged(
    sessions: _Sessions, terms: EfficiencyTerms, at: float, *, job_id: str, job: str, repository: str
) -> Efficiency:
    s, count = sessions, len(sessions.at)
    judged = Efficiency(
        job_id=job_id, job=job, repository=repository, sessions=count, status=INSUFFICIENT,
        newest_at=float(s.at[-1]) if count else None,
    )  # fmt: skip
    if count < terms.minimum_sessions:
        return judged
    dedup_trend, compression_trend = trend(s.dedup, terms), trend(s.compression, terms)
    dedup, compression = anomalies(s.dedup, s.job), anomalies(s.compression, s.job)
    critical = dedup.critical | compression.critical
    components = {
        "dedup": benchmark_score(float(s.dedup.mean()), terms.dedup),
        "compression": benchmark_score(float(s.compression.mean()), terms.compression),
        "trend": trend_score(dedup_trend),
        "consistency": consistency_score(variation(s.combined, s.series)),
        "anomaly": anomaly_score((dedup.beyond.sum() + compression.beyond.sum()) / count),
    }
    score = overall_score(components, terms.weights)
    mean = float(s.combined.mean())
    days = min(terms.window_seconds / DAY, max(1.0, math.ceil((at - s.at[0]) / DAY)))
    data, stored = float(s.data.sum()), float(s.stored.sum())
    flags = (bool(critical.any()), dedup_trend.direction == "degrading", variation(s.dedup, s.job) > _HIGH_VARIANCE)
    return replace(
        judged,
        status=OK,
        components=components,
        score=score,
        grade=grade(score),
        trend=dedup_trend.direction,
        dedup_trend_ratio=dedup_trend.change,
        dedup_trend_pvalue=dedup_trend.pvalue,
        compression_trend_ratio=compression_trend.change,
        dedup_mean=float(s.dedup.mean()),
        compression_mean=float(s.compression.mean()),
        combined_mean=mean,
        combined_stddev=float(s.combined.std()),
        last_to_mean_ratio=float(s.combined[-1]) / mean,
        anomalous_sessions=int((dedup.beyond | compression.beyond).sum()),
        last_is_critical=bool(critical[-1]),
        flags=dict(zip(FLAGS, flags, strict=True)),
        # Sums over the days, for a job may run many times a day; and data / stored is exact where ratios are rounded.
        potential_bytes_per_day=optimization_potential(data, data / stored, terms.target_ratio) / days,
    )
