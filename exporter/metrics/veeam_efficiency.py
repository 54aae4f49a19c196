"""Veeam: how well jobs and repositories reduce their data, by the sessions of a window."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.metrics.family import Subject, gauge, gauge_by, info, stateset
from exporter.model import GRADES, TRENDS, Efficiency

_GRADED = ("efficiency",)


def _scored(found: Iterable[Efficiency]) -> list[Efficiency]:
    return [e for e in found if e.score is not None]


JOB = Subject(("backup_job",), _GRADED, lambda f: f.job_efficiencies, lambda e: (e.job,))
SCORED_JOB = Subject(("backup_job",), _GRADED, lambda f: _scored(f.job_efficiencies), lambda e: (e.job,))
REPOSITORY = Subject(("pool",), _GRADED, lambda f: f.repository_efficiencies, lambda e: (e.repository,))
SCORED_REPOSITORY = Subject(("pool",), _GRADED, lambda f: _scored(f.repository_efficiencies), lambda e: (e.repository,))

FAMILIES = (
    info("ebbtide_veeam_job_efficiency_info", "Whether the job has an efficiency score, or why not (insufficient_sessions).", JOB, ("status",), lambda e: (e.status,)),
    gauge("ebbtide_veeam_job_efficiency_sessions", "Sessions of the window that count; a score needs 30 in 90 days, unless configured otherwise.", JOB, lambda e: e.sessions),
    gauge("ebbtide_veeam_job_efficiency_newest_session_timestamp_seconds", "The newest of them: how old what the score says is.", JOB, lambda e: e.newest_at),
    gauge("ebbtide_veeam_job_efficiency_score", "The weighted components, 0 to 100: dedup 30 %, compression 25, trend 20, consistency 15, anomaly 10, unless configured otherwise.", SCORED_JOB, lambda e: e.score),
    gauge_by("ebbtide_veeam_job_efficiency_component_score", "A component of the score, 0 to 100.", SCORED_JOB, "component", lambda e: e.components),
    stateset("ebbtide_veeam_job_efficiency_grade", "1 for the grade: A from 85 points, B from 70, C from 55, D from 40, else F; none without a score.", JOB, "grade", GRADES, lambda e: e.grade),
    stateset("ebbtide_veeam_job_efficiency_trend", "1 for the trend of deduplication; one that is not significant, or small, is stable; none without a score.", JOB, "trend", TRENDS, lambda e: e.trend),
    gauge("ebbtide_veeam_job_efficiency_trend_ratio", "Relative change of the mean deduplication ratio from the earlier to the later half of the sessions; -0.05 is 5 % worse.", SCORED_JOB, lambda e: e.dedup_trend_ratio),
    gauge("ebbtide_veeam_job_efficiency_trend_pvalue", "p of that change: how likely it is chance.", SCORED_JOB, lambda e: e.dedup_trend_pvalue),
    gauge("ebbtide_veeam_job_compression_trend_ratio", "The same change of the compression ratio; not part of the score.", SCORED_JOB, lambda e: e.compression_trend_ratio),
    gauge("ebbtide_veeam_job_combined_ratio_mean", "Mean over the sessions of data against what was stored of it: 4 is 4:1, 1 means that nothing was saved.", SCORED_JOB, lambda e: e.combined_mean),
    gauge("ebbtide_veeam_job_combined_ratio_stddev", "Standard deviation of the same (population).", SCORED_JOB, lambda e: e.combined_stddev),
    gauge("ebbtide_veeam_job_combined_ratio_last_to_mean", "The newest session's combined ratio against the mean; 1 is as usual.", SCORED_JOB, lambda e: e.last_to_mean_ratio),
    gauge("ebbtide_veeam_job_efficiency_anomalous_sessions", "Sessions whose deduplication or compression is beyond three sigma.", SCORED_JOB, lambda e: e.anomalous_sessions),
    gauge("ebbtide_veeam_job_efficiency_critical_anomaly", "1 if the newest session is beyond three sigma and more than 20 % under the mean.", SCORED_JOB, lambda e: e.last_is_critical),
    gauge_by("ebbtide_veeam_job_efficiency_flag", "1 for a remark on the sessions: CRITICAL_ANOMALIES, DEGRADING_TREND, HIGH_VARIANCE.", SCORED_JOB, "flag", lambda e: e.flags),
    gauge("ebbtide_veeam_job_optimization_potential_bytes", "Bytes per day that the job would store less at the target ratios (2.5 x 1.8, unless configured otherwise); 0 where it is better.", SCORED_JOB, lambda e: e.potential_bytes_per_day),

    info("ebbtide_veeam_repository_efficiency_info", "Whether the repository, or scale-out repository, has an efficiency score, or why not (insufficient_sessions); pool is its name.", REPOSITORY, ("status",), lambda e: (e.status,)),
    gauge("ebbtide_veeam_repository_efficiency_sessions", "Sessions of its jobs in the window that count.", REPOSITORY, lambda e: e.sessions),
    gauge("ebbtide_veeam_repository_efficiency_score", "The score over the sessions of all its jobs, each compared with those of its own job.", SCORED_REPOSITORY, lambda e: e.score),
    gauge_by("ebbtide_veeam_repository_efficiency_component_score", "A component of that score, 0 to 100.", SCORED_REPOSITORY, "component", lambda e: e.components),
    stateset("ebbtide_veeam_repository_efficiency_grade", "1 for the grade, by the points of a job.", REPOSITORY, "grade", GRADES, lambda e: e.grade),
    gauge("ebbtide_veeam_repository_optimization_potential_bytes", "Bytes per day that its jobs would store less at the target ratios.", SCORED_REPOSITORY, lambda e: e.potential_bytes_per_day),
)  # fmt: skip
