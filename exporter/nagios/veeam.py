"""Jobs of Veeam Backup & Replication: their last result, and how well they reduce their data."""

from __future__ import annotations

from collections.abc import Iterator

from nagiosplugin import Performance

from exporter.nagios.check import Check, Data, name_of, performance
from exporter.nagios.verdict import Finding, State

_RESULT, _ENABLED = "ebbtide_veeam_job_last_result", "ebbtide_veeam_job_enabled"
_SUCCESS, _RUN = "ebbtide_veeam_job_last_success_timestamp_seconds", "ebbtide_veeam_job_last_run_timestamp_seconds"
_NEXT, _RUNNING = "ebbtide_veeam_job_next_run_timestamp_seconds", "ebbtide_veeam_job_running"
_SCORE, _SESSIONS = "ebbtide_veeam_job_efficiency_score", "ebbtide_veeam_job_efficiency_sessions"
_TREND, _TREND_RATIO = "ebbtide_veeam_job_efficiency_trend", "ebbtide_veeam_job_efficiency_trend_ratio"
_ANOMALY, _NEWEST = (
    "ebbtide_veeam_job_efficiency_critical_anomaly",
    "ebbtide_veeam_job_efficiency_newest_session_timestamp_seconds",
)
_LAST_TO_MEAN = "ebbtide_veeam_job_combined_ratio_last_to_mean"
_JOB = ("source", "backup_job")


def _jobs(data: Data) -> Iterator[Finding]:
    enabled, running = (data.samples.values(metric, *_JOB) for metric in (_ENABLED, _RUNNING))
    succeeded, ran, scheduled = (data.samples.values(metric, *_JOB) for metric in (_SUCCESS, _RUN, _NEXT))
    failed = {s.at(*_JOB) for s in data.of(_RESULT, "backup_job", result="failed") if s.value == 1}
    for sample in data.of(_RESULT, "backup_job"):
        key, name = sample.at(*_JOB), name_of(sample, "backup_job")
        if sample.value != 1:
            continue
        if enabled.get(key) == 0:
            yield Finding(name, State.OK, "is disabled", 2.0)
            continue
        age = data.now - succeeded[key] if key in succeeded else None
        limits = data.by_severity("ebbtide_veeam_job_last_success_age_seconds", sample.labels, "{}")
        state, text = State.OK, f"ended its last session with {sample.labels['result']}"
        if key in failed:
            state = max(State.WARNING, State.OK if age is None else limits.state(age))
            text += ", and never succeeded" if age is None else f", and succeeded {age / 86400:.1f} days ago"
        idle = data.by_severity("ebbtide_veeam_job_last_run_age_seconds", sample.labels, "{}")
        since = data.now - ran.get(key, data.now)
        if key in scheduled and running.get(key) != 1 and idle.warning is not None and since not in idle.warning:
            state, text = (
                max(state, State.WARNING),
                f"{text}, is scheduled and has not run for {since / 86400:.1f} days",
            )
        shown = None if age is None else performance(name, age, "s", limits, 0)
        yield Finding(name, state, text, -(age or 0.0), shown)


def _efficiency(data: Data) -> Iterator[Finding | Performance]:
    scores = {s.at(*_JOB): s.value for s in data.of(_SCORE, "backup_job")}
    jobs = sorted({*scores, *(s.at(*_JOB) for s in data.of(_SESSIONS, "backup_job"))})
    degrading = {s.at(*_JOB) for s in data.of(_TREND, trend="degrading") if s.value == 1}
    by_how_much = data.samples.values(_TREND_RATIO, *_JOB)
    significant = data.threshold(_TREND_RATIO, {}, alert="EbbtideVeeamEfficiencyDegrading")
    anomalous = _anomalous(data)
    grade_f = data.threshold(_SCORE, {}, alert="EbbtideVeeamEfficiencyGradeF")
    for key in jobs:
        name, score = "/".join(key), scores.get(key)
        if score is None:
            yield Finding(name, State.OK, "has too few sessions for a score", 100.0)
            continue
        # The rules call an F information; ranges are the user's own judgement.
        limits = data.limits("{}:")
        state, text = limits.state(score), f"has {score:.0f} of 100 points"
        if grade_f is not None and score < grade_f:
            text += ", an F"
        change = abs(by_how_much.get(key, 0.0))
        if key in degrading and significant is not None and change > significant:
            state, text = max(state, State.WARNING), f"{text}, deduplicates {change:.0%} worse than it did"
        if key in anomalous:
            state, text = (
                State.CRITICAL,
                f"{text}, reduced its newest session to {anomalous[key]:.0%} of its usual ratio",
            )
        yield Finding(name, state, text, score, performance(name, score, "", limits, 0))


def _anomalous(data: Data) -> dict[tuple[str, ...], float]:
    """Jobs whose newest session reduced its data unusually badly, and is not old; with its ratio to the mean."""
    flagged, newest = data.samples.values(_ANOMALY, *_JOB), data.samples.values(_NEWEST, *_JOB)
    oldest = data.threshold(
        "ebbtide_veeam_job_efficiency_newest_session_age_seconds", {}, alert="EbbtideVeeamEfficiencyCriticalAnomaly"
    )
    return {
        key: ratio
        for key, ratio in data.samples.values(_LAST_TO_MEAN, *_JOB).items()
        if flagged.get(key) == 1 and key in newest and oldest is not None and data.now - newest[key] < oldest
    }


CHECKS = (
    Check(
        "veeam-job",
        "Last result of jobs, and how long ago they succeeded and ran; seconds.",
        "jobs",
        ("EbbtideVeeamJobFailed", "EbbtideVeeamJobNoRecentSuccess", "EbbtideVeeamJobNotRun"),
        (_RESULT, _ENABLED, _RUNNING, _SUCCESS, _RUN, _NEXT),
        _jobs,
        collectors=("backup_jobs", "sessions"),
        kinds=("veeam",),
    ),
    Check(
        "veeam-efficiency",
        "Deduplication and compression of jobs: anomalies, trends; score of 100.",
        "jobs",
        ("EbbtideVeeamEfficiencyCriticalAnomaly", "EbbtideVeeamEfficiencyDegrading", "EbbtideVeeamEfficiencyGradeF"),
        (_SCORE, _SESSIONS, _TREND, _TREND_RATIO, _ANOMALY, _NEWEST, _LAST_TO_MEAN),
        _efficiency,
        collectors=("sessions",),
        kinds=("veeam",),
    ),
)
