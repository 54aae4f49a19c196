"""Veeam Backup & Replication: jobs and their backup files."""

from __future__ import annotations

from exporter.metrics.family import Subject, gauge, info, stateset
from exporter.model import JOB_RESULTS

BACKUP_JOB = Subject(("backup_job",), ("backup_jobs",), lambda f: f.backup_jobs, lambda j: (j.name,))
BACKUP_FILES = Subject(("backup_job",), ("backup_files",), lambda f: f.job_reductions, lambda r: (r.job,))

FAMILIES = (
    info("ebbtide_veeam_job_info", "A backup job; join on source and backup_job.", BACKUP_JOB, ("job_id", "job_type", "repository"), lambda j: (j.id, j.job_type, j.repository)),
    gauge("ebbtide_veeam_job_enabled", "0 if the job is disabled.", BACKUP_JOB, lambda j: j.enabled),
    gauge("ebbtide_veeam_job_running", "1 while a session of the job runs.", BACKUP_JOB, lambda j: j.running),
    stateset("ebbtide_veeam_job_last_result", "1 for the result of the last finished session.", BACKUP_JOB, "result", JOB_RESULTS, lambda j: j.last_result),
    gauge("ebbtide_veeam_job_last_run_timestamp_seconds", "Start of the last session.", BACKUP_JOB, lambda j: j.last_run_at),
    gauge("ebbtide_veeam_job_last_success_timestamp_seconds", "End of the last successful session.", BACKUP_JOB, lambda j: j.last_success_at),
    gauge("ebbtide_veeam_job_objects", "Objects in the job.", BACKUP_JOB, lambda j: j.objects),
    gauge("ebbtide_veeam_job_dedup_ratio", "Logical bytes divided by deduplicated bytes of the job's backup files: 1 means nothing was saved.", BACKUP_FILES, lambda r: r.dedup_ratio),
    gauge("ebbtide_veeam_job_compression_ratio", "Deduplicated bytes divided by stored bytes of the job's backup files.", BACKUP_FILES, lambda r: r.compression_ratio),
    gauge("ebbtide_veeam_job_logical_bytes", "Data in the job's backup files before deduplication and compression.", BACKUP_FILES, lambda r: r.logical_bytes),
    gauge("ebbtide_veeam_job_stored_bytes", "Size of the job's backup files.", BACKUP_FILES, lambda r: r.stored_bytes),
    gauge("ebbtide_veeam_job_backup_files", "Backup files of the job.", BACKUP_FILES, lambda r: r.files),
)  # fmt: skip
