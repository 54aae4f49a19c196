"""What is computed on a schedule of its own from what a source said before: no poll and no scrape waits for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from exporter.findings import Findings
from exporter.findings.anomalies import job_anomalies
from exporter.findings.config import ForecastSettings
from exporter.findings.forecasts import forecast_pools
from exporter.findings.groups import remember_disks
from exporter.findings.past import analyse_cycles, observe_space
from exporter.findings.veeam_efficiency import forget_old_sessions, grade_jobs, remember_jobs
from exporter.history import History
from exporter.model import HOUR, CycleAnalysis, JobAnomalies, Poll, Source

# The collectors that say how full things are.
_SIZES = ("pools", "mounts")
# Those that fill the ledger with what sessions stored.
_REDUCTIONS = ("backups", "drop_file", "enterprise_manager")
# Those that say how the jobs of these sessions are called, and where they lie.
_NAMES = ("backup_jobs", "pools")
# Those that fill the ledger with finished runs.
_RUNS = ("jobs", "sessions")
_SPACE_S = 900.0


@dataclass(frozen=True)
class Derived:
    """`name` is the Inventory field it fills; it is computed at once when one of `after` answers for the first time."""

    name: str
    after: tuple[str, ...]
    interval: float
    compute: Callable[[Findings, Poll], object]


def derived(source: Source, history: History, executor: Executor, settings: ForecastSettings) -> tuple[Derived, ...]:
    """What can be computed for a source with its collectors."""
    kind, grading = source.kind, source.efficiency
    intervals = {collector.name: collector.interval for collector in source.collectors}
    found: list[Derived] = []
    sizes = [name for name in _SIZES if name in intervals]
    if sizes:

        def forecasts(findings: Findings, poll: Poll) -> object:
            remember_disks(findings.pools, poll.state)
            return forecast_pools(findings.source, findings.pools, history, poll.at, executor, settings)

        found.append(Derived("forecasts", tuple(sizes), settings.interval, forecasts))
        # Nothing is pruned from a filesystem.
        if "pools" in sizes:
            often = min(_SPACE_S, max(60.0, 4 * intervals["pools"]))

            def space(findings: Findings, poll: Poll) -> object:
                return observe_space(kind, findings.pools, findings.dedup_stores, poll.state, poll.at)

            found.append(Derived("space", ("pools",), often, space))
    if "jobs" in intervals and "plans" in intervals:
        # Fulls come by the day.
        found.append(Derived("cycles", ("jobs", "plans"), min(HOUR, 12 * intervals["jobs"]), _cycles))
    runs = tuple(name for name in _RUNS if name in intervals)
    if runs:
        often = min(HOUR, 12 * min(intervals[name] for name in runs))

        def anomalies(findings: Findings, poll: Poll) -> object:
            history = findings.inventory.jobs or findings.inventory.sessions
            if history is None or history.fill_ratio < 1:
                return JobAnomalies()
            return job_anomalies(kind, poll.state, poll.at, findings.backup_jobs)

        found.append(Derived("anomalies", runs, often, anomalies))
    feeds = tuple(name for name in _REDUCTIONS if name in intervals)
    if grading is not None and feeds:

        def efficiency(findings: Findings, poll: Poll) -> object:
            forget_old_sessions(grading, poll.state, poll.at)
            remember_jobs(findings.backup_jobs, poll.state)
            return grade_jobs(findings.backup_jobs, findings.pool_names, grading, poll.state, poll.at)

        # Sessions come by the day.
        often = min(HOUR, 12 * min(intervals[name] for name in feeds))
        names = tuple(name for name in _NAMES if name in intervals)
        found.append(Derived("efficiency", (*feeds, *names), often, efficiency))
    return tuple(found)


def _cycles(findings: Findings, poll: Poll) -> object:
    plans, jobs = findings.inventory.plans, findings.inventory.jobs
    if plans is None or jobs is None or jobs.fill_ratio < 1:
        # In a job history that is still being read fulls are missing.
        return CycleAnalysis((), ())
    return analyse_cycles(findings.rules, plans.cycle_semantics, poll.state, poll.at)
