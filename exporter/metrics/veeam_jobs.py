"""Veeam Backup & Replication: jobs, their sessions and their repositories."""

from __future__ import annotations

from exporter.findings.veeam_jobs import JobFinding
from exporter.metrics.family import Subject, counters, gauge, gauge_by, info, stateset
from exporter.model import JOB_RESULTS, JobRun, OperationJobs

BACKUP_JOB = Subject(
    ("backup_job",),
    ("backup_jobs", "sessions", "backups", "repositories"),
    lambda f: f.job_findings,
    lambda j: (j.job.name,),
)
SESSION_TYPE = Subject(("session_type",), ("sessions",), lambda f: f.session_types, lambda o: (o.operation,))
SESSIONS = Subject((), ("sessions",), lambda f: f.session_histories, lambda _: ())
REPOSITORY = Subject(("pool",), ("repositories", "pools"), lambda f: f.repositories, lambda r: (r.pool,))
EXTENT = Subject(
    ("pool",),
    ("repositories", "pools"),
    lambda f: [r for r in f.repositories if r.repository.scale_out],
    lambda r: (r.pool,),
)

# As VBR calls what the ledger calls partial and killed.
_RESULTS = {"partial": "warning", "killed": "canceled"}
_NO_RUN = JobRun(job_id="", result="none", ended_at=0.0)


def _run(finding: JobFinding) -> JobRun:
    return finding.run or _NO_RUN


def _completed(found: OperationJobs) -> dict[tuple[str, ...], int]:
    return {(_RESULTS.get(result, result),): count for result, count in found.finished_total.items()}


FAMILIES = (
    info("ebbtide_veeam_job_info", "A backup job; join on source and backup_job.", BACKUP_JOB, ("job_id", "job_type", "repository"), lambda j: (j.job.id, j.job.job_type, j.job.repository)),
    gauge("ebbtide_veeam_job_enabled", "0 if the job is disabled.", BACKUP_JOB, lambda j: j.job.enabled),
    gauge("ebbtide_veeam_job_running", "1 while a session of the job runs.", BACKUP_JOB, lambda j: j.job.running),
    stateset("ebbtide_veeam_job_last_result", "1 for the result of the last finished session.", BACKUP_JOB, "result", JOB_RESULTS, lambda j: j.last_result),
    gauge("ebbtide_veeam_job_last_run_timestamp_seconds", "Start of the last session.", BACKUP_JOB, lambda j: j.job.last_run_at),
    gauge("ebbtide_veeam_job_next_run_timestamp_seconds", "When the job is scheduled to start next; absent where it is not.", BACKUP_JOB, lambda j: j.job.next_run_at),
    gauge("ebbtide_veeam_job_last_success_timestamp_seconds", "End of the last session that succeeded, with warnings or without.", BACKUP_JOB, lambda j: j.last_success_at),
    gauge("ebbtide_veeam_job_last_session_duration_seconds", "How long the last finished session took.", BACKUP_JOB, lambda j: _run(j).duration_seconds),
    gauge("ebbtide_veeam_job_last_session_processed_bytes", "Logical size of what the last finished session handled.", BACKUP_JOB, lambda j: _run(j).processed_bytes),
    gauge("ebbtide_veeam_job_last_session_read_bytes", "What it read from the source, before deduplication and compression.", BACKUP_JOB, lambda j: _run(j).read_bytes),
    gauge("ebbtide_veeam_job_last_session_transferred_bytes", "What it sent to the target, after both. The stored size is another.", BACKUP_JOB, lambda j: _run(j).transferred_bytes),
    gauge("ebbtide_veeam_job_objects", "Objects in the job.", BACKUP_JOB, lambda j: j.job.objects),
    gauge("ebbtide_veeam_job_retention_configured_seconds", "How long the job keeps a backup; absent where it counts restore points.", BACKUP_JOB, lambda j: j.job.retention_seconds),
    gauge("ebbtide_veeam_job_retention_configured_restore_points", "How many restore points the job keeps; absent where it counts days.", BACKUP_JOB, lambda j: j.job.retention_points),
    gauge_by("ebbtide_veeam_job_gfs_restore_points", "Long-term (GFS) restore points that the job keeps: weekly, monthly, yearly, as far as switched on.", BACKUP_JOB, "period", lambda j: j.job.gfs or {}),
    gauge("ebbtide_veeam_job_restore_points", "Restore points of the job, of all its objects.", BACKUP_JOB, lambda j: j.restore_points),
    gauge("ebbtide_veeam_job_oldest_restore_point_timestamp_seconds", "The oldest that no GFS rule keeps; before VBR 12.3, which does not tell them apart, the oldest of all.", BACKUP_JOB, lambda j: j.oldest_at),
    gauge("ebbtide_veeam_job_newest_restore_point_timestamp_seconds", "The newest that no GFS rule keeps.", BACKUP_JOB, lambda j: j.newest_at),
    gauge("ebbtide_veeam_job_immutable_seconds", "How long nobody can delete a backup in the job's repository, which may make it older than configured; 0 without immutability.", BACKUP_JOB, lambda j: j.immutable_seconds),

    gauge("ebbtide_veeam_sessions_fill_ratio", "How much of the session history has been read into the ledger; until it is 1, some counts are absent.", SESSIONS, lambda s: s.fill_ratio),
    gauge("ebbtide_veeam_sessions_running", "Sessions that are at work.", SESSION_TYPE, lambda o: o.running),
    counters("ebbtide_veeam_sessions_completed_total", "Finished sessions, each counted once, across restarts.", SESSION_TYPE, ("result",), _completed),
    gauge("ebbtide_veeam_session_type_sessions_24h", "Sessions that ended in the 24 hours before the poll.", SESSION_TYPE, lambda o: o.finished_24h),
    gauge("ebbtide_veeam_session_type_failed_sessions_24h", "Sessions that failed or were canceled in the 24 hours before the poll.", SESSION_TYPE, lambda o: o.failed_24h),
    gauge("ebbtide_veeam_session_type_sessions_30d", "Sessions that ended in the 30 days before the poll.", SESSION_TYPE, lambda o: o.finished_30d),
    gauge("ebbtide_veeam_session_type_failed_sessions_30d", "Sessions that failed or were canceled in the 30 days before the poll.", SESSION_TYPE, lambda o: o.failed_30d),
    gauge("ebbtide_veeam_session_type_last_completion_timestamp_seconds", "End of the last session of any result.", SESSION_TYPE, lambda o: o.last_completion_at),
    gauge("ebbtide_veeam_session_type_last_success_timestamp_seconds", "End of the last session without failure and warning; absent when there is none in the look-back.", SESSION_TYPE, lambda o: o.last_success_at),

    gauge("ebbtide_veeam_repository_backup_bytes", "Size of the backups in the repository as VBR counts it: logical where blocks are shared by fast clone, so it may exceed the capacity.", REPOSITORY, lambda r: r.repository.used_bytes),
    gauge("ebbtide_veeam_repository_immutable_seconds", "How long nobody can delete a new backup; 0 without immutability, absent where it is not told.", REPOSITORY, lambda r: r.repository.immutable_seconds),
    gauge("ebbtide_veeam_repository_out_of_date", "1 if the repository's components are older than the server.", REPOSITORY, lambda r: r.repository.out_of_date),
    info("ebbtide_veeam_scale_out_extent_info", "An extent of a scale-out repository: its tier (performance, capacity, archive), and its statuses (normal, sealed, maintenance, evacuate and so on) with commas between.", EXTENT, ("scale_out_repository", "tier", "status"), lambda r: (r.repository.scale_out, r.repository.tier, ",".join(r.repository.extent_statuses))),
)  # fmt: skip
